/* SPDX-License-Identifier: ISC */
/*
 * Keep the processes of a service running (launch.h): start each, start again
 * what dies, stop them in their order.
 */
#ifndef LIB_PROC_SUPERVISE_H
#define LIB_PROC_SUPERVISE_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/proc/launch.h"

#define SUPERVISE_KILLED -1

struct supervise_ops {
	/* At SIGHUP, which is passed on: may that process read anew?  NULL: each
	   may. */
	bool (*may_reload)(void *ctx, int which);
	void *ctx;
};

/*
 * Until SIGTERM or SIGINT, and all processes have ended.  Says READY=1 once all
 * are ready.  *status is that of the process which could not start and ended the
 * service by that, SUPERVISE_KILLED where it was killed each time; else 0.
 * ERR_SYS.
 */
int supervise(struct launch *l, const struct supervise_ops *ops, int *status,
    struct err *e) MUST_CHECK;

#endif
