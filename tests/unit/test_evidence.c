/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence.h"
#include "tests/unit/alloc.h"
#include "tests/unit/logcase.h"

static struct logcase lg;
static uint64_t serial; /* of the certificate of it */

/* The request signed by these, and whether it went on to the end. */
static void
make(const uint8_t *seeds, bool is_signed)
{
	struct statement request, decision;
	const struct statement *r = &request, *d = &decision;
	struct issue_leaf leaf;
	size_t at;

	logcase_open(&lg, "ca_log", SEED_LOG, SEED_USER_CA);
	fixture_request(&request, ALICE);
	fixture_sign(&request, seeds);
	fixture_decision(&decision, OLGA, &lg.trust.policy->hash, &r, 1);
	fixture_sign(&decision, FIXTURE_BY(SEED_OLGA));
	logcase_decide(&lg, r, &d, 1, &leaf);
	(void)logcase_add(&lg, r);
	(void)logcase_add(&lg, d);
	at = logcase_issue(&lg, &leaf, r, &d, 1);
	if (is_signed)
		(void)logcase_certificate(&lg, &leaf, at);
	serial = leaf_serial(&request.hash);
	logcase_issue_clear(&leaf);
	statement_clear(&request);
	statement_clear(&decision);
	logcase_publish(&lg);
}

static int
gather(struct evidence *out, struct err *e)
{
	struct audit_log *l = NULL;
	int r;

	*out = (struct evidence){0};
	r = audit_log_open(lg.dir, NULL, &lg.realm, lg.trust.policy, &l, e);
	if (r == 0)
		r = audit_evidence(l, lg.trust.policy, serial, NULL, 0, out, e);
	audit_log_close(l);
	return r;
}

static const char *
text_of(const struct evidence *v, const char *name)
{
	const struct evidence_file *f = evidence_find(v, name);

	if (f != NULL)
		return f->text;
	fail_msg("no file %s", name);
	return "";
}

static void
each_thing_said_is_a_file(void **state)
{
	static const struct {
		const char *name, *has;
	} cases[] = {
	    {"request.message", "\"type\":\"request\""},
	    {"request.alice@example.com.sig", "BEGIN SSH SIGNATURE"},
	    {"request.alice@example.com,2.sig", "BEGIN SSH SIGNATURE"},
	    {"request.UNKNOWN.sig", "BEGIN SSH SIGNATURE"},
	    {"decision-1.message", "\"type\":\"decision\""},
	    {"decision-1.olga@example.com.sig", "END SSH SIGNATURE"},
	    {"policy.message", "\"type\":\"policy\""},
	    {"policy/MANIFEST", " root.yaml\n"},
	    {"policy/root.yaml", "officers"},
	    {"policy/authorities/user_ca.pub", "ssh-ed25519 "},
	    {"issue.leaf", "{\"v\":1,\"type\":\"issue\","},
	    {"certificate.leaf", "{\"v\":1,\"type\":\"certificate\","},
	    {"issue.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 4\n"},
	    {"certificate.tlog-proof", "c2sp.org/tlog-proof@v1\nindex 5\n"},
	    {"checkpoint", "\n6\n"},
	    {"log.vkey", "writ.invalid/"},
	    {"log.pem", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA"},
	    {"README", "alice@example.com asked: "},
	    {"check.sh",
		"\nlogged issue 4 checkpoint\nlogged certificate 5 "
		"checkpoint\n"},
	    {"check.sh",
		"\nsigned 'request' 'alice@example.com' request "
		"'request.alice@example.com,2.sig' allowed_signers\n"},
	    {"SHA256SUMS", "  check.sh\n"},
	};
	struct evidence v;
	struct err e = {0};

	(void)state;
	make(FIXTURE_BY(SEED_ALICE, SEED_MALLORY, SEED_ALICE_2), true);
	if (gather(&v, &e) != 0)
		fail_msg("%s", e.msg);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strstr(text_of(&v, cases[i].name), cases[i].has) == NULL)
			fail_msg("%s lacks %s:\n%s", cases[i].name,
			    cases[i].has, text_of(&v, cases[i].name));
	/* Nobody is told to check what a stranger signed, as if it were hers. */
	assert_null(strstr(text_of(&v, "check.sh"), "UNKNOWN"));
	assert_null(strstr(text_of(&v, "README"), "UNKNOWN"));
	assert_null(strstr(text_of(&v, "allowed_signers"),
	    fixture_line(SEED_MALLORY)));
	evidence_clear(&v);
	logcase_close(&lg);
}

static void
a_key_signs_for_a_person_once_in_the_list(void **state)
{
	const char *line, *at;
	struct evidence v;
	unsigned n = 0;

	(void)state;
	make(FIXTURE_BY(SEED_ALICE), true);
	assert_int_equal(gather(&v, NULL), 0);
	/* Of the decision and of the policy. */
	line = fixture_line(SEED_OLGA);
	for (at = text_of(&v, "allowed_signers");
	     (at = strstr(at, line)) != NULL; at++)
		n++;
	assert_int_equal(n, 1);
	evidence_clear(&v);
	logcase_close(&lg);
}

/* The first object whose key has this in it. */
static char *
key_with(const char *part)
{
	struct strs keys = {0};
	char *found = NULL;

	logcase_keys(&lg, &keys);
	for (size_t i = 0; i < keys.n && found == NULL; i++)
		if (strstr(keys.v[i], part) != NULL)
			found = str_dup(keys.v[i]);
	strs_clear(&keys);
	if (found == NULL)
		fail_msg("no object like %s", part);
	return found;
}

static void
damage(const char *key, bool remove)
{
	char *text = NULL;
	size_t n = 0;

	if (remove) {
		logcase_remove(&lg, key);
		return;
	}
	logcase_read(&lg, key, &text, &n);
	text[n / 2] ^= 1;
	logcase_write(&lg, key, text, n);
	free(text);
}

static void
what_is_missing_or_changed_is_named(void **state)
{
	static const struct {
		const char *key;
		bool remove;
		int want;
		const char *says;
	} cases[] = {
	    {".json", true, ERR_NOTFOUND, ".json; run writ audit verify"},
	    {".json", false, ERR_CORRUPT, ".json is not what its leaf gives"},
	    {"-cert.pub", true, ERR_NOTFOUND, "-cert.pub; run"},
	    {"-cert.pub", false, ERR_CORRUPT, "is not what its leaf gives"},
	    {"policy/", true, ERR_NOTFOUND, "policy version 1: "},
	    {"policy/", false, ERR_CORRUPT, "is not what its name says"},
	    {"tile/0/", true, ERR_NOTFOUND, "tile/0/"},
	    {"tile/0/", false, ERR_CORRUPT, "the tiles do not prove leaf"},
	    {"tile/entries/", true, ERR_NOTFOUND, "tile/entries/"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		struct evidence v;
		char *key;
		int r;

		make(FIXTURE_BY(SEED_ALICE), true);
		key = key_with(cases[i].key);
		damage(key, cases[i].remove);
		r = gather(&v, &e);
		if (r != cases[i].want || strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s: %d, %s", key, r, e.msg);
		free(key);
		evidence_clear(&v);
		logcase_close(&lg);
	}
}

static void
a_serial_that_no_log_has_has_none(void **state)
{
	struct evidence v;
	struct err e = {0};

	(void)state;
	make(FIXTURE_BY(SEED_ALICE), true);
	serial++;
	assert_int_equal(gather(&v, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "in the 6 leaves of"));
	assert_int_equal(v.n, 0);
	logcase_close(&lg);
}

static void
what_was_never_signed_has_none(void **state)
{
	struct evidence v;
	struct err e = {0};

	(void)state;
	make(FIXTURE_BY(SEED_ALICE), false);
	assert_int_equal(gather(&v, &e), ERR_NOTFOUND);
	assert_non_null(strstr(e.msg, "the log has no signed one"));
	logcase_close(&lg);
}

static void
with_serial(struct issue_leaf *i)
{
	struct buf *tbs = NULL;
	struct cert c;

	cert_init(&c);
	assert_int_equal(cert_parse_tbs(slice_of(i->tbs, i->tbs_len), &c, NULL),
	    0);
	c.serial = serial;
	assert_int_equal(buf_new(&tbs, CERT_MAX), 0);
	assert_int_equal(cert_encode_tbs(&c, tbs), 0);
	free(i->tbs);
	buf_take(tbs, &i->tbs, &i->tbs_len);
	buf_free(tbs);
	cert_clear(&c);
}

/* A leaf that is by a renewal: no request, and no person. */
static void
what_a_host_renewed_has_none(void **state)
{
	struct statement request, decision, renew;
	const struct statement *r = &request, *d = &decision;
	struct str text = STR_INIT;
	struct issue_leaf leaf;
	struct evidence v;
	struct err e = {0};

	(void)state;
	make(FIXTURE_BY(SEED_ALICE), true);
	fixture_request(&request, BOB);
	fixture_sign(&request, FIXTURE_BY(SEED_BOB));
	fixture_statement(&renew, ST_RENEW, "web-1.example.com");
	renew.u.renew.accept = fixture_hash(7);
	assert_int_equal(pubkey_dup(fixture_key(SEED_SUBJECT),
			     &renew.u.renew.key),
	    0);
	fixture_sign(&renew, FIXTURE_BY(SEED_SUBJECT));
	fixture_decision(&decision, OLGA, &lg.trust.policy->hash, &r, 1);
	fixture_sign(&decision, FIXTURE_BY(SEED_OLGA));
	logcase_decide(&lg, r, &d, 1, &leaf);
	leaf.n_decisions = 0;
	serial = leaf_serial(&renew.hash);
	leaf.request = renew.hash;
	with_serial(&leaf);
	assert_int_equal(issue_leaf_encode(&leaf, &text), 0);
	(void)logcase_raw(&lg, renew.bytes, renew.n_bytes);
	(void)logcase_raw(&lg, text.p, text.n);
	logcase_publish(&lg);
	assert_int_equal(gather(&v, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "no person asked for it"));
	str_clear(&text);
	logcase_issue_clear(&leaf);
	statement_clear(&request);
	statement_clear(&decision);
	statement_clear(&renew);
	logcase_close(&lg);
}

static int
all_once(void *arg)
{
	struct evidence v;
	int r;

	(void)arg;
	r = gather(&v, NULL);
	evidence_clear(&v);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	(void)state;
	make(FIXTURE_BY(SEED_ALICE, SEED_ALICE_2), true);
	assert_true(alloc_each(all_once, NULL) > 200);
	logcase_close(&lg);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_thing_said_is_a_file),
	    cmocka_unit_test(a_key_signs_for_a_person_once_in_the_list),
	    cmocka_unit_test(what_is_missing_or_changed_is_named),
	    cmocka_unit_test(a_serial_that_no_log_has_has_none),
	    cmocka_unit_test(what_was_never_signed_has_none),
	    cmocka_unit_test(what_a_host_renewed_has_none),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
