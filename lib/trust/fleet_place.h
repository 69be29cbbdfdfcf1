/* SPDX-License-Identifier: ISC */
/*
 * Where a host stands among a job's targets, shown to it without the others.
 *
 * A job names TARGETS (fleet_job.h) twice: by the SHA-256 of the file, which who
 * keeps all of it checks, and by the root of the RFC 6962 tree over its lines, of
 * which a host is shown its own.  Leaf i, from 0, is line i of TARGETS with its
 * LF: "<batch> <id>\n".  Neither of the two has a blank or an LF in it and a
 * batch is written in one way, so no other pair has those bytes; how many leaves
 * there are the job says, so an index has one path.
 *
 * What is shown is a place:
 *
 *	<index>			from 0, digits
 *	<batch> <id>		the line
 *	<base64>		hashes of RFC 9162 section 2.1.3 from the leaf up,
 *	...			one a line, none in a tree of one
 *
 * each line with its LF.  That is 32 bytes and a little for each doubling of the
 * number of hosts: 0.7 KiB of 10,000, whose TARGETS has 300.  Pure.
 */
#ifndef LIB_TRUST_FLEET_PLACE_H
#define LIB_TRUST_FLEET_PLACE_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_job.h"

#define PLACE_HASHES_MAX 17	/* of TARGETS_HOSTS_MAX hosts */
#define PLACE_MAX	 1024	/* bytes of one */

struct place {			/* owns nothing */
	uint64_t    index;
	unsigned    batch;	/* from 1 */
	char	    host[ID_MAX + 1];
	struct hash leaf;
	struct hash proof[PLACE_HASHES_MAX];
	size_t	    n;
};
/* ERR_PARSE, ERR_LIMIT (more than PLACE_MAX bytes), ERR_NOMEM. */
int place_parse(struct slice text, struct place *out, struct err *e)
    MUST_CHECK;
/* Does that line stand there among those the job names?  Whose it is is the
 * caller's to ask.  ERR_PARSE: it does not. */
int place_check(const struct place *p, const struct job_statement *j,
    struct err *e) MUST_CHECK;

/* All hashes that places of one TARGETS need: 64 bytes a host.  ERR_NOMEM. */
struct targets_tree;		/* opaque */
int  targets_tree_new(const struct targets *t, struct targets_tree **out)
     MUST_CHECK;
void targets_tree_free(struct targets_tree *t);	/* NULL allowed */
void targets_tree_root(const struct targets_tree *t, struct hash *out);
/* The place of line `index`, which is "batch host", appended.  ERR_NOTFOUND: no
 * such line; ERR_NOMEM. */
int  targets_tree_place(const struct targets_tree *t, uint64_t index,
     unsigned batch, const char *host, struct str *out, struct err *e)
     MUST_CHECK;

/*
 * The fields of a job that name a TARGETS: set; or asked whether they name this
 * one, all four of them.  out (targets_clear; NULL allowed) is what was read.
 * ERR_PARSE: malformed, or another; ERR_LIMIT, ERR_NOMEM.
 */
int job_set_targets(struct job_statement *j, struct slice text, struct err *e)
    MUST_CHECK;
int job_check_targets(const struct job_statement *j, struct slice text,
    struct targets *out, struct err *e) MUST_CHECK;

#endif
