/* SPDX-License-Identifier: ISC */
/* Revocation lists: compiled by the keeper, signed with the log's key, logged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"
#include "lib/crypto/random.h"

/* A host that has heard of no newer list by then says so. */
#define KRL_NEXT_UPDATE INT64_C(86400)
/* Lists that crashes may have kept from the log. */
#define KRL_UNLOGGED_MAX 1000

/* The newest krl statement of the log: 0, 1 when there is none, ERR_*. */
static int
last_statement(struct local *l, struct leaf *out, uint64_t *index,
    struct err *e)
{
	const uint64_t *at;
	uint8_t *bytes = NULL;
	size_t n, len;
	int r;

	if ((r = ledger_listed(l->ledger, LTAG_KRL, &at, &n, e)) != 0)
		return r;
	if (n == 0)
		return 1;
	*index = at[n - 1];
	if ((r = ledger_read(l->ledger, at[n - 1], &bytes, &len, e)) == 0)
		r = leaf_parse("revocation list", slice_of(bytes, len), out, e);
	free(bytes);
	return r;
}

int
local_krl_version(struct local *l, uint64_t *out, struct err *e)
{
	struct leaf last;
	uint64_t index;
	int r;

	leaf_init(&last);
	*out = 0;
	if ((r = last_statement(l, &last, &index, e)) == 0)
		*out = last.u.s.u.krl.version;
	leaf_clear(&last);
	return r < 0 ? r : 0;
}

/* Is there a revocation after that leaf? */
static int
is_stale(struct local *l, uint64_t krl_index, bool *out, struct err *e)
{
	const uint64_t *at;
	size_t n;
	int r = ledger_listed(l->ledger, LTAG_REVOKE, &at, &n, e);

	if (r == 0)
		*out = n > 0 && at[n - 1] > krl_index;
	return r;
}

void
local_krl_key(const struct hash *h, char out[4 + HASH_HEX])
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	snprintf(out, 4 + HASH_HEX, "krl/%s", hex);
}

int
local_last_krl(struct local *l, struct buf **out, struct err *e)
{
	struct blob_config bc;
	struct blob_store *home = NULL;
	char key[4 + HASH_HEX];
	uint8_t *bytes = NULL;
	struct buf *b = NULL;
	struct hash h;
	struct leaf leaf;
	uint64_t index;
	bool stale;
	size_t n;
	int r;

	leaf_init(&leaf);
	if ((r = last_statement(l, &leaf, &index, e)) != 0 ||
	    (r = is_stale(l, index, &stale, e)) != 0)
		goto out;
	if (stale) {
		r = 1;
		goto out;
	}
	local_krl_key(&leaf.u.s.u.krl.file, key);
	config_blob(&l->config, &bc);
	if ((r = blob_open(l->log_url, &bc, &home, e)) != 0)
		goto out;
	r = blob_get(home, key, KRL_MAX, &bytes, &n, e);
	if (r == ERR_NOTFOUND)
		r = 1;
	if (r != 0)
		goto out;
	hash_sha256(bytes, n, &h);
	if (!hash_equal(&h, &leaf.u.s.u.krl.file)) {
		r = err_set(e, ERR_CORRUPT,
		    "%s: is not the list that the log names", key);
		goto out;
	}
	if ((r = buf_new(&b, KRL_MAX)) != 0 ||
	    (r = buf_put(b, bytes, n)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	*out = b;
	b = NULL;
out:
	buf_free(b);
	free(bytes);
	blob_close(home);
	leaf_clear(&leaf);
	return r;
}

static int
sign_statement(struct local *l, const struct statement *s,
    const struct buf *krl, struct str *text, struct err *e)
{
	struct str block = STR_INIT;
	int r;

	if ((r = statement_encode(s, text, e)) != 0)
		return r;
	r = l->signing.ops->sign_krl(l->signing.ctx, slice_of(text->p, text->n),
	    buf_slice(krl), &block, e);
	if (r == 0) {
		str_addn(text, block.p, block.n);
		if (str_check(text) != 0)
			r = err_nomem(e);
	}
	str_clear(&block);
	return r;
}

/*
 * The list is kept beside the log and signed, then the statement becomes a leaf,
 * then its file is put, then both are published: whatever ends in between, no
 * file is there without a leaf, and none is published without its file.
 *
 * A signature uses a version up, and who tries again has another one, so all
 * that can be full or away is asked before the signer is.
 */
static int
keep_and_sign(struct local *l, const struct statement *s, const struct buf *krl,
    struct str *text, struct err *e)
{
	int r;

	if ((r = ledger_secure(l->ledger, e)) != 0 ||
	    (r = local_keep_krl(l, &s->u.krl.file, buf_slice(krl), e)) != 0)
		return r;
	if ((r = sign_statement(l, s, krl, text, e)) != 0)
		local_drop_krl(l, &s->u.krl.file);
	return r;
}

static int
commit_statement(struct local *l, const struct statement *s, struct str *text,
    struct err *e)
{
	struct slice leaf = slice_of(text->p, text->n);
	const struct keeper_leaves none = {0};
	struct ledger_receipt receipt;
	struct local_round q = {
	    .leaves = &leaf, .n = 1, .receipts = &receipt, .note = STR_INIT};
	bool others = l->krl_owed;
	int r;

	l->krl_owed = true;
	if ((r = local_run(l, &q, e)) != 0 ||
	    (r = local_put_krl(l, &s->u.krl.file, e)) != 0)
		return r < 0 ? r : ERR_CORRUPT;
	l->krl_owed = others;
	return local_commit(l, &none, NULL, e);
}

static int
fill_statement(struct local *l, uint64_t version, const struct buf *krl,
    struct statement *s)
{
	s->realm = l->trust.realm;
	s->at = l->now;
	random_bytes(s->nonce, sizeof(s->nonce));
	s->u.krl.version = version;
	s->u.krl.size = buf_len(krl);
	s->u.krl.next_update = l->now + KRL_NEXT_UPDATE;
	hash_sha256(buf_slice(krl).p, buf_len(krl), &s->u.krl.file);
	s->by = str_dup(l->config.log_name);
	return s->by != NULL ? 0 : ERR_NOMEM;
}

/*
 * One that the signer has signed may have missed the log in a crash: its version
 * is never told of two lists.  A crash is one list; a signer that has seen many
 * more is none of ours, and would use the numbers up.
 */
static int
next_version(struct local *l, const struct leaf *last, uint64_t *out,
    struct err *e)
{
	uint64_t logged = last != NULL ? last->u.s.u.krl.version : 0;
	struct signer_seen seen;
	int r;

	if ((r = l->signing.ops->seen(l->signing.ctx, &seen, e)) != 0)
		return r;
	if (seen.krl_version > logged &&
	    seen.krl_version - logged > KRL_UNLOGGED_MAX)
		return err_set(e, ERR_DENIED,
		    "the signer has signed revocation list %llu, the log ends "
		    "with %llu",
		    (unsigned long long)seen.krl_version,
		    (unsigned long long)logged);
	*out = (seen.krl_version > logged ? seen.krl_version : logged) + 1;
	return 0;
}

int
local_new_krl(struct local *l, struct buf **out, struct err *e)
{
	struct str text = STR_INIT;
	struct buf *b = NULL;
	struct statement s;
	struct leaf last;
	uint64_t version = 0, index;
	int r;

	local_set_now(l);
	leaf_init(&last);
	statement_init(&s, ST_KRL);
	if ((r = last_statement(l, &last, &index, e)) < 0 ||
	    (r = next_version(l, r == 0 ? &last : NULL, &version, e)) != 0)
		goto out;
	if ((r = buf_new(&b, KRL_MAX)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = keeper_krl(l->keeper, version, l->now, b, e)) != 0)
		goto out;
	if ((r = fill_statement(l, version, b, &s)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = keep_and_sign(l, &s, b, &text, e)) != 0 ||
	    (r = commit_statement(l, &s, &text, e)) != 0)
		goto out;
	if (out != NULL) {
		*out = b;
		b = NULL;
	}
out:
	buf_free(b);
	str_clear(&text);
	statement_clear(&s);
	leaf_clear(&last);
	return r;
}

/* --- after a crash -------------------------------------------------------- */

int
local_renew_krl(struct local *l, struct err *e)
{
	bool stale = false;
	const uint64_t *at;
	struct leaf last;
	uint64_t index;
	size_t n;
	int r;

	/* Most logs have no revocation, and need no list. */
	if ((r = ledger_listed(l->ledger, LTAG_REVOKE, &at, &n, e)) != 0 ||
	    n == 0)
		return r;
	leaf_init(&last);
	if ((r = last_statement(l, &last, &index, e)) == 0)
		r = is_stale(l, index, &stale, e);
	leaf_clear(&last);
	return r == 1 || (r == 0 && stale) ? local_new_krl(l, NULL, e) : r;
}
