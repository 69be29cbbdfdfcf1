/* SPDX-License-Identifier: ISC */
/*
 * A process that serves one peer at a time on a local socket: whoever connects
 * while one is there is refused.
 */
#ifndef LIB_PROC_SERVE_H
#define LIB_PROC_SERVE_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/proc/frame.h"

struct serve_ops {
	const char *peer;	/* "keeper", for the log */
	/* One has come: forget all of the one before.  c is borrowed until the
	   next one.  On failure he is cut off. */
	int (*begin)(void *ctx, struct chan *c, struct err *e);
	/* A frame of his.  On failure he is cut off. */
	int (*frame)(void *ctx, const struct frame *f, struct err *e);
	/* Is something begun that a stop has to wait for, SERVE_STOP_MS at most?
	   NULL: never. */
	bool (*busy)(void *ctx);
};
#define SERVE_STOP_MS 5000

/*
 * SIGTERM and SIGINT set what is returned, SIGHUP only wakes; all three are
 * blocked from here on but while serve() waits, by the mask put in *waiting, so
 * that none comes between look and wait.  Once a process.
 */
const volatile sig_atomic_t *serve_signals(sigset_t *waiting);

/*
 * Serve peers that run as uid until *stop is set.  What was begun is answered
 * first.  ERR_SYS.
 */
int serve(const struct serve_ops *ops, void *ctx, int listen_fd, uid_t uid,
    const sigset_t *waiting, const volatile sig_atomic_t *stop, struct err *e)
    MUST_CHECK;

#endif
