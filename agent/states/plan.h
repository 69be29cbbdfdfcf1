/* SPDX-License-Identifier: ISC */
/*
 * What a state would change: a list that a dry run prints and a real run
 * carries out, line by line, so that the two cannot differ.
 */
#ifndef AGENT_STATES_PLAN_H
#define AGENT_STATES_PLAN_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define PLAN_CHANGES_MAX 4096

enum change_kind {
	CHANGE_FILE = 1,	/* the driver writes or removes it */
	CHANGE_LIVE,		/* the module's apply() does it */
};

struct change {
	enum change_kind kind;
	char   *what;		/* one line for people: "MaxAuthTries 6 -> 4" */
	bool	way_in;		/* may shut a way into the host */
	bool	takes_away;	/* only takes access away (KRL, removed CA): never
				   undone for want of confirmation */
	/* CHANGE_FILE; */
	char   *path;
	bool	absent;		/* else the file is to be: */
	char   *data;
	size_t	n;
	mode_t	mode;		/* permission bits */
	uid_t	uid;
	gid_t	gid;
	/* CHANGE_LIVE: words of the module's own, for its apply(). */
	char   *verb, *arg;	/* arg may be NULL */
};

enum plan_verdict {
	PLAN_OK = 0,		/* as it should be, when there is no change */
	PLAN_NOT_APPLICABLE,	/* note says why: "/home is no mount" */
	PLAN_IMPOSSIBLE,	/* note says what is missing or in the way */
};

struct plan {			/* zero-initialise; plan_clear */
	struct change	 *v;
	size_t		  n, cap;
	enum plan_verdict verdict;
	char		 *note;
	struct strs	  proofs; /* effective values that were seen, a line
				     each: "MaxAuthTries 4 (all 3 classes)" */
};

/* Texts and data are copied.  ERR_LIMIT, ERR_NOMEM. */
int  plan_file(struct plan *p, const char *path, mode_t mode, uid_t uid,
     gid_t gid, struct slice data, bool way_in, const char *what, ...)
     MUST_CHECK PRINTF_LIKE(8, 9);
int  plan_absent(struct plan *p, const char *path, bool way_in,
     const char *what, ...) MUST_CHECK PRINTF_LIKE(4, 5);
int  plan_live(struct plan *p, const char *verb, const char *arg, bool way_in,
     const char *what, ...) MUST_CHECK PRINTF_LIKE(5, 6);
/* The verdict and its note; changes so far stay. */
int  plan_note(struct plan *p, enum plan_verdict v, const char *fmt, ...)
     MUST_CHECK PRINTF_LIKE(3, 4);
void plan_clear(struct plan *p);
/* A name for exactly this list of changes. */
void plan_hash(const struct plan *p, struct hash *out);

#endif
