/* SPDX-License-Identifier: ISC */
#include "tests/unit/thencase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/hostcase.h"

struct logcase then_log;
static struct hostrun run;
static size_t n_said;

/* --- a log ---------------------------------------------------------------- */

void
then_tick(int64_t after)
{
	const struct tick_leaf t = {.realm = then_log.realm,
	    .at = NOW + after,
	    .root_version = 1,
	    .policy_version = 1};
	struct str s = STR_INIT;

	assert_int_equal(tick_leaf_encode(&t, &s), 0);
	(void)logcase_raw(&then_log, s.p, s.n);
	str_clear(&s);
}

/* A statement as hostcase makes it; steps are counted from 0. */
void
then_say(struct hoststep step)
{
	struct statement *s = &run.s[n_said++];
	struct slice bytes;

	hostcase_make(&run, &step, s);
	bytes = statement_bytes(s);
	(void)logcase_raw(&then_log, bytes.p, bytes.n);
}

/* Into the log, signed; s is the log's then, and cleared. */
void
then_put(struct statement *s, unsigned key)
{
	struct slice bytes;

	fixture_sign(s, FIXTURE_BY(key));
	bytes = statement_bytes(s);
	(void)logcase_raw(&then_log, bytes.p, bytes.n);
	statement_clear(s);
}

/* A report of WEB_1 at that time, to be gone on with. */
struct report_statement *
then_report(struct statement *s, enum report_kind kind, int64_t after)
{
	fixture_statement(s, ST_REPORT, WEB_1);
	s->at = NOW + after;
	s->u.report.seq = 1;
	s->u.report.kind = kind;
	s->u.report.root_version = s->u.report.policy_version = 1;
	return &s->u.report;
}

/* A run of WEB_1 that ended so, with one change of each result. */
void
then_ran(int64_t after, uint64_t version, enum run_outcome outcome, uint8_t key)
{
	static const char *const states[] = {"sshd", "limits", "fw", "mounts"};
	struct statement s;
	struct report_statement *r = then_report(&s, REPORT_RUN, after);

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
	then_put(&s, key);
}

/* A heartbeat after that many runs with nothing to do. */
void
then_beat(uint64_t quiet)
{
	struct statement s;
	struct report_statement *r = then_report(&s, REPORT_HEARTBEAT, 60);

	r->fleet_version = 3;
	r->quiet = quiet;
	then_put(&s, HK_1);
}

int
then_setup(void **state)
{
	(void)state;
	logcase_open_fleet(&then_log, LOGCASE_MASTER_LOG, SEED_MASTER_LOG, 0,
	    NULL);
	hostcase_open(&run);
	n_said = 0;
	then_say((struct hoststep)ENROL_1);
	then_say((struct hoststep)ACCEPT_1);
	return 0;
}

int
then_teardown(void **state)
{
	(void)state;
	hostcase_close(&run);
	logcase_close(&then_log);
	return 0;
}

int
then_read(int64_t after, struct hosts_then *h, struct err *e)
{
	struct audit_log *l = NULL;
	int r;

	*h = (struct hosts_then){0};
	r = audit_log_open(then_log.dir, NULL, &then_log.realm,
	    then_log.trust.policy, &l, e);
	if (r == 0)
		r = hosts_then_read(l, NOW + after, h, e);
	audit_log_close(l);
	return r;
}

void
then_at(int64_t after, struct hosts_then *h)
{
	struct err e = {0};

	if (then_read(after, h, &e) != 0)
		fail_msg("%s", e.msg);
}

/* The nth of n. */
const struct host_then *
then_nth(const struct hosts_then *h, size_t n, size_t nth)
{
	assert_int_equal(h->n, n);
	assert_non_null(h->v);
	return h->v + nth;
}

/* The one there is. */
const struct host_then *
then_only(const struct hosts_then *h)
{
	return then_nth(h, 1, 0);
}
