/* SPDX-License-Identifier: ISC */
/*
 * A master that is asked by an operator, and whom nobody believes.
 *
 * Where masters are is the signed fleet's to say (fleet.yaml), and what keys
 * they show is the signed policy's (authorities/NAME.pub): both from
 * DIR/bundle, verified.  A master carries what operators sign and tells what it
 * has heard; what it tells of a statement is checked against the statement.
 */
#ifndef AGENT_CLIENT_MASTER_H
#define AGENT_CLIENT_MASTER_H

#include <jansson.h>
#include <stdint.h>

#include "agent/fleet/fleet.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/net/link.h"
#include "lib/trust/bundle.h"

#define MASTER_SUBMIT_MAX 200		/* statements a call */
#define MASTER_LIST_MAX	  100000	/* hosts in an answer */
#define MASTER_TEXT_MAX	  4096		/* bytes of a sentence */

/* Where one is, and which keys it may show. */
struct master_place {
	char	   *address;	/* lib/net/dest.h; port 2023 unless said */
	struct strs keys;	/* of authorities; any of them */
};
struct master_places {		/* zero-initialise; master_places_clear */
	struct master_place *v;
	size_t		     n;
};
/*
 * Those of the fleet f (NULL: none is published), or choice alone (NULL: all):
 * an address of the fleet's has the key that it names there, any other one may
 * show the key of any master of the policy.
 *
 * ERR_NOTFOUND: there is no master in the fleet, or none in the policy;
 * ERR_USAGE: choice, which is --master, is no address; ERR_NOMEM.
 */
int  master_places(const struct fleet *f, const struct policy *p,
     const char *choice, struct master_places *out, struct err *e) MUST_CHECK;
void master_places_clear(struct master_places *m);
/* As known_hosts has them, under MASTER_ALIAS.  ERR_NOTFOUND: the policy has no
 * such key of a master; ERR_NOMEM. */
#define MASTER_ALIAS "writ-master"
int  master_known_hosts(const struct master_place *m, const struct policy *p,
     struct str *out, struct err *e) MUST_CHECK;

struct master {			/* master_init / master_clear */
	const struct trust *trust;	/* borrowed, as identity */
	const char *identity;	/* key file for ssh; NULL: ssh's own choice */
	char	   *address;	/* of whom is spoken with */
	struct link *link;
	int	    cancel_fd;	/* -1: none */
	void (*say)(void *ctx, const char *sentence); /* what stops nothing */
	void	   *ctx;
	/* As it says of itself: */
	char	   *name;
	uint64_t    root_version, policy_version, fleet_version;
};
void master_init(struct master *m, const struct trust *t, const char *identity);
void master_clear(struct master *m);

/*
 * Connect and say hello.  ERR_NET and all of link_call(); ERR_DENIED: it is of
 * another realm.
 */
int  master_connect(struct master *m, const struct master_place *where,
     struct err *e) MUST_CHECK;
/* The first of them that answers; the others are told of to say(). */
int  master_connect_any(struct master *m, const struct master_places *all,
     struct err *e) MUST_CHECK;

/*
 * Make a call: the text is a whole JSON object, which this clears.  As
 * link_call(), but that LINK_CANCELLED is an answer only where cancel_fd is set.
 */
int  master_call(struct master *m, struct str *call, int *status,
     json_t **body, struct err *e) MUST_CHECK;
/* The same with news, and for as long as it takes. */
int  master_watch(struct master *m, struct str *call,
     int (*news)(void *ctx, const json_t *body), void *ctx, json_t **body,
     struct err *e) MUST_CHECK;

#endif
