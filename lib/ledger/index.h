/* SPDX-License-Identifier: ISC */
/*
 * Which leaf has this tag and name, and which leaves have that tag: a hash
 * table in a mapped file, derived from the leaves.
 *
 * Nothing in it is ever fsynced.  It is believed while the machine it was made
 * on has not been started again (the page cache outlives a killed process, not
 * a power loss); else, and when anything about it does not fit, it is empty and
 * the caller adds all leaves anew.  A find is a hint that the caller checks
 * against the leaf; that nothing is found is relied upon.
 */
#ifndef LIB_LEDGER_INDEX_H
#define LIB_LEDGER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"

struct index; /* opaque */

/*
 * path NULL: in memory alone.  read_only: the file is not changed, what is
 * added is seen by this process alone.  listed: tags, as bits.  ERR_SYS,
 * ERR_NOMEM.
 */
int index_open(const char *path, uint32_t listed, bool read_only,
    struct index **out, struct err *e) MUST_CHECK;
void index_close(struct index *x);

uint64_t index_count(const struct index *x);   /* leaves 0..count-1 are in */
uint64_t index_settled(const struct index *x); /* see ledger_impl.h */
void index_settle(struct index *x, uint64_t size);
/* Was the last leaf added this one?  Else it is the index of another log. */
bool index_last_is(const struct index *x, const struct hash *leaf);
/* Forget everything. */
int index_reset(struct index *x, struct err *e) MUST_CHECK;

/* Room for n more leaves, after which so many adds cannot fail.  ERR_SYS (disk
 * full, says so), ERR_NOMEM, ERR_LIMIT. */
int index_reserve(struct index *x, size_t n, struct err *e) MUST_CHECK;
/* A further name of the leaf that index_add() adds next; takes room as a leaf
 * does.  Twice is as once. */
void index_add_name(struct index *x, uint8_t tag, const struct hash *name);
/* Leaf number index_count(x); leaf is its hash. */
void index_add(struct index *x, uint8_t tag, const struct hash *name,
    const struct hash *leaf);

/* Call each() for every leaf that may have tag and name, in no order, until it
 * returns other than 0; returns that. */
int index_find(const struct index *x, uint8_t tag, const struct hash *name,
    int (*each)(void *ctx, uint64_t index), void *ctx);
/* The leaves of a listed tag, ascending, borrowed until the next call that
 * changes the index.  ERR_NOMEM. */
int index_listed(
    struct index *x, uint8_t tag, const uint64_t **out, size_t *n) MUST_CHECK;

#endif
