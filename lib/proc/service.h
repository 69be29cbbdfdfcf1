/* SPDX-License-Identifier: ISC */
/*
 * What the processes of a service do before they hear anybody: who is who, where
 * they listen, which signals they take.
 */
#ifndef LIB_PROC_SERVICE_H
#define LIB_PROC_SERVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/err.h"

/* The user that a configuration names, or this process' own where it names none
 * (NULL, "").  ERR_NOTFOUND: there is no such user; file is for the message. */
int service_user(const char *file, const char *name, uid_t *out, struct err *e)
    MUST_CHECK;

/* A listening socket: the one that systemd passed as NAME, or RUNTIME/NAME.sock.
 * Those of socket_passed() and socket_listen(), ERR_NOMEM. */
int service_listen(const char *runtime, const char *name, int *fd,
    struct err *e) MUST_CHECK;

/* SIGTERM and SIGINT, and SIGHUP where there is anything to read again (else it
 * does nothing), as a signalfd; SIGPIPE never comes.  Before threads.  ERR_SYS. */
int service_signals(bool reloads, int *fd, struct err *e) MUST_CHECK;
/* An eventfd by which threads wake the loop.  ERR_SYS. */
int service_wake(int *fd, struct err *e) MUST_CHECK;

/*
 * A process that holds keys becomes its user (if it is root; NULL: stays) and
 * locks all its memory, on which root lifts the limit first; before a key is in
 * it.  ERR_SYS, ERR_LIMIT, and those of privileges_drop().
 */
int service_lock(const char *user, struct err *e) MUST_CHECK;

/*
 * What ended although nobody asked it to, systemd starts again at once: good for
 * one that was killed, and for one whose configuration is wrong a start after the
 * other.  So whoever fails comes here last, holding no secret any more: where
 * systemd itself started this process (SYSTEMD_EXEC_PID), returns when it is
 * SERVICE_STAND_MS old (began_ms: clock_mono_ms() when it began).  SIGTERM and
 * SIGINT end the process here, whatever they did before.
 */
#define SERVICE_STAND_MS 5000
void service_stand(int64_t began_ms);

#endif
