/* SPDX-License-Identifier: ISC */
/* The signer, before a keeper that was taken over: each lie one least step
 * from a batch that it signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/ssh/cert.h"
#include "lib/tlog/checkpoint.h"
#include "tests/unit/alloc.h"
#include "tests/unit/batchcase.h"

static void
what_ca_issue_gives_is_signed(void **state)
{
	struct batchcase *w = *state;
	struct checkpoint head = {0};
	struct signer_seen seen;
	struct cert c;

	assert_int_equal(signer_sign(w->s, &w->b, &w->note, &w->e), 0);
	cert_init(&c);
	assert_int_equal(cert_parse(buf_slice(w->jobs[0].cert), &c, &w->e), 0);
	assert_int_equal(cert_verify(&c, buf_slice(w->jobs[0].cert), &w->e), 0);
	assert_true(pubkey_equal(c.ca, fixture_key(SEED_USER_CA)));
	assert_int_equal(c.serial, issue_serial(&w->c.request.hash));
	cert_clear(&c);
	assert_int_equal(checkpoint_open(slice_of(w->note.p, w->note.n),
			     w->config.origin,
			     pubkey_ed25519(fixture_key(SEED_LOG)), &head,
			     &w->e),
	    0);
	assert_int_equal(head.size, 1);
	signer_get_seen(w->s, &seen);
	assert_int_equal(seen.head.size, 1);
	assert_true(hash_equal(&seen.head.root, &head.root));
	assert_int_equal(seen.root_version, 1);
	assert_int_equal(seen.policy_version, 1);
}

static void
heads_that_do_not_extend_the_last_are_refused(void **state)
{
	struct batchcase *w = *state;

	bcase_head(w, 2, false);
	bcase_signs(w, "the first head may have any size");
	bcase_head(w, 1, false);
	bcase_refuses(w, "a leaf less", ERR_ROLLBACK, "has 1 leaves");
	bcase_head(w, 2, true);
	bcase_refuses(w, "another leaf", ERR_ROLLBACK, "fork");
	bcase_head(w, 2, false);
	bcase_signs(w, "the same head");
	bcase_head(w, 3, false);
	w->b.n_consistency = 0;
	bcase_refuses(w, "no proof", ERR_ROLLBACK, "fork");
	w->b.n_consistency = 1;
	w->proof[0].b[31] ^= 1;
	bcase_refuses(w, "a bit of the proof", ERR_ROLLBACK, "fork");
	bcase_head(w, 3, false);
	w->b.head.root.b[0] ^= 1;
	bcase_refuses(w, "a bit of the root", ERR_ROLLBACK, "fork");
	bcase_head(w, 3, true);
	bcase_signs(w, "whatever comes next, once proven");
	bcase_head(w, 3, false);
	bcase_refuses(w, "and not the other one too", ERR_ROLLBACK, "fork");
	snprintf(w->b.head.origin, sizeof(w->b.head.origin), "%s",
	    "writ.invalid/0123456789abcdef/other");
	bcase_refuses(w, "another log's", ERR_DENIED, "another log");
}

static void
older_policies_and_roots_are_refused(void **state)
{
	struct batchcase *w = *state;

	w->c.policy->version = 5;
	w->trust.root_version = 3;
	w->b.n_jobs = 0;
	bcase_signs(w, "policy 5, root 3");
	w->c.policy->version = 4;
	bcase_refuses(w, "policy 4", ERR_ROLLBACK, "policy version 4");
	w->c.policy->version = 5;
	w->trust.root_version = 2;
	bcase_refuses(w, "root 2", ERR_ROLLBACK, "root.yaml version 2");
	w->trust.root_version = 3;
	w->c.policy->version = 6;
	bcase_signs(w, "policy 6");
	w->c.policy->version = 5;
	bcase_refuses(w, "and not 5 again", ERR_ROLLBACK, "policy version 5");
	w->c.policy->version = 6;
}

static void
leaves_of_other_realms_rules_requests_are_refused(void **state)
{
	struct batchcase *w = *state;

	w->leaf.realm.b[0] ^= 1;
	bcase_refuses(w, "realm", ERR_DENIED, "another realm");
	w->leaf.realm.b[0] ^= 1;
	w->leaf.rules++;
	bcase_refuses(w, "rules", ERR_DENIED, "unknown rules");
	w->leaf.rules--;
	w->leaf.request.b[31] ^= 1;
	bcase_refuses(w, "request", ERR_DENIED, "another request");
	w->leaf.request.b[31] ^= 1;
	w->trust.realm.b[0] ^= 1;
	bcase_refuses(w, "a realm that is not ours", ERR_DENIED,
	    "another realm");
	w->trust.realm.b[0] ^= 1;
	bcase_signs(w, "none of it");
}

static void
a_leaf_dated_a_second_too_far_off_is_refused(void **state)
{
	struct batchcase *w = *state;

	w->b.now = FIXTURE_NOW + SIGNER_CLOCK_MAX + 1;
	bcase_refuses(w, "61 s old", ERR_SYS, "dated -61 s off");
	w->b.now = FIXTURE_NOW - SIGNER_CLOCK_MAX - 1;
	bcase_refuses(w, "61 s ahead", ERR_SYS, "dated 61 s off");
	w->jobs[0].resign = true;
	bcase_refuses(w, "61 s ahead, again", ERR_SYS, "dated 61 s off");
	w->jobs[0].resign = false;
	w->b.now = FIXTURE_NOW + SIGNER_CLOCK_MAX;
	bcase_signs(w, "60 s old");
	w->b.now = FIXTURE_NOW - SIGNER_CLOCK_MAX;
	bcase_signs(w, "60 s ahead");
}

static void
what_a_crash_kept_back_is_signed_until_it_ends(void **state)
{
	struct batchcase *w = *state;

	w->jobs[0].resign = true;
	w->b.now = FIXTURE_NOW + 3599; /* one hour was asked */
	bcase_signs(w, "a second before its end");
	w->b.now = FIXTURE_NOW + 3600;
	bcase_refuses(w, "at its end", ERR_EXPIRED, "ended before");
	w->b.now = FIXTURE_NOW + 1800;
	issue_case_revoke(&w->c, ALICE, NULL, FIXTURE_BY(SEED_OLGA));
	bcase_refuses(w, "revoked meanwhile", ERR_DENIED, "signer refuses");
}

/* Every bit of the certificate but those of the nonce, which the keeper is free
 * to choose: nothing else of it is. */
static void
a_certificate_that_differs_in_one_bit_is_refused(void **state)
{
	struct batchcase *w = *state;
	const size_t nonce = 4 + strlen("ssh-ed25519-cert-v01@openssh.com") + 4;

	for (size_t bit = 0; bit < 8 * w->leaf.tbs_len; bit++) {
		struct err e = {0};

		if (bit / 8 >= nonce && bit / 8 < nonce + CERT_NONCE_LEN)
			continue;
		w->leaf.tbs[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (signer_sign(w->s, &w->b, &w->note, &e) == 0)
			fail_msg("bit %zu was signed", bit);
		assert_null(w->jobs[0].cert);
		assert_int_equal(w->note.n, 0);
		w->leaf.tbs[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t n = 0; n < w->leaf.tbs_len; n++) {
		size_t whole = w->leaf.tbs_len;
		struct err e = {0};

		w->leaf.tbs_len = n;
		assert_int_not_equal(signer_sign(w->s, &w->b, &w->note, &e), 0);
		w->leaf.tbs_len = whole;
	}
	w->leaf.tbs[nonce] ^= 1;
	bcase_signs(w, "another nonce");
}

static void
a_request_that_nobody_approved_is_refused(void **state)
{
	struct batchcase *w = *state;

	w->jobs[0].n_decisions = 0;
	bcase_refuses(w, "no approval", ERR_DENIED,
	    "waits for 1 more of approvers");
	w->jobs[0].n_decisions = 1;
	bcase_signs(w, "with it");
	issue_case_revoke(&w->c, NULL, fixture_key(SEED_OLGA),
	    FIXTURE_BY(SEED_OLGA));
	bcase_refuses(w, "the approver's key is revoked", ERR_DENIED,
	    "signer refuses");
}

static void
a_denial_beside_the_approval_is_obeyed(void **state)
{
	struct batchcase *w = *state;
	struct statement *d = issue_case_decision(&w->c, IVAN);

	d->u.d.approve = false;
	issue_case_decide(&w->c, FIXTURE_BY(SEED_IVAN));
	w->jobs[0].n_decisions = 2;
	bcase_refuses(w, "denied", ERR_DENIED, "ivan@example.com");
}

static void
a_request_by_nobody_is_refused(void **state)
{
	struct batchcase *w = *state;

	issue_case_again(&w->c, ALICE);
	issue_case_ask(&w->c, FIXTURE_BY(SEED_MALLORY));
	w->leaf.request = w->c.request.hash;
	w->jobs[0].n_decisions = 0;
	bcase_refuses(w, "mallory", ERR_DENIED, "signer refuses");
}

static void
a_certificate_of_another_ca_is_refused(void **state)
{
	struct batchcase *w = *state;

	w->c.in.ca = fixture_key(SEED_EMERGENCY_CA);
	bcase_leaf(w);
	bcase_refuses(w, "another CA of the policy", ERR_DENIED,
	    "another certificate");
	w->c.in.ca = fixture_key(SEED_USER_CA);
	bcase_leaf(w);
	signer_close(w->s);
	w->config.user_ca = w->host_ca;
	bcase_open(w);
	bcase_refuses(w, "a key for hosts", ERR_DENIED, "signer refuses");
	signer_close(w->s);
	w->config.user_ca = NULL;
	bcase_open(w);
	bcase_refuses(w, "no key", ERR_DENIED, "no key for this kind");
	signer_close(w->s);
	w->config.user_ca = w->user_ca;
	w->config.host_ca = NULL;
	bcase_open(w);
	bcase_signs(w, "its own");
}

static void
one_lie_spoils_the_batch(void **state)
{
	struct batchcase *w = *state;
	struct issue_leaf lie = w->leaf;

	lie.now += SIGNER_CLOCK_MAX + 1;
	for (size_t at = 0; at < 3; at++) {
		for (size_t i = 0; i < 3; i++) {
			w->jobs[i] = w->jobs[0];
			w->jobs[i].leaf = i == at ? &lie : &w->leaf;
		}
		w->b.n_jobs = 3;
		bcase_refuses(w, "one of three", ERR_SYS, "dated 61 s off");
	}
	w->jobs[2].leaf = &w->leaf;
	bcase_signs(w, "none of three");
}

static void
a_leaf_that_names_what_was_not_used_is_refused(void **state)
{
	struct batchcase *w = *state;

	w->leaf.policy_version++;
	bcase_refuses(w, "version", ERR_DENIED, "names another policy");
	w->leaf.policy_version--;
	w->leaf.policy.b[0] ^= 1;
	bcase_refuses(w, "policy", ERR_DENIED, "names another policy");
	w->leaf.policy.b[0] ^= 1;
	w->decisions[0].b[31] ^= 1;
	bcase_refuses(w, "decision", ERR_DENIED, "names other decisions");
	w->decisions[0].b[31] ^= 1;
	w->leaf.n_decisions = 0;
	bcase_refuses(w, "no decision", ERR_DENIED, "names other decisions");
	w->leaf.n_decisions = 1;
	w->leaf.size = w->b.head.size + 1;
	bcase_refuses(w, "size", ERR_DENIED, "the log has 1");
	w->leaf.size = w->b.head.size;
	bcase_signs(w, "as it was");
}

static void
a_log_key_of_another_type_signs_nothing(void **state)
{
	struct batchcase *w = *state;
	struct key *ecdsa = NULL;
	struct err e = {0};

	assert_int_equal(key_generate(PUBKEY_ECDSA256, &ecdsa, &e), 0);
	signer_close(w->s);
	w->config.log = ecdsa;
	bcase_open(w);
	assert_int_equal(signer_sign(w->s, &w->b, &w->note, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "not Ed25519"));
	assert_null(w->jobs[0].cert);
	assert_int_equal(w->note.n, 0);
	signer_close(w->s);
	w->config.log = w->log;
	bcase_open(w);
	key_free(ecdsa);
}

static int
try_sign(void *arg)
{
	struct batchcase *w = arg;
	int r;

	str_clear(&w->note);
	if ((r = signer_sign(w->s, &w->b, &w->note, NULL)) == 0)
		return 0;
	assert_null(w->jobs[0].cert);
	assert_int_equal(w->note.n, 0);
	return r;
}

static void
without_memory_nothing_is_signed(void **state)
{
	struct batchcase *w = *state;

	assert_true(alloc_each(try_sign, w) > 10);
	assert_non_null(w->jobs[0].cert);
}

#define T(f) cmocka_unit_test_setup_teardown(f, bcase_setup, bcase_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(what_ca_issue_gives_is_signed),
	    T(heads_that_do_not_extend_the_last_are_refused),
	    T(older_policies_and_roots_are_refused),
	    T(leaves_of_other_realms_rules_requests_are_refused),
	    T(a_leaf_dated_a_second_too_far_off_is_refused),
	    T(what_a_crash_kept_back_is_signed_until_it_ends),
	    T(a_certificate_that_differs_in_one_bit_is_refused),
	    T(a_request_that_nobody_approved_is_refused),
	    T(a_denial_beside_the_approval_is_obeyed),
	    T(a_request_by_nobody_is_refused),
	    T(a_certificate_of_another_ca_is_refused),
	    T(one_lie_spoils_the_batch),
	    T(a_leaf_that_names_what_was_not_used_is_refused),
	    T(a_log_key_of_another_type_signs_nothing),
	    T(without_memory_nothing_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
