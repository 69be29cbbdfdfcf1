/* SPDX-License-Identifier: ISC */
/* Leaves into the journal, and where home is a bucket, into that. */
#include <stdlib.h>
#include <string.h>

#include "lib/ledger/ledger_impl.h"

/* Whether anything may be appended now; the answer to why not. */
static int
allowed(struct ledger *l, struct err *e)
{
	struct err why = {0};
	int r;

	if (l->c.read_only)
		return err_set(e, ERR_RECORD, "the log is open for reading");
	if (l->broken)
		return err_set(e, ERR_RECORD,
		    "nothing is recorded: writing to the journal in %s failed "
		    "before, open the log again",
		    l->c.dir);
	r = ledger_contact(l, &why);
	if (r == ERR_ROLLBACK || r == ERR_CORRUPT || r == ERR_NOMEM) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if (r != 0) {
		err_set(e, ERR_RECORD, "nothing is recorded: %s", why.msg);
		err_hint(e, "%s", why.hint);
		return ERR_RECORD;
	}
	return copies_allow(l, e);
}

/* Leaves on their way into the journal. */
struct commit {
	const struct slice *leaves;
	struct kept *k;
	size_t *len;
};

static int
measure(struct commit *c, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		if (c->leaves[i].n == 0 || c->leaves[i].n > LEDGER_LEAF_MAX)
			return err_set(e, ERR_LIMIT,
			    "a leaf of %zu bytes, expected 1 to %d",
			    c->leaves[i].n, LEDGER_LEAF_MAX);
		c->len[i] = HASH_LEN + c->leaves[i].n;
	}
	return 0;
}

/* A copy of the leaf, with its hash in front, as the journal has it. */
static void
fill_nth(void *ctx, size_t i, uint8_t *to)
{
	struct commit *c = ctx;
	const struct slice *leaf = &c->leaves[i];
	struct hash h;

	merkle_leaf(leaf->p, leaf->n, &h);
	memcpy(to, h.b, HASH_LEN);
	memcpy(to + HASH_LEN, leaf->p, leaf->n);
	c->k[i] = (struct kept){to, c->len[i]};
}

/* The leaves are in the journal: from here on nothing can fail. */
static void
accept(struct ledger *l, const struct kept *k, size_t n, uint8_t *block,
    struct ledger_receipt *receipts)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t index = l->tree.size;

		receipts[i].index = index;
		memcpy(receipts[i].leaf.b, k[i].p, HASH_LEN);
		ledger_take_in(l, k[i]);
		(void)ledger_add_to_index(l, index, ledger_kept(l, index));
	}
	ledger_add_block(l, block);
}

/* Where home is a bucket, that is where the leaves have to be. */
static int
put_in_bucket(struct ledger *l, struct err *e)
{
	uint64_t from = l->bundled > l->settled ? l->bundled : l->settled;
	struct err why = {0};
	int r;

	if (l->home_dir != NULL)
		return 0;
	r = ledger_put_bundles(l, l->home, 0, from, l->tree.size, &why);
	if (r == 0) {
		l->bundled = l->tree.size;
		return 0;
	}
	err_set(e, ERR_RECORD,
	    "recorded in the journal and not in %s, so nothing is issued: %s",
	    blob_url(l->home), why.msg);
	err_hint(e, "%s", why.hint);
	return ERR_RECORD;
}

bool
ledger_is_broken(const struct ledger *l)
{
	return l->broken;
}

int
ledger_secure(struct ledger *l, struct err *e)
{
	int r = allowed(l, e);

	return r != 0 ? r : put_in_bucket(l, e);
}

int
ledger_commit(struct ledger *l, const struct slice *leaves, size_t n,
    struct ledger_receipt *receipts, struct err *e)
{
	struct commit c = {.leaves = leaves};
	uint8_t *block = NULL;
	size_t names = 0;
	int r;

	if (n == 0 || n > LEDGER_BATCH_MAX)
		return err_set(e, ERR_LIMIT, "%zu leaves, expected 1 to %d", n,
		    LEDGER_BATCH_MAX);
	if ((r = allowed(l, e)) != 0)
		return r;
	c.k = calloc(n, sizeof(*c.k));
	c.len = calloc(n, sizeof(*c.len));
	if (c.k == NULL || c.len == NULL || ledger_reserve(l, n) != 0 ||
	    ledger_reserve_block(l) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = measure(&c, n, e)) != 0)
		goto out;
	for (size_t i = 0; i < n; i++)
		names += ledger_count_names(l, leaves[i]);
	r = index_reserve(l->index, n + names, e);
	if (r == ERR_SYS) { /* no room for what is found by it: not recorded */
		err_prefix(e, "nothing is recorded");
		r = ERR_RECORD;
	}
	if (r != 0)
		goto out;
	r = journal_append_made(l->journal, c.len, n, fill_nth, &c, &block, e);
	if (r != 0) {
		l->broken = r == ERR_RECORD;
		goto out;
	}
	accept(l, c.k, n, block, receipts);
	r = put_in_bucket(l, e);
out:
	free(c.k);
	free(c.len);
	return r;
}
