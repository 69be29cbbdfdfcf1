/* SPDX-License-Identifier: ISC */
/* What is refused whatever anybody decides, by the least step. */
#include "ca/issue/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/issue_case.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR   3600
#define MINUTE 60

/* Alice's usual request under `free`; what a row does not say stays. */
struct row {
	const char *name, *rule;
	const char *grant, *principals, *reason, *ticket;
	const char *source, *command, *extensions;
	int64_t length, at, now, not_before;
	uint8_t subject;
	const char *hint; /* part of it */
};

static void
ask(struct issue_case *c, const struct row *row)
{
	struct request *q = &c->request.u.r;

	issue_case_text(&q->grant, row->grant != NULL ? row->grant : "free");
	issue_case_words(&q->principals,
	    row->principals != NULL ? row->principals : "viewer");
	if (row->reason != NULL)
		issue_case_text(&q->reason, row->reason);
	issue_case_text(&q->ticket, row->ticket);
	if (row->source != NULL)
		issue_case_words(&q->source, row->source);
	issue_case_text(&q->force_command, row->command);
	q->has_extensions = row->extensions != NULL;
	if (row->extensions != NULL)
		issue_case_words(&q->extensions, row->extensions);
	q->length = row->length != 0 ? row->length : HOUR;
	q->not_before =
	    row->not_before != 0 ? FIXTURE_NOW + row->not_before : 0;
	c->request.at = FIXTURE_NOW + row->at;
	c->in.now = FIXTURE_NOW + row->now;
	if (row->subject != 0) {
		pubkey_free(q->subject);
		q->subject = NULL;
		assert_int_equal(pubkey_dup(fixture_key(row->subject),
				     &q->subject),
		    0);
	}
	issue_case_ask(c, FIXTURE_BY(SEED_ALICE));
}

static void
run(const struct row *rows, size_t n)
{
	struct issue_case c;

	issue_case_open(&c);
	for (size_t i = 0; i < n; i++) {
		issue_case_again(&c, ALICE);
		ask(&c, &rows[i]);
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
	static const struct row rows[] = {
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
	static const struct row rows[] = {
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
	static const struct row rows[] = {
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
	static const struct row rows[] = {
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
	ask(&c, &(struct row){.subject = SEED_SUBJECT});
	issue_case_expect(&c, "a revoked key", "subject");
	issue_case_again(&c, ALICE);
	ask(&c, &(struct row){.subject = SEED_ALICE_NEW});
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
	ask(&c, &(struct row){0});
	issue_case_expect(&c, "a file key", "subject");

	issue_case_again(&c, ALICE);
	use_sk_subject(&c.request.u.r);
	ask(&c, &(struct row){0});
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
	ask(&c, &(struct row){0});
	issue_case_expect(&c, "not asked for", "ready");
	assert_int_equal(c.r.cert.extensions.n, 1);

	issue_case_again(&c, ALICE);
	ask(&c, &(struct row){.extensions = list});
	issue_case_expect(&c, "asked for", "extensions");

	issue_case_again(&c, ALICE);
	use_sk_subject(&c.request.u.r);
	ask(&c, &(struct row){0});
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
		ask(&c, &(struct row){0});
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
	ask(&c, &(struct row){0});
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
	ask(&c, &(struct row){0});
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
	ask(&c, &(struct row){.grant = "nonsense"});
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
	ask(&c, &(struct row){0});
	/* No parser lets these in; the rules do not lean on that. */
	strs_clear(&c.request.u.r.principals);
	issue_case_expect(&c, "no principal", "principals");

	issue_case_again(&c, ALICE);
	ask(&c, &(struct row){0});
	c.request.u.r.length = 0;
	issue_case_expect(&c, "no length", "length");
	c.request.u.r.length = -HOUR;
	issue_case_expect(&c, "less than none", "length");

	issue_case_again(&c, ALICE);
	ask(&c, &(struct row){0});
	issue_case_text(&c.request.u.r.reason, NULL);
	issue_case_expect(&c, "no reason", "reason");

	issue_case_again(&c, ALICE);
	ask(&c,
	    &(struct row){.grant = "root-change",
		.principals = "root-change",
		.ticket = "CHG-1"});
	re = issue_case_grant(&c, "root-change")->ticket_re;
	issue_case_grant(&c, "root-change")->ticket_re = NULL;
	issue_case_expect(&c, "a pattern nobody compiled", "ticket");
	issue_case_grant(&c, "root-change")->ticket_re = re;
	issue_case_close(&c);
}

static void
principals_are_at_most_as_many_as_openssh_reads(void **state)
{
	struct issue_case c;
	struct strs *l;

	(void)state;
	issue_case_open(&c);
	ask(&c, &(struct row){0});
	l = &c.request.u.r.principals;
	strs_clear(l);
	for (int i = 0; i < CERT_PRINCIPALS_MAX; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "viewer@h%d", i);
		assert_int_equal(strs_add(l, name), 0);
	}
	issue_case_expect(&c, "256", "ready");
	assert_int_equal(strs_add(l, "viewer@h0"), 0);
	issue_case_expect(&c, "one of them twice", "ready");
	assert_int_equal(c.r.cert.principals.n, CERT_PRINCIPALS_MAX);
	assert_int_equal(strs_add(l, "viewer"), 0);
	issue_case_expect(&c, "257", "principals");
	issue_case_close(&c);
}

static void
ask_host(struct issue_case *c, const char *principals)
{
	struct request *q = &c->request.u.r;

	issue_case_again(c, OLGA);
	q->kind = CERT_HOST;
	issue_case_text(&q->grant, "hosts");
	issue_case_words(&q->principals, principals);
	c->in.ca = fixture_key(SEED_HOST_CA);
}

static void
host_certificates_carry_names_alone(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask_host(&c, "web1.example.com");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "a host", "ready");
	assert_int_equal(c.r.cert.kind, CERT_HOST);
	assert_int_equal(c.r.cert.critical.n, 0);
	assert_int_equal(c.r.cert.extensions.n, 0);

	ask_host(&c, "a.web1.example.com");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "a dot more than the pattern", "principals");

	ask_host(&c, "web1.example.com");
	issue_case_words(&c.request.u.r.source, "10.0.0.0/8");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "a source", "source");

	ask_host(&c, "web1.example.com");
	issue_case_text(&c.request.u.r.force_command, "/bin/date");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "a command", "force-command");

	ask_host(&c, "web1.example.com");
	c.request.u.r.has_extensions = true;
	issue_case_words(&c.request.u.r.extensions, "permit-pty");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "an extension", "extensions");

	ask_host(&c, "web1.example.com");
	issue_case_ask(&c, FIXTURE_BY(SEED_OLGA));
	issue_case_grant(&c, "hosts")->verify_required = true;
	issue_case_expect(&c, "a restriction it cannot carry", "subject");
	issue_case_close(&c);
}

static void
only_a_listed_authority_signs(void **state)
{
	static const struct {
		const char *name, *rule;
		uint8_t seed;
	} cases[] = {
	    {"the first", "ready", SEED_USER_CA},
	    {"the emergency's", "ready", SEED_EMERGENCY_CA},
	    {"the one for hosts", "authority", SEED_HOST_CA},
	    {"a log's key", "authority", SEED_LOG},
	    {"a stranger's", "authority", SEED_MALLORY},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, &(struct row){0});
	for (size_t i = 0; i < LEN(cases); i++) {
		c.in.ca = fixture_key(cases[i].seed);
		issue_case_expect(&c, cases[i].name, cases[i].rule);
	}
	c.in.ca = NULL;
	issue_case_expect(&c, "whoever only asks", "ready");
	assert_true(pubkey_equal(c.r.cert.ca, fixture_key(SEED_USER_CA)));
	issue_case_close(&c);
}

static void
revoked_authority_signs_nothing(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, &(struct row){0});
	issue_case_revoke(&c, NULL, fixture_key(SEED_USER_CA),
	    FIXTURE_BY(SEED_OLGA, SEED_IVAN));
	issue_case_expect(&c, "the revoked one", "authority");
	c.in.ca = fixture_key(SEED_EMERGENCY_CA);
	issue_case_expect(&c, "the other one", "ready");
	issue_case_close(&c);
}

static void
certificate_revoked_before_it_was_issued_is_not(void **state)
{
	struct issue_case c;
	char id[ISSUE_KEY_ID_MAX];
	uint64_t serial;

	(void)state;
	issue_case_open(&c);
	ask(&c, &(struct row){0});
	serial = issue_serial(&c.request.hash);
	issue_case_revoke_cert(&c, serial + 1, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "another serial", "ready");
	issue_case_revoke_cert(&c, serial, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "its serial", "revoked");

	issue_case_again(&c, ALICE);
	ask(&c, &(struct row){0});
	issue_case_expect(&c, "another request", "ready");
	issue_key_id(ALICE, &c.request.hash, id);
	issue_case_revoke_cert(&c, 0, id, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "its key id", "revoked");
	issue_case_close(&c);
}

static void
policy_past_its_grace_issues_nothing(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	ask(&c, &(struct row){0});
	c.policy->expires = FIXTURE_NOW - c.policy->grace;
	issue_case_expect(&c, "the last second of grace", "ready");
	c.policy->expires--;
	issue_case_expect(&c, "one second later", "policy-expired");
	c.policy->expires = 0;
	issue_case_expect(&c, "a draft", "ready");
	c.policy->root_expires = FIXTURE_NOW - c.policy->grace - 1;
	issue_case_expect(&c, "the root", "policy-expired");
	issue_case_close(&c);
}

static void
who_only_asks_is_told_without_a_signature(void **state)
{
	struct issue_case c;
	struct hash zero = {{0}};

	(void)state;
	issue_case_open(&c);
	c.in.who = policy_person(c.policy, ALICE);
	c.request.hash = zero;
	issue_case_expect(&c, "would need", "approvals");
	assert_int_equal(c.r.n_terms, 1);
	assert_int_equal(c.r.shown.length, HOUR);
	issue_case_text(&c.request.u.r.grant, "free");
	issue_case_words(&c.request.u.r.principals, "viewer");
	issue_case_grant(&c, "free")->touch = true;
	issue_case_expect(&c, "would be issued", "ready");
	assert_true(c.r.cert.serial == 1);
	c.in.who = NULL;
	issue_case_expect(&c, "nobody asks", "unverified");
	c.in.who = policy_person(c.policy, ALICE);

	/* With a signature it is the author who counts. */
	issue_case_ask(&c, FIXTURE_BY(SEED_MALLORY));
	issue_case_expect(&c, "signed by a stranger", "author");
	issue_case_again(&c, ALICE);
	issue_case_revoke(&c, ALICE, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "one who is revoked", "author");
	issue_case_close(&c);
}

static void
certificate_says_what_was_granted(void **state)
{
	static const uint8_t nonce[CERT_NONCE_LEN] = {1, 2, 3};
	struct issue_case c;
	const struct cert *cert;
	char id[ISSUE_KEY_ID_MAX];

	(void)state;
	issue_case_open(&c);
	c.in.nonce = nonce;
	ask(&c,
	    &(struct row){
		.principals = "viewer reader", .command = "/bin/date"});
	issue_case_expect(&c, "all of it", "ready");
	cert = &c.r.cert;
	issue_key_id(ALICE, &c.request.hash, id);
	assert_string_equal(cert->key_id, id);
	assert_true(cert->serial == issue_serial(&c.request.hash));
	assert_int_equal(cert->kind, CERT_USER);
	assert_int_equal(cert->principals.n, 2);
	assert_string_equal(cert->principals.v[0], "viewer");
	assert_string_equal(cert->principals.v[1], "reader");
	assert_true(cert->valid_after == (uint64_t)FIXTURE_NOW - 60);
	assert_true(cert->valid_before == (uint64_t)FIXTURE_NOW + HOUR);
	assert_int_equal(cert->critical.n, 2);
	assert_string_equal(cert->critical.v[0].name, "force-command");
	assert_string_equal(cert->critical.v[0].value, "/bin/date");
	assert_string_equal(cert->critical.v[1].name, "source-address");
	assert_string_equal(cert->critical.v[1].value, "10.0.0.0/8,fd00::/8");
	assert_int_equal(cert->extensions.n, 2);
	assert_string_equal(cert->extensions.v[0].name,
	    "permit-agent-forwarding");
	assert_string_equal(cert->extensions.v[1].name, "permit-pty");
	assert_null(cert->extensions.v[0].value);
	assert_true(pubkey_equal(cert->key, fixture_key(SEED_SUBJECT)));
	assert_true(pubkey_equal(cert->ca, fixture_key(SEED_USER_CA)));
	assert_int_equal(cert->nonce_len, CERT_NONCE_LEN);
	assert_memory_equal(cert->nonce, nonce, CERT_NONCE_LEN);
	issue_case_close(&c);
}

static void
serial_has_63_bits_and_is_never_0(void **state)
{
	struct hash h = fixture_hash(0xff);
	char id[ISSUE_KEY_ID_MAX];

	(void)state;
	assert_true(issue_serial(&h) == INT64_MAX);
	issue_key_id("bob@example.com", &h, id);
	assert_string_equal(id,
	    "bob@example.com/ffffffffffffffffffffffffffffffff");
	memset(&h, 0, sizeof(h));
	assert_true(issue_serial(&h) == 1);
	h.b[0] = 0x80;
	assert_true(issue_serial(&h) == 1);
	h.b[7] = 2;
	assert_true(issue_serial(&h) == 2);
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
	ask(&c, &(struct row){.command = "/bin/date"});
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
	    cmocka_unit_test(principals_are_at_most_as_many_as_openssh_reads),
	    cmocka_unit_test(host_certificates_carry_names_alone),
	    cmocka_unit_test(only_a_listed_authority_signs),
	    cmocka_unit_test(revoked_authority_signs_nothing),
	    cmocka_unit_test(certificate_revoked_before_it_was_issued_is_not),
	    cmocka_unit_test(policy_past_its_grace_issues_nothing),
	    cmocka_unit_test(who_only_asks_is_told_without_a_signature),
	    cmocka_unit_test(certificate_says_what_was_granted),
	    cmocka_unit_test(serial_has_63_bits_and_is_never_0),
	    cmocka_unit_test(memory_that_runs_out_is_said_so_and_nothing_else),
	    cmocka_unit_test(what_is_no_request_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
