/* SPDX-License-Identifier: ISC */
/*
 * The fleet's bundle on disk, in DIR/bundle beside the policy's (bundles.h):
 *
 *   fleet.N		each fleet statement, of version N; the highest is in
 *			force
 *   <sha256>		MANIFESTs and the files they name, by content
 *   draft.fleet	a statement that still lacks signatures
 *
 * Files come first and fleet.N last, so that a crash leaves either the old
 * version in force or the new one.  Statements stay when newer ones come: they
 * are the chain by which a host that was off catches up.  Pillar files may be
 * missing in the directory of a host.  Nothing here is believed because of
 * where it lies.
 */
#ifndef LIB_BUNDLE_FLEETS_H
#define LIB_BUNDLE_FLEETS_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/trust/fleet_bundle.h"

/* As it lies on disk: owns what a struct fleet_input borrows. */
struct fleet_chain {		/* zero-initialise; fleet_chain_clear */
	struct slice statement, manifest;
	struct policy_files files;
	struct slice *between;
	size_t	      n_between;
	uint64_t      version;
	bool	      some_pillar;	/* a host's: pillar files may be absent */
};
void fleet_chain_clear(struct fleet_chain *c);
void fleet_chain_input(const struct fleet_chain *c, struct fleet_input *in);

/*
 * The newest under dir/bundle, and the statements after version `held` (0:
 * nothing is held, and none are needed).  out->some_pillar is the caller's to
 * set before.  ERR_NOTFOUND: no fleet has been signed yet, or a file is
 * missing; ERR_CORRUPT, ERR_PARSE, ERR_LIMIT, ERR_SYS, ERR_NOMEM.
 */
int fleets_read(const char *dir, uint64_t held, struct fleet_chain *out,
    struct err *e) MUST_CHECK;
/* An older version, as it lies there: not judged, so for showing what changes
 * alone.  As fleets_read(). */
int fleets_read_past(const char *dir, uint64_t version,
    struct fleet_chain *out, struct err *e) MUST_CHECK;
/* Read and judge: as fleet_accept(), and its answers.  out may be NULL. */
int fleets_load(const char *dir, const struct trust *t, bool some_pillar,
    int64_t now, struct fleet_held *held, struct fleet_chain *out,
    struct err *e) MUST_CHECK;

/* Store files, then the statement.  ERR_EXISTS: fleet.N is there with other
 * bytes.  ERR_ROLLBACK: the statement says another version than the chain. */
int fleets_store(const char *dir, const struct fleet_chain *c, struct err *e)
    MUST_CHECK;
/* Every fleet.N of one directory into another, as statements alone. */
int fleets_copy_chain(const char *from, const char *to, struct err *e)
    MUST_CHECK;

#endif
