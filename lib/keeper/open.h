/* SPDX-License-Identifier: ISC */
/* What the process of every keeper opens at its start. */
#ifndef LIB_KEEPER_OPEN_H
#define LIB_KEEPER_OPEN_H

#include <sys/types.h>

#include "lib/base/err.h"

/* The user that a configuration names, or this process' own where it names none
 * (NULL, "").  ERR_NOTFOUND: there is no such user; file is for the message. */
int keeper_user(const char *file, const char *name, uid_t *out, struct err *e)
    MUST_CHECK;
/* A listening socket: the one that systemd passed as NAME, or RUNTIME/NAME.sock.
 * Those of socket_passed() and socket_listen(), ERR_NOMEM. */
int keeper_listen(const char *runtime, const char *name, int *fd,
    struct err *e) MUST_CHECK;
/* SIGTERM, SIGINT and SIGHUP as a signalfd, and an eventfd to wake the loop from
 * threads; before there are any.  ERR_SYS. */
int keeper_signals(int *signals, int *wake, struct err *e) MUST_CHECK;

#endif
