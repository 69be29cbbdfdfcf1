/* SPDX-License-Identifier: ISC */
/*
 * The log of a process, on standard error, for ca and agent to use at their
 * edges; lib returns errors and never logs.
 *
 *	<3>writ-ca-keeper: cannot reach the signer error="connection refused"
 *
 * A fixed phrase, then key=value; text with blanks or quotes is quoted and
 * escaped.  The <N> is syslog's level, written where standard error is the one
 * that systemd connected to the journal (JOURNAL_STREAM); elsewhere a time
 * stands there.  With plog_json() each line is an object: time, level, process,
 * msg and the keys.
 *
 * A line is one write(2) unless it is held, opens nothing and asks nobody, so it
 * works in a sealed process and from several threads.
 */
#ifndef LIB_PROC_PLOG_H
#define LIB_PROC_PLOG_H

#include <stdbool.h>

#include "lib/base/err.h"

enum plog_level { PLOG_ERR = 3, PLOG_WARN = 4, PLOG_INFO = 6, PLOG_DEBUG = 7 };

/* Called once, before the process is sealed; name is borrowed for good. */
void plog_init(const char *name, enum plog_level most);
void plog_json(bool on);

/*
 * keys come in pairs of strings, `key, value`, ended by NULL: plog(PLOG_INFO,
 * "policy reloaded", "version", "7", NULL).  Values may be anything a peer sent,
 * of which 1 KiB is shown.
 */
void plog(enum plog_level level, const char *msg, ...)
    __attribute__((sentinel));
/* A failure: msg, the error's sentence under "error" and its hint. */
void plog_err(enum plog_level level, const struct err *e, const char *msg, ...)
    __attribute__((sentinel));

/*
 * With on, lines of this thread wait for plog_flush(), for another that is a
 * warning or worse, or until some 4 KiB of them do, and go in one write(2): for a
 * loop that logs several lines a turn, and flushes before anybody gets an answer.
 * What is held when a process is killed is lost.  Off flushes.
 */
void plog_hold(bool on);
void plog_flush(void);

#endif
