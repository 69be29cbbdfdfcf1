/* SPDX-License-Identifier: ISC */
/* Requests that a CA gets, and what becomes of them. */
#ifndef CA_CLI_REMOTE_REQUEST_H
#define CA_CLI_REMOTE_REQUEST_H

#include "ca/cli/asking.h"
#include "ca/cli/remote.h"
#include "ca/client/kept.h"
#include "ca/client/seen.h"

int run_request_remote(struct cli_args *a, const struct ask *q, struct err *e);

/*
 * Ask the CA, wait unless wait is false, and deliver what comes.  signer: a key
 * file, NULL: as cli_remote_signer().  Where it is issued, done (NULL allowed)
 * gets it.  ERR_WAIT when it was left waiting, said so.
 */
int remote_ask(struct remote *r, const struct cli_args *a, const struct ask *q,
    bool check_only, bool wait, struct kept *done, struct err *e) MUST_CHECK;

/* Wait for a request of ours and deliver; q, the request as asked, tells what
 * would go faster (NULL: nobody asks). */
int remote_wait(struct remote *r, struct kept *k, const struct asking *q,
    struct err *e) MUST_CHECK;

/* The request that an answer holds. */
int remote_seen(const json_t *body, struct seen *out, struct err *e)
    MUST_CHECK;
/* Deliver the certificate of an answer, and say where it is. */
int remote_deliver(struct remote *r, struct kept *k, const json_t *body,
    struct err *e) MUST_CHECK;
/* Its end without a certificate as an error; 0 while it waits or is issued. */
int remote_ended(const struct seen *q, struct err *e) MUST_CHECK;

#endif
