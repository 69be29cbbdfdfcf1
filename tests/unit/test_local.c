/* SPDX-License-Identifier: ISC */
/* A CA that stays: certificates leave before they are leaves, and become leaves
 * before anything of them could be told twice.  With the signer in this process,
 * and with one at the other end of a socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local.h"
#include "lib/ssh/krl.h"
#include "tests/unit/deployment.h"
#include "tests/unit/signerproc.h"

struct world {
	struct deployment d;
	struct signerproc signer;
	bool remote;
	struct local *l;
	struct err e;
};

static void
open_it(struct world *w)
{
	w->l = deployment_open(&w->d, LOCAL_SERVE,
	    w->remote ? w->signer.socket : NULL);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	deployment_make(&w->d, "local");
	open_it(w);
	*state = w;
	return 0;
}

static int
set_up_remote(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	deployment_make(&w->d, "remote");
	signerproc_start(&w->signer, &w->d);
	w->remote = true;
	open_it(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	local_free(w->l);
	signerproc_stop(&w->signer);
	deployment_remove(&w->d);
	free(w);
	return 0;
}

static void
reopen(struct world *w)
{
	local_free(w->l);
	open_it(w);
}

/* --- issuing -------------------------------------------------------------- */

static int
count(void *ctx, size_t i, struct keeper_item *it, struct err *e)
{
	size_t *n = ctx;

	(void)i;
	(void)e;
	assert_non_null(it->cert);
	(*n)++;
	return 0;
}

/* The certificate of one request, a copy that the caller frees. */
static struct buf *
issue(struct world *w, struct statement *request)
{
	struct keeper_item it;
	struct buf *copy = NULL;
	struct err why = {0};
	size_t released = 0;

	keeper_item_init(&it);
	it.request = request;
	it.e = &why;
	if (local_issue(w->l, &it, 1, count, &released, &w->e) != 0)
		fail_msg("issue: %s", w->e.msg);
	if (it.r != 0)
		fail_msg("issue: %s", why.msg);
	assert_int_equal(released, 1);
	assert_int_equal(buf_new(&copy, CERT_MAX), 0);
	assert_int_equal(buf_put_slice(copy, buf_slice(it.cert)), 0);
	keeper_item_clear(&it);
	return copy;
}

static int
refusal(struct world *w, struct statement *request, struct err *e)
{
	struct keeper_item it;
	size_t released = 0;
	int r;

	keeper_item_init(&it);
	it.request = request;
	it.e = e;
	if (local_issue(w->l, &it, 1, count, &released, &w->e) != 0)
		fail_msg("issue: %s", w->e.msg);
	assert_int_equal(released, 0);
	r = it.r;
	keeper_item_clear(&it);
	return r;
}

static bool
certificate_is_leaf(struct world *w, const struct statement *request)
{
	struct hash name;
	uint64_t index;

	leaf_serial_name(leaf_serial(&request->hash), &name);
	return ledger_find(w->l->ledger, LTAG_CERTIFICATE, &name, &index,
		   NULL) == 0;
}

static uint64_t
published(struct world *w)
{
	struct checkpoint head;

	ledger_published(w->l->ledger, &head);
	return head.size;
}

static void
a_certificate_leaves_and_becomes_a_leaf_with_the_next_commit(void **state)
{
	struct world *w = *state;
	struct statement s, t;
	uint64_t size, before = published(w);

	deployment_request(&s);
	deployment_request(&t);
	buf_free(issue(w, &s));
	size = ledger_size(w->l->ledger);
	assert_false(certificate_is_leaf(w, &s));
	assert_int_equal(published(w), before);
	assert_true(local_has_unpublished(w->l));
	buf_free(issue(w, &t));
	assert_true(certificate_is_leaf(w, &s));
	assert_false(certificate_is_leaf(w, &t));
	/* The first certificate, the second request and what it gives. */
	assert_int_equal(ledger_size(w->l->ledger), size + 3);
	assert_int_equal(local_publish(w->l, &w->e), 0);
	assert_true(certificate_is_leaf(w, &t));
	assert_false(local_has_unpublished(w->l));
	assert_int_equal(published(w), ledger_size(w->l->ledger));
	/* There is nothing more to say. */
	assert_int_equal(local_publish(w->l, &w->e), 0);
	assert_int_equal(ledger_size(w->l->ledger), size + 4);
	statement_clear(&s);
	statement_clear(&t);
}

static void
who_asks_again_gets_the_same_certificate(void **state)
{
	struct world *w = *state;
	struct buf *first, *again;
	struct statement s;
	uint64_t size;

	deployment_request(&s);
	first = issue(w, &s);
	again = issue(w, &s);
	assert_true(slice_equal(buf_slice(first), buf_slice(again)));
	buf_free(again);
	size = ledger_size(w->l->ledger);
	again = issue(w, &s);
	assert_true(slice_equal(buf_slice(first), buf_slice(again)));
	assert_int_equal(ledger_size(w->l->ledger), size);
	buf_free(again);
	buf_free(first);
	statement_clear(&s);
}

/* What the process carried is lost with it; the leaf to be signed is not. */
static void
what_was_carried_is_found_again_after_a_crash(void **state)
{
	struct world *w = *state;
	struct buf *first, *again;
	struct statement s;

	deployment_request(&s);
	first = issue(w, &s);
	reopen(w);
	assert_false(certificate_is_leaf(w, &s));
	again = issue(w, &s);
	assert_true(slice_equal(buf_slice(first), buf_slice(again)));
	assert_int_equal(local_publish(w->l, &w->e), 0);
	assert_true(certificate_is_leaf(w, &s));
	buf_free(again);
	buf_free(first);
	statement_clear(&s);
}

/* --- acts and policies ---------------------------------------------------- */

static void
a_revocation_counts_at_once_and_goes_into_the_list(void **state)
{
	struct world *w = *state;
	struct statement s, act;
	struct buf *krl = NULL;
	struct krl *k = NULL;
	struct err e = {0};

	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	deployment_request(&s);
	assert_int_equal(refusal(w, &s, &e), ERR_DENIED);
	assert_non_null(strstr(e.msg, "revoked"));
	assert_int_equal(local_new_krl(w->l, &krl, &w->e), 0);
	assert_int_equal(krl_parse(buf_slice(krl), &k, &w->e), 0);
	assert_true(krl_revokes_key(k, fixture_key(SEED_ALICE)));
	assert_false(krl_revokes_key(k, fixture_key(SEED_ALICE_2)));
	krl_free(k);
	buf_free(krl);
	assert_false(local_has_unpublished(w->l));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &e), ERR_EXISTS);
	statement_clear(&s);
	statement_clear(&act);
}

/* Nobody but olga may ask for anything. */
static const char narrow_yaml[] =
    "people:\n"
    "  alice@example.com: {keys: [<4>, <14>], groups: [engineers]}\n"
    "  olga@example.com: {groups: [approvers]}\n"
    "authorities:\n"
    "  user: [user_ca, emergency_ca]\n"
    "  host: [host_ca]\n"
    "  log: [ca_log, emergency_log]\n"
    "grants:\n"
    "  free: {to: [olga@example.com], principals: [viewer], max: 1h, "
    "approve: none}\n";

static void
a_policy_moves_forward_while_it_runs(void **state)
{
	struct world *w = *state;
	struct bundle_chain *c = deployment_sign(&w->d, narrow_yaml);
	struct statement s;
	struct err e = {0};
	uint64_t size;

	deployment_request(&s);
	buf_free(issue(w, &s));
	statement_clear(&s);
	assert_int_equal(local_reload(w->l, c, &w->e), 0);
	assert_int_equal(w->l->trust.policy->version, 2);
	assert_int_equal(published(w), ledger_size(w->l->ledger));
	deployment_request(&s);
	assert_int_equal(refusal(w, &s, &e), ERR_DENIED);
	statement_clear(&s);
	/* The same once more is a success, and so is what lies on disk. */
	size = ledger_size(w->l->ledger);
	assert_int_equal(local_reload(w->l, c, &w->e), 0);
	assert_int_equal(local_reload(w->l, NULL, &w->e), 0);
	assert_int_equal(ledger_size(w->l->ledger), size);
	deployment_chain_free(c);
	reopen(w);
	assert_int_equal(w->l->trust.policy->version, 2);
}

static void
a_policy_that_does_not_verify_leaves_the_old_one(void **state)
{
	struct world *w = *state;
	struct bundle_chain *c = deployment_sign(&w->d, narrow_yaml);
	struct bundle_chain *later = deployment_sign(&w->d, narrow_yaml);
	uint64_t size = ledger_size(w->l->ledger);
	uint8_t *p = (uint8_t *)(uintptr_t)c->statement.p;
	struct statement s;

	/* Version 3 before 2; then 2 with a byte of its message changed. */
	assert_int_equal(local_reload(w->l, later, &w->e), ERR_ROLLBACK);
	p = memmem(p, c->statement.n, "\"nonce\":\"", 9);
	assert_non_null(p);
	p[9] = p[9] == 'a' ? 'b' : 'a';
	assert_int_equal(local_reload(w->l, c, &w->e), ERR_BADSIG);
	assert_int_equal(w->l->trust.policy->version, 1);
	assert_int_equal(ledger_size(w->l->ledger), size);
	deployment_request(&s);
	buf_free(issue(w, &s));
	statement_clear(&s);
	deployment_chain_free(c);
	deployment_chain_free(later);
	reopen(w);
	assert_int_equal(w->l->trust.policy->version, 1);
}

static void
a_tick_tells_the_versions(void **state)
{
	struct world *w = *state;
	struct statement act;
	struct leaf leaf;
	uint8_t *bytes = NULL;
	size_t n;

	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	assert_int_equal(local_new_krl(w->l, NULL, &w->e), 0);
	assert_int_equal(local_tick(w->l, &w->e), 0);
	assert_int_equal(published(w), ledger_size(w->l->ledger));
	assert_int_equal(ledger_read(w->l->ledger,
			     ledger_size(w->l->ledger) - 1, &bytes, &n, NULL),
	    0);
	leaf_init(&leaf);
	assert_int_equal(leaf_parse("tick", slice_of(bytes, n), &leaf, NULL),
	    0);
	assert_int_equal(leaf.kind, LEAF_TICK);
	assert_int_equal(leaf.u.t.policy_version, 1);
	assert_int_equal(leaf.u.t.krl_version, 1);
	leaf_clear(&leaf);
	free(bytes);
	statement_clear(&act);
}

/* --- a signer that comes and goes ----------------------------------------- */

static void
a_signer_started_anew_is_told_all_and_signs_on(void **state)
{
	struct world *w = *state;
	struct statement s, t, act;
	struct err e = {0};

	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE_2));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	deployment_request(&s);
	buf_free(issue(w, &s));
	signerproc_stop(&w->signer);
	signerproc_start(&w->signer, &w->d);
	deployment_request(&t);
	buf_free(issue(w, &t));
	signerproc_kill(&w->signer);
	signerproc_start(&w->signer, &w->d);
	assert_int_equal(local_publish(w->l, &w->e), 0);
	assert_true(certificate_is_leaf(w, &s));
	assert_true(certificate_is_leaf(w, &t));
	/* A policy and an act that it misses. */
	signerproc_stop(&w->signer);
	statement_clear(&act);
	deployment_revoke(&act, NULL, fixture_key(SEED_ALICE));
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	signerproc_start(&w->signer, &w->d);
	assert_int_equal(local_new_krl(w->l, NULL, &w->e), 0);
	statement_clear(&s);
	deployment_request(&s);
	assert_int_equal(refusal(w, &s, &e), ERR_DENIED);
	statement_clear(&s);
	statement_clear(&t);
	statement_clear(&act);
}

static void
without_a_signer_nothing_is_issued_and_nothing_is_lost(void **state)
{
	struct world *w = *state;
	struct keeper_item it;
	struct statement s;
	size_t released = 0;

	signerproc_kill(&w->signer);
	deployment_request(&s);
	keeper_item_init(&it);
	it.request = &s;
	assert_int_equal(local_issue(w->l, &it, 1, count, &released, &w->e),
	    ERR_NET);
	assert_non_null(strstr(w->e.msg, "not issued"));
	assert_int_equal(released, 0);
	assert_null(it.cert);
	keeper_item_clear(&it);
	signerproc_start(&w->signer, &w->d);
	buf_free(issue(w, &s));
	statement_clear(&s);
}

static void
makes_list(struct world *w)
{
	if (local_new_krl(w->l, NULL, &w->e) != 0)
		fail_msg("list: %s", w->e.msg);
}

/* Acts are judged by the policy of their time, which the signer is told too. */
static void
acts_of_an_earlier_policy_are_told_with_it(void **state)
{
	struct world *w = *state;
	struct bundle_chain *c = deployment_sign(&w->d, narrow_yaml);
	struct statement act, later;

	deployment_revoke(&act, ALICE, NULL);
	assert_int_equal(local_apply(w->l, &act, NULL, 0, &w->e), 0);
	assert_int_equal(local_reload(w->l, c, &w->e), 0);
	deployment_revoke(&later, NULL, fixture_key(SEED_BOB));
	assert_int_equal(local_apply(w->l, &later, NULL, 0, &w->e), 0);
	makes_list(w);
	signerproc_stop(&w->signer);
	signerproc_start(&w->signer, &w->d);
	makes_list(w);
	reopen(w);
	makes_list(w);
	deployment_chain_free(c);
	statement_clear(&act);
	statement_clear(&later);
}

/* 20 KiB each, a thousand of them. */
static void
a_batch_too_large_for_a_frame_goes_in_several(void **state)
{
	enum { MANY = KEEPER_BATCH_MAX };
	struct world *w = *state;
	struct keeper_item *items = calloc(MANY, sizeof(*items));
	struct statement *s = calloc(MANY, sizeof(*s));
	size_t released = 0;

	assert_non_null(items);
	assert_non_null(s);
	for (size_t i = 0; i < MANY; i++) {
		deployment_large_request(&s[i]);
		keeper_item_init(&items[i]);
		items[i].request = &s[i];
	}
	if (local_issue(w->l, items, MANY, count, &released, &w->e) != 0)
		fail_msg("issue: %s", w->e.msg);
	assert_int_equal(released, MANY);
	assert_int_equal(local_publish(w->l, &w->e), 0);
	for (size_t i = 0; i < MANY; i++) {
		keeper_item_clear(&items[i]);
		statement_clear(&s[i]);
	}
	free(items);
	free(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define R(f) cmocka_unit_test_setup_teardown(f, set_up_remote, tear_down)
/* The same with each kind of signer. */
#define BOTH(f)                                                   \
	T(f),                                                     \
	{                                                         \
#f " (socket)", f, set_up_remote, tear_down, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(a_certificate_leaves_and_becomes_a_leaf_with_the_next_commit),
	    BOTH(who_asks_again_gets_the_same_certificate),
	    BOTH(what_was_carried_is_found_again_after_a_crash),
	    BOTH(a_revocation_counts_at_once_and_goes_into_the_list),
	    BOTH(a_policy_moves_forward_while_it_runs),
	    BOTH(a_policy_that_does_not_verify_leaves_the_old_one),
	    BOTH(a_tick_tells_the_versions),
	    R(a_signer_started_anew_is_told_all_and_signs_on),
	    R(without_a_signer_nothing_is_issued_and_nothing_is_lost),
	    R(acts_of_an_earlier_policy_are_told_with_it),
	    R(a_batch_too_large_for_a_frame_goes_in_several),
	};

	return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
