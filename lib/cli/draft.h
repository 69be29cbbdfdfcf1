/* SPDX-License-Identifier: ISC */
/*
 * A working copy: the files of one directory of a deployment that belong in a
 * bundle, policy/ or fleet/, as bytes.
 */
#ifndef LIB_CLI_DRAFT_H
#define LIB_CLI_DRAFT_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/trust/policy.h"

#define DRAFT_NAMES_MAX 4

/* What may lie in the directory itself (sub "") or in one below it. */
struct draft_place {
	const char *sub;
	const char *names[DRAFT_NAMES_MAX];	/* whole names, or: */
	const char *suffix;			/* ".yaml" */
};

struct draft {
	const char *dir;	/* below the deployment: "policy" */
	const struct draft_place *places;	/* "" first */
	size_t	    n_places;
	const char *expected;	/* what belongs there, for messages */
};

/* policy/, as a policy bundle has it. */
extern const struct draft draft_policy;

/*
 * Every file of deployment/what->dir, sorted by path.  Names that begin with
 * '.' or end with '~' are passed over; anything else that does not belong is
 * ERR_PARSE.  ERR_SYS also where the directory is not there (those below it
 * need not be), ERR_LIMIT, ERR_NOTFOUND, ERR_NOMEM.
 */
int draft_read(const char *deployment, const struct draft *what,
    struct policy_files *out, struct err *e) MUST_CHECK;

#endif
