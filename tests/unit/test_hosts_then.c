/* SPDX-License-Identifier: ISC */
/* How hosts were at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/thencase.h"

/* --- a host --------------------------------------------------------------- */

static void
a_host_is_as_its_last_run_of_that_time_says(void **state)
{
	static const struct {
		int64_t when;
		bool ran;
		uint64_t version;
		enum run_outcome outcome;
		const char *failed;
		uint64_t more;
	} cases[] = {
	    {0, false, 0, RUN_UNCHANGED, NULL, 0},
	    {299, false, 0, RUN_UNCHANGED, NULL, 0},
	    {300, true, 3, RUN_FAILED,
		"limits: failed, fw: undone, mounts: skipped", 2},
	    {599, true, 3, RUN_FAILED,
		"limits: failed, fw: undone, mounts: skipped", 2},
	    {600, true, 4, RUN_UNCHANGED, "", 0},
	    {90000, true, 4, RUN_UNCHANGED, "", 0},
	};

	(void)state;
	then_tick(0);
	then_tick(300);
	/* By the host's clock a day later; by the log not. */
	then_ran(86400, 3, RUN_FAILED, HK_1);
	then_tick(600);
	then_ran(601, 4, RUN_UNCHANGED, HK_1);
	logcase_publish(&then_log);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct host_then *x;
		struct hosts_then h;

		then_at(cases[i].when, &h);
		x = then_only(&h);
		assert_string_equal(x->id, WEB_1);
		assert_int_equal(x->ran, cases[i].ran);
		assert_int_equal(x->reported, cases[i].ran);
		if (x->ran) {
			assert_int_equal(x->fleet_version, cases[i].version);
			assert_int_equal(x->outcome, cases[i].outcome);
			assert_string_equal(x->failed, cases[i].failed);
			assert_int_equal(x->more, cases[i].more);
			assert_true(x->enforce);
		}
		hosts_then_clear(&h);
	}
}

static void
a_heartbeat_leaves_the_run_and_brings_the_version(void **state)
{
	struct hosts_then h;

	(void)state;
	then_ran(0, 3, RUN_FAILED, HK_1);
	then_say((struct hoststep){.type = ST_REPORT, .at = 60});
	logcase_publish(&then_log);
	then_at(60, &h);
	assert_int_equal(then_only(&h)->outcome, RUN_FAILED);
	assert_int_equal(then_only(&h)->run_at, NOW);
	assert_int_equal(then_only(&h)->at, NOW + 60);
	assert_int_equal(then_only(&h)->fleet_version, 0);
	hosts_then_clear(&h);
}

static void
runs_that_had_nothing_to_do_end_what_failed(void **state)
{
	struct hosts_then h;

	(void)state;
	then_ran(0, 3, RUN_FAILED, HK_1);
	then_beat(0);
	then_tick(300);
	then_beat(2);
	logcase_publish(&then_log);
	then_at(200, &h);
	assert_int_equal(then_only(&h)->outcome, RUN_FAILED);
	assert_int_equal(then_only(&h)->n_states, 4);
	assert_string_equal(then_only(&h)->states[1].id, "limits");
	assert_int_equal(then_only(&h)->states[1].result, CHANGE_FAILED);
	assert_int_equal(then_only(&h)->run_version, 3);
	hosts_then_clear(&h);
	then_at(300, &h);
	assert_int_equal(then_only(&h)->outcome, RUN_UNCHANGED);
	assert_int_equal(then_only(&h)->n_states, 0);
	assert_int_equal(then_only(&h)->more, 0);
	assert_int_equal(then_only(&h)->run_at, NOW + 60);
	assert_int_equal(then_only(&h)->run_index, 7);
	assert_string_equal(then_only(&h)->failed, "");
	hosts_then_clear(&h);
}

/* An order to try version 9, which the host does not hold; and its report. */
static void
tested(bool logged)
{
	struct statement job, s;
	struct report_statement *r = then_report(&s, REPORT_RUN, 0);

	fixture_statement(&job, ST_JOB, PETRA);
	job.u.job.version = 9;
	job.u.job.targets_size = 1;
	job.u.job.hosts = 1;
	job.u.job.expires = NOW + 86400;
	fixture_sign(&job, FIXTURE_BY(SEED_PETRA));
	r->has_job = true;
	r->job = job.hash;
	r->outcome = RUN_UNCHANGED;
	if (logged)
		then_put(&job, SEED_PETRA);
	statement_clear(&job);
	then_put(&s, HK_1);
}

static void
a_test_is_of_the_version_of_its_order(void **state)
{
	struct hosts_then h;

	(void)state;
	tested(false);
	then_tick(300);
	tested(true);
	logcase_publish(&then_log);
	then_at(0, &h);
	assert_true(then_only(&h)->ran);
	assert_int_equal(then_only(&h)->run_version, 0);
	hosts_then_clear(&h);
	then_at(300, &h);
	assert_int_equal(then_only(&h)->run_version, 9);
	assert_int_equal(then_only(&h)->fleet_version, 0);
	hosts_then_clear(&h);
}

static void
a_version_is_known_by_its_name(void **state)
{
	struct hosts_then h;
	struct statement s;

	(void)state;
	fixture_statement(&s, ST_FLEET, PETRA);
	s.u.bundle.version = 3;
	s.u.bundle.has_previous = true;
	s.u.bundle.expires = NOW + 86400;
	s.u.bundle.manifest_size = 1;
	fixture_sign(&s, FIXTURE_BY(SEED_PETRA));
	(void)logcase_raw(&then_log, statement_bytes(&s).p,
	    statement_bytes(&s).n);
	logcase_publish(&then_log);
	then_at(0, &h);
	assert_null(hosts_then_fleet(&h, 2));
	assert_non_null(hosts_then_fleet(&h, 3));
	assert_true(hash_equal(hosts_then_fleet(&h, 3), &s.hash));
	hosts_then_clear(&h);
	statement_clear(&s);
}

/* --- who is one ----------------------------------------------------------- */

static void
hosts_are_those_of_that_time(void **state)
{
	struct hosts_then h;

	(void)state;
	then_ran(0, 3, RUN_CHANGED, HK_1);
	then_tick(300);
	then_say((struct hoststep){.type = ST_RENAME, .to = WEB_2});
	/* What it had to say before it knew. */
	then_ran(301, 4, RUN_CHANGED, HK_1);
	then_tick(600);
	then_say((struct hoststep){.type = ST_REJECT, .host = WEB_2});
	then_tick(900);
	then_say((struct hoststep){.type = ST_FORGET, .host = WEB_2});
	logcase_publish(&then_log);
	then_at(200, &h);
	assert_int_equal(h.n, 1);
	assert_string_equal(then_only(&h)->id, WEB_1);
	hosts_then_clear(&h);
	then_at(300, &h);
	assert_int_equal(h.n, 1);
	assert_string_equal(then_only(&h)->id, WEB_2);
	assert_int_equal(then_only(&h)->fleet_version, 4);
	assert_false(then_only(&h)->rejected);
	assert_int_equal(h.as_of, NOW + 300);
	hosts_then_clear(&h);
	then_at(600, &h);
	assert_true(then_only(&h)->rejected);
	hosts_then_clear(&h);
	then_at(900, &h);
	assert_int_equal(h.n, 0);
	hosts_then_clear(&h);
}

static void
one_that_is_accepted_anew_begins_anew(void **state)
{
	struct hosts_then h;

	(void)state;
	then_ran(0, 3, RUN_CHANGED, HK_1);
	then_say((struct hoststep)ENROL_2);
	then_say((struct hoststep){
	    .type = ST_ACCEPT, .ref = 2, .hk = HK_2, .tk = TK_2, .replace = 2});
	logcase_publish(&then_log);
	then_at(60, &h);
	assert_int_equal(h.n, 1);
	assert_false(then_only(&h)->reported);
	hosts_then_clear(&h);
}

static void
hosts_are_in_the_order_of_their_ids(void **state)
{
	struct hosts_then h;

	(void)state;
	then_say((struct hoststep)ENROL_2);
	then_say((struct hoststep){.type = ST_ACCEPT,
	    .host = "app-1.example.com",
	    .ref = 2,
	    .hk = HK_2,
	    .tk = TK_2});
	logcase_publish(&then_log);
	then_at(60, &h);
	assert_string_equal(then_nth(&h, 2, 0)->id, "app-1.example.com");
	assert_string_equal(then_nth(&h, 2, 1)->id, WEB_1);
	hosts_then_clear(&h);
}

static void
a_report_by_another_key_is_not_taken(void **state)
{
	struct hosts_then h;
	struct err e = {0};

	(void)state;
	then_ran(0, 3, RUN_UNCHANGED, HK_2);
	logcase_publish(&then_log);
	assert_int_equal(then_read(60, &h, &e), ERR_CORRUPT);
	assert_string_equal(e.msg,
	    "leaf 4: a report of '" WEB_1
	    "' that no key of an accepted host signed");
	hosts_then_clear(&h);
}

/* A byte of the signature of a leaf, which is the nth from the last. */
static void
forge(size_t nth)
{
	struct str *s = &then_log.leaf[then_log.n - nth];
	char *sig = strstr(s->p, "-----BEGIN SSH SIGNATURE-----");

	assert_non_null(sig);
	/* Behind the key, which would be another host's. */
	sig = strstr(sig, "\n-----END");
	assert_non_null(sig);
	sig[-8] = sig[-8] == 'A' ? 'B' : 'A';
}

static void
reports_that_count_are_verified(void **state)
{
	/* Which of the three, from the last, has a signature that is not. */
	static const struct {
		const char *name;
		size_t nth;
		int want;
	} cases[] = {
	    {"the last one", 1, ERR_BADSIG},
	    {"the one of the last run", 2, ERR_BADSIG},
	    {"one that both came after", 3, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hosts_then h;
		struct err e = {0};

		then_ran(0, 3, RUN_FAILED, HK_1);
		then_ran(30, 3, RUN_FAILED, HK_1);
		then_beat(0);
		forge(cases[i].nth);
		logcase_publish(&then_log);
		if (then_read(60, &h, &e) != cases[i].want)
			fail_msg("%s: %s", cases[i].name, e.msg);
		hosts_then_clear(&h);
		(void)then_teardown(state);
		(void)then_setup(state);
	}
}

static void
every_failing_allocation_is_answered(void **state)
{
	bool more = true;

	(void)state;
	then_ran(0, 3, RUN_FAILED, HK_1);
	then_say((struct hoststep){.type = ST_RENAME, .to = WEB_2});
	logcase_publish(&then_log);
	for (size_t nth = 1; more; nth++) {
		struct hosts_then h;
		int r;

		alloc_fail_nth(nth);
		r = then_read(60, &h, NULL);
		more = alloc_failed();
		alloc_fail_nth(0);
		hosts_then_clear(&h);
		if (r != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(r));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, then_setup, then_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_host_is_as_its_last_run_of_that_time_says),
	    TEST(a_heartbeat_leaves_the_run_and_brings_the_version),
	    TEST(runs_that_had_nothing_to_do_end_what_failed),
	    TEST(a_test_is_of_the_version_of_its_order),
	    TEST(a_version_is_known_by_its_name),
	    TEST(hosts_are_those_of_that_time),
	    TEST(one_that_is_accepted_anew_begins_anew),
	    TEST(hosts_are_in_the_order_of_their_ids),
	    TEST(a_report_by_another_key_is_not_taken),
	    TEST(reports_that_count_are_verified),
	    TEST(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("hosts_then", tests, NULL, NULL);
}
