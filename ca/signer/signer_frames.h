/* SPDX-License-Identifier: ISC */
/*
 * The payloads between keeper and signer as bytes: written at one end, read at
 * the other.  messages.h and signer_link.h say what is in them.  Reading
 * allocates in proportion to the bytes that are there, never to a number in
 * them; what does not fit exactly is ERR_PARSE, more of something than may be is
 * ERR_LIMIT.  Pure.
 */
#ifndef CA_SIGNER_SIGNER_FRAMES_H
#define CA_SIGNER_SIGNER_FRAMES_H

#include "ca/issue/issue.h"
#include "ca/signer/signer.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/bundle/bundles.h"
#include "lib/proc/refused.h"

#define SIGN_JOBS_MAX	    1000	/* of one frame */
#define SIGN_STATEMENTS_MAX 8192
#define SIGN_TAIL_MAX	    4096	/* leaves since the smaller tree */
#define ACT_OWNERS_MAX	    1000

/* --- SIGN ----------------------------------------------------------------- */

/*
 * Append jobs from b->jobs[*next] on, as many as one frame holds, at least one
 * where any is left, and set *next to the first that did not fit.  b's tail must
 * be set.  ERR_LIMIT: not even one fits; ERR_NOMEM.
 */
int sign_frame_encode(const struct signer_batch *b, bool durable,
    size_t *next, struct buf *out, struct err *e) MUST_CHECK;

struct sign_frame {		/* sign_frame_clear */
	bool		     durable;
	struct signer_batch  b;	/* all but trust and standing, origin, now */
	struct signer_tail   tail;
	struct hash	    *consistency, *leaves;
	struct statement    *statements;
	size_t		     n_statements;
	struct leaf	    *issued;	/* of each job */
	const struct statement **decisions; /* of all jobs */
	struct hash	    *inclusion;	/* of all jobs */
	struct slice	    *bytes;	/* of the statements, until they are read */
};
/* Statements and leaves are parsed; signatures are not verified.  Borrows from
 * payload. */
int  sign_frame_parse(struct slice payload, struct sign_frame **out,
     struct err *e) MUST_CHECK;
/* Every statement's signatures, on all cores.  ERR_BADSIG and the like. */
int  sign_frame_verify(struct sign_frame *f, struct err *e) MUST_CHECK;
void sign_frame_free(struct sign_frame *f);

/* --- SIGNED --------------------------------------------------------------- */

int signed_frame_encode(struct slice note, const struct signer_job *jobs,
    size_t n, struct buf *out) MUST_CHECK;
/* The certificates of n jobs become their cert; note is appended.  On failure
 * neither. */
int signed_frame_parse(struct slice payload, struct signer_job *jobs, size_t n,
    struct str *note, struct err *e) MUST_CHECK;

/* --- the others ----------------------------------------------------------- */

struct seen_frame {
	struct signer_seen seen;	/* size, root and versions */
	struct slice	   user_ca, host_ca, log; /* borrowed; n 0: none */
};
int seen_frame_encode(const struct seen_frame *s, struct buf *out) MUST_CHECK;
int seen_frame_parse(struct slice payload, struct seen_frame *out,
    struct err *e) MUST_CHECK;

int policy_frame_encode(const struct bundle_chain *c, bool past,
    struct buf *out) MUST_CHECK;
/* *out is a new chain, to be cleared and freed. */
int policy_frame_parse(struct slice payload, bool *past,
    struct bundle_chain **out, struct err *e) MUST_CHECK;

/* Whose certificates the serials of a revocation are. */
struct act_owners {		/* act_owners_clear */
	uint64_t *serials;
	struct strs persons;
	size_t	  n, cap;
};
int  act_owners_add(struct act_owners *o, uint64_t serial, const char *person)
     MUST_CHECK;
/* For standing_apply(); ctx is a struct act_owners. */
const char *act_owner(void *ctx, uint64_t serial);
void act_owners_clear(struct act_owners *o);
int  act_frame_encode(struct slice statement, const struct act_owners *o,
     struct buf *out) MUST_CHECK;
/* out must be zero or cleared; statement is borrowed. */
int  act_frame_parse(struct slice payload, struct slice *statement,
     struct act_owners *out, struct err *e) MUST_CHECK;

/* REFUSED: lib/proc/refused.h. */

#endif
