/* SPDX-License-Identifier: ISC */
/* Leaves into the log: committed, their checkpoint signed, published. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/daemon/local_impl.h"
#include "lib/base/clock.h"

int
local_fill_head(struct local *l, struct signer_batch *b,
    struct hash proof[MERKLE_PROOF_MAX], struct err *e)
{
	struct merkle_source src;
	struct signer_seen seen;
	int r;

	signer_get_seen(l->signer, &seen);
	ledger_head(l->ledger, &b->head);
	b->trust = &l->trust;
	b->standing = keeper_standing(l->keeper);
	b->now = clock_now();
	b->consistency = proof;
	b->n_consistency = 0;
	if (seen.head.size == 0 || seen.head.size >= b->head.size)
		return 0;
	ledger_source(l->ledger, &src);
	r = merkle_prove_consistency(&src, seen.head.size, b->head.size, proof,
	    &b->n_consistency, e);
	return r;
}

static int
publish(struct local *l, struct slice note, struct err *e)
{
	int r = ledger_publish(l->ledger, note, e);

	if (r < 0)
		err_prefix(e, "publish the log");
	return r < 0 ? r : 0;
}

int
local_commit(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct err *e)
{
	struct hash proof[MERKLE_PROOF_MAX];
	struct signer_batch b = {0};
	struct str note = STR_INIT;
	int r;

	if (leaves->n > 0 &&
	    (r = ledger_commit(l->ledger, leaves->v, leaves->n, receipts, e)) !=
		0)
		return r;
	if ((r = local_fill_head(l, &b, proof, e)) == 0 &&
	    (r = signer_sign(l->signer, &b, &note, e)) == 0)
		r = publish(l, slice_of(note.p, note.n), e);
	str_clear(&note);
	return r;
}

int
local_settle(struct local *l, struct err *e)
{
	const struct keeper_leaves none = {0};
	struct checkpoint published;

	ledger_published(l->ledger, &published);
	return published.size < ledger_size(l->ledger)
	    ? local_commit(l, &none, NULL, e)
	    : 0;
}

/* --- policy --------------------------------------------------------------- */

static int
put_file(struct local *l, struct slice s, struct err *e)
{
	char hex[HASH_HEX], key[sizeof("policy/") + HASH_HEX];
	struct hash h;
	int r;

	hash_sha256(s.p, s.n, &h);
	hash_hex(&h, hex);
	snprintf(key, sizeof(key), "policy/%s", hex);
	r = ledger_put_object(l->ledger, key, s, e);
	return r < 0 ? r : 0;
}

static int
add_parsed(struct local *l, struct slice text, enum statement_type type,
    struct statement *s, struct keeper_leaves *leaves, struct err *e)
{
	int r;

	statement_init(s, type);
	if ((r = statement_parse("policy", text, s, e)) != 0)
		return r;
	return keeper_add_statement(l->keeper, s, leaves, e);
}

static int
log_chain(struct local *l, const struct bundle_chain *c, struct err *e)
{
	struct ledger_receipt *receipts = NULL;
	struct keeper_leaves leaves = {0};
	struct statement *s = NULL;
	size_t n = 0;
	int r = 0;

	s = calloc(c->n_roots + 1, sizeof(*s));
	receipts = calloc(c->n_roots + 1, sizeof(*receipts));
	if (s == NULL || receipts == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < c->n_roots && r == 0; i++)
		r = put_file(l, c->root_files[i], e);
	for (size_t i = 0; i < c->files.n && r == 0; i++)
		r = put_file(l, slice_of(c->files.v[i].data, c->files.v[i].n),
		    e);
	if (r == 0)
		r = put_file(l, c->manifest, e);
	for (; n < c->n_roots && r == 0; n++)
		r = add_parsed(l, c->root_statements[n], ST_ROOT, &s[n],
		    &leaves, e);
	if (r == 0)
		r = add_parsed(l, c->statement, ST_POLICY, &s[n++], &leaves, e);
	if (r == 0)
		r = local_commit(l, &leaves, receipts, e);
out:
	keeper_leaves_clear(&leaves);
	for (size_t i = 0; s != NULL && i < n; i++)
		statement_clear(&s[i]);
	free(s);
	free(receipts);
	return r;
}

/* The log knows one policy of each version, whatever DIR/bundle has lost. */
static int
check_twin(struct local *l, struct err *e)
{
	const struct policy *p = l->trust.policy;
	const uint64_t *at;
	size_t n;
	int r = ledger_listed(l->ledger, LTAG_POLICY, &at, &n, e);

	for (; r == 0 && n > 0; n--) {
		struct leaf leaf;
		uint8_t *bytes = NULL;
		size_t len;

		leaf_init(&leaf);
		if ((r = ledger_read(l->ledger, at[n - 1], &bytes, &len, e)) ==
			0 &&
		    (r = leaf_parse("policy", slice_of(bytes, len), &leaf,
			 e)) == 0 &&
		    leaf.u.s.u.bundle.version >= p->version)
			r = err_set(e, ERR_ROLLBACK,
			    "the log has another policy %llu already",
			    (unsigned long long)leaf.u.s.u.bundle.version);
		leaf_clear(&leaf);
		free(bytes);
	}
	return r;
}

int
local_log_policy(struct local *l, const struct bundle_chain *chain,
    struct err *e)
{
	struct bundle_chain *own = NULL;
	uint64_t index;
	int r;

	r = ledger_find(l->ledger, LTAG_POLICY, &l->trust.policy->hash, &index,
	    e);
	if (r != 1)
		return r;
	if ((r = check_twin(l, e)) != 0)
		return r;
	if (chain != NULL)
		return log_chain(l, chain, e);
	if ((own = calloc(1, sizeof(*own))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(l->config.dir, own, e)) == 0) {
		r = log_chain(l, own, e);
		bundle_chain_clear(own);
	}
	free(own);
	return r;
}
