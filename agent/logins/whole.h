/* SPDX-License-Identifier: ISC */
/*
 * The whole certificate of a login, which beats what sshd's line says of it: that
 * names CA, serial and key id, and not at all where the key id is long.
 *
 * sshd hands it to PAM in SSH_AUTH_INFO_0 (auth-pam.c, from 7.6 on): lines of
 * "METHOD[ TYPE BASE64]" of what was accepted.  Pure.
 */
#ifndef AGENT_LOGINS_WHOLE_H
#define AGENT_LOGINS_WHOLE_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/statement/login_event.h"

#define WHOLE_MAX (48 * 1024)	/* bytes of a certificate's line */

/* The first certificate in it, as "TYPE BASE64".  false: there is none. */
bool whole_find(struct slice info, struct slice *out);

/*
 * Into the event of the login that it is of: its hash, and what the line did not
 * say.  is_cert: the line says that it was one.  What is not 0 leaves the event as
 * it was: ERR_PARSE, ERR_LIMIT (no
 * certificate), ERR_DENIED (another one than the line says), ERR_NOMEM.
 */
int whole_take(struct login_event *ev, bool is_cert, struct slice line,
    struct err *e) MUST_CHECK;

#endif
