/* SPDX-License-Identifier: ISC */
/* Inside lib/proc: a child that was started, for those who talk with it. */
#ifndef LIB_PROC_CHILD_IMPL_H
#define LIB_PROC_CHILD_IMPL_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/proc/child.h"

struct child {
	pid_t pid; /* 0: not started, or reaped */
	int pidfd; /* readable when the child ended; -1: not supported */
	int in, out, err, failed; /* our ends; -1: closed */
	size_t in_done;
	struct buf *out_text, *err_text;
	int status; /* as waitpid() gives it */
	int64_t deadline_ms;
};

#define CHILD_INIT                                                         \
	{                                                                  \
		.pidfd = -1, .in = -1, .out = -1, .err = -1, .failed = -1 \
	}

/* Fork and exec; our ends are non-blocking.  On failure too child_stop(). */
int child_start(struct child *c, const struct child_run *run, struct err *e)
    MUST_CHECK;
/* Has it ended?  Reaps it.  flags: of waitpid(). */
bool child_ended(struct child *c, int flags);
/* Kill it where it still runs, reap it, close and free all. */
void child_stop(struct child *c);

void child_close(int *fd);

/* The last CHILD_ERR_KEEP bytes are kept: where a program says why it gave up.
 * ERR_NOMEM. */
#define CHILD_ERR_KEEP 4096
int child_keep_tail(struct buf *b, const uint8_t *p, size_t n) MUST_CHECK;

/* A program that does not read its input must not end us by SIGPIPE. */
bool child_sigpipe_block(sigset_t *old);
void child_sigpipe_restore(const sigset_t *old, bool was_pending);

#endif
