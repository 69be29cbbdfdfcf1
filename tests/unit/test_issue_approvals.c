/* SPDX-License-Identifier: ISC */
/* Whose decisions count, how many are needed, and what they leave. */
#include "ca/issue/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/issue_case.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR   3600

static void
ask(struct issue_case *c, const char *grant, const char *principal)
{
	issue_case_again(c, ALICE);
	issue_case_text(&c->request.u.r.grant, grant);
	issue_case_words(&c->request.u.r.principals, principal);
	issue_case_text(&c->request.u.r.ticket, "CHG-1");
	issue_case_ask(c, FIXTURE_BY(SEED_ALICE));
}

static void
expect_passed(struct issue_case *c, size_t i, const char *text)
{
	if (c->r.passed_over.n <= i)
		fail_msg("nothing passed over, expected '%s'", text);
	if (strstr(c->r.passed_over.v[i], text) == NULL)
		fail_msg("'%s', expected '%s'", c->r.passed_over.v[i], text);
}

static void
each_term_is_met_by_another_person(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, "root-change", "root-change");
	issue_case_expect(&c, "none", "approvals");
	assert_non_null(strstr(c.r.why.msg,
	    "waits for 1 more of approvers (ivan@example.com, "
	    "olga@example.com, petra@example.com), 1 more of leads "
	    "(bob@example.com, lena@example.com)"));
	issue_case_approve(&c, IVAN, FIXTURE_BY(SEED_IVAN));
	issue_case_expect(&c, "one approval short", "approvals");
	assert_non_null(strstr(c.r.why.msg, "waits for 1 more of leads"));
	assert_null(strstr(c.r.why.msg, "approvers"));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "two of the same group", "approvals");
	issue_case_approve(&c, LENA, FIXTURE_BY(SEED_LENA));
	issue_case_expect(&c, "one of each", "ready");
	assert_int_equal(c.r.n_counted, 3);
	assert_int_equal(c.r.approvers.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(c.r.counted[i], i);
	issue_case_close(&c);
}

static void
terms_that_only_a_matching_meets_are_met(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	/* approvers 2, seniors 1: olga is both and stands first in line. */
	ask(&c, "many", "many");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, IVAN, FIXTURE_BY(SEED_IVAN));
	issue_case_expect(&c, "two persons for three places", "approvals");
	issue_case_approve(&c, PETRA, FIXTURE_BY(SEED_PETRA));
	issue_case_expect(&c, "three", "ready");
	assert_int_equal(c.r.terms[0].have, 2);
	assert_int_equal(c.r.terms[1].have, 1);
	issue_case_close(&c);
}

static void
person_counts_once_whatever_keys_he_has(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_grant(&c, "deploy")->approve[0].n = 2;
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA_2));
	issue_case_expect(&c, "two keys of olga's", "approvals");
	assert_int_equal(c.r.n_counted, 1);
	expect_passed(&c, 0, "olga@example.com: has decided before");
	issue_case_approve(&c, IVAN, FIXTURE_BY(SEED_IVAN));
	issue_case_expect(&c, "and ivan", "ready");
	assert_int_equal(c.r.counted[0], 0);
	assert_int_equal(c.r.counted[1], 2);
	issue_case_close(&c);
}

static void
nobody_approves_his_own_request(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_again(&c, OLGA);
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA_2));
	issue_case_expect(&c, "olga, with two keys", "approvals");
	expect_passed(&c, 0, "olga@example.com: own request");
	expect_passed(&c, 1, "olga@example.com: own request");
	assert_null(strstr(c.r.why.msg, OLGA));
	issue_case_approve(&c, IVAN, FIXTURE_BY(SEED_IVAN));
	issue_case_expect(&c, "ivan", "ready");
	issue_case_close(&c);
}

static void
only_members_of_an_approver_group_decide(void **state)
{
	struct issue_case c;
	struct statement *d;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, LENA, FIXTURE_BY(SEED_LENA));
	issue_case_expect(&c, "a lead", "approvals");
	expect_passed(&c, 0, "in no group that decides");
	d = issue_case_decision(&c, BOB);
	d->u.d.approve = false;
	issue_case_decide(&c, FIXTURE_BY(SEED_BOB));
	issue_case_expect(&c, "a lead's deny", "approvals");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_MALLORY));
	issue_case_expect(&c, "a stranger in olga's name", "approvals");
	assert_int_equal(c.r.passed_over.n, 3);
	assert_int_equal(c.r.n_counted, 0);
	issue_case_close(&c);
}

static void
one_deny_ends_the_request(void **state)
{
	struct issue_case c;
	struct statement *d;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "approved", "ready");
	d = issue_case_decision(&c, IVAN);
	d->u.d.approve = false;
	d->u.d.comment = strdup("not on a Friday");
	/* In doubt it counts: a clock off by hours, another outcome shown. */
	d->at = FIXTURE_NOW + 9 * HOUR;
	issue_case_words(&d->u.d.outcomes[0].principals, "other");
	issue_case_decide(&c, FIXTURE_BY(SEED_IVAN));
	issue_case_expect(&c, "and denied", "denied");
	assert_non_null(strstr(c.r.why.msg,
	    "ivan@example.com denied it: "
	    "'not on a Friday'"));
	issue_case_close(&c);
}

static void
first_decision_of_a_person_counts(void **state)
{
	struct issue_case c;
	struct statement *d;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	d = issue_case_decision(&c, OLGA);
	d->u.d.approve = false;
	issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "approved, then denied", "ready");

	ask(&c, "deploy", "deploy");
	d = issue_case_decision(&c, OLGA);
	d->u.d.approve = false;
	issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "denied, then approved", "denied");
	issue_case_close(&c);
}

static void
decision_is_about_this_request_in_this_realm(void **state)
{
	struct issue_case c;
	struct statement *d;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	d = issue_case_decision(&c, OLGA);
	d->u.d.outcomes[0].requests[0] = fixture_hash(0x44);
	issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
	d = issue_case_decision(&c, OLGA);
	d->realm = fixture_hash(0x55);
	issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	c.decisions[2].verified = false;
	issue_case_expect(&c, "none that counts", "approvals");
	expect_passed(&c, 0, "about another request");
	expect_passed(&c, 1, "of another realm");
	expect_passed(&c, 2, "not a verified decision");
	c.list[2] = &c.request;
	issue_case_expect(&c, "a request for a decision", "approvals");
	expect_passed(&c, 2, "not a verified decision");
	c.list[2] = &c.decisions[2];
	c.decisions[2].verified = true;
	issue_case_expect(&c, "one that does", "ready");
	issue_case_close(&c);
}

static void
decision_of_the_wrong_time_is_passed_over(void **state)
{
	/* deploy waits 12h; `at` of the decision and now, after the request. */
	static const struct {
		const char *name, *rule;
		int64_t at, now;
	} cases[] = {
	    {"a clock 5 minutes behind", "ready", -300, 0},
	    {"one second more", "approvals", -301, 0},
	    {"a clock 5 minutes ahead", "ready", 300, 0},
	    {"one second more", "approvals", 301, 0},
	    {"the last second of the wait", "ready", 12 * HOUR, 12 * HOUR},
	    {"after the request had ended", "approvals", 12 * HOUR + 1,
		12 * HOUR},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct statement *d;

		ask(&c, "deploy", "deploy");
		d = issue_case_decision(&c, OLGA);
		d->at = FIXTURE_NOW + cases[i].at;
		issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
		c.in.now = FIXTURE_NOW + cases[i].now;
		issue_case_expect(&c, cases[i].name, cases[i].rule);
		c.in.now = FIXTURE_NOW;
	}
	issue_case_close(&c);
}

static void
touch_and_pin_are_asked_of_approvers_too(void **state)
{
	struct issue_case c;
	struct grant *g;

	(void)state;
	issue_case_open(&c);
	g = issue_case_grant(&c, "deploy");
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	c.request.flags[0] =
	    (struct sk_flags){.is_sk = true, .present = true, .verified = true};
	g->touch = true;
	issue_case_expect(&c, "no touch", "approvals");
	expect_passed(&c, 0, "without the touch");
	c.decisions[0].flags[0] = (struct sk_flags){.is_sk = true};
	issue_case_expect(&c, "a token that nobody touched", "approvals");
	c.decisions[0].flags[0] =
	    (struct sk_flags){.is_sk = true, .present = true};
	issue_case_expect(&c, "a touch", "ready");
	g->pin = true;
	issue_case_expect(&c, "no PIN", "approvals");
	expect_passed(&c, 0, "without the PIN");
	c.decisions[0].flags[0].verified = true;
	issue_case_expect(&c, "a PIN", "ready");
	issue_case_close(&c);
}

static void
revoked_persons_and_keys_do_not_decide(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "olga", "ready");
	issue_case_revoke(&c, NULL, fixture_key(SEED_OLGA),
	    FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "her key revoked since", "approvals");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA_2));
	issue_case_expect(&c, "her other key", "ready");
	issue_case_revoke(&c, OLGA, NULL, FIXTURE_BY(SEED_OLGA_2));
	issue_case_expect(&c, "herself", "approvals");
	assert_null(strstr(c.r.why.msg, OLGA));
	issue_case_close(&c);
}

/* What olga was shown, against what would be issued to alice. */
static void
nothing_wider_than_what_was_shown_is_issued(void **state)
{
	static const struct {
		const char *name, *rule;
		const char *principals, *source, *command, *extensions;
		bool host;
	} cases[] = {
	    {"the same", "ready", NULL, NULL, NULL, NULL, false},
	    {"more principals", "ready", "reader viewer root", NULL, NULL, NULL,
		false},
	    {"one principal less", "approvals", "viewer", NULL, NULL, NULL,
		false},
	    {"no restriction of source", "ready", NULL, "", NULL, NULL, false},
	    {"a wider source", "ready", NULL, "10.0.0.0/7 fc00::/7", NULL, NULL,
		false},
	    {"one source less", "approvals", NULL, "10.0.0.0/8", NULL, NULL,
		false},
	    {"one bit narrower", "approvals", NULL, "10.0.0.0/9 fd00::/8", NULL,
		NULL, false},
	    {"a command", "approvals", NULL, NULL, "/bin/true", NULL, false},
	    {"more extensions", "ready", NULL, NULL, NULL,
		"permit-X11-forwarding permit-agent-forwarding permit-pty",
		false},
	    {"one extension less", "approvals", NULL, NULL, NULL, "permit-pty",
		false},
	    {"another kind", "approvals", NULL, NULL, NULL, NULL, true},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_grant(&c, "free")->n_approve = 1;
	issue_case_grant(&c, "free")->approve[0] =
	    (struct term){.group = strdup("approvers"), .n = 1};
	for (size_t i = 0; i < LEN(cases); i++) {
		struct outcome *o;

		ask(&c, "free", "viewer reader");
		o = &issue_case_decision(&c, OLGA)->u.d.outcomes[0];
		if (cases[i].principals != NULL)
			issue_case_words(&o->principals, cases[i].principals);
		if (cases[i].source != NULL)
			issue_case_words(&o->source, cases[i].source);
		if (cases[i].extensions != NULL)
			issue_case_words(&o->extensions, cases[i].extensions);
		if (cases[i].command != NULL)
			issue_case_text(&o->force_command, cases[i].command);
		if (cases[i].host)
			o->kind = CERT_HOST;
		issue_case_decide(&c, FIXTURE_BY(SEED_OLGA));
		issue_case_expect(&c, cases[i].name, cases[i].rule);
		if (c.r.verdict == ISSUE_WAITING)
			expect_passed(&c, 0, "was shown another outcome");
	}
	issue_case_close(&c);
}

static void
policy_that_gives_more_since_does_not_widen_an_approval(void **state)
{
	struct issue_case c;
	struct grant *g;

	(void)state;
	issue_case_open(&c);
	g = issue_case_grant(&c, "deploy");
	issue_case_text(&g->force_command, "/bin/deploy");
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "as shown", "ready");
	issue_case_text(&g->force_command, NULL);
	issue_case_expect(&c, "no command any more", "approvals");
	issue_case_text(&g->force_command, "/bin/deploy");
	issue_case_words(&g->extensions, "permit-agent-forwarding permit-pty");
	issue_case_expect(&c, "one extension more", "approvals");
	issue_case_close(&c);
}

static void
shortest_length_wins(void **state)
{
	static const struct {
		const char *name;
		int64_t shown[2], said[2], want;
	} cases[] = {
	    {"as asked", {2 * HOUR, 2 * HOUR}, {0, 0}, 2 * HOUR},
	    {"the first shortens", {2 * HOUR, 2 * HOUR}, {HOUR, 0}, HOUR},
	    {"one more than needed shortens too", {2 * HOUR, 2 * HOUR},
		{HOUR, HOUR - 1}, HOUR - 1},
	    {"shown less than asked", {HOUR, 2 * HOUR}, {0, 0}, HOUR},
	    {"shown more than asked", {8 * HOUR, 8 * HOUR}, {0, 0}, 2 * HOUR},
	    {"said more than shown", {HOUR, 2 * HOUR}, {2 * HOUR, 0}, HOUR},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	for (size_t i = 0; i < LEN(cases); i++) {
		static const char *const who[] = {OLGA, IVAN};
		static const uint8_t seeds[] = {SEED_OLGA, SEED_IVAN};

		issue_case_again(&c, ALICE);
		c.request.u.r.length = 2 * HOUR;
		issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
		for (size_t j = 0; j < 2; j++) {
			struct statement *d = issue_case_decision(&c, who[j]);

			d->u.d.outcomes[0].length = cases[i].shown[j];
			issue_case_decide(&c, FIXTURE_BY(seeds[j]));
			/* A parser may refuse to let one say more. */
			d->u.d.length = cases[i].said[j];
		}
		issue_case_expect(&c, cases[i].name, "ready");
		if (c.r.end - c.r.start != cases[i].want)
			fail_msg("%s: %lld s", cases[i].name,
			    (long long)(c.r.end - c.r.start));
	}
	issue_case_close(&c);
}

static void
approval_of_no_length_is_none(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	/* No parser lets these in. */
	c.decisions[0].u.d.outcomes[0].length = 0;
	issue_case_expect(&c, "shown none", "approvals");
	c.decisions[0].u.d.outcomes[0].length = 1;
	issue_case_expect(&c, "shown a second", "ready");
	c.decisions[0].u.d.length = -1;
	issue_case_expect(&c, "said less than none", "approvals");
	issue_case_close(&c);
}

static void
group_without_members_is_waited_for_in_vain(void **state)
{
	struct issue_case c;
	struct grant *g;

	(void)state;
	issue_case_open(&c);
	g = issue_case_grant(&c, "deploy");
	issue_case_text(&g->approve[0].group, "nobodies");
	ask(&c, "deploy", "deploy");
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "an empty group", "approvals");
	assert_non_null(strstr(c.r.why.msg, "nobody is left who could"));
	issue_case_close(&c);
}

static void
what_decided_decides_again_from_the_counted_alone(void **state)
{
	struct issue_case c;
	const struct statement *counted[ISSUE_CASE_DECISIONS];
	struct cert first;
	size_t n;

	(void)state;
	issue_case_open(&c);
	ask(&c, "root-change", "root-change");
	issue_case_approve(&c, ALICE, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA_2));
	issue_case_approve(&c, IVAN, FIXTURE_BY(SEED_IVAN));
	issue_case_approve(&c, BOB, FIXTURE_BY(SEED_BOB));
	issue_case_expect(&c, "all", "ready");
	n = c.r.n_counted;
	assert_int_equal(n, 3);
	for (size_t i = 0; i < n; i++)
		counted[i] = c.list[c.r.counted[i]];
	first = c.r.cert;
	cert_init(&c.r.cert);
	c.in.decisions = counted;
	c.in.n_decisions = n;
	issue_case_expect(&c, "as an auditor", "ready");
	assert_int_equal(c.r.n_counted, n);
	assert_true(c.r.cert.valid_after == first.valid_after);
	assert_true(c.r.cert.valid_before == first.valid_before);
	assert_true(c.r.cert.serial == first.serial);
	assert_true(cert_options_equal(&c.r.cert.critical, &first.critical));
	cert_clear(&first);
	issue_case_close(&c);
}

static int
decide_once(void *arg)
{
	struct issue_case *c = arg;
	struct err e = {0};

	return issue_decide(&c->in, &c->r, &e);
}

static void
memory_that_runs_out_among_decisions_is_said_so(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, "root-change", "root-change");
	issue_case_approve(&c, ALICE, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	assert_true(alloc_each(decide_once, &c) > 5);
	assert_int_equal(c.r.verdict, ISSUE_WAITING);
	issue_case_approve(&c, BOB, FIXTURE_BY(SEED_BOB));
	assert_true(alloc_each(decide_once, &c) > 5);
	assert_int_equal(c.r.verdict, ISSUE_READY);
	issue_case_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_term_is_met_by_another_person),
	    cmocka_unit_test(terms_that_only_a_matching_meets_are_met),
	    cmocka_unit_test(person_counts_once_whatever_keys_he_has),
	    cmocka_unit_test(nobody_approves_his_own_request),
	    cmocka_unit_test(only_members_of_an_approver_group_decide),
	    cmocka_unit_test(one_deny_ends_the_request),
	    cmocka_unit_test(first_decision_of_a_person_counts),
	    cmocka_unit_test(decision_is_about_this_request_in_this_realm),
	    cmocka_unit_test(decision_of_the_wrong_time_is_passed_over),
	    cmocka_unit_test(touch_and_pin_are_asked_of_approvers_too),
	    cmocka_unit_test(revoked_persons_and_keys_do_not_decide),
	    cmocka_unit_test(nothing_wider_than_what_was_shown_is_issued),
	    cmocka_unit_test(
		policy_that_gives_more_since_does_not_widen_an_approval),
	    cmocka_unit_test(shortest_length_wins),
	    cmocka_unit_test(approval_of_no_length_is_none),
	    cmocka_unit_test(group_without_members_is_waited_for_in_vain),
	    cmocka_unit_test(what_decided_decides_again_from_the_counted_alone),
	    cmocka_unit_test(memory_that_runs_out_among_decisions_is_said_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
