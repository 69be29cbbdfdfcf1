/* SPDX-License-Identifier: ISC */
/*
 * A CA that is asked over the network, and what of it was verified here.
 *
 * The other end carries and orders; it is believed in nothing that a signature
 * can say.  The policy follows from the pinned root of trust and moves forward
 * only, key statements and revocations are verified one by one, and requests
 * are verified by whoever decides about them.
 */
#ifndef CA_CLIENT_REMOTE_H
#define CA_CLIENT_REMOTE_H

#include <jansson.h>
#include <stdint.h>

#include "ca/client/profile.h"
#include "lib/bundle/bundles.h"
#include "lib/net/link.h"
#include "lib/trust/bundle.h"
#include "lib/trust/standing.h"

struct remote {		/* remote_init / remote_clear */
	struct profile	 profile;
	struct link	*link;		/* NULL: not connected */
	struct trust	 trust;
	struct standing *standing;
	uint64_t	 next_act;	/* index of the log to go on from */
	char		*person;	/* whom the CA takes us for */
	uint64_t	 their_policy;	/* the version the CA has, by hello */
	void (*say)(void *ctx, const char *sentence); /* what stops nothing */
	void		*ctx;
	int		 cancel_fd;	/* -1: none */
};

void remote_init(struct remote *r, void (*say)(void *ctx, const char *sentence),
     void *ctx);
void remote_clear(struct remote *r);

/*
 * What was fetched before: the profile, the policy (verified anew), the acts.
 * ERR_NOTFOUND: no CA is trusted, or nothing was fetched; ERR_CORRUPT,
 * ERR_EXPIRED and what trust_update() has.
 */
int  remote_load(struct remote *r, struct err *e) MUST_CHECK;

/*
 * Load, connect, fetch what is new, and send what could not be sent before.
 * ERR_NET and all of link_call(); ERR_DENIED: another realm than the pinned
 * one; ERR_ROLLBACK: an older policy, or a shorter log, than was seen.
 */
int  remote_open(struct remote *r, struct err *e) MUST_CHECK;
/* Connect again after the connection was lost; nothing is fetched. */
int  remote_again(struct remote *r, struct err *e) MUST_CHECK;

/*
 * For `writ trust`: profile has dir, ca, realm.  Takes the host key the CA
 * shows, fetches and verifies the policy, and writes everything.  On failure
 * nothing is left behind that was not there before.
 */
int  remote_trust(struct remote *r, struct err *e) MUST_CHECK;

/*
 * Make a call: the text is a whole JSON object, which this clears.  As
 * link_call(); *status and *body may be NULL.
 */
int  remote_call(struct remote *r, struct str *call, int ms, int *status,
     json_t **body, struct err *e) MUST_CHECK;

/* Inside: remote_policy.c, remote_acts.c. */
int  remote_pull_policy(struct remote *r, bool store, struct err *e) MUST_CHECK;
int  remote_load_acts(struct remote *r, struct err *e) MUST_CHECK;
int  remote_pull_acts(struct remote *r, struct err *e) MUST_CHECK;
/* The host keys, the revocation list and the like for ssh_config. */
int  remote_pull_krl(struct remote *r, struct err *e) MUST_CHECK;

#endif
