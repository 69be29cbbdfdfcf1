/* SPDX-License-Identifier: ISC */
/* Who signs, how long a policy counts, and what the certificate says. */
#include "ca/issue/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/issue_case.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR   3600

static void
principals_are_at_most_as_many_as_openssh_reads(void **state)
{
	struct issue_case c;
	struct strs *l;

	(void)state;
	issue_case_open(&c);
	issue_case_ask_row(&c, &(struct issue_row){0});
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
	issue_case_ask_row(&c, &(struct issue_row){0});
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
	issue_case_ask_row(&c, &(struct issue_row){0});
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
	issue_case_ask_row(&c, &(struct issue_row){0});
	serial = issue_serial(&c.request.hash);
	issue_case_revoke_cert(&c, serial + 1, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "another serial", "ready");
	issue_case_revoke_cert(&c, serial, NULL, FIXTURE_BY(SEED_OLGA));
	issue_case_expect(&c, "its serial", "revoked");

	issue_case_again(&c, ALICE);
	issue_case_ask_row(&c, &(struct issue_row){0});
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
	issue_case_ask_row(&c, &(struct issue_row){0});
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
	issue_case_ask_row(&c,
	    &(struct issue_row){
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(principals_are_at_most_as_many_as_openssh_reads),
	    cmocka_unit_test(host_certificates_carry_names_alone),
	    cmocka_unit_test(only_a_listed_authority_signs),
	    cmocka_unit_test(revoked_authority_signs_nothing),
	    cmocka_unit_test(certificate_revoked_before_it_was_issued_is_not),
	    cmocka_unit_test(policy_past_its_grace_issues_nothing),
	    cmocka_unit_test(who_only_asks_is_told_without_a_signature),
	    cmocka_unit_test(certificate_says_what_was_granted),
	    cmocka_unit_test(serial_has_63_bits_and_is_never_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
