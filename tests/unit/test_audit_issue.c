/* SPDX-License-Identifier: ISC */
/* Logs whose bytes are in order and whose meaning is not; merged logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit.h"
#include "tests/unit/logcase.h"

static struct logcase lg, other;

static int
setup(void **state)
{
	(void)state;
	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	logcase_close(&lg);
	return 0;
}

static int
setup_two(void **state)
{
	logcase_open(&other, "emergency_log", SEED_EMERGENCY_LOG,
	    SEED_EMERGENCY_CA);
	logcase_story(&other);
	logcase_publish(&other);
	setup(state);
	logcase_story(&lg);
	logcase_publish(&lg);
	return 0;
}

static int
teardown_two(void **state)
{
	logcase_close(&other);
	return teardown(state);
}

static void
audit(struct audit_report *r)
{
	struct audit_config c = {.url = lg.dir, .realm = lg.realm};
	struct err e = {0};

	memset(r, 0, sizeof(*r));
	if (audit_verify(&c, r, &e) != 0)
		fail_msg("audit: %s", e.msg);
}

/* Publish; exactly n findings, one of them about that leaf saying this. */
static void
expect(size_t n, uint64_t index, const char *text)
{
	struct audit_report r;
	bool found = n == 0;

	logcase_publish(&lg);
	audit(&r);
	for (size_t i = 0; i < r.n; i++)
		found = found ||
		    (!r.v[i].notice && r.v[i].index == index &&
			strstr(r.v[i].text, text) != NULL);
	if (!found || r.n_findings != n)
		logcase_fail(&r, text);
	audit_report_clear(&r);
}

/* --- one story in parts --------------------------------------------------- */

struct story {
	struct statement request, decision;
	const struct statement *r, *d;
	struct issue_leaf leaf;
};

static void
begin(struct story *s)
{
	s->r = &s->request;
	s->d = &s->decision;
	fixture_request(&s->request, ALICE);
	fixture_sign(&s->request, FIXTURE_BY(SEED_ALICE));
	fixture_decision(&s->decision, OLGA, &lg.trust.policy->hash, &s->r, 1);
	fixture_sign(&s->decision, FIXTURE_BY(SEED_OLGA));
	logcase_decide(&lg, s->r, &s->d, 1, &s->leaf);
}

static void
end(struct story *s)
{
	logcase_issue_clear(&s->leaf);
	statement_clear(&s->request);
	statement_clear(&s->decision);
}

static void
revoke(const char *person, uint8_t seed)
{
	struct statement s;

	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(person);
	s.u.v.reason = str_dup("left the company");
	fixture_sign(&s, FIXTURE_BY(seed));
	(void)logcase_add(&lg, &s);
	statement_clear(&s);
}

static void
a_certificate_to_be_signed_alone_is_a_notice(void **state)
{
	struct audit_report r;
	struct story s;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	(void)logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	logcase_publish(&lg);
	audit(&r);
	if (r.n_findings != 0 || r.n_notices != 1)
		logcase_fail(&r, "one notice expected");
	assert_string_equal(r.v[0].kind, "pending");
	audit_report_clear(&r);
	end(&s);
}

static void
a_request_that_is_not_logged_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	expect(1, at, "names a request that is not in the log");
	end(&s);
}

static void
a_decision_that_is_not_logged_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.r);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	(void)logcase_add(&lg, s.d);
	expect(1, at, "counts a decision that is not in the log before it");
	end(&s);
}

static void
a_certificate_without_its_approval_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	s.leaf.n_decisions = 0;
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, NULL, 0);
	expect(1, at, "should not have been issued (approvals)");
	end(&s);
}

static void
a_longer_certificate_than_the_policy_gives_is_found(void **state)
{
	struct buf *tbs = NULL;
	struct story s;
	struct cert c;
	size_t at;

	(void)state;
	begin(&s);
	cert_init(&c);
	assert_int_equal(cert_parse_tbs(slice_of(s.leaf.tbs, s.leaf.tbs_len),
			     &c, NULL),
	    0);
	c.valid_before++;
	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&c, tbs), 0);
	free(s.leaf.tbs);
	buf_take(tbs, &s.leaf.tbs, &s.leaf.tbs_len);
	buf_free(tbs);
	cert_clear(&c);
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	expect(1, at, "is another certificate");
	end(&s);
}

static void
a_denial_that_was_left_out_is_found(void **state)
{
	struct statement deny;
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	fixture_decision(&deny, IVAN, &lg.trust.policy->hash, &s.r, 1);
	deny.u.d.approve = false;
	fixture_sign(&deny, FIXTURE_BY(SEED_IVAN));
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, &deny);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	expect(1, at, "although the log has a denial");
	statement_clear(&deny);
	end(&s);
}

static void
a_certificate_after_its_owner_was_revoked_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	s.leaf.size = lg.n;
	revoke(ALICE, SEED_OLGA);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	/* Too old a size, and no certificate at all. */
	expect(2, at, "before leaf 4 changed");
	end(&s);
}

static void
a_revocation_by_nobody_entitled_is_found(void **state)
{
	(void)state;
	revoke(ALICE, SEED_MALLORY);
	expect(2, 2, "changes nothing and should not be there");
}

static void
a_statement_by_nobody_is_found(void **state)
{
	struct statement s;

	(void)state;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_MALLORY));
	expect(0, 0, "");
	expect(1, logcase_add(&lg, &s), "is by nobody who could say it");
	statement_clear(&s);
}

static void
a_statement_twice_is_found(void **state)
{
	struct statement s;

	(void)state;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	(void)logcase_add(&lg, &s);
	expect(1, logcase_add(&lg, &s), "repeats leaf 2");
	statement_clear(&s);
}

static void
a_request_with_two_certificates_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	(void)logcase_certificate(&lg, &s.leaf, at);
	at = logcase_raw(&lg, lg.leaf[at].p, lg.leaf[at].n);
	expect(1, at, "has the serial of leaf 4");
	end(&s);
}

static void
a_leaf_of_another_realm_is_found(void **state)
{
	struct statement s;

	(void)state;
	fixture_request(&s, ALICE);
	s.realm = fixture_hash(0x55);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	expect(1, logcase_add(&lg, &s), "another realm");
	statement_clear(&s);
}

static void
a_leaf_that_is_garbage_is_found(void **state)
{
	(void)state;
	expect(1, logcase_raw(&lg, "garbage\n", 8), "");
}

static void
a_broken_signature_in_a_signed_log_is_found(void **state)
{
	struct statement s;
	struct slice b;
	char *text;
	size_t at;

	(void)state;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	b = statement_bytes(&s);
	assert_non_null(text = str_dupn(b.p, b.n));
	/* A minute's digit of `at`: still a request, not what was signed. */
	at = (size_t)(strstr(text, "T10:00:00Z") - text) + 5;
	text[at] = '1';
	at = logcase_raw(&lg, text, b.n);
	expect(1, at, "does not verify");
	free(text);
	statement_clear(&s);
}

static void
a_certificate_by_another_key_is_found(void **state)
{
	struct story s;
	size_t at;

	(void)state;
	begin(&s);
	(void)logcase_add(&lg, s.r);
	(void)logcase_add(&lg, s.d);
	at = logcase_issue(&lg, &s.leaf, s.r, &s.d, 1);
	lg.ca = SEED_MALLORY;
	at = logcase_certificate(&lg, &s.leaf, at);
	/* The leaf, and the object that no sound leaf gives. */
	expect(2, at, "does not verify");
	end(&s);
}

static void
a_tick_by_an_older_policy_is_found(void **state)
{
	struct tick_leaf t = {.realm = lg.realm, .at = FIXTURE_NOW};
	struct str text = STR_INIT;

	(void)state;
	assert_int_equal(tick_leaf_encode(&t, &text), 0);
	expect(1, logcase_raw(&lg, text.p, text.n), "goes by policy version");
	str_clear(&text);
}

static void
a_krl_and_its_file_are_compared(void **state)
{
	struct statement s;
	char key[80], hex[HASH_HEX];

	(void)state;
	fixture_statement(&s, ST_KRL, "ca_log");
	hash_sha256("list", 4, &s.u.krl.file);
	s.u.krl.version = 1;
	s.u.krl.size = 4;
	s.u.krl.next_update = FIXTURE_NOW + 86400;
	fixture_sign(&s, FIXTURE_BY(SEED_LOG));
	hash_hex(&s.u.krl.file, hex);
	(void)snprintf(key, sizeof(key), "krl/%s", hex);
	logcase_write(&lg, key, "list", 4);
	(void)logcase_add(&lg, &s);
	expect(0, 0, "");
	logcase_write(&lg, key, "lisp", 4);
	/* As what a leaf refers to, and as a file under that name. */
	expect(2, AUDIT_NO_INDEX, "does not hash to its name");
	statement_clear(&s);
}

/* --- merging -------------------------------------------------------------- */

static int
merge(struct audit_merged *out, struct err *e)
{
	struct audit_merge m = {.from = other.dir,
	    .to = lg.dir,
	    .realm = lg.realm,
	    .own_name = "ca_log"};
	struct audit_report r = {0};
	int ret = audit_merge(&m, &r, out, e);

	audit_report_clear(&r);
	return ret;
}

static void
a_log_is_merged_again_and_catches_up(void **state)
{
	struct audit_merged m;
	struct audit_report r;
	struct err e = {0};

	(void)state;
	if (merge(&m, &e) != 0)
		fail_msg("%s", e.msg);
	assert_string_equal(m.name, "emergency_log");
	assert_int_equal(m.certificates, 1);
	assert_int_equal(m.new_certificates, 1);
	assert_int_equal(merge(&m, &e), 0);
	assert_int_equal(m.certificates, 1);
	assert_int_equal(m.new_certificates, 0);
	logcase_story(&other);
	logcase_publish(&other);
	assert_int_equal(merge(&m, &e), 0);
	assert_int_equal(m.certificates, 2);
	assert_int_equal(m.new_certificates, 1);
	assert_int_equal(m.new_leaves, 4);
	audit(&r);
	if (r.n_findings != 0)
		logcase_fail(&r, "merged and whole");
	assert_int_equal(r.n_parts, 2);
	assert_string_equal(r.parts[1].name, "emergency_log");
	assert_string_equal(r.parts[1].label, "logs/emergency_log/");
	assert_int_equal(r.counts.certificates, 3);
	audit_report_clear(&r);
}

static void
a_merged_log_that_was_changed_is_named(void **state)
{
	static const char key[] = "logs/emergency_log/checkpoint";
	struct audit_merged m;
	struct audit_report r;
	bool named = false;
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(merge(&m, NULL), 0);
	logcase_read(&lg, key, &text, &n);
	text[n - 5] ^= 1;
	logcase_write(&lg, key, text, n);
	audit(&r);
	for (size_t i = 0; i < r.n; i++)
		named = named || strcmp(r.v[i].object, key) == 0;
	assert_true(named);
	audit_report_clear(&r);
	free(text);
}

static void
a_log_with_findings_is_not_merged(void **state)
{
	struct audit_merged m;
	struct err e = {0};
	struct strs keys = {0};

	(void)state;
	logcase_write(&other, "records/stray", "x", 1);
	assert_int_equal(merge(&m, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "records/stray"));
	logcase_keys(&lg, &keys);
	for (size_t i = 0; i < keys.n; i++)
		assert_int_not_equal(strncmp(keys.v[i], "logs/", 5), 0);
	strs_clear(&keys);
}

static void
a_log_that_went_back_is_not_merged(void **state)
{
	struct audit_merged m;
	struct str note = STR_INIT;
	struct hash root;

	(void)state;
	logcase_story(&other);
	logcase_publish(&other);
	assert_int_equal(merge(&m, NULL), 0);
	logcase_root(&other, 6, &root);
	logcase_note(&other, 6, &root, SEED_EMERGENCY_LOG, &note);
	logcase_write(&other, "checkpoint", note.p, note.n);
	assert_int_equal(merge(&m, NULL), ERR_ROLLBACK);
	str_clear(&note);
}

static void
the_log_itself_is_not_merged(void **state)
{
	struct audit_merge m = {.from = lg.dir,
	    .to = lg.dir,
	    .realm = lg.realm,
	    .own_name = "ca_log"};
	struct audit_report r = {0};
	struct audit_merged out;

	(void)state;
	assert_int_equal(audit_merge(&m, &r, &out, NULL), ERR_DENIED);
	m.realm = fixture_hash(1);
	assert_int_equal(audit_merge(&m, &r, &out, NULL), ERR_DENIED);
	audit_report_clear(&r);
}

#define IN(t)  cmocka_unit_test_setup_teardown(t, setup, teardown)
#define TWO(t) cmocka_unit_test_setup_teardown(t, setup_two, teardown_two)

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    IN(a_certificate_to_be_signed_alone_is_a_notice),
	    IN(a_request_that_is_not_logged_is_found),
	    IN(a_decision_that_is_not_logged_is_found),
	    IN(a_certificate_without_its_approval_is_found),
	    IN(a_longer_certificate_than_the_policy_gives_is_found),
	    IN(a_denial_that_was_left_out_is_found),
	    IN(a_certificate_after_its_owner_was_revoked_is_found),
	    IN(a_revocation_by_nobody_entitled_is_found),
	    IN(a_statement_by_nobody_is_found),
	    IN(a_statement_twice_is_found),
	    IN(a_request_with_two_certificates_is_found),
	    IN(a_leaf_of_another_realm_is_found),
	    IN(a_leaf_that_is_garbage_is_found),
	    IN(a_broken_signature_in_a_signed_log_is_found),
	    IN(a_certificate_by_another_key_is_found),
	    IN(a_tick_by_an_older_policy_is_found),
	    IN(a_krl_and_its_file_are_compared),
	    TWO(a_log_is_merged_again_and_catches_up),
	    TWO(a_merged_log_that_was_changed_is_named),
	    TWO(a_log_with_findings_is_not_merged),
	    TWO(a_log_that_went_back_is_not_merged),
	    TWO(the_log_itself_is_not_merged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
