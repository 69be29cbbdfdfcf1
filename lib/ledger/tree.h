/* SPDX-License-Identifier: ISC */
/*
 * The tree from some leaf on: hashes of every level of tiles, in memory.
 *
 * Begins at base, a multiple of TILE_WIDTH: of level 0 it has what follows
 * base, of each level above also the beginning of the tile that base falls
 * into (the edge), so that every tile that is not full yet is here whole, and
 * what is not here is in full tiles.  No I/O.
 */
#ifndef LIB_LEDGER_TREE_H
#define LIB_LEDGER_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/tlog/merkle.h"

#define TREE_LEVELS   8
#define TREE_EDGE_MAX (TREE_LEVELS * 255 * HASH_LEN)

struct tree { /* zero: the empty tree of base 0 */
	uint64_t base, size;
	struct tree_level {
		uint64_t start; /* number of the first hash here */
		struct hash *v;
		size_t n, cap;
		struct merkle_edge open; /* over those of the last tile */
	} l[TREE_LEVELS];
};

void tree_clear(struct tree *t);
/* The tree of base leaves with that edge.  ERR_CORRUPT, ERR_NOMEM. */
int tree_start(struct tree *t, uint64_t base, struct slice edge) MUST_CHECK;
/* The edge at a base within this tree.  ERR_LIMIT, ERR_NOMEM. */
int tree_edge(const struct tree *t, uint64_t base, struct buf *out) MUST_CHECK;
/* Let go of what lies before base, which is one of this tree. */
void tree_rebase(struct tree *t, uint64_t base);

/* Room for n more leaves, after which so many appends cannot fail. */
int tree_reserve(struct tree *t, size_t n) MUST_CHECK;
void tree_append(struct tree *t, const struct hash *leaf);
void tree_root(const struct tree *t, struct hash *out);

/* Hash number index of a level of tiles; NULL when it is not here. */
const struct hash *tree_at(
    const struct tree *t, unsigned level, uint64_t index);
/* The hash over n = 2^k hashes. */
void tree_fold(const struct hash *v, size_t n, struct hash *out);

#endif
