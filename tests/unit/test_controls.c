/* SPDX-License-Identifier: ISC */
/* Controls of a host: what its last run and the fleet's exceptions come to. */
#include "ca/audit/controls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define RAN    INT64_C(1767225600) /* 2026-01-01 */
#define FLEET                                          \
	"\"fleet\":\"000102030405060708090a0b0c0d0e0f" \
	"101112131415161718191a1b1c1d1e1f\""

/* A row of web-1, the rest of which is said. */
#define ROW(state, applies, rest)                                            \
	"{\"host\":\"web-1\",\"state\":\"" state "\",\"applies\":\"" applies \
	"\"," FLEET "," rest "}"
#define PLAIN "\"cis\":[\"1.1\"],\"excepted\":\"\""
#define SPARED(how, until)                                                    \
	"\"cis\":[\"1.1\"],\"excepted\":\"" how "\",\"reason\":\"old disk\"," \
	"\"owner\":\"olga\",\"expires\":\"" until "T23:59:59Z\""

static int
read_rows(const char *text, const struct hash *fleet,
    struct control_states *out, struct err *e)
{
	json_t *rows = NULL;
	int r = json_read_list(slice_of(text, strlen(text)), 65536, &rows, e);

	if (r == 0)
		r = control_states_read(rows, fleet, out, e);
	json_decref(rows);
	return r;
}

static void
read_good(const char *text, struct control_states *out)
{
	struct err e = {0};

	*out = (struct control_states){0};
	if (read_rows(text, NULL, out, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
}

/* web-1, of whose last run one state is named, unless it is NULL. */
static struct host_then
host(struct state_then *one, enum change_result result,
    enum run_outcome outcome)
{
	static char id[] = "web-1", limits[] = "limits";

	*one = (struct state_then){limits, result};
	return (struct host_then){.id = id,
	    .ran = true,
	    .run_at = RAN,
	    .enforce = true,
	    .outcome = outcome,
	    .states = one,
	    .n_states = outcome == RUN_UNCHANGED ? 0 : 1};
}

/* "1.1 failed limits" and so on, joined by ";"; the caller frees. */
static char *
judged(const struct host_then *h, const char *rows)
{
	struct control_states of;
	struct controls_then c = {0};
	struct str s = STR_INIT;
	char *out = NULL;

	read_good(rows, &of);
	assert_int_equal(controls_judge(h, &of, &c), 0);
	for (size_t i = 0; i < c.n; i++) {
		const struct control_then *x = &c.v[i];

		str_addf(&s, "%s%s %s %s", i > 0 ? ";" : "", x->cis,
		    control_result_name(x->result), x->states);
		if (x->why != NULL)
			str_addf(&s, ": %s", x->why);
		if (x->excepted != NULL)
			str_addf(&s, ": %s by %s", x->excepted->reason,
			    x->excepted->owner);
	}
	assert_int_equal(str_take(&s, &out), 0);
	controls_then_clear(&c);
	control_states_clear(&of);
	return out;
}

/* --- one state ------------------------------------------------------------ */

static const struct {
	const char *name, *row;
	enum change_result result;
	enum run_outcome outcome;
	bool test;
	uint64_t more;
	const char *want;
} ones[] = {
    {"nothing to do", ROW("limits", "yes", PLAIN), CHANGE_DONE, RUN_UNCHANGED,
	false, 0, "1.1 passed limits"},
    {"repaired", ROW("limits", "yes", PLAIN), CHANGE_DONE, RUN_CHANGED, false,
	0, "1.1 passed limits"},
    {"to be repaired", ROW("limits", "yes", PLAIN), CHANGE_DONE, RUN_CHANGED,
	true, 0, "1.1 failed limits: would be changed"},
    {"failed", ROW("limits", "yes", PLAIN), CHANGE_FAILED, RUN_FAILED, false, 0,
	"1.1 failed limits: failed"},
    {"undone", ROW("limits", "yes", PLAIN), CHANGE_UNDONE, RUN_UNDONE, false, 0,
	"1.1 failed limits: undone"},
    {"skipped, for another failed", ROW("limits", "yes", PLAIN), CHANGE_SKIPPED,
	RUN_FAILED, false, 0, "1.1 failed limits: skipped"},
    {"another failed", ROW("sshd", "yes", PLAIN), CHANGE_FAILED, RUN_FAILED,
	false, 0, "1.1 passed sshd"},
    {"none of it", ROW("sshd", "no", PLAIN), CHANGE_FAILED, RUN_FAILED, false,
	0, "1.1 not applicable sshd"},
    {"excepted", ROW("sshd", "yes", SPARED("yes", "2026-03-01")), CHANGE_DONE,
	RUN_CHANGED, false, 0, "1.1 excepted sshd: old disk by olga"},
    {"an exception that ended before",
	ROW("sshd", "yes", SPARED("ended", "2025-12-01")), CHANGE_DONE,
	RUN_CHANGED, false, 0, "1.1 passed sshd"},
    {"an exception that ended since",
	ROW("sshd", "yes", SPARED("ended", "2026-01-02")), CHANGE_DONE,
	RUN_CHANGED, false, 0,
	"1.1 unknown sshd: its exception has ended since its last run"},
    {"an exception of grains",
	ROW("sshd", "yes", SPARED("unknown", "2026-03-01")), CHANGE_DONE,
	RUN_CHANGED, false, 0,
	"1.1 unknown sshd: whether it is spared hangs on grains"},
    {"excepted, and it failed all the same",
	ROW("limits", "yes", SPARED("unknown", "2026-03-01")), CHANGE_FAILED,
	RUN_FAILED, false, 0, "1.1 failed limits: failed"},
    {"a state of grains", ROW("sshd", "unknown", PLAIN), CHANGE_DONE,
	RUN_CHANGED, false, 0,
	"1.1 unknown sshd: whether it gets the state hangs on grains"},
    {"of grains, and named", ROW("limits", "unknown", PLAIN), CHANGE_FAILED,
	RUN_FAILED, false, 0, "1.1 failed limits: failed"},
    {"not begun", ROW("sshd", "yes", PLAIN), CHANGE_DONE, RUN_REFUSED, false, 0,
	"1.1 unknown sshd: its last run was not begun"},
    {"broken off", ROW("sshd", "yes", PLAIN), CHANGE_DONE, RUN_FAILED, false, 0,
	"1.1 unknown sshd: its last run was broken off"},
    {"without room", ROW("sshd", "yes", PLAIN), CHANGE_FAILED, RUN_FAILED,
	false, 3, "1.1 unknown sshd: its report had no room for all changes"},
};

static void
a_control_is_what_its_state_came_to(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(ones); i++) {
		struct state_then one;
		struct host_then h =
		    host(&one, ones[i].result, ones[i].outcome);
		struct str rows = STR_INIT;
		char *is;

		h.enforce = !ones[i].test;
		h.more = ones[i].more;
		str_addf(&rows, "[%s]", ones[i].row);
		is = judged(&h, rows.p);
		if (strcmp(is, ones[i].want) != 0)
			fail_msg("%s: %s, expected %s", ones[i].name, is,
			    ones[i].want);
		free(is);
		str_clear(&rows);
	}
}

/* --- several -------------------------------------------------------------- */

static void
of_several_states_the_worst_counts(void **state)
{
	static const char failed[] = ROW("limits", "yes", PLAIN);
	static const char spared[] =
	    ROW("disk", "yes", SPARED("yes", "2026-03-01"));
	static const char unknown[] = ROW("who", "unknown", PLAIN);
	static const char passed[] = ROW("sshd", "yes", PLAIN);
	static const char none[] = ROW("web", "no", PLAIN);
	const struct {
		const char *a, *b, *want;
	} cases[] = {
	    {failed, spared, "1.1 failed limits: failed"},
	    {spared, failed, "1.1 failed limits: failed"},
	    {spared, unknown, "1.1 excepted disk: old disk by olga"},
	    {unknown, passed,
		"1.1 unknown who: whether it gets the state hangs on grains"},
	    {none, passed, "1.1 passed sshd"},
	    {passed, passed, "1.1 passed sshd, sshd"},
	    {none, none, "1.1 not applicable web, web"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct state_then one;
		struct host_then h = host(&one, CHANGE_FAILED, RUN_FAILED);
		struct str rows = STR_INIT;
		char *is;

		str_addf(&rows, "[%s,%s]", cases[i].a, cases[i].b);
		is = judged(&h, rows.p);
		assert_string_equal(is, cases[i].want);
		free(is);
		str_clear(&rows);
	}
}

static void
they_are_in_the_order_of_their_numbers(void **state)
{
	struct state_then one;
	struct host_then h = host(&one, CHANGE_DONE, RUN_UNCHANGED);
	char *is = judged(&h,
	    "[" ROW("a", "yes",
		"\"cis\":[\"5.1.20\",\"5.1.9\",\"10.1\"],\"excepted\":"
		"\"\"") ","
			"{\"host\":\"web-2\",\"state\":\"b\","
			"\"applies\":\"yes\"," FLEET
			",\"cis\":[\"9\"],\"excepted\":\"\"}]");

	(void)state;
	assert_string_equal(is, "5.1.9 passed a;5.1.20 passed a;10.1 passed a");
	free(is);
}

/* --- what is not good ----------------------------------------------------- */

static void
rows_that_are_none_are_refused(void **state)
{
	static const struct {
		const char *row;
		int r;
		const char *says;
	} cases[] = {
	    {"1", ERR_PARSE, ""},
	    {"{}", ERR_PARSE, "'fleet'"},
	    {"{" FLEET ",\"host\":7}", ERR_PARSE, "'host'"},
	    {ROW("s", "yes", "\"cis\":[]"), ERR_PARSE, "'cis'"},
	    {ROW("s", "yes", "\"cis\":[\"1\"]"), ERR_PARSE, "'excepted'"},
	    {ROW("s", "yes", "\"cis\":[\"1\"],\"excepted\":\"yes\""), ERR_PARSE,
		"'reason'"},
	    {ROW("s", "yes", SPARED("yes", "tomorrow")), ERR_PARSE,
		"'expires'"},
	};
	static const struct hash other = {{1}};
	struct control_states out = {0};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str rows = STR_INIT;

		str_addf(&rows, "[%s]", cases[i].row);
		if (read_rows(rows.p, NULL, &out, &e) != cases[i].r ||
		    strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].row, e.msg);
		str_clear(&rows);
		control_states_clear(&out);
	}
	assert_int_equal(read_rows("[" ROW("s", "yes", PLAIN) "]", &other, &out,
			     &e),
	    ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "not the one that the log has"));
	control_states_clear(&out);
}

static int
try_all(const struct host_then *h, const char *rows)
{
	struct control_states of = {0};
	struct controls_then c = {0};
	int r = read_rows(rows, NULL, &of, NULL);

	if (r == 0)
		r = controls_judge(h, &of, &c);
	controls_then_clear(&c);
	control_states_clear(&of);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct state_then one;
	struct host_then h = host(&one, CHANGE_FAILED, RUN_FAILED);
	bool more = true;

	(void)state;
	for (size_t nth = 1; more; nth++) {
		int r;

		alloc_fail_nth(nth);
		r = try_all(&h,
		    "[" ROW("limits", "yes", PLAIN) "," ROW("disk", "yes",
			SPARED("yes", "2026-03-01")) "]");
		more = alloc_failed();
		alloc_fail_nth(0);
		if (r != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(r));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_control_is_what_its_state_came_to),
	    cmocka_unit_test(of_several_states_the_worst_counts),
	    cmocka_unit_test(they_are_in_the_order_of_their_numbers),
	    cmocka_unit_test(rows_that_are_none_are_refused),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("controls", tests, NULL, NULL);
}
