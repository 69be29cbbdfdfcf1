/* SPDX-License-Identifier: ISC */
/*
 * Every hash that a proof or a root needs is that of a range of leaves which
 * starts at a multiple of the next power of two at or above its length, so it
 * falls apart into perfect subtrees by the bits of that length.  That is the
 * whole of range_root(); proofs are lists of ranges.
 */
#include "lib/tlog/merkle.h"

#include <stdbool.h>

#include "lib/base/buf.h"

void
merkle_leaf(const void *data, size_t n, struct hash *out)
{
	static const uint8_t zero = 0;
	const struct slice parts[] = {slice_of(&zero, 1), slice_of(data, n)};

	hash_sha256v(parts, 2, out);
}

void
merkle_node(const struct hash *l, const struct hash *r, struct hash *out)
{
	uint8_t both[1 + 2 * HASH_LEN] = {1};

	for (size_t i = 0; i < HASH_LEN; i++) {
		both[1 + i] = l->b[i];
		both[1 + HASH_LEN + i] = r->b[i];
	}
	hash_sha256(both, sizeof(both), out);
}

/* Carry, as in adding 1 << level to a number of 64 digits. */
void
merkle_append_subtree(struct merkle_edge *m, unsigned level,
    const struct hash *root)
{
	struct hash h = *root;
	unsigned i = level;

	while (i < 63 && (m->size >> i & 1) != 0)
		merkle_node(&m->h[i++], &h, &h);
	m->h[i] = h;
	m->size += UINT64_C(1) << level;
}

void
merkle_append(struct merkle_edge *m, const struct hash *leaf)
{
	merkle_append_subtree(m, 0, leaf);
}

void
merkle_root(const struct merkle_edge *m, struct hash *out)
{
	bool begun = false;

	if (m->size == 0)
		hash_sha256(NULL, 0, out);
	for (unsigned i = 0; i < 64; i++) {
		if ((m->size >> i & 1) == 0)
			continue;
		if (begun)
			merkle_node(&m->h[i], out, out);
		else
			*out = m->h[i];
		begun = true;
	}
}

/* The hash of leaves lo..hi-1, lo aligned as said above, lo < hi. */
static int
range_root(const struct merkle_source *src, uint64_t lo, uint64_t hi,
    struct hash *out, struct err *e)
{
	uint64_t n = hi - lo;
	bool begun = false;
	struct hash h;
	int r;

	/* From the right, so that one hash is all there is to remember. */
	for (unsigned i = 0; i < 64; i++) {
		if ((n >> i & 1) == 0)
			continue;
		hi -= UINT64_C(1) << i;
		if ((r = src->get(src->ctx, i, hi >> i, &h, e)) != 0)
			return r;
		if (begun)
			merkle_node(&h, out, out);
		else
			*out = h;
		begun = true;
	}
	return 0;
}

/* The largest power of two below n, n > 1. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

struct ranges { /* of a proof, from the root down */
	uint64_t lo[MERKLE_PROOF_MAX + 2], hi[MERKLE_PROOF_MAX + 2];
	size_t n;
};

static void
ranges_add(struct ranges *l, uint64_t lo, uint64_t hi)
{
	l->lo[l->n] = lo;
	l->hi[l->n++] = hi;
}

/* Proofs run from the leaf up. */
static int
ranges_hash(const struct ranges *l, const struct merkle_source *src,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e)
{
	int r;

	if (l->n > MERKLE_PROOF_MAX)
		return err_set(e, ERR_LIMIT,
		    "a proof would have %zu hashes, at most %d are written",
		    l->n, MERKLE_PROOF_MAX);
	for (size_t i = 0; i < l->n; i++) {
		size_t from = l->n - 1 - i;

		r = range_root(src, l->lo[from], l->hi[from], &proof[i], e);
		if (r != 0)
			return r;
	}
	*n = l->n;
	return 0;
}

int
merkle_prove_inclusion(const struct merkle_source *src, uint64_t index,
    uint64_t size, struct hash proof[MERKLE_PROOF_MAX], size_t *n,
    struct err *e)
{
	uint64_t lo = 0, hi = size;
	struct ranges l = {.n = 0};

	if (index >= size)
		return err_set(e, ERR_NOTFOUND,
		    "leaf %llu is not in a tree of %llu leaves",
		    (unsigned long long)index, (unsigned long long)size);
	while (hi - lo > 1) {
		uint64_t mid = lo + split(hi - lo);

		if (index < mid) {
			ranges_add(&l, mid, hi);
			hi = mid;
		} else {
			ranges_add(&l, lo, mid);
			lo = mid;
		}
	}
	return ranges_hash(&l, src, proof, n, e);
}

int
merkle_prove_consistency(const struct merkle_source *src, uint64_t from,
    uint64_t to, struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e)
{
	uint64_t lo = 0, hi = to;
	struct ranges l = {.n = 0};

	if (from == 0 || from > to)
		return err_set(e, ERR_NOTFOUND,
		    "there is no proof from a tree of %llu leaves to one of "
		    "%llu",
		    (unsigned long long)from, (unsigned long long)to);
	while (from != hi) {
		uint64_t mid = lo + split(hi - lo);

		if (from <= mid) {
			ranges_add(&l, mid, hi);
			hi = mid;
		} else {
			ranges_add(&l, lo, mid);
			lo = mid;
		}
	}
	/* Who checks has the hash of the old tree, if this is the whole of it.
	 */
	if (lo != 0)
		ranges_add(&l, lo, hi);
	return ranges_hash(&l, src, proof, n, e);
}

int
merkle_source_root(const struct merkle_source *src, uint64_t size,
    struct hash *out, struct err *e)
{
	struct hash h;
	int r;

	if (size == 0) {
		hash_sha256(NULL, 0, out);
		return 0;
	}
	if ((r = range_root(src, 0, size, &h, e)) == 0)
		*out = h;
	return r;
}

/* RFC 9162 section 2.1.3.2. */
int
merkle_check_inclusion(const struct hash *leaf, uint64_t index, uint64_t size,
    const struct hash *proof, size_t n, const struct hash *root)
{
	uint64_t fn = index, sn = size - 1;
	struct hash h = *leaf;

	if (index >= size)
		return ERR_BADSIG;
	for (size_t i = 0; i < n; i++) {
		if (sn == 0)
			return ERR_BADSIG;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(&proof[i], &h, &h);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			merkle_node(&h, &proof[i], &h);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && hash_equal(&h, root) ? 0 : ERR_BADSIG;
}

/* RFC 9162 section 2.1.4.2. */
int
merkle_check_consistency(uint64_t from, uint64_t to, const struct hash *proof,
    size_t n, const struct hash *from_root, const struct hash *to_root)
{
	bool whole = (from & (from - 1)) == 0; /* a power of two */
	uint64_t fn = from - 1, sn = to - 1;
	struct hash old, new;

	if (from == 0 || from > to)
		return ERR_BADSIG;
	if (from == to)
		return n == 0 && hash_equal(from_root, to_root) ? 0
								: ERR_BADSIG;
	if (n == 0)
		return ERR_BADSIG;
	for (; (fn & 1) != 0; fn >>= 1)
		sn >>= 1;
	old = new = whole ? *from_root : proof[0];
	for (size_t i = whole ? 0 : 1; i < n; i++) {
		if (sn == 0)
			return ERR_BADSIG;
		if ((fn & 1) != 0 || fn == sn) {
			merkle_node(&proof[i], &old, &old);
			merkle_node(&proof[i], &new, &new);
			for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
				sn >>= 1;
		} else {
			merkle_node(&new, &proof[i], &new);
		}
		fn >>= 1;
		sn >>= 1;
	}
	return sn == 0 && hash_equal(&old, from_root) &&
		hash_equal(&new, to_root)
	    ? 0
	    : ERR_BADSIG;
}
