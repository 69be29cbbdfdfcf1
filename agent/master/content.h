/* SPDX-License-Identifier: ISC */
/*
 * What a master carries: the policy in force and the versions of the fleet's
 * bundle, as they lie in DIR/bundle, and who may have which file of them.
 *
 * The policy is in memory.  Of the fleet every statement is, since they are the
 * chain by which a host catches up; the files of a version are read when they
 * are asked for, and those of the last CONTENT_FLEETS stay.  A host gets of a
 * version what it needs: MANIFEST, every file that is no pillar, and the pillar
 * files that its own entries of top.yaml name, by its id and roles as operators
 * gave them.  Nothing here is sent because of what a host says of itself.
 */
#ifndef AGENT_MASTER_CONTENT_H
#define AGENT_MASTER_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/bundle/bundles.h"
#include "lib/bundle/fleets.h"
#include "lib/trust/bundle.h"
#include "lib/trust/fleet_bundle.h"

#define CONTENT_FLEETS 8	/* versions whose files are in memory */

struct content_file {
	struct hash  hash;
	struct slice data;	/* borrowed from the chain it is of */
	const char  *pillar;	/* its name, where it is a pillar file */
};

/* A fleet statement. */
struct content_fleet {
	uint64_t    version;
	struct hash name, manifest;
	uint64_t    size;	/* of MANIFEST */
	char	   *text;
	size_t	    n;
};

struct content;		/* opaque */

/*
 * What lies below dir, which is borrowed; it must be of the realm pin.  Expiry is
 * not asked for: what was in force stays so.  ERR_NOTFOUND: no policy is there;
 * a fleet need not be.  Else as bundles_load() and fleets_load().
 */
int  content_open(const char *dir, const struct hash *pin,
     struct content **out, struct err *e) MUST_CHECK;
void content_free(struct content *c);	/* NULL allowed */

const struct trust *content_trust(const struct content *c);
/* The chain in force: borrowed until another is. */
const struct bundle_chain *content_chain(const struct content *c);
const struct fleet_held *content_held(const struct content *c);

/*
 * Put in force a newer policy whose roots are all there, or a newer fleet: it is
 * verified whole, stored, and then in force.  A policy or fleet that is the one
 * held is a success, and so is a policy within its grace.  Whether a fleet is
 * past its own time is not asked: it may be the way to the next, and hosts ask.
 * Errors as trust_update() and fleet_accept(), those of storing them; nothing is
 * changed then.
 */
int content_push_policy(struct content *c, const struct bundle_chain *chain,
    int64_t now, struct err *e) MUST_CHECK;
int content_push_fleet(struct content *c, struct fleet_chain *chain,
    int64_t now, struct err *e) MUST_CHECK;

/* A policy of earlier, by the name of its statement; kept until another is asked
 * for.  ERR_NOTFOUND and whatever bundles_load_policy() says. */
int content_policy_then(struct content *c, const struct hash *h,
    const struct policy **out, struct err *e) MUST_CHECK;

/* NULL: no such version, no such name. */
const struct content_fleet *content_fleet(const struct content *c,
    uint64_t version);
const struct content_fleet *content_fleet_named(const struct content *c,
    const struct hash *name);

/* The policy in force: statements, MANIFEST, files.  p NULL: it has none. */
struct slice content_policy_file(const struct content *c,
    const struct hash *h);
/*
 * A file of a version of the fleet, or its MANIFEST, or its statement; of a host
 * its id and roles, NULL: a person, who gets everything.  *out is borrowed until
 * the next call.  1: there is none, or it is not his: nobody can tell which.
 * ERR_CORRUPT, ERR_PARSE, ERR_SYS, ERR_NOMEM.
 */
int content_fleet_file(struct content *c, uint64_t version,
    const struct hash *h, const char *host, const struct strs *roles,
    struct slice *out, struct err *e) MUST_CHECK;

#endif
