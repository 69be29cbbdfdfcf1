/* SPDX-License-Identifier: ISC */
/* The leaves of a log by their index, out of the bundles that lie in its store. */
#ifndef CA_AUDIT_SOURCE_H
#define CA_AUDIT_SOURCE_H

#include "lib/blob/blob.h"
#include "lib/statement/leaf.h"
#include "lib/tlog/tile.h"

#define BUNDLE_BYTES_MAX (TILE_WIDTH * (2 + LEAF_MAX))
#define SOURCE_BLOCKS 8

struct source_block {
	uint64_t     index;	/* of the bundle */
	uint8_t	    *bytes;
	size_t	     n;
	struct slice leaf[TILE_WIDTH];
	unsigned     n_leaves;
	uint64_t     used;	/* 0: empty */
};
/* A version of a bundle that counts although it is not the newest. */
struct source_version {
	uint64_t index;
	char	*version;
};
struct audit_source {		/* zero-initialise; audit_source_clear */
	struct blob_store  *store;	/* borrowed */
	uint64_t	    size;
	struct source_block block[SOURCE_BLOCKS];
	uint64_t	    clock;
	struct source_version *versions;
	size_t		    n_versions, cap_versions;
	const struct hash  *roots;	/* borrowed: bundles before n_roots */
	uint64_t	    n_roots;	/* count if they hash to that */
};
void audit_source_clear(struct audit_source *s);
/* Split a bundle into leaves; returns how many of at most max there are.
 * *used is how many bytes they take. */
unsigned audit_split(struct slice bundle, unsigned max, struct slice *leaf,
    size_t *used);
/* A store that does not let us in (ERR_DENIED) is one that cannot be read, ERR_NET:
 * what policy says, or an audit finds, is something else.  Other codes are as they
 * were. */
int audit_of_store(int r);
/* The bytes of a leaf, borrowed until SOURCE_BLOCKS others were asked for.
 * ERR_NOTFOUND, ERR_CORRUPT. */
int audit_source_leaf(struct audit_source *s, uint64_t index,
    struct slice *out, struct err *e) MUST_CHECK;
/* Parse it; a statement is verified too. */
int audit_source_parse(struct audit_source *s, uint64_t index,
    struct leaf *out, struct err *e) MUST_CHECK;

#endif
