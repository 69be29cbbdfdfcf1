/* SPDX-License-Identifier: ISC */
/*
 * The courier: the master's way to the CA.
 *
 * Holds the master's transport key and one connection to the CA, which it makes
 * again when it is lost, after a second that doubles to a minute.  One keeper at a
 * time connects to it; what he asks goes to the CA as it is, and the answer comes
 * back as it is: it reads no JSON and knows no statement.  It cannot change what
 * it carries, since hosts, operators and the CA have signed it.
 *
 * Where the CA is not there, the answer says so at once; where more wait for it
 * than may, too ("busy").
 */
#ifndef AGENT_MASTER_COURIER_H
#define AGENT_MASTER_COURIER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/net/loop.h"

#define COURIER_QUEUE_MAX   256		/* questions that wait for their turn */
#define COURIER_QUEUE_BYTES (32 * 1024 * 1024)
#define COURIER_ANSWER_MS   60000	/* until a question is given up */
#define COURIER_FIRST_MS    1000	/* before it connects again; doubled */
#define COURIER_MOST_MS	    60000	/* at most */

struct courier; /* opaque */

struct courier_setup {		/* all borrowed while it lives */
	const char *host;	/* of the CA */
	uint16_t    port;
	const char *host_key;	/* its public key line, which is pinned */
	const char *key;	/* ours: OpenSSH's format, unencrypted */
	int	    listen_fd;	/* where the keeper connects */
	uid_t	    keeper;	/* who he must be */
	int64_t	    first_ms;	/* 0: COURIER_FIRST_MS */
};

/* On the loop from now on.  ERR_NOMEM, ERR_SYS. */
int  courier_new(struct loop *l, const struct courier_setup *s,
     struct courier **out, struct err *e) MUST_CHECK;
void courier_free(struct courier *c); /* NULL allowed */
/* Before each loop_turn(): how many milliseconds it may wait, -1: for good. */
int  courier_turn(struct courier *c);

#endif
