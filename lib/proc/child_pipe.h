/* SPDX-License-Identifier: ISC */
/*
 * A child that lives as long as a conversation: started by argument vector,
 * spoken with through its standard input and output.
 */
#ifndef LIB_PROC_CHILD_PIPE_H
#define LIB_PROC_CHILD_PIPE_H

#include "lib/proc/child.h"

struct child_pipe; /* opaque */

/*
 * Of run: argv, env and err_through.  Where standard error is not the caller's,
 * it is passed on to the caller's as it comes, and its last 4 KiB are kept.
 * ERR_NOTFOUND: no such program; ERR_SYS, ERR_NOMEM.
 */
int child_pipe_start(const struct child_run *run, struct child_pipe **out,
    struct err *e) MUST_CHECK;
void child_pipe_free(struct child_pipe *p); /* kills what still runs */

/* Write what the child takes at once; *n of it.  ERR_NET: it reads no more. */
int child_pipe_send(struct child_pipe *p, struct slice s, size_t *n,
    struct err *e) MUST_CHECK;

/* Append at most max bytes of what it wrote.  CHILD_PIPE_END: it writes no
 * more.  ERR_SYS, ERR_LIMIT (of b), ERR_NOMEM. */
#define CHILD_PIPE_END 1
int child_pipe_recv(struct child_pipe *p, struct buf *b, size_t max,
    struct err *e) MUST_CHECK;

/*
 * Wait until it wrote something, or takes something where `sending`, or other
 * (-1: none) can be read; ms at most (-1: for good).  0, CHILD_PIPE_OTHER when
 * it is other, CHILD_PIPE_LATE when the time is over.  ERR_SYS.
 */
#define CHILD_PIPE_OTHER 2
#define CHILD_PIPE_LATE	 3
int child_pipe_wait(struct child_pipe *p, bool sending, int other, int ms,
    struct err *e) MUST_CHECK;

/*
 * Close its standard input and wait until it ends, ms at most, then kill it.
 * Its exit status, 128 + the signal's number where one ended it.
 */
int child_pipe_finish(struct child_pipe *p, int ms);
/* What was kept of its standard error; terminated; "" when err_through. */
const char *child_pipe_said(struct child_pipe *p);

#endif
