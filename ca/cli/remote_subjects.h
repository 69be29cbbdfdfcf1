/* SPDX-License-Identifier: ISC */
/* What a CA shows of its requests, as subjects of a decision: each is verified and
 * judged here. */
#ifndef CA_CLI_REMOTE_SUBJECTS_H
#define CA_CLI_REMOTE_SUBJECTS_H

#include "ca/cli/decision.h"
#include "ca/cli/remote.h"

struct by_remote {
	struct deciding d;
	struct remote r;
	struct strs ids;   /* asked for */
	char (*names)[13]; /* of subjects: the first digits of their ids */
	unsigned kept;     /* decisions that could not be sent */
};

/*
 * Fill b->d.subjects and b->names with what ids name.  Where ids were given, one
 * that cannot be read ends it; of a list of all that wait it is left out, with a
 * warning.  ERR_DENIED: the CA hands over another statement than was asked for;
 * ERR_PARSE, ERR_NET, ERR_NOMEM and what decision_check() says.
 */
int remote_subjects_fetch(struct by_remote *b, struct err *e) MUST_CHECK;

#endif
