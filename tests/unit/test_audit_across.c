/* SPDX-License-Identifier: ISC */
/* The log of a CA and that of a master: what each says of the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit.h"
#include "tests/unit/acrosscase.h"
#include "tests/unit/alloc.h"

static struct acrosscase x;

/* --- an audit ------------------------------------------------------------- */

static int
setup(void **state)
{
	(void)state;
	across_open(&x);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	across_close(&x);
	return 0;
}

static int
audit(struct audit_config *c, struct audit_report *r, struct err *e)
{
	const struct audit_fleet f = {.url = x.fleet.dir};

	*r = (struct audit_report){0};
	c->url = x.ca.dir;
	c->realm = x.ca.realm;
	if (c->n_fleets == 0) {
		c->fleets = &f;
		c->n_fleets = 1;
	}
	return audit_verify(c, r, e);
}

static void
audit_all(struct audit_report *r, uint64_t since)
{
	struct audit_config c = {.since = since};
	struct err e = {0};

	logcase_publish(&x.ca);
	logcase_publish(&x.fleet);
	if (audit(&c, r, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
fail_with(const struct audit_report *r, const char *name, const char *what)
{
	struct str text = STR_INIT;

	audit_report_text(r, &text);
	print_error("%s", text.p);
	str_clear(&text);
	fail_msg("%s: %s", name, what);
}

/* The one that says it stands at that leaf of the fleet's log. */
static bool
says(const struct audit_report *r, bool notice, const char *text,
    const struct logcase *l, uint64_t index)
{
	char label[TMPDIR_MAX + 2];

	(void)snprintf(label, sizeof(label), "%s/", l->dir);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].notice == notice && r->v[i].index == index &&
		    strstr(r->v[i].text, text) != NULL &&
		    (l == &x.ca ||
			strncmp(r->v[i].object, label, strlen(label)) == 0))
			return true;
	return false;
}

static const struct shown shown[] = {
    {.name = "what was issued", .by = SEED_USER_CA, .key = SEED_SUBJECT},
    {.name = "what was issued, and no key is said", .by = SEED_USER_CA},
    {.name = "a password"},
    {.name = "a serial that nobody issued",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.serial = 7,
	.finding = "3 logins by serial 7 of CA"},
    {.name = "that serial, and it was refused",
	.by = SEED_USER_CA,
	.serial = 7,
	.refused = true},
    {.name = "a serial that was issued to somebody else",
	.by = SEED_USER_CA,
	.key = SEED_MALLORY,
	.finding = "which was issued to another key"},
    {.name = "all of what was issued",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.whole = 1},
    {.name = "its serial and key in another certificate",
	.by = SEED_USER_CA,
	.key = SEED_SUBJECT,
	.whole = 2,
	.finding = "or is another certificate"},
    {.name = "the serial of another CA of the policy",
	.by = SEED_EMERGENCY_CA,
	.key = SEED_SUBJECT,
	.finding = "which no log has: never issued"},
    {.name = "a CA that the policy does not know",
	.by = SEED_MALLORY,
	.notice = "which is none of the policy"},
};

static void
judge(const struct shown *w, uint64_t since)
{
	struct audit_report r;
	uint64_t at;

	across_accept(&x, &x.fleet, false);
	at = x.fleet.n;
	across_report_logins(&x, w, 1, 3);
	across_tick(&x.fleet, 600, 0);
	audit_all(&r, since);
	if (w->finding != NULL && !says(&r, false, w->finding, &x.fleet, at))
		fail_with(&r, w->name, w->finding);
	if (w->notice != NULL && !says(&r, true, w->notice, &x.fleet, at))
		fail_with(&r, w->name, w->notice);
	if (r.n_findings != (w->finding != NULL))
		fail_with(&r, w->name, "other findings");
	assert_int_equal(r.counts.reports, 1);
	assert_int_equal(r.counts.acceptances, 1);
	assert_int_equal(r.counts.logins, w->refused ? 0 : 3);
	assert_int_equal(r.n_parts, 2);
	assert_string_equal(r.parts[0].name, LOGCASE_MASTER_LOG);
	assert_string_equal(r.parts[1].name, "ca_log");
	audit_report_clear(&r);
}

static void
logins_are_by_what_was_issued(void **state)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		judge(&shown[i], 0);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* A certificate that is not judged again is known all the same. */
static void
also_by_what_was_issued_before(void **state)
{
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		judge(&shown[i], x.ca.n);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void
a_hosts_certificate_stands_on_what_the_fleet_said(void **state)
{
	/* Last tick of the fleet's log; was the host accepted there? */
	static const struct {
		const char *name;
		bool there, finding;
		int64_t tick;
	} cases[] = {
	    {"accepted there", true, false, 900},
	    {"not there", false, true, 900},
	    {"later than all of that log", false, false, 200},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audit_report r;

		across_accept(&x, &x.ca, true);
		if (cases[i].there)
			across_accept(&x, &x.fleet, false);
		across_tick(&x.fleet, cases[i].tick, 0);
		audit_all(&r, 0);
		if (says(&r, false, "no log of the fleet has", &x.ca,
			x.ca.n - 2) != cases[i].finding ||
		    r.n_findings != cases[i].finding)
			fail_with(&r, cases[i].name, "wrong");
		audit_report_clear(&r);
		(void)teardown(state);
		(void)setup(state);
	}
}

static void
a_host_whose_acceptance_ended_renews_nothing(void **state)
{
	static const char *const how[] = {[ACROSS_REJECTED] = "rejected",
	    [ACROSS_FORGOTTEN] = "forgotten",
	    [ACROSS_REPLACED] = "replaced"};
	/* Seconds: of the tick after the end (0: none comes), of the
	 * certificate. */
	static const struct {
		const char *name;
		int64_t tick, issued;
		bool finding;
	} cases[] = {
	    {"renewed before", 600, 0, false},
	    {"renewed after", 600, 3600, true},
	    {"as much later as clocks may differ", 600, 900, false},
	    {"a second more", 600, 901, true},
	    {"nobody knows when it ended", 0, 3600, false},
	};
	const size_t n = sizeof(cases) / sizeof(cases[0]);

	for (size_t i = 0; i < 3 * n; i++) {
		char text[80];
		struct audit_report r;

		across_accept(&x, &x.fleet, false);
		across_tick(&x.fleet, 0, 0);
		across_end(&x, (enum across_end)(i / n));
		if (cases[i % n].tick != 0) {
			across_tick(&x.fleet, cases[i % n].tick, 0);
			across_tick(&x.fleet, cases[i % n].tick + 600, 0);
		}
		x.ca.now = FIXTURE_NOW + cases[i % n].issued;
		across_accept(&x, &x.ca, true);
		audit_all(&r, 0);
		(void)snprintf(text, sizeof(text), "after its host was %s",
		    how[i / n]);
		if (says(&r, false, text, &x.ca, x.ca.n - 2) !=
			cases[i % n].finding ||
		    r.n_findings != cases[i % n].finding)
			fail_with(&r, cases[i % n].name, how[i / n]);
		audit_report_clear(&r);
		(void)teardown(state);
		(void)setup(state);
	}
}

/* Who is no operator ends nothing, and that he said so is a finding alone. */
static void
what_may_not_end_it_does_not(void **state)
{
	struct audit_report r;
	struct statement s;

	(void)state;
	across_accept(&x, &x.fleet, false);
	fixture_statement(&s, ST_FORGET, ALICE);
	s.u.forget.host = str_dup("web-1.example.com");
	s.u.forget.reason = str_dup("sold");
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	(void)logcase_add(&x.fleet, &s);
	statement_clear(&s);
	across_tick(&x.fleet, 600, 0);
	across_tick(&x.fleet, 1200, 0);
	x.ca.now = FIXTURE_NOW + 900;
	across_accept(&x, &x.ca, true);
	audit_all(&r, 0);
	if (says(&r, false, "after its host was", &x.ca, x.ca.n - 2))
		fail_with(&r, "alice", "ended it");
	assert_true(r.n_findings > 0);
	audit_report_clear(&r);
}

/* --- policy and lists ----------------------------------------------------- */

static void
another_policy_of_that_version_is_found(void **state)
{
	struct audit_report r;

	(void)state;
	logcase_close(&x.ca);
	logcase_open(&x.ca, "ca_log", SEED_LOG, SEED_USER_CA);
	across_tick(&x.fleet, 600, 0);
	audit_all(&r, 0);
	if (!says(&r, false, "is another version 1 of the policy than", &x.ca,
		1))
		fail_with(&r, "policy", "is not told");
	audit_report_clear(&r);
}

static void
a_list_that_the_ca_did_not_make_is_found(void **state)
{
	struct audit_report r;

	(void)state;
	across_tick(&x.fleet, 600, 5);
	audit_all(&r, 0);
	if (!says(&r, false, "goes by revocation list 5, 0 is the last",
		&x.fleet, x.fleet.n - 1))
		fail_with(&r, "list", "is not told");
	assert_int_equal(r.n_findings, 1);
	audit_report_clear(&r);
}

/* --- what is no log of a fleet -------------------------------------------- */

static void
the_log_of_no_master_is_told(void **state)
{
	struct audit_report r;

	(void)state;
	logcase_close(&x.fleet);
	logcase_open_fleet(&x.fleet, "emergency_log", SEED_EMERGENCY_LOG, 0,
	    &x.ca);
	audit_all(&r, 0);
	if (!says(&r, false, "no log of a master", &x.fleet, AUDIT_NO_INDEX))
		fail_with(&r, "emergency_log", "is not told");
	assert_int_equal(r.n_findings, 1);
	audit_report_clear(&r);
}

static void
a_log_that_is_not_there_ends_it(void **state)
{
	const struct audit_fleet f = {.url = "/nonexistent"};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;
	struct err e = {0};

	(void)state;
	logcase_publish(&x.ca);
	assert_true(audit(&c, &r, &e) < 0);
	assert_non_null(strstr(e.msg, "log of the fleet: "));
	audit_report_clear(&r);
}

/* A later checkpoint of the same log has to extend it. */
static void
an_earlier_checkpoint_of_another_history_is_found(void **state)
{
	struct hash other = fixture_hash(0x42);
	struct str note = STR_INIT;
	struct audit_fleet f = {.url = x.fleet.dir};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;

	(void)state;
	logcase_publish(&x.ca);
	across_accept(&x, &x.fleet, false);
	logcase_publish(&x.fleet);
	logcase_note(&x.fleet, 3, &other, SEED_MASTER_LOG, &note);
	f.since_note = slice_of(note.p, note.n);
	assert_int_equal(audit(&c, &r, NULL), 0);
	if (!says(&r, false, "another tree of 3 leaves", &x.fleet,
		AUDIT_NO_INDEX))
		fail_with(&r, "checkpoint", "is not told");
	audit_report_clear(&r);
	str_clear(&note);
}

static void
every_13th_failing_allocation_is_answered(void **state)
{
	const struct shown w = {.by = SEED_USER_CA, .serial = 7};
	const struct audit_fleet f = {.url = x.fleet.dir};
	struct audit_config c = {.fleets = &f, .n_fleets = 1};
	struct audit_report r;
	bool more = true;

	(void)state;
	across_accept(&x, &x.ca, true);
	across_accept(&x, &x.fleet, false);
	across_report_logins(&x, &w, 1, 2);
	across_tick(&x.fleet, 900, 3);
	audit_all(&r, 0);
	assert_int_equal(r.n_findings, 2);
	audit_report_clear(&r);
	for (size_t nth = 1; more; nth += 13) {
		int ret;

		alloc_fail_nth(nth);
		ret = audit(&c, &r, NULL);
		more = alloc_failed();
		alloc_fail_nth(0);
		audit_report_clear(&r);
		if (ret != (more ? ERR_NOMEM : 0))
			fail_msg("allocation %zu: %s", nth, err_text(ret));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(logins_are_by_what_was_issued),
	    TEST(also_by_what_was_issued_before),
	    TEST(a_hosts_certificate_stands_on_what_the_fleet_said),
	    TEST(a_host_whose_acceptance_ended_renews_nothing),
	    TEST(what_may_not_end_it_does_not),
	    TEST(another_policy_of_that_version_is_found),
	    TEST(a_list_that_the_ca_did_not_make_is_found),
	    TEST(the_log_of_no_master_is_told),
	    TEST(a_log_that_is_not_there_ends_it),
	    TEST(an_earlier_checkpoint_of_another_history_is_found),
	    TEST(every_13th_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests_name("audit_across", tests, NULL, NULL);
}
