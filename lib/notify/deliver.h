/* SPDX-License-Identifier: ISC */
/*
 * One try to tell: by HTTP, by SMTP, by a program.  They block, DELIVER_SECS at
 * most, and are for threads of their own.
 *
 * 0: told.  DELIVER_LATER: not now, and e says why; it may be tried again.
 * ERR_*: nor later.  No message has the address of a webhook or a password.
 */
#ifndef LIB_NOTIFY_DELIVER_H
#define LIB_NOTIFY_DELIVER_H

#include <stdatomic.h>

#include "lib/base/err.h"
#include "lib/notify/channels.h"
#include "lib/notify/notice.h"

#define DELIVER_SECS  10
#define DELIVER_LATER 1

struct delivery { /* all borrowed */
	const struct channel *channel;
	const struct notice *notice;
	const struct strs *to;	/* mail: one person */
	int hook;		/* exec: from hook_start() */
	const atomic_bool *stop; /* give up when it becomes true */
};

/* The channel's kind decides which; the library is loaded by then. */
int deliver(const struct delivery *d, struct err *e) MUST_CHECK;
int deliver_webhook(const struct delivery *d, struct err *e) MUST_CHECK;
int deliver_mail(const struct delivery *d, struct err *e) MUST_CHECK;
int deliver_exec(const struct delivery *d, struct err *e) MUST_CHECK;

/*
 * Start the process that runs the program of an exec channel, once a notice,
 * and give *fd to talk to it.  It is made before threads and sandbox, so that
 * the one who talks to the network can start nothing else: what it may have
 * run is fixed here.  It ends when fd is closed.  ERR_SYS.
 */
int hook_start(const struct channel *c, int *fd, struct err *e) MUST_CHECK;

#endif
