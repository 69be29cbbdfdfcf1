/* SPDX-License-Identifier: ISC */
/*
 * The Merkle tree of RFC 6962: leaf = SHA-256(0 | data), node =
 * SHA-256(1 | left | right), split at the largest power of two below n.
 * Pure.
 */
#ifndef LIB_TLOG_MERKLE_H
#define LIB_TLOG_MERKLE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"

#define MERKLE_PROOF_MAX 64

void merkle_leaf(const void *data, size_t n, struct hash *out);
void merkle_node(const struct hash *l, const struct hash *r, struct hash *out);

/* The right edge of a tree: enough to append and to know the root. */
struct merkle_edge {		/* zero-initialise: the empty tree */
	uint64_t    size;
	struct hash h[64];	/* h[i] is meaningful where bit i of size is set */
};
void merkle_append(struct merkle_edge *m, const struct hash *leaf);
/* A perfect subtree of 2^level leaves at once; size must be a multiple.  A tree
 * has less than 2^63 leaves. */
void merkle_append_subtree(struct merkle_edge *m, unsigned level,
    const struct hash *root);
void merkle_root(const struct merkle_edge *m, struct hash *out);

/*
 * Proofs.  get() gives the hash of the perfect subtree of 2^level leaves that
 * starts at index << level.  RFC 9162 2.1.3 and 2.1.4.  ERR_NOTFOUND: index is not
 * below size; from is 0 or above to.  ERR_LIMIT: more than MERKLE_PROOF_MAX
 * hashes (size above 2^63).  What get() returns.
 */
struct merkle_source {
	int (*get)(void *ctx, unsigned level, uint64_t index,
	    struct hash *out, struct err *e);
	void *ctx;
};
int merkle_prove_inclusion(const struct merkle_source *src, uint64_t index,
    uint64_t size, struct hash proof[MERKLE_PROOF_MAX], size_t *n,
    struct err *e) MUST_CHECK;
int merkle_prove_consistency(const struct merkle_source *src, uint64_t from,
    uint64_t to, struct hash proof[MERKLE_PROOF_MAX], size_t *n,
    struct err *e) MUST_CHECK;
int merkle_source_root(const struct merkle_source *src, uint64_t size,
    struct hash *out, struct err *e) MUST_CHECK;

/* ERR_BADSIG: the proof does not prove it; from == 0 is always refused. */
int merkle_check_inclusion(const struct hash *leaf, uint64_t index,
    uint64_t size, const struct hash *proof, size_t n,
    const struct hash *root) MUST_CHECK;
int merkle_check_consistency(uint64_t from, uint64_t to,
    const struct hash *proof, size_t n, const struct hash *from_root,
    const struct hash *to_root) MUST_CHECK;

#endif
