/* SPDX-License-Identifier: ISC */
/* The leaves since base, in memory, and the blocks that they lie in. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

/* Each block goes when all of its leaves are published. */
#define BLOCKS_MAX (1u << 30)

/* A leaf that is in the journal, in room that was made before. */
void
ledger_take_in(struct ledger *l, struct kept k)
{
	struct hash h;

	memcpy(h.b, k.p, HASH_LEN);
	tree_append(&l->tree, &h);
	l->kept[l->n_kept++] = k;
}

int
ledger_reserve(struct ledger *l, size_t n)
{
	if (tree_reserve(&l->tree, n) != 0)
		return ERR_NOMEM;
	return vec_reserve(&l->kept, l->n_kept, n, &l->cap_kept);
}

/* Room for a block more. */
int
ledger_reserve_block(struct ledger *l)
{
	return vec_grow(&l->blocks, l->n_blocks, &l->cap_blocks, BLOCKS_MAX);
}

/* The leaves that were taken in last lie there. */
void
ledger_add_block(struct ledger *l, uint8_t *p)
{
	l->blocks[l->n_blocks++] = (struct block){p, l->tree.size};
}

void
ledger_drop_blocks(struct ledger *l, uint64_t base)
{
	size_t n = 0;

	while (n < l->n_blocks && l->blocks[n].end <= base)
		free(l->blocks[n++].p);
	l->n_blocks -= n;
	if (l->n_blocks > 0)
		memmove(l->blocks, l->blocks + n,
		    l->n_blocks * sizeof(l->blocks[0]));
}
