/* SPDX-License-Identifier: ISC */
/*
 * The signed policy on disk: DIR/bundle.
 *
 *   root.N.yaml root.N	each version of root.yaml and its root statement
 *   policy.N		each policy bundle statement, of version N; the highest
 *			is in force
 *   <sha256>		MANIFESTs and the files they name, by content
 *   draft.root draft.policy  statements that still lack signatures
 *
 * Files come first and policy.N last, so that a crash leaves either the old
 * version in force or the new one.  Nothing here is believed because of where
 * it lies: every load verifies the whole chain again.
 */
#ifndef LIB_BUNDLE_BUNDLES_H
#define LIB_BUNDLE_BUNDLES_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"
#include "lib/trust/policy.h"

/* A chain as it lies on disk: owns what a struct bundle_input borrows. */
struct bundle_chain {		/* bundle_chain_clear */
	struct slice root_files[BUNDLE_ROOTS_MAX];
	struct slice root_statements[BUNDLE_ROOTS_MAX];
	size_t	     n_roots;
	struct slice statement, manifest;
	struct policy_files files;
	uint64_t     version;		/* of the bundle */
};
void bundle_chain_clear(struct bundle_chain *c);
void bundle_chain_input(const struct bundle_chain *c, struct bundle_input *in);

/* What lies under dir/bundle.  ERR_NOTFOUND: no policy has been signed yet. */
int bundles_read(const char *dir, struct bundle_chain *out, struct err *e)
    MUST_CHECK;
/* The chain that ended in the policy statement with this hash: it and all roots
 * up to its own.  ERR_NOTFOUND: no such statement is there; ERR_SYS: nor is it
 * among those that can be read. */
int bundles_read_past(const char *dir, const struct hash *statement,
    struct bundle_chain *out, struct err *e) MUST_CHECK;
/* Read and verify into t; pin and now as trust_update(), and its answers. */
int bundles_load(const char *dir, const struct hash *pin, int64_t now,
    struct trust *t, struct err *e) MUST_CHECK;
/* Move t on to a chain, whose roots are all from 1: as trust_update(), and its
 * answers. */
int bundle_chain_accept(const struct bundle_chain *c, struct trust *t,
    const struct hash *pin, int64_t now, struct err *e) MUST_CHECK;
/*
 * The policy of an earlier bundle statement with this hash, zones set, from
 * its files: a new policy.  Trusted as far as whoever named the hash.  Errors
 * as bundles_read_past().
 */
int bundles_load_policy(const char *dir, const struct hash *statement,
    struct policy **out, struct err *e) MUST_CHECK;

/* Which root.yaml a policy statement is of, by what its MANIFEST says.  ERR_PARSE:
 * there is none in it. */
int bundles_root_of(const char *dir, const struct bundle_statement *b,
    struct hash *root_yaml, struct err *e) MUST_CHECK;

/* Store a chain, the newest policy statement last.  Files that are there are
 * left.  ERR_EXISTS: policy.N is there with other bytes.  ERR_ROLLBACK: its statement
 * says another version than the chain. */
int bundles_store(const char *dir, const struct bundle_chain *c,
    struct err *e) MUST_CHECK;

#endif
