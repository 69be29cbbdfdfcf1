/* SPDX-License-Identifier: ISC */
/*
 * Who logged in, as a master tells it: the answer to `logins`
 * (agent/master/calls.md), checked field by field, so that what is printed of it
 * is clean text.  What a host saw is that host's word, in a report it signed,
 * which the row names.  Pure.
 */
#ifndef AGENT_CLIENT_LOGINS_H
#define AGENT_CLIENT_LOGINS_H

#include <jansson.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/statement/login_event.h"

#define LOGINS_MAX	100000	/* of all pages */
#define LOGINS_PAGE_MAX 1000	/* of one answer */
#define LOGINS_NEXT_MAX 255	/* bytes */

struct login_told {
	char	   *host;
	uint64_t    seq, index;	/* of the report, of its leaf */
	int64_t	    number;	/* in the report */
	int64_t	    came;
	int64_t	    clock;	/* seconds that the host's is ahead, taken off
				   the event's times; 0: none were */
	struct hash report;
	struct login_event event;
};
struct logins_told {		/* zero-initialise; logins_told_clear */
	struct login_told *v;
	size_t n, cap;
};

/*
 * One page, added to out.  *next: what to ask for after it, a new block; NULL:
 * these were the last.
 *
 * ERR_PARSE, ERR_LIMIT: which field of which entry, or one that does not come
 * after the one before it; more than LOGINS_MAX; ERR_NOMEM.  What was added
 * before stays in out.
 */
int  logins_told_parse(const json_t *answer, struct logins_told *out,
     char **next, struct err *e) MUST_CHECK;
void logins_told_clear(struct logins_told *l);

/* What is to say of one, in a line: how, with which key or certificate, which
 * command, why not.  Into out, which is empty. */
void login_told_words(const struct login_event *v, struct str *out);

#endif
