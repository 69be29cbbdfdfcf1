/* SPDX-License-Identifier: ISC */
#include "tests/unit/keepercase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
open_keeper(struct world *w)
{
	struct ledger_config c = {.dir = w->dir,
	    .origin = w->origin,
	    .pks = (const uint8_t(*)[32])(uintptr_t)
		pubkey_ed25519(fixture_key(SEED_LOG)),
	    .n_pks = 1,
	    .classify = leaf_classify,
	    .names = leaf_names,
	    .listed = KEEPER_LISTED,
	    .objects = recorder_objects,
	    .objects_ctx = &w->recorder};

	if (ledger_open(&c, &w->ledger, &w->e) != 0)
		fail_msg("ledger: %s", w->e.msg);
	w->recorder.ledger = w->ledger;
	if (keeper_new(w->dir, w->ledger, &w->trust, &w->keeper, &w->e) != 0)
		fail_msg("keeper: %s", w->e.msg);
}

static void
close_keeper(struct world *w)
{
	keeper_free(w->keeper);
	recorder_clear(&w->recorder);
	ledger_close(w->ledger);
	w->keeper = NULL;
	w->ledger = NULL;
}

void
kpc_again(struct world *w)
{
	close_keeper(w);
	open_keeper(w);
}

int
kpc_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "keeper");
	w->trust = (struct trust){.have = true,
	    .realm = *fixture_realm(),
	    .root_version = 1,
	    .policy = fixture_policy(NULL, NULL)};
	w->now = FIXTURE_NOW;
	assert_int_equal(log_origin(&w->trust.realm, "ca_log", w->origin), 0);
	open_keeper(w);
	*state = w;
	return 0;
}

int
kpc_teardown(void **state)
{
	struct world *w = *state;
	int r;

	close_keeper(w);
	policy_free(w->trust.policy);
	r = tmpdir_remove(w->dir);
	free(w);
	return r;
}

static void
commit(struct world *w, const struct keeper_leaves *l,
    struct ledger_receipt *receipts)
{
	if (l->n > 0 &&
	    ledger_commit(w->ledger, l->v, l->n, receipts, &w->e) != 0)
		fail_msg("commit: %s", w->e.msg);
}

void
kpc_issue(struct world *w, struct keeper_item *items, size_t n)
{
	struct ledger_receipt receipts[64];
	struct keeper_leaves leaves = {0};

	if (keeper_prepare(w->keeper, items, n, w->now,
		fixture_key(SEED_USER_CA), fixture_key(SEED_HOST_CA), &leaves,
		&w->e) != 0)
		fail_msg("prepare: %s", w->e.msg);
	assert_true(leaves.n < 64);
	commit(w, &leaves, receipts);
	keeper_committed(items, &leaves, receipts);
	keeper_leaves_clear(&leaves);
	for (size_t i = 0; i < n; i++) {
		struct keeper_item *it = &items[i];
		struct slice tbs = slice_of(it->leaf.tbs, it->leaf.tbs_len);
		struct buf *sig = NULL;

		if (it->r != 0 || it->cert != NULL)
			continue;
		assert_int_equal(buf_new(&sig, 4096), 0);
		assert_int_equal(buf_new(&it->cert, CERT_MAX), 0);
		fixture_raw_sign(SEED_USER_CA, tbs, sig);
		assert_int_equal(buf_put_slice(it->cert, tbs), 0);
		assert_int_equal(buf_put_buf(it->cert, sig), 0);
		buf_free(sig);
	}
	if (keeper_finish(w->keeper, items, n, &leaves, &w->e) != 0)
		fail_msg("finish: %s", w->e.msg);
	commit(w, &leaves, receipts);
	keeper_leaves_clear(&leaves);
}

struct kpc_outcome
kpc_ask(struct world *w, struct statement *request, struct statement **given,
    size_t n)
{
	uint64_t before = ledger_size(w->ledger);
	struct kpc_outcome o = {0};
	struct keeper_item it;
	struct err why = {0};

	keeper_item_init(&it);
	it.request = request;
	it.e = &why;
	it.given = given;
	it.n_given = n;
	kpc_issue(w, &it, 1);
	o.r = it.r;
	snprintf(o.why, sizeof(o.why), "%.299s", why.msg);
	o.notes = it.notes.n;
	o.again = it.again;
	o.serial = leaf_serial(&request->hash);
	o.new_leaves = (size_t)(ledger_size(w->ledger) - before);
	assert_true((it.r == 0) == (it.cert != NULL));
	keeper_item_clear(&it);
	return o;
}

void
kpc_request(struct statement *s, const char *by, uint8_t seed)
{
	fixture_request(s, by);
	fixture_sign(s, FIXTURE_BY(seed));
}

void
kpc_decision(struct world *w, struct statement *s, const char *by, uint8_t seed,
    bool approve, const struct statement *request)
{
	fixture_decision(s, by, &w->trust.policy->hash, &request, 1);
	s->u.d.approve = approve;
	fixture_sign(s, FIXTURE_BY(seed));
}

uint64_t
kpc_issue_one(struct world *w)
{
	struct statement request, yes, *given[] = {&yes};
	struct kpc_outcome o;

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = kpc_ask(w, &request, given, 1);
	if (o.r != 0)
		fail_msg("%s", o.why);
	statement_clear(&request);
	statement_clear(&yes);
	return o.serial;
}

int
kpc_apply(struct world *w, struct statement *s, struct statement **given,
    size_t n)
{
	struct ledger_receipt receipts[16];
	struct keeper_leaves leaves = {0};
	int r;

	memset(&w->e, 0, sizeof(w->e));
	r = keeper_apply(w->keeper, s, given, n, &leaves, &w->e);
	assert_true(leaves.n < 16);
	commit(w, &leaves, receipts);
	keeper_leaves_clear(&leaves);
	return r;
}
