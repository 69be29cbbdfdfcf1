/* SPDX-License-Identifier: ISC */
/*
 * Calls to a service through ssh(1), as git speaks with its servers: keys,
 * agents, tokens, jump hosts and ~/.ssh/config work as they do for a login.
 *
 * One ssh a link, `-s HOST writ`, without agent forwarding (who holds the other
 * end would sign with it), without other forwarding, without a shared
 * connection.  One call at a time.
 */
#ifndef LIB_NET_LINK_H
#define LIB_NET_LINK_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define LINK_PORT 2022		/* where nobody says another */
#define LINK_CALL_MS 60000	/* for calls that do not wait for persons */

struct link_options {
	const char *address;	 /* lib/net/dest.h */
	unsigned    port;	 /* where address says none; 0: LINK_PORT */
	const char *known_hosts; /* file of host keys, this service's alone */
	const char *alias;	 /* the name it has in there, whatever its address:
				    its keys are signed policy's; NULL: its own */
	bool	    first;	 /* take the host key that it shows, and keep it */
	const char *identity;	 /* key file for ssh -i; NULL: ssh's own choice */
	int	    cancel_fd;	 /* readable: give up (-1: none) */
};

struct link; /* opaque */

/*
 * Start ssh.  Whether it gets through is the first call's to say.
 * ERR_PARSE (address), ERR_NOTFOUND: no ssh; ERR_SYS, ERR_NOMEM.
 */
int  link_open(const struct link_options *o, struct link **out,
     struct err *e) MUST_CHECK;
void link_free(struct link *l);	/* NULL allowed */

/*
 * Make a call, a JSON object, and wait for its answer, ms at most (-1: for
 * good).  news, NULL allowed, gets what comes before it; non-zero from it ends
 * the call and is returned.  *status is the exit status of the answer, *body its
 * object (json_decref; NULL allowed, as status).
 *
 * An answer that says {"error"} is returned as that error, its hint with it,
 * and so is never 0.
 *
 * LINK_CANCELLED: cancel_fd could be read.  ERR_NET: ssh could not connect
 * (the sentence says why as far as ssh did), the connection is lost, or time is
 * out.  ERR_PARSE: what came is no answer; ERR_LIMIT, ERR_NOMEM.  After any of
 * these but an {"error"} the link is good for nothing more.
 */
#define LINK_CANCELLED 1
int link_call(struct link *l, struct slice call,
    int (*news)(void *ctx, const json_t *body), void *ctx, int ms,
    int *status, json_t **body, struct err *e) MUST_CHECK;

/* Another cancel_fd from now on. */
void link_cancel_by(struct link *l, int fd);

/*
 * The error that an answer, or one result of several, tells in "error", "hint"
 * and "code"; 0 where it tells none.
 */
int link_error(const json_t *body, int status, struct err *e) MUST_CHECK;

#endif
