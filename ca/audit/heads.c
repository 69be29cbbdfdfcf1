/* SPDX-License-Identifier: ISC */
/*
 * Signed heads: `checkpoint`, its older versions, checkpoints/SIZE.
 *
 * Which log this is says the origin; whose key must have signed says the
 * policy, which lies in the log itself.  So the first bundle is looked at for
 * its policy before a head is believed, and each head is checked again at the
 * end, by the keys that any policy gave this log.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"
#include "ca/audit/past.h"
#include "lib/tlog/note.h"

/* --- reading ------------------------------------------------------------- */

static const char *
display(const struct audit_head *h, char out[160])
{
	if (h->version == NULL)
		return h->key;
	(void)snprintf(out, 160, "%s version %s", h->key, h->version);
	return out;
}

/* What a note says, whoever signed it. */
static int
parse_claim(struct slice note, struct checkpoint *out)
{
	struct view v = view_slice(note);
	struct slice origin, size, root;
	struct checkpoint c = {0};
	int r;

	if (note_line(&v, &origin) != 0 || note_line(&v, &size) != 0 ||
	    note_line(&v, &root) != 0 || origin.n >= ORIGIN_MAX ||
	    note_number(size, &c.size) != 0 || c.size > AUDIT_LEAVES_MAX ||
	    memchr(origin.p, '\0', origin.n) != NULL)
		return ERR_PARSE;
	if ((r = note_hash(root, &c.root)) != 0)
		return r;
	memcpy(c.origin, origin.p, origin.n);
	*out = c;
	return 0;
}

/* The log's name, if the origin is one of this realm. */
static int
name_of(const struct audit *a, const char *origin, char out[ID_MAX + 1])
{
	const char *slash = strrchr(origin, '/');
	char want[ORIGIN_MAX];

	if (slash == NULL || strlen(slash + 1) > ID_MAX ||
	    log_origin(&a->c->realm, slash + 1, want) != 0 ||
	    strcmp(want, origin) != 0)
		return ERR_PARSE;
	(void)snprintf(out, ID_MAX + 1, "%s", slash + 1);
	return 0;
}

static bool
is_checkpoint(const struct audit_head *h)
{
	return strcmp(h->key, "checkpoint") == 0;
}

/* One of several versions of `checkpoint`: anybody who may write there can add
 * one, so a bad one is told and does not fail. */
static bool
is_spare(const struct audit *a, const struct audit_head *h)
{
	return is_checkpoint(h) && audit_has_versions(a, h->key);
}

static int
load_head(struct audit *a, struct audit_head *h, struct err *e)
{
	char text[160];
	int r;

	if (past_has_head(a, h->key))
		return 0; /* passed over */
	if (h->note != NULL)
		r = 0; /* given by whoever asks */
	else if (h->version == NULL)
		r = audit_get(a, h->key, 0, NOTE_MAX, &h->note, &h->n, e);
	else
		r = blob_get_version(a->store, h->key, h->version, NOTE_MAX,
		    &h->note, &h->n, e);
	if (r == ERR_LIMIT || r == ERR_CORRUPT)
		r = AUDIT_UNREADABLE;
	if (r < 0)
		return r;
	if (r == 0)
		r = parse_claim(slice_of(h->note, h->n), &h->claim);
	if (r == 0)
		return 0;
	if (r == ERR_NOMEM)
		return err_nomem(e);
	finding_add(a->r, a->label, STAGE_HEAD, "checkpoint", is_spare(a, h),
	    display(h, text), AUDIT_NO_INDEX,
	    "is no checkpoint, expected a signed note of three lines");
	free(h->note);
	h->note = NULL;
	return 0;
}

static int
head_order(const void *x, const void *y)
{
	const struct audit_head *a = x, *b = y;

	if (a->claim.size != b->claim.size)
		return a->claim.size < b->claim.size ? -1 : 1;
	return strcmp(a->key, b->key);
}

int
audit_heads_load(struct audit *a, struct err *e)
{
	bool newest = false;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < a->n_heads; i++)
		if ((r = load_head(a, &a->heads[i], e)) != 0)
			return r;
	for (size_t i = 0; i < a->n_heads; i++) {
		struct audit_head *h = &a->heads[i];

		newest = newest || is_checkpoint(h);
		if (h->note != NULL) {
			a->heads[n++] = *h;
			continue;
		}
		free(h->key);
		free(h->version);
	}
	a->n_heads = n;
	if (n > 1)
		qsort(a->heads, n, sizeof(*a->heads), head_order);
	if (!newest)
		OBJECT_FINDING(a, STAGE_HEAD, "missing", "checkpoint",
		    "is missing");
	return 0;
}

/* --- whose signature ------------------------------------------------------ */

static int
add_key(struct audit *a, const uint8_t *pk, uint64_t index)
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (a->keys[i].until == AUDIT_NO_INDEX &&
		    memcmp(a->keys[i].pk, pk, 32) == 0)
			return 0;
	if (vec_grow(&a->keys, a->n_keys, &a->cap_keys, 100000) != 0)
		return ERR_NOMEM;
	memcpy(a->keys[a->n_keys].pk, pk, 32);
	a->keys[a->n_keys].from = index;
	a->keys[a->n_keys++].until = AUDIT_NO_INDEX;
	return 0;
}

int
audit_keys_add(struct audit *a, const struct policy *p, uint64_t index)
{
	const struct authority *now[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(p, a->name, now);
	int r = 0;

	for (size_t i = 0; i < a->n_keys; i++) {
		bool stays = a->keys[i].until != AUDIT_NO_INDEX;

		for (size_t j = 0; j < n && !stays; j++)
			stays = memcmp(a->keys[i].pk,
				    pubkey_ed25519(now[j]->key), 32) == 0;
		if (!stays)
			a->keys[i].until = index;
	}
	for (size_t i = 0; i < n && r == 0; i++)
		r = add_key(a, pubkey_ed25519(now[i]->key), index);
	return r;
}

/* The keys that a head of that many leaves may be signed with: those of the
 * policies in it. */
static bool
may_sign(const struct audit_log_key *k, uint64_t size)
{
	return size > k->from && size <= k->until;
}

/* 0: signed by this log; else with the reason. */
static int
check_note(const struct audit *a, const struct audit_head *h, struct err *e)
{
	char origin[ORIGIN_MAX];
	struct checkpoint c;
	int r = ERR_BADSIG;

	if (log_origin(&a->c->realm, a->name, origin) != 0)
		return err_set(e, ERR_PARSE, "log has no name");
	if (a->n_keys == 0)
		return err_set(e, ERR_BADSIG,
		    "no policy in the log lists a key of log '%s'", a->name);
	(void)err_set(e, r,
	    "no key that signs is one of log '%s' by the policy at %llu "
	    "leaves",
	    a->name, (unsigned long long)h->claim.size);
	for (size_t i = a->n_keys; i-- > 0 && r != 0;)
		if (may_sign(&a->keys[i], h->claim.size))
			r = checkpoint_open(slice_of(h->note, h->n), origin,
			    a->keys[i].pk, &c, e);
	/* Never taken for a head that is not signed: the audit will end. */
	if (r == ERR_NOMEM)
		a->r->failed = true;
	return r;
}

/* Keys of NAME by the policies in the first bundle, as it lies there. */
static int
peek_keys(struct audit *a, struct err *e)
{
	struct audit_report quiet = {0}, *told = a->r;
	struct tile t = {.level = TILE_ENTRIES, .index = 0};
	struct audit_chain chain;
	uint8_t *bytes = NULL;
	char path[TILE_PATH_MAX];
	struct slice leaf[TILE_WIDTH];
	size_t n, used, from, to;
	unsigned n_leaves;
	int r = 0;

	audit_tiles_of(a, TILE_ENTRIES, 0, &from, &to);
	if (from == to)
		return 0;
	t.width = a->tiles[to - 1].width;
	tile_path(&t, path);
	if ((r = audit_get(a, path, 0, BUNDLE_BYTES_MAX, &bytes, &n, e)) != 0)
		return r < 0 ? r : 0;
	chain_init(&chain);
	a->r = &quiet;
	n_leaves = audit_split(slice_of(bytes, n), t.width, leaf, &used);
	for (unsigned i = 0; i < n_leaves && r >= 0; i++) {
		struct statement s;
		struct hash name;
		uint8_t tag;

		leaf_classify(leaf[i], &tag, &name);
		if (tag != LTAG_ROOT && tag != LTAG_POLICY)
			continue;
		statement_init(&s, 0);
		r = statement_parse("leaf", leaf[i], &s, NULL);
		if (r == 0 && s.type == ST_ROOT)
			r = audit_chain_root(a, &chain, i, &s, e);
		else if (r == 0 && s.type == ST_POLICY &&
		    (r = audit_chain_policy(a, &chain, i, &s, e)) == 0)
			r = audit_keys_add(a, chain.trust.policy, i);
		statement_clear(&s);
		if (r < 0 && r != ERR_NOMEM && r != ERR_NET && r != ERR_SYS)
			r = 1;
	}
	if (quiet.failed)
		r = ERR_NOMEM;
	a->r = told;
	audit_report_clear(&quiet);
	chain_clear(&chain);
	free(bytes);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	return r < 0 ? r : 0;
}

/* --- choosing --------------------------------------------------------------
 */

/* Prefer `checkpoint`, of several versions the largest, then the largest of the
 * others.  Heads are in the order of their sizes. */
static const struct audit_head *
prefer(const struct audit *a, bool sound)
{
	const struct audit_head *best = NULL;
	char name[ID_MAX + 1];

	for (size_t i = 0; i < a->n_heads; i++) {
		const struct audit_head *h = &a->heads[i];

		if (name_of(a, h->claim.origin, name) != 0 ||
		    (sound &&
			(strcmp(name, a->name) != 0 ||
			    check_note(a, h, NULL) != 0)))
			continue;
		if (best == NULL || is_checkpoint(h) || !is_checkpoint(best))
			best = h;
	}
	return best;
}

int
audit_heads_choose(struct audit *a, struct err *e)
{
	const struct audit_head *h = prefer(a, false);
	int r;

	if (h == NULL) {
		OBJECT_FINDING(a, STAGE_HEAD, "checkpoint", "checkpoint",
		    "no checkpoint of this realm is there, nothing was "
		    "compared");
		return 0;
	}
	if (a->c->name != NULL)
		(void)snprintf(a->name, sizeof(a->name), "%s", a->c->name);
	else
		(void)name_of(a, h->claim.origin, a->name);
	if ((r = peek_keys(a, e)) != 0)
		return r;
	/* Another may be signed where this one is not; else go by what it
	   says, and the check at the end will speak. */
	if (prefer(a, true) != NULL)
		h = prefer(a, true);
	a->head = h->claim;
	a->head_note = slice_of(h->note, h->n);
	a->n_keys = 0; /* the policies come again, in their places */
	if (!is_checkpoint(h) && audit_has_versions(a, "checkpoint"))
		OBJECT_FINDING(a, STAGE_HEAD, "checkpoint", "checkpoint",
		    "is in no version a checkpoint of this log");
	return 0;
}

/* --- comparing --------------------------------------------------------------
 */

static struct hash
root_at(const struct merkle_edge *edge, const struct hash *leaves,
    uint64_t size)
{
	struct merkle_edge m = *edge;
	struct hash root;

	for (unsigned i = 0; m.size < size; i++)
		merkle_append(&m, &leaves[i]);
	merkle_root(&m, &root);
	return root;
}

void
audit_heads_pass(struct audit *a, const struct merkle_edge *edge,
    const struct hash *leaves, unsigned n, bool tiles)
{
	size_t lo = 0, hi = a->n_heads;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->heads[mid].claim.size < edge->size)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < a->n_heads && a->heads[lo].claim.size <= edge->size + n;
	     lo++) {
		struct audit_head *h = &a->heads[lo];
		struct hash root = root_at(edge, leaves, h->claim.size);

		if (tiles)
			h->at_t = root;
		else
			h->at = root;
		h->have_at = true;
	}
}

static void
check_key(struct audit *a, const struct audit_head *h)
{
	uint64_t size;

	if (strncmp(h->key, "checkpoints/", 12) == 0 &&
	    (parse_u64(h->key + 12, 0, UINT64_MAX, &size) != 0 ||
		size != h->claim.size))
		OBJECT_FINDING(a, STAGE_HEAD, "checkpoint", h->key,
		    "is a checkpoint of %llu %s",
		    (unsigned long long)h->claim.size, LEAVES(h->claim.size));
}

static void
check_head(struct audit *a, const struct audit_head *h)
{
	struct err why = {0};
	char text[160];
	const char *name = display(h, text);

	if (check_note(a, h, &why) != 0) {
		finding_add(a->r, a->label, STAGE_HEAD, "checkpoint",
		    is_spare(a, h), name, AUDIT_NO_INDEX, "%s", why.msg);
		return;
	}
	a->counts.signatures++;
	check_key(a, h);
	if (h->claim.size > a->head.size) {
		if (a->grown < h->claim.size)
			OBJECT_FINDING(a, STAGE_HEAD, "rollback", name,
			    "is signed for %llu %s, but the log's "
			    "checkpoint is for %llu",
			    (unsigned long long)h->claim.size,
			    LEAVES(h->claim.size),
			    (unsigned long long)a->head.size);
	} else if (h->have_at &&
	    !hash_equal(a->truth_t ? &h->at_t : &h->at, &h->claim.root)) {
		OBJECT_FINDING(a, STAGE_HEAD, "fork", name,
		    "is signed for another tree of %llu %s than the one here",
		    (unsigned long long)h->claim.size, LEAVES(h->claim.size));
	}
}

void
audit_heads_check(struct audit *a)
{
	for (size_t i = 0; i < a->n_heads; i++)
		check_head(a, &a->heads[i]);
}

int
audit_heads_grown(struct audit *a, struct err *e)
{
	struct audit_head h = {.key = str_dup("checkpoint")};
	int r;

	if (h.key == NULL)
		return err_nomem(e);
	r = blob_get(a->store, h.key, NOTE_MAX, &h.note, &h.n, e);
	if (r == 0 && (r = parse_claim(slice_of(h.note, h.n), &h.claim)) == 0 &&
	    h.claim.size > a->head.size && h.claim.size > a->grown &&
	    check_note(a, &h, NULL) == 0)
		a->grown = h.claim.size;
	free(h.note);
	free(h.key);
	/* Whether it is there at all was asked before. */
	return r == ERR_NOTFOUND || r == ERR_CORRUPT || r == ERR_LIMIT ||
		r == ERR_PARSE
	    ? 0
	    : r;
}
