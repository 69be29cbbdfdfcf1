/* SPDX-License-Identifier: ISC */
/* How hosts were at a time, by a master's log that is made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/hosts_then.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/logcase.h"

static struct logcase lg;
static struct hostrun run;
static size_t n_said;

/* --- a log ---------------------------------------------------------------- */

static void
tick(int64_t after)
{
	const struct tick_leaf t = {.realm = lg.realm,
	    .at = NOW + after,
	    .root_version = 1,
	    .policy_version = 1};
	struct str s = STR_INIT;

	assert_int_equal(tick_leaf_encode(&t, &s), 0);
	(void)logcase_raw(&lg, s.p, s.n);
	str_clear(&s);
}

/* A statement as hostcase makes it; steps are counted from 0. */
static void
say(struct hoststep step)
{
	struct statement *s = &run.s[n_said++];
	struct slice bytes;

	hostcase_make(&run, &step, s);
	bytes = statement_bytes(s);
	(void)logcase_raw(&lg, bytes.p, bytes.n);
}

/* Into the log, signed; s is the log's then, and cleared. */
static void
put(struct statement *s, unsigned key)
{
	struct slice bytes;

	fixture_sign(s, FIXTURE_BY(key));
	bytes = statement_bytes(s);
	(void)logcase_raw(&lg, bytes.p, bytes.n);
	statement_clear(s);
}

/* A report of WEB_1 at that time, to be gone on with. */
static struct report_statement *
report(struct statement *s, enum report_kind kind, int64_t after)
{
	fixture_statement(s, ST_REPORT, WEB_1);
	s->at = NOW + after;
	s->u.report.seq = 1;
	s->u.report.kind = kind;
	s->u.report.root_version = s->u.report.policy_version = 1;
	return &s->u.report;
}

/* A run of WEB_1 that ended so, with one change of each result. */
static void
ran(int64_t after, uint64_t version, enum run_outcome outcome, uint8_t key)
{
	static const char *const states[] = {"sshd", "limits", "fw", "mounts"};
	struct statement s;
	struct report_statement *r = report(&s, REPORT_RUN, after);

	r->fleet_version = version;
	r->enforce = true;
	r->outcome = outcome;
	r->states = 9;
	r->n_changes = outcome == RUN_UNCHANGED ? 0 : 4;
	r->more = outcome == RUN_FAILED ? 2 : 0;
	r->changes = calloc(4, sizeof(*r->changes));
	assert_non_null(r->changes);
	for (size_t i = 0; i < r->n_changes; i++) {
		r->changes[i].state = str_dup(states[i]);
		r->changes[i].kind = str_dup("pkg");
		r->changes[i].result = (enum change_result)i;
	}
	put(&s, key);
}

/* A heartbeat after that many runs with nothing to do. */
static void
beat(uint64_t quiet)
{
	struct statement s;
	struct report_statement *r = report(&s, REPORT_HEARTBEAT, 60);

	r->fleet_version = 3;
	r->quiet = quiet;
	put(&s, HK_1);
}

static int
setup(void **state)
{
	(void)state;
	logcase_open_fleet(&lg, LOGCASE_MASTER_LOG, SEED_MASTER_LOG, 0, NULL);
	hostcase_open(&run);
	n_said = 0;
	say((struct hoststep)ENROL_1);
	say((struct hoststep)ACCEPT_1);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hostcase_close(&run);
	logcase_close(&lg);
	return 0;
}

static int
read_then(int64_t after, struct hosts_then *h, struct err *e)
{
	struct audit_log *l = NULL;
	int r;

	*h = (struct hosts_then){0};
	r = audit_log_open(lg.dir, NULL, &lg.realm, lg.trust.policy, &l, e);
	if (r == 0)
		r = hosts_then_read(l, NOW + after, h, e);
	audit_log_close(l);
	return r;
}

static void
then(int64_t after, struct hosts_then *h)
{
	struct err e = {0};

	if (read_then(after, h, &e) != 0)
		fail_msg("%s", e.msg);
}

/* The nth of n. */
static const struct host_then *
nth_of(const struct hosts_then *h, size_t n, size_t nth)
{
	assert_int_equal(h->n, n);
	assert_non_null(h->v);
	return h->v + nth;
}

/* The one there is. */
static const struct host_then *
only(const struct hosts_then *h)
{
	return nth_of(h, 1, 0);
}

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
	tick(0);
	tick(300);
	/* By the host's clock a day later; by the log not. */
	ran(86400, 3, RUN_FAILED, HK_1);
	tick(600);
	ran(601, 4, RUN_UNCHANGED, HK_1);
	logcase_publish(&lg);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct host_then *x;
		struct hosts_then h;

		then(cases[i].when, &h);
		x = only(&h);
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
	ran(0, 3, RUN_FAILED, HK_1);
	say((struct hoststep){.type = ST_REPORT, .at = 60});
	logcase_publish(&lg);
	then(60, &h);
	assert_int_equal(only(&h)->outcome, RUN_FAILED);
	assert_int_equal(only(&h)->run_at, NOW);
	assert_int_equal(only(&h)->at, NOW + 60);
	assert_int_equal(only(&h)->fleet_version, 0);
	hosts_then_clear(&h);
}

static void
runs_that_had_nothing_to_do_end_what_failed(void **state)
{
	struct hosts_then h;

	(void)state;
	ran(0, 3, RUN_FAILED, HK_1);
	beat(0);
	tick(300);
	beat(2);
	logcase_publish(&lg);
	then(200, &h);
	assert_int_equal(only(&h)->outcome, RUN_FAILED);
	assert_int_equal(only(&h)->n_states, 4);
	assert_string_equal(only(&h)->states[1].id, "limits");
	assert_int_equal(only(&h)->states[1].result, CHANGE_FAILED);
	assert_int_equal(only(&h)->run_version, 3);
	hosts_then_clear(&h);
	then(300, &h);
	assert_int_equal(only(&h)->outcome, RUN_UNCHANGED);
	assert_int_equal(only(&h)->n_states, 0);
	assert_int_equal(only(&h)->more, 0);
	assert_int_equal(only(&h)->run_at, NOW + 60);
	assert_int_equal(only(&h)->run_index, 7);
	assert_string_equal(only(&h)->failed, "");
	hosts_then_clear(&h);
}

/* An order to try version 9, which the host does not hold; and its report. */
static void
tested(bool logged)
{
	struct statement job, s;
	struct report_statement *r = report(&s, REPORT_RUN, 0);

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
		put(&job, SEED_PETRA);
	statement_clear(&job);
	put(&s, HK_1);
}

static void
a_test_is_of_the_version_of_its_order(void **state)
{
	struct hosts_then h;

	(void)state;
	tested(false);
	tick(300);
	tested(true);
	logcase_publish(&lg);
	then(0, &h);
	assert_true(only(&h)->ran);
	assert_int_equal(only(&h)->run_version, 0);
	hosts_then_clear(&h);
	then(300, &h);
	assert_int_equal(only(&h)->run_version, 9);
	assert_int_equal(only(&h)->fleet_version, 0);
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
	(void)logcase_raw(&lg, statement_bytes(&s).p, statement_bytes(&s).n);
	logcase_publish(&lg);
	then(0, &h);
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
	ran(0, 3, RUN_CHANGED, HK_1);
	tick(300);
	say((struct hoststep){.type = ST_RENAME, .to = WEB_2});
	/* What it had to say before it knew. */
	ran(301, 4, RUN_CHANGED, HK_1);
	tick(600);
	say((struct hoststep){.type = ST_REJECT, .host = WEB_2});
	tick(900);
	say((struct hoststep){.type = ST_FORGET, .host = WEB_2});
	logcase_publish(&lg);
	then(200, &h);
	assert_int_equal(h.n, 1);
	assert_string_equal(only(&h)->id, WEB_1);
	hosts_then_clear(&h);
	then(300, &h);
	assert_int_equal(h.n, 1);
	assert_string_equal(only(&h)->id, WEB_2);
	assert_int_equal(only(&h)->fleet_version, 4);
	assert_false(only(&h)->rejected);
	assert_int_equal(h.as_of, NOW + 300);
	hosts_then_clear(&h);
	then(600, &h);
	assert_true(only(&h)->rejected);
	hosts_then_clear(&h);
	then(900, &h);
	assert_int_equal(h.n, 0);
	hosts_then_clear(&h);
}

static void
one_that_is_accepted_anew_begins_anew(void **state)
{
	struct hosts_then h;

	(void)state;
	ran(0, 3, RUN_CHANGED, HK_1);
	say((struct hoststep)ENROL_2);
	say((struct hoststep){
	    .type = ST_ACCEPT, .ref = 2, .hk = HK_2, .tk = TK_2, .replace = 2});
	logcase_publish(&lg);
	then(60, &h);
	assert_int_equal(h.n, 1);
	assert_false(only(&h)->reported);
	hosts_then_clear(&h);
}

static void
hosts_are_in_the_order_of_their_ids(void **state)
{
	struct hosts_then h;

	(void)state;
	say((struct hoststep)ENROL_2);
	say((struct hoststep){.type = ST_ACCEPT,
	    .host = "app-1.example.com",
	    .ref = 2,
	    .hk = HK_2,
	    .tk = TK_2});
	logcase_publish(&lg);
	then(60, &h);
	assert_string_equal(nth_of(&h, 2, 0)->id, "app-1.example.com");
	assert_string_equal(nth_of(&h, 2, 1)->id, WEB_1);
	hosts_then_clear(&h);
}

static void
a_report_by_another_key_is_not_taken(void **state)
{
	struct hosts_then h;
	struct err e = {0};

	(void)state;
	ran(0, 3, RUN_UNCHANGED, HK_2);
	logcase_publish(&lg);
	assert_int_equal(read_then(60, &h, &e), ERR_CORRUPT);
	assert_string_equal(e.msg,
	    "leaf 4: a report of '" WEB_1
	    "' that no key of an accepted host signed");
	hosts_then_clear(&h);
}

static void
every_failing_allocation_is_answered(void **state)
{
	bool more = true;

	(void)state;
	ran(0, 3, RUN_FAILED, HK_1);
	say((struct hoststep){.type = ST_RENAME, .to = WEB_2});
	logcase_publish(&lg);
	for (size_t nth = 1; more; nth++) {
		struct hosts_then h;
		int r;

		alloc_fail_nth(nth);
		r = read_then(60, &h, NULL);
		more = alloc_failed();
		alloc_fail_nth(0);
		hosts_then_clear(&h);
		if (r != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(r));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
	    TEST(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("hosts_then", tests, NULL, NULL);
}
