/* SPDX-License-Identifier: ISC */
/* Which states a host gets whose grains nobody knows, and who is spared. */
#include "agent/fleet/reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/unit/fleetcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char text[] =
    "==> fleet.yaml\n"
    "masters: [{address: m, key: k}]\n"
    "roles: {web: [nobody]}\n"
    "==> top.yaml\n"
    "states:\n"
    "  - {match: '*', apply: [base]}\n"
    "  - {match: \"role == 'web'\", apply: [web]}\n"
    "  - {match: \"os == 'debian'\", apply: [debian]}\n"
    "==> states/base.yaml\n"
    "one: {pkg: {}}\n"
    "two: {pkg: {}, when: \"role == 'web'\"}\n"
    "three: {pkg: {}, when: \"os == 'debian' and not role == 'web'\"}\n"
    "spared:\n"
    "  pkg: {}\n"
    "  exceptions:\n"
    "    - {match: 'old-*', reason: first, owner: a, expires: 2026-01-01}\n"
    "    - {match: 'old-*', reason: last, owner: a, expires: 2026-02-01}\n"
    "    - {match: \"os == 'x'\", reason: may, owner: a, expires: "
    "2026-03-01}\n"
    "    - {match: 'old-1', reason: long, owner: a, expires: 2026-03-01}\n"
    "==> states/web.yaml\n"
    "include: [shared]\n"
    "four: {pkg: {}}\n"
    "==> states/debian.yaml\n"
    "include: [shared]\n"
    "five: {pkg: {}, when: \"role == 'web'\"}\n"
    "==> states/shared.yaml\n"
    "six: {pkg: {}}\n";

static void
an_expression_says_what_it_can(void **state)
{
	static const struct {
		const char *text;
		enum expr_answer want;
	} cases[] = {
	    {"db-*", EXPR_YES},
	    {"web-*", EXPR_NO},
	    {"role == 'x'", EXPR_YES},
	    {"role != 'x'", EXPR_NO},
	    {"os == 'debian'", EXPR_UNKNOWN},
	    {"os != 'debian'", EXPR_UNKNOWN},
	    {"not os == 'debian'", EXPR_UNKNOWN},
	    {"role == 'x' and os == 'y'", EXPR_UNKNOWN},
	    {"os == 'y' and role == 'y'", EXPR_NO},
	    {"role == 'y' and os == 'y'", EXPR_NO},
	    {"role == 'x' or os == 'y'", EXPR_YES},
	    {"os == 'y' or role == 'x'", EXPR_YES},
	    {"role == 'y' or os == 'y'", EXPR_UNKNOWN},
	    {"not (role == 'y' and os == 'y')", EXPR_YES},
	};
	char *names[] = {(char[]){"x"}};
	struct strs roles = {.v = names, .n = 1};
	const struct expr_host h = {.id = "db-1", .roles = &roles};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct conf_diags d = {0};
		struct expr *x = NULL;

		assert_int_equal(expr_parse_text(cases[i].text,
				     (struct conf_pos){.file = "t"}, &x, &d),
		    0);
		if (expr_ask(x, &h) != cases[i].want)
			fail_msg("%s: expected %d", cases[i].text,
			    cases[i].want);
		expr_free(x);
	}
}

/* The state of that id, and the place of its file. */
static const struct fleet_state *
state_of(const struct fleet *f, const char *id, size_t *file)
{
	for (*file = 0; *file < f->n_files; ++*file)
		for (size_t j = 0; j < f->files[*file].n_states; j++)
			if (strcmp(f->files[*file].states[j].id, id) == 0)
				return &f->files[*file].states[j];
	fail_msg("no state %s", id);
	return NULL;
}

static void
a_host_gets_what_its_id_and_roles_say(void **state)
{
	static const struct {
		const char *id;
		enum expr_answer web, other;
	} cases[] = {
	    {"one", EXPR_YES, EXPR_YES},
	    {"two", EXPR_YES, EXPR_NO},
	    {"three", EXPR_NO, EXPR_UNKNOWN},
	    {"four", EXPR_YES, EXPR_NO},
	    {"five", EXPR_UNKNOWN, EXPR_NO},
	    {"six", EXPR_YES, EXPR_UNKNOWN},
	};
	char *names[] = {(char[]){"web"}};
	struct strs none = {0}, web = {.v = names, .n = 1};
	const struct expr_host hosts[] = {
	    {.id = "a", .roles = &web}, {.id = "a", .roles = &none}};
	struct fleet *f = fleetcase_parse(text);
	enum expr_answer files[8];

	(void)state;
	assert_in_range(f->n_files, 1, LEN(files));
	for (size_t h = 0; h < LEN(hosts); h++) {
		fleet_reach(f, &hosts[h], files);
		for (size_t i = 0; i < LEN(cases); i++) {
			size_t at;
			const struct fleet_state *s =
			    state_of(f, cases[i].id, &at);
			enum expr_answer is =
			    fleet_state_reach(s, files[at], &hosts[h]);

			if (is != (h == 0 ? cases[i].web : cases[i].other))
				fail_msg("%s, host %zu: %d", cases[i].id, h,
				    is);
		}
	}
	fleet_free(f);
}

static void
an_exception_is_the_one_of_that_time(void **state)
{
	static const struct {
		const char *host, *at, *reason;
		enum expr_answer how;
	} cases[] = {
	    {"old-2", "2025-12-01T00:00:00Z", "first", EXPR_YES},
	    {"old-2", "2026-01-20T00:00:00Z", "last", EXPR_YES},
	    {"old-2", "2026-02-20T00:00:00Z", "may", EXPR_UNKNOWN},
	    {"old-2", "2026-04-01T00:00:00Z", "may", EXPR_NO},
	    {"old-1", "2026-02-20T00:00:00Z", "long", EXPR_YES},
	    {"new-1", "2026-01-01T00:00:00Z", "may", EXPR_UNKNOWN},
	};
	struct fleet *f = fleetcase_parse(text);
	struct strs none = {0};
	size_t file;
	const struct fleet_state *one = state_of(f, "one", &file);
	const struct fleet_state *s = state_of(f, "spared", &file);
	enum expr_answer how;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct expr_host h = {
		    .id = cases[i].host, .roles = &none};
		const struct fleet_exception *x;
		int64_t at;

		assert_int_equal(clock_parse(cases[i].at, &at), 0);
		x = fleet_state_spared(s, &h, at, &how);
		assert_non_null(x);
		assert_string_equal(x->reason, cases[i].reason);
		assert_int_equal(how, cases[i].how);
		assert_null(fleet_state_spared(one, &h, at, &how));
	}
	fleet_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_expression_says_what_it_can),
	    cmocka_unit_test(a_host_gets_what_its_id_and_roles_say),
	    cmocka_unit_test(an_exception_is_the_one_of_that_time),
	};

	return cmocka_run_group_tests_name("reach", tests, NULL, NULL);
}
