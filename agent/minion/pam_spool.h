/* SPDX-License-Identifier: ISC */
/*
 * What PAM hands over of logins, until the line that they are of is read: a file
 * STATE/pam/PID each, by the process of sshd's.  Root's alone to write and to read,
 * so that no user of the host can put one there.
 *
 *	BOOT AT ACCOUNT
 *	TYPE BASE64
 */
#ifndef AGENT_MINION_PAM_SPOOL_H
#define AGENT_MINION_PAM_SPOOL_H

#include <stdint.h>

#include "agent/logins/seen.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

#define PAM_SPOOL_MAX 1024	/* files; then no more until they are read */

/* The certificate of a session that begins.  ERR_LIMIT (PAM_SPOOL_MAX), ERR_PARSE
 * (an account with a newline), ERR_SYS, ERR_NOMEM. */
int pam_spool_put(const char *state_dir, uint64_t pid, int64_t at,
    const char *account, struct slice cert, struct err *e) MUST_CHECK;
/*
 * The one of the process that says this line, of the same boot, account and time
 * (SEEN_WAIT_S); the file is gone then.  The caller frees.  ERR_NOTFOUND: there is
 * none; ERR_CORRUPT: it is damaged, and gone too; ERR_SYS, ERR_NOMEM.
 */
int pam_spool_take(const char *state_dir, const struct seen_line *line,
    const char *account, char **out, struct err *e) MUST_CHECK;
/* Those that no line has come for; one that stays is looked at again. */
void pam_spool_tidy(const char *state_dir, int64_t now);

#endif
