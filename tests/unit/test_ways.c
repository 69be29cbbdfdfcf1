/* SPDX-License-Identifier: ISC */
/* Which changes between two versions of a fleet touch a way in. */
#include "agent/client/ways.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fleetcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    INT64_C(1772445600) /* 2026-03-02 */

#define TOP                                   \
	"==> top.yaml\n"                      \
	"states:\n"                           \
	"  - {match: \"*\", apply: [base]}\n" \
	"  - {match: \"db-*\", apply: [db]}\n"
#define FLEET              \
	"==> fleet.yaml\n" \
	"hosts: {interval: 30m}\n" TOP
#define DB                     \
	"==> states/db.yaml\n" \
	"door:\n"              \
	"  iptables:\n"        \
	"    input: {policy: drop, allow: [{port: 22}]}\n"

static int
compare(struct ways *w, const struct fleet *from, const struct fleet *to,
    const char *id, struct err *e)
{
	struct strs roles = {0};
	struct grains g = {0};
	struct fleet_host host = {
	    .id = id, .roles = &roles, .grains = &g, .now = NOW};
	int r = grains_set(&g, "os", "debian");

	if (r == 0)
		r = ways_compare(w, from, to, &host, e);
	grains_clear(&g);
	return r;
}

/* What is said of two fleets, for these hosts; NULL from: nothing before. */
static char *
said(const char *from, const char *to, const char *const *ids, size_t n)
{
	struct fleet *a = from != NULL ? fleetcase_parse(from) : NULL,
		     *b = fleetcase_parse(to);
	struct ways w = {0};
	struct str s = STR_INIT;
	struct err e = {0};
	char *out;

	for (size_t i = 0; i < n; i++)
		if (compare(&w, a, b, ids[i], &e) != 0)
			fail_msg("%s", e.msg);
	ways_describe(&w, n, &s);
	assert_int_equal(str_take(&s, &out), 0);
	ways_clear(&w);
	fleet_free(a);
	fleet_free(b);
	return out;
}

static void
expect(const char *name, const char *from, const char *to, const char *want)
{
	static const char *const ids[] = {"web-1"};
	char *got = said(from, to, ids, 1);

	if (strcmp(got, want) != 0)
		fail_msg("%s: got\n%s\nwanted\n%s", name, got, want);
	free(got);
}

#define BASE(text) FLEET "==> states/base.yaml\n" text DB

static void
each_kind_of_change_is_told(void **state)
{
	static const struct {
		const char *name, *from, *to, *want;
	} cases[] = {
	    {"nothing", BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"),
		BASE("# other\na:\n  sshd_config:\n    settings: {Port: 22}\n"),
		""},
	    {"a setting",
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"),
		BASE("a:\n  sshd_config:\n    settings: {Port: 23}\n"),
		"  sshd: a (sshd_config) changes on web-1  # "
		"states/base.yaml:1\n"
		"      -settings.Port: 22\n"
		"      +settings.Port: 23\n"},
	    {"a rule more, and no other line for it",
		BASE("a:\n  iptables:\n    input: {policy: drop, allow: "
		     "[{port: 22}]}\n"),
		BASE("a:\n  iptables:\n    input: {policy: drop, allow: "
		     "[{port: 80}, {port: 22}]}\n"),
		"  firewall: a (iptables) changes on web-1  # "
		"states/base.yaml:1\n"
		"      +input.allow: {port: 80}\n"},
	    {"a state that is new", BASE("b:\n  service: {name: cron}\n"),
		BASE("b:\n  service: {name: cron}\n"
		     "a:\n  pam_limits:\n    limits: [{domain: x, type: hard, "
		     "item: nproc, value: 20}]\n"),
		"  PAM: a (pam_limits) is new on web-1  # states/base.yaml:3\n"
		"      +limits: {domain: x, type: hard, item: nproc, value: "
		"20}\n"},
	    {"one that is named no longer",
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"
		     "b:\n  service: {name: cron}\n"),
		BASE("b:\n  service: {name: cron}\n"),
		"  sshd: a (sshd_config) is named no longer on web-1  # "
		"states/base.yaml:1\n"},
	    {"no way in", BASE("b:\n  service: {name: cron}\n"),
		BASE("b:\n  service: {name: atd}\n"), ""},
	    {"a service that is one",
		BASE("b:\n  service: {name: ssh.service, running: yes}\n"),
		BASE("b:\n  service: {name: ssh.service, running: no}\n"),
		"  sshd: b (service) changes on web-1  # states/base.yaml:1\n"
		"      +running: no\n"
		"      -running: yes\n"},
	    {"a package that is taken out of a list",
		BASE("b:\n  pkg: {present: [cron, openssh-server]}\n"),
		BASE("b:\n  pkg: {present: [cron]}\n"),
		"  sshd: b (pkg) changes on web-1  # states/base.yaml:1\n"
		"      -present: openssh-server\n"},
	    {"what holds for a grain that is not this one",
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"
		     "  when: os == 'plan9'\n"),
		BASE("a:\n  sshd_config:\n    settings: {Port: 23}\n"
		     "  when: os == 'plan9'\n"),
		"  sshd: a (sshd_config) changes on web-1  # "
		"states/base.yaml:1\n"
		"      -settings.Port: 22\n"
		"      +settings.Port: 23\n"},
	    {"a condition",
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"),
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"
		     "  when: os == 'debian'\n"),
		"  sshd: a (sshd_config) changes on web-1  # "
		"states/base.yaml:1\n"
		"      +when: os == 'debian'\n"},
	    {"an exception",
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"),
		BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"
		     "  exceptions:\n    - {match: \"web-1\", reason: old, "
		     "owner: petra@example.com, expires: 2027-01-01}\n"),
		"  sshd: a (sshd_config) changes on web-1  # "
		"states/base.yaml:1\n"
		"      +exception: old\n"},
	    {"how long a host waits for its way back",
		BASE("b:\n  service: {name: cron}\n"),
		"==> fleet.yaml\nhosts: {confirm_within: 10s}\n" TOP
		"==> states/base.yaml\nb:\n  service: {name: cron}\n" DB,
		"  agent: fleet.yaml (hosts) changes on web-1  # fleet.yaml\n"
		"      +confirm_within: 10s\n"
		"      -confirm_within: 1m\n"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		expect(cases[i].name, cases[i].from, cases[i].to,
		    cases[i].want);
}

static void
a_host_that_has_nothing_gets_everything(void **state)
{
	(void)state;
	expect("all of it", NULL,
	    BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n"),
	    "  sshd: a (sshd_config) is new on web-1  # states/base.yaml:1\n"
	    "      +settings.Port: 22\n");
}

/* "all", some by name, and the rest counted. */
static void
equal_changes_are_one(void **state)
{
	static const char *const ids[] = {
	    "db-1", "db-2", "web-1", "web-2", "web-3", "web-4"};
	static const char from[] =
	    BASE("a:\n  sshd_config:\n    settings: {Port: 22}\n");
	static const char to[] =
	    FLEET "==> states/base.yaml\n"
		  "a:\n  sshd_config:\n    settings: {Port: 23}\n"
		  "==> states/db.yaml\n"
		  "door:\n  iptables:\n    input: {policy: accept}\n";
	char *got = said(from, to, ids, LEN(ids));

	(void)state;
	assert_string_equal(got,
	    "  sshd: a (sshd_config) changes on all 6 hosts  # "
	    "states/base.yaml:1\n"
	    "      -settings.Port: 22\n"
	    "      +settings.Port: 23\n"
	    "  firewall: door (iptables) changes on db-1, db-2  # "
	    "states/db.yaml:1\n"
	    "      -input.allow: {port: 22}\n"
	    "      +input.policy: accept\n"
	    "      -input.policy: drop\n");
	free(got);
	got = said(from, BASE("b:\n  service: {name: cron}\n"), ids + 1, 5);
	assert_string_equal(got,
	    "  sshd: a (sshd_config) is named no longer on all 5 hosts  # "
	    "states/base.yaml:1\n");
	free(got);
}

static void
what_does_not_compile_is_said_with_the_host(void **state)
{
	struct fleet *f = fleetcase_parse(BASE(
	    "a:\n  sshd_config:\n    settings: {Port: \"${pillar.no}\"}\n"));
	struct ways w = {0};
	struct err e = {0};

	(void)state;
	assert_int_equal(compare(&w, NULL, f, "web-1", &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "web-1: states/base.yaml:3"));
	assert_int_equal(w.n, 0);
	fleet_free(f);
}

static void
kinds_that_say_they_are_ways_in_are(void **state)
{
	const struct state_ops *const *kinds;
	size_t n;

	(void)state;
	kinds = state_kinds(&n);
	for (size_t i = 0; i < n; i++)
		if ((kinds[i]->flags & STATE_WAY_IN) != 0)
			assert_non_null(way_of(kinds[i]->name, NULL));
	assert_null(way_of("fstab", NULL));
	assert_null(way_of("no-such-kind", NULL));
	assert_null(way_of("pkg", NULL));
}

struct pair {
	struct fleet *from, *to;
};

static int
try_compare(void *arg)
{
	struct pair *p = arg;
	struct ways w = {0};
	struct str s = STR_INIT;
	struct err e = {0};
	int r = compare(&w, p->from, p->to, "db-1", &e);

	if (r == 0) {
		ways_describe(&w, 1, &s);
		r = str_check(&s);
	}
	str_clear(&s);
	ways_clear(&w);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct pair p = {
	    fleetcase_parse(BASE("a:\n  sshd_config:\n    settings: "
				 "{Port: 22}\n  when: os == 'x'\n")),
	    fleetcase_parse(
		BASE("a:\n  sshd_config:\n    settings: {Port: 23}\n"
		     "b:\n  pkg: {present: [sudo]}\n"))};

	(void)state;
	assert_true(alloc_each(try_compare, &p) > 30);
	fleet_free(p.from);
	fleet_free(p.to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_kind_of_change_is_told),
	    cmocka_unit_test(a_host_that_has_nothing_gets_everything),
	    cmocka_unit_test(equal_changes_are_one),
	    cmocka_unit_test(what_does_not_compile_is_said_with_the_host),
	    cmocka_unit_test(kinds_that_say_they_are_ways_in_are),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("ways", tests, NULL, NULL);
}
