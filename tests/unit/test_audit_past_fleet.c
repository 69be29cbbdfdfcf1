/* SPDX-License-Identifier: ISC */
/* Audits of a CA's log and a master's that go on where the ones before ended:
 * what each says of the other is found all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit.h"
#include "lib/base/file.h"
#include "lib/tlog/tile.h"
#include "tests/unit/acrosscase.h"

static struct acrosscase x;
static char dir[TMPDIR_MAX], path[TMPDIR_MAX + 8], fleet_path[TMPDIR_MAX + 10];

static int
setup(void **state)
{
	(void)state;
	across_open(&x);
	tmpdir_make(dir, "past");
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)snprintf(fleet_path, sizeof(fleet_path), "%s.1", path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	across_close(&x);
	(void)tmpdir_remove(dir);
	return 0;
}

/* A bundle and a leaf, the rest of it ticks; so that a state is of all before.
 */
static void
fill(struct logcase *l, int64_t after)
{
	while (l->n < TILE_WIDTH + 1)
		across_tick(l, after, 0);
}

static void
audit(bool whole, bool fleet, struct audit_report *r)
{
	const struct audit_fleet f = {
	    .url = x.fleet.dir, .state = whole ? NULL : fleet_path};
	const struct audit_config c = {.url = x.ca.dir,
	    .realm = x.ca.realm,
	    .state = whole ? NULL : path,
	    .fleets = &f,
	    .n_fleets = fleet};
	struct err e = {0};

	logcase_publish(&x.ca);
	logcase_publish(&x.fleet);
	*r = (struct audit_report){0};
	if (audit_verify(&c, r, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(audit_report_keep(r, NULL), 0);
}

static void
make_states(void)
{
	struct audit_report r;

	audit(false, true, &r);
	if (r.n_findings != 0)
		logcase_fail(&r, "findings where nothing is wrong");
	audit_report_clear(&r);
	assert_true(file_exists(path));
	assert_true(file_exists(fleet_path));
}

/* By the states, and by an audit of all leaves; NULL: nothing. */
static void
expect(bool notice, const char *text)
{
	/* By the states once more: what was found is found again. */
	for (int nth = 0; nth < 3; nth++) {
		struct audit_report r;
		bool found = false;

		if (nth == 1 && notice)
			continue;
		audit(nth == 2, true, &r);
		for (size_t i = 0; i < r.n; i++)
			found = found ||
			    (text != NULL && r.v[i].notice == notice &&
				strstr(r.v[i].text, text) != NULL);
		if (found != (text != NULL) ||
		    r.n_findings != (text != NULL && !notice))
			logcase_fail(&r, text != NULL ? text : "something");
		audit_report_clear(&r);
	}
}

/* --- reports -------------------------------------------------------------- */

static const struct shown password = {.name = "a password"};

static void
a_report_follows_the_last_one_of_before(void **state)
{
	struct audit_report r;

	(void)state;
	across_accept(&x, &x.fleet, false);
	across_report_logins(&x, &password, 1, 1);
	fill(&x.fleet, 0);
	make_states();
	across_report_logins(&x, &password, 3, 2);
	audit(false, true, &r);
	assert_int_equal(r.old_leaves, TILE_WIDTH);
	assert_int_equal(r.counts.reports, 1);
	assert_int_equal(r.counts.logins, 2);
	assert_int_equal(r.counts.acceptances, 1);
	audit_report_clear(&r);
	expect(true, "2 to 2 are missing");
}

static void
a_first_report_is_the_first(void **state)
{
	(void)state;
	across_accept(&x, &x.fleet, false);
	fill(&x.fleet, 0);
	make_states();
	across_report_logins(&x, &password, 3, 1);
	expect(true, "1 to 2 are missing");
}

static void
a_report_of_before_is_not_there_again(void **state)
{
	struct audit_report r;
	size_t at;

	(void)state;
	across_accept(&x, &x.fleet, false);
	at = x.fleet.n;
	across_report_logins(&x, &password, 1, 1);
	fill(&x.fleet, 0);
	make_states();
	(void)logcase_raw(&x.fleet, x.fleet.leaf[at].p, x.fleet.leaf[at].n);
	for (int whole = 0; whole < 2; whole++) {
		audit(whole, true, &r);
		/* As a leaf, and as a report. */
		if (r.n_findings != 2)
			logcase_fail(&r, "a report that is there again");
		audit_report_clear(&r);
	}
}

/* --- hosts ---------------------------------------------------------------- */

static void
a_host_that_was_rejected_before_renews_nothing(void **state)
{
	(void)state;
	across_accept(&x, &x.fleet, false);
	across_tick(&x.fleet, 0, 0);
	across_end(&x, ACROSS_REJECTED);
	across_tick(&x.fleet, 600, 0);
	across_tick(&x.fleet, 1200, 0);
	fill(&x.fleet, 5000);
	make_states();
	x.ca.now = FIXTURE_NOW + 3600;
	across_accept(&x, &x.ca, true);
	across_tick(&x.fleet, 6000, 0);
	expect(false, "after its host was rejected");
}

/* The fleet's log had not come so far when the certificate was judged. */
static void
a_certificate_of_before_waits_for_the_fleets_log(void **state)
{
	(void)state;
	across_accept(&x, &x.ca, true);
	fill(&x.ca, 0);
	across_tick(&x.fleet, 200, 0);
	make_states();
	make_states();
	across_tick(&x.fleet, 900, 0);
	expect(false, "by a statement that no log of the fleet has");
}

static void
an_end_that_comes_later_is_about_a_certificate_of_before(void **state)
{
	(void)state;
	across_accept(&x, &x.fleet, false);
	across_tick(&x.fleet, 0, 0);
	x.ca.now = FIXTURE_NOW + 3600;
	across_accept(&x, &x.ca, true);
	fill(&x.ca, 3600);
	make_states();
	across_end(&x, ACROSS_FORGOTTEN);
	across_tick(&x.fleet, 600, 0);
	expect(false, "after its host was forgotten");
}

/* --- logins --------------------------------------------------------------- */

static void
a_login_is_by_a_certificate_of_before(void **state)
{
	const struct shown sound = {
	    .by = SEED_USER_CA, .key = SEED_SUBJECT, .whole = 1};
	const struct shown strange = {.by = SEED_USER_CA, .key = SEED_MALLORY};

	(void)state;
	fill(&x.ca, 0);
	make_states();
	across_accept(&x, &x.fleet, false);
	across_report_logins(&x, &sound, 1, 1);
	expect(false, NULL);
	across_report_logins(&x, &strange, 2, 1);
	/* In a bundle of which a state would be kept, were nothing found. */
	fill(&x.fleet, 0);
	expect(false, "which was issued to another key");
}

/* --- whether it is taken -------------------------------------------------- */

static void
a_state_goes_by_the_logs_that_were_compared(void **state)
{
	struct audit_report r;
	bool said = false;

	(void)state;
	fill(&x.ca, 0);
	make_states();
	audit(false, false, &r);
	for (size_t i = 0; i < r.n; i++)
		said = said || strcmp(r.v[i].kind, "state") == 0;
	if (!said || r.n_findings != 0 || r.old_leaves != 0)
		logcase_fail(&r, "a state of other logs is not told");
	audit_report_clear(&r);
	/* It was made anew, without them. */
	audit(false, false, &r);
	assert_int_equal(r.old_leaves, TILE_WIDTH);
	audit_report_clear(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_report_follows_the_last_one_of_before),
	    TEST(a_first_report_is_the_first),
	    TEST(a_report_of_before_is_not_there_again),
	    TEST(a_host_that_was_rejected_before_renews_nothing),
	    TEST(a_certificate_of_before_waits_for_the_fleets_log),
	    TEST(an_end_that_comes_later_is_about_a_certificate_of_before),
	    TEST(a_login_is_by_a_certificate_of_before),
	    TEST(a_state_goes_by_the_logs_that_were_compared),
	};

	return cmocka_run_group_tests_name("audit_past_fleet", tests, NULL,
	    NULL);
}
