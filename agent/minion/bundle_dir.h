/* SPDX-License-Identifier: ISC */
/*
 * Signed bundles in a directory, as `writ policy sign` and `writ fleet sign`
 * leave them in DIR/bundle, and what of them this host has held.
 *
 *	root.N.yaml root.N	each version of root.yaml and its statement
 *	policy.N fleet.N	bundle statements
 *	<sha256>		MANIFESTs and files, by content
 *
 * Nothing is believed because of where it lies: every load verifies the chain
 * from root 1, whose hash is the realm, and compares with what was held before.
 */
#ifndef AGENT_MINION_BUNDLE_DIR_H
#define AGENT_MINION_BUNDLE_DIR_H

#include "lib/trust/bundle.h"
#include "lib/trust/fleet_bundle.h"
#include "lib/trust/fleet_job.h"

/* What this host has accepted; in STATE/held, JSON. */
struct held {
	bool		  have;		/* a policy */
	struct hash	  realm;
	uint64_t	  policy_version;
	struct hash	  policy;	/* name of the statement */
	uint64_t	  root_version;	/* 0: not known; its policy is held */
	struct hash	  root;		/* root.yaml of that version */
	struct fleet_held fleet;
	/* Of a host that has a master: */
	struct fleet_last last;		/* job */
	bool		  owed;		/* that job is not reported yet */
	bool		  enforcing;	/* a job has enforced */
	uint64_t	  krl_version;	/* 0: none */
	struct hash	  krl;		/* the file */
	int64_t		  krl_next;	/* there is another by then; 0: not known */
	char		  host[ID_MAX + 1]; /* "": not accepted */
	struct hash	  accept;
	int64_t		  accepted_at;	/* or renamed, which is later */
	bool		  has_renamed;	/* since that acceptance */
	struct hash	  renamed;	/* by which */
};
/* A file that is missing is a host that holds nothing.  ERR_CORRUPT. */
int  held_read(const char *state_dir, struct held *out, struct err *e)
     MUST_CHECK;
int  held_write(const char *state_dir, const struct held *h, struct err *e)
     MUST_CHECK;

struct agent_bundles {		/* zero-initialise; agent_bundles_clear */
	struct trust	    trust;
	struct policy_files fleet;	/* paths below fleet/ */
	uint64_t	    fleet_version;
	/* Of an expiry that is near or past, of a clock that is behind; lines. */
	struct str	    warning;
};
void agent_bundles_clear(struct agent_bundles *b);

/*
 * Read and verify what lies in dir/bundle, and move held on.  pin: the realm it
 * has to be, needed where nothing is held yet.  What was accepted once is
 * enforced past its expiry, with a warning; what is new has to be in force.
 * As trust_update() and fleet_accept(); ERR_NOTFOUND: nothing has been signed;
 * ERR_USAGE: no pin.
 */
int  agent_bundles_load(const char *dir, const struct hash *pin, int64_t now,
     struct held *held, struct agent_bundles *out, struct err *e) MUST_CHECK;

/*
 * The policy alone: of dir/bundle, or a chain from elsewhere, whose roots are all
 * from 1 and go on from the one held.  t is initialised, held is moved on.  Errors
 * as above.
 */
struct bundle_chain;
int  agent_policy_load(const char *dir, const struct hash *pin, int64_t now,
     struct held *held, struct trust *t, struct err *e) MUST_CHECK;
int  agent_policy_accept(const struct bundle_chain *c, const struct hash *pin,
     int64_t now, struct held *held, struct trust *t, struct err *e) MUST_CHECK;

#endif
