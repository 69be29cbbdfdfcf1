/* SPDX-License-Identifier: ISC */
/* What is refused whatever anybody decides, by the least step. */
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
#define MINUTE 60

static void
run(const struct issue_row *rows, size_t n)
{
	struct issue_case c;

	issue_case_open(&c);
	for (size_t i = 0; i < n; i++) {
		issue_case_again(&c, ALICE);
		issue_case_ask_row(&c, &rows[i]);
		issue_case_expect(&c, rows[i].name, rows[i].rule);
		if (rows[i].hint != NULL &&
		    strstr(c.r.why.hint, rows[i].hint) == NULL)
			fail_msg("%s: hint '%s', expected '%s'", rows[i].name,
			    c.r.why.hint, rows[i].hint);
	}
	issue_case_close(&c);
}

static void
length_and_clock_pass_up_to_their_limit(void **state)
{
	static const struct issue_row rows[] = {
	    {.name = "all of it", .rule = "ready", .length = HOUR},
	    {.name = "one second", .rule = "ready", .length = 1},
	    {.name = "one second too long",
		.rule = "length",
		.length = HOUR + 1,
		.hint = "--for 1h"},
	    {.name = "5 minutes ahead", .rule = "ready", .at = 5 * MINUTE},
	    {.name = "one second more ahead",
		.rule = "future",
		.at = 5 * MINUTE + 1},
	    {.name = "a clock off by hours", .rule = "future", .at = 3 * HOUR},
	    {.name = "waited all it may, and ended",
		.rule = "past",
		.now = HOUR},
	    {.name = "one second before that",
		.rule = "ready",
		.now = HOUR - 1},
	    {.name = "one second more than it may wait",
		.rule = "expired",
		.now = HOUR + 1},
	    {.name = "as far ahead as it may start",
		.rule = "ready",
		.not_before = 2 * HOUR},
	    {.name = "one second further",
		.rule = "ahead",
		.not_before = 2 * HOUR + 1,
		.hint = "--not-before 2026-03-02T12:00:00Z"},
	    {.name = "a start in the past",
		.rule = "ready",
		.not_before = -30 * 86400},
	};

	(void)state;
	run(rows, LEN(rows));
}

static void
grant_gives_what_it_lists_and_no_more(void **state)
{
	static const struct issue_row rows[] = {
	    {.name = "no such grant",
		.rule = "grant",
		.grant = "fre",
		.hint = "--grant free"},
	    {.name = "a grant of another kind",
		.rule = "kind",
		.grant = "hosts"},
	    {.name = "both principals",
		.rule = "ready",
		.principals = "viewer reader"},
	    {.name = "on one host",
		.rule = "ready",
		.principals = "viewer@web1.example.com"},
	    {.name = "one that it lacks",
		.rule = "principals",
		.principals = "viewer root",
		.hint = "--principal viewer"},
	    {.name = "nothing that it has",
		.rule = "principals",
		.principals = "root",
		.hint = "--principal viewer --principal reader"},
	    {.name = "an upper case letter",
		.rule = "principals",
		.principals = "Viewer"},
	    {.name = "a wildcard", .rule = "principals", .principals = "*"},
	    {.name = "inside one source",
		.rule = "ready",
		.source = "10.1.0.0/16"},
	    {.name = "one of two outside",
		.rule = "source",
		.source = "10.1.0.0/16 192.0.2.1",
		.hint = "--from 10.0.0.0/8 --from fd00::/8"},
	    {.name = "one bit wider", .rule = "source", .source = "10.0.0.0/7"},
	    {.name = "of the other family",
		.rule = "ready",
		.source = "fd00:1::/32"},
	    {.name = "host bits", .rule = "source", .source = "10.0.0.1/8"},
	    {.name = "no extension", .rule = "ready", .extensions = ""},
	    {.name = "one of two", .rule = "ready", .extensions = "permit-pty"},
	    {.name = "one that it lacks",
		.rule = "extensions",
		.extensions = "permit-pty permit-user-rc",
		.hint = "--extension permit-agent-forwarding"},
	    {.name = "a command of one's own",
		.rule = "ready",
		.command = "/bin/date"},
	    {.name = "the grant's command, asked for",
		.rule = "ready",
		.grant = "forced",
		.principals = "backup",
		.command = "/usr/bin/backup"},
	    {.name = "another than the grant's",
		.rule = "force-command",
		.grant = "forced",
		.principals = "backup",
		.command = "/usr/bin/backup2",
		.hint = "without --force-command"},
	};

	(void)state;
	run(rows, LEN(rows));
}

static void
reason_and_ticket_are_as_the_grant_says(void **state)
{
	static const struct issue_row rows[] = {
	    {.name = "10 characters",
		.rule = "approvals",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "0123456789"},
	    {.name = "9 characters",
		.rule = "reason",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "012345678"},
	    {.name = "10 characters of more bytes",
		.rule = "approvals",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "\xc4\x85\xc4\x85\xc4\x85\xc4\x85\xc4\x85"
			  "\xc4\x85\xc4\x85\xc4\x85\xc4\x85\xc4\x85"},
	    {.name = "9 characters of more bytes",
		.rule = "reason",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "\xc4\x85\xc4\x85\xc4\x85\xc4\x85\xc4\x85"
			  "\xc4\x85\xc4\x85\xc4\x85\xc4\x85"},
	    {.name = "40 characters",
		.rule = "approvals",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "0123456789012345678901234567890123456789"},
	    {.name = "41 characters",
		.rule = "reason",
		.grant = "deploy",
		.principals = "deploy",
		.reason = "01234567890123456789012345678901234567890"},
	    {.name = "a ticket",
		.rule = "approvals",
		.grant = "root-change",
		.principals = "root-change",
		.ticket = "CHG-7"},
	    {.name = "no ticket",
		.rule = "ticket",
		.grant = "root-change",
		.principals = "root-change",
		.hint = "--ticket"},
	    {.name = "a ticket and more",
		.rule = "ticket",
		.grant = "root-change",
		.principals = "root-change",
		.ticket = "CHG-7x"},
	    {.name = "a ticket nobody asked for",
		.rule = "ready",
		.ticket = "anything"},
	};

	(void)state;
	run(rows, LEN(rows));
}

static void
subject_is_nobody_elses_key_and_no_authority(void **state)
{
	static const struct issue_row rows[] = {
	    {.name = "nobody's", .rule = "ready", .subject = SEED_SUBJECT},
	    {.name = "her own", .rule = "ready", .subject = SEED_ALICE_2},
	    {.name = "bob's", .rule = "subject", .subject = SEED_BOB},
	    {.name = "an officer's second",
		.rule = "subject",
		.subject = SEED_OLGA_2},
	    {.name = "the CA that signs",
		.rule = "subject",
		.subject = SEED_USER_CA},
	    {.name = "a log's", .rule = "subject", .subject = SEED_LOG},
	};
	struct issue_case c;

	(void)state;
	run(rows, LEN(rows));

	issue_case_open(&c);
	issue_case_revoke(&c, NULL, fixture_key(SEED_SUBJECT),
	    FIXTURE_BY(SEED_OLGA));
	issue_case_ask_row(&c, &(struct issue_row){.subject = SEED_SUBJECT});
	issue_case_expect(&c, "a revoked key", "subject");
	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){.subject = SEED_ALICE_NEW});
	issue_case_expect(&c, "another key", "ready");
	issue_case_close(&c);
}

/* A key that needs a token: as PROTOCOL.u2f has it, over an Ed25519 point. */
static void
use_sk_subject(struct request *q)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 256), 0);
	assert_int_equal(buf_put_cstring(b, "sk-ssh-ed25519@openssh.com"), 0);
	assert_int_equal(buf_put_string(b,
			     pubkey_ed25519(fixture_key(SEED_SUBJECT)), 32),
	    0);
	assert_int_equal(buf_put_cstring(b, "ssh:"), 0);
	pubkey_free(q->subject);
	q->subject = NULL;
	assert_int_equal(pubkey_parse(buf_slice(b), &q->subject, NULL), 0);
	buf_free(b);
}

static void
verify_required_demands_a_key_that_can(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_grant(&c, "free")->verify_required = true;
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_expect(&c, "a file key", "subject");

	issue_case_again(&c, ALICE);
	use_sk_subject(&c.request.u.r);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_expect(&c, "an sk key", "ready");
	assert_non_null(cert_option_find(&c.r.cert.critical,
	    "verify-required"));
	issue_case_close(&c);
}

static void
no_touch_required_is_given_to_sk_keys_alone(void **state)
{
	struct issue_case c;
	const char *list = "no-touch-required permit-pty";

	(void)state;
	issue_case_open(&c);
	issue_case_words(&issue_case_grant(&c, "free")->extensions, list);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_expect(&c, "not asked for", "ready");
	assert_int_equal(c.r.cert.extensions.n, 1);

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){.extensions = list});
	issue_case_expect(&c, "asked for", "extensions");

	issue_case_again(&c, ALICE);
	use_sk_subject(&c.request.u.r);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_expect(&c, "an sk key", "ready");
	assert_int_equal(c.r.cert.extensions.n, 2);
	issue_case_close(&c);
}

static void
touch_and_pin_are_what_the_signature_says(void **state)
{
	static const struct {
		const char *name, *rule;
		bool touch, pin;
		struct sk_flags flags;
	} cases[] = {
	    {"none wanted", "ready", false, false, {0}},
	    {"touch from a file key", "touch", true, false, {0}},
	    {"touch without one", "touch", true, false, {.is_sk = true}},
	    {"touched", "ready", true, false, {.is_sk = true, .present = true}},
	    {"PIN, touched alone", "pin", false, true,
		{.is_sk = true, .present = true}},
	    {"PIN", "ready", true, true,
		{.is_sk = true, .present = true, .verified = true}},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct grant *g = issue_case_grant(&c, "free");

		g->touch = cases[i].touch;
		g->pin = cases[i].pin;
		issue_case_again(&c, ALICE);
		issue_case_ask_row(&c, &(struct issue_row){0});
		c.request.flags[0] = cases[i].flags;
		issue_case_expect(&c, cases[i].name, cases[i].rule);
	}
	issue_case_close(&c);
}

static void
only_who_stands_in_the_policy_now_may_ask(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_expect(&c, "alice", "ready");
	assert_string_equal(c.r.requester->id, ALICE);
	c.request.verified = false;
	issue_case_expect(&c, "nobody verified it", "unverified");

	issue_case_again(&c, ALICE);
	issue_case_ask(&c, FIXTURE_BY(SEED_MALLORY));
	issue_case_expect(&c, "signed by a stranger", "author");
	issue_case_again(&c, ALICE);
	issue_case_ask(&c, FIXTURE_BY(SEED_BOB));
	issue_case_expect(&c, "signed by another person", "author");

	issue_case_again(&c, CAROL);
	issue_case_ask(&c, FIXTURE_BY(SEED_CAROL));
	issue_case_expect(&c, "not named by `to`", "person");

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_revoke(&c, ALICE, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "revoked since", "author");
	issue_case_close(&c);
}

static void
request_of_another_realm_is_refused_before_all_else(void **state)
{
	struct issue_case c;
	struct hash other = fixture_hash(0x33);

	(void)state;
	issue_case_open(&c);
	issue_case_ask_row(&c, &(struct issue_row){.grant = "nonsense"});
	c.in.realm = &other;
	issue_case_expect(&c, "another realm", "realm");
	issue_case_close(&c);
}

static void
what_is_empty_never_means_everything(void **state)
{
	struct issue_case c;
	regex_t *re;

	(void)state;
	issue_case_open(&c);
	issue_case_ask_row(&c, &(struct issue_row){0});
	/* No parser lets these in; the rules do not lean on that. */
	strs_clear(&c.request.u.r.principals);
	issue_case_expect(&c, "no principal", "principals");

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){0});
	c.request.u.r.length = 0;
	issue_case_expect(&c, "no length", "length");
	c.request.u.r.length = -HOUR;
	issue_case_expect(&c, "less than none", "length");

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){0});
	issue_case_text(&c.request.u.r.reason, NULL);
	issue_case_expect(&c, "no reason", "reason");

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c,
	    &(struct issue_row){.grant = "root-change",
		.principals = "root-change",
		.ticket = "CHG-1"});
	re = issue_case_grant(&c, "root-change")->ticket_re;
	issue_case_grant(&c, "root-change")->ticket_re = NULL;
	issue_case_expect(&c, "a pattern nobody compiled", "ticket");
	issue_case_grant(&c, "root-change")->ticket_re = re;
	issue_case_close(&c);
}

static int
decide_once(void *arg)
{
	struct issue_case *c = arg;
	struct err e = {0};
	int r = issue_decide(&c->in, &c->r, &e);

	if (r != 0) {
		assert_int_equal(c->r.verdict, 0);
		assert_null(c->r.cert.key);
	}
	return r;
}

static void
memory_that_runs_out_is_said_so_and_nothing_else(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_ask_row(&c, &(struct issue_row){.command = "/bin/date"});
	assert_true(alloc_each(decide_once, &c) > 10);
	assert_int_equal(c.r.verdict, ISSUE_READY);
	issue_case_again(&c, ALICE);
	issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&c, ALICE, FIXTURE_BY(SEED_ALICE));
	assert_true(alloc_each(decide_once, &c) > 5);
	assert_int_equal(c.r.verdict, ISSUE_WAITING);
	issue_case_close(&c);
}

static void
what_is_no_request_is_an_error(void **state)
{
	struct issue_case c;
	struct err e = {0};

	(void)state;
	issue_case_open(&c);
	issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&c, OLGA, FIXTURE_BY(SEED_OLGA));
	c.in.request = &c.decisions[0];
	assert_int_equal(issue_decide(&c.in, &c.r, &e), ERR_PARSE);
	c.in.request = &c.request;
	c.in.n_decisions = ISSUE_DECISIONS_MAX + 1;
	assert_int_equal(issue_decide(&c.in, &c.r, &e), ERR_LIMIT);
	c.in.n_decisions = 1;
	issue_case_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(length_and_clock_pass_up_to_their_limit),
	    cmocka_unit_test(grant_gives_what_it_lists_and_no_more),
	    cmocka_unit_test(reason_and_ticket_are_as_the_grant_says),
	    cmocka_unit_test(subject_is_nobody_elses_key_and_no_authority),
	    cmocka_unit_test(verify_required_demands_a_key_that_can),
	    cmocka_unit_test(no_touch_required_is_given_to_sk_keys_alone),
	    cmocka_unit_test(touch_and_pin_are_what_the_signature_says),
	    cmocka_unit_test(only_who_stands_in_the_policy_now_may_ask),
	    cmocka_unit_test(
		request_of_another_realm_is_refused_before_all_else),
	    cmocka_unit_test(what_is_empty_never_means_everything),
	    cmocka_unit_test(memory_that_runs_out_is_said_so_and_nothing_else),
	    cmocka_unit_test(what_is_no_request_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
