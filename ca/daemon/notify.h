/* SPDX-License-Identifier: ISC */
/*
 * The process that tells people.
 *
 * holds	webhook and mail credentials (notify.yaml)
 * reads	notices from the keeper; what servers answer, which it ignores
 * may ask	nobody
 * never	anything else: no key, no store, no log
 */
#ifndef CA_DAEMON_NOTIFY_H
#define CA_DAEMON_NOTIFY_H

#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/notify/sender.h"

#define NOTIFY_PEERS 4 /* a keeper, and the one before it that hangs */

struct notify_service {
	struct sender *sender; /* started */
	int listener;	       /* notify.sock */
	int signals;	       /* signalfd: TERM and INT end, HUP reloads */
	uid_t keeper;	       /* who may connect */
	/* Is what notify.yaml says now fit to be taken?  For HUP. */
	int (*reloadable)(void *ctx, struct err *e);
	void *ctx;
};

/*
 * Serve until a signal ends it.  On HUP, where the new notify.yaml is in order,
 * it finishes what is on its way and ends, to be started again with the new
 * one; else it says so and goes on with the old.  0; ERR_SYS, ERR_NOMEM.
 */
int notify_serve(const struct notify_service *s, struct err *e) MUST_CHECK;

#endif
