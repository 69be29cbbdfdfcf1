/* SPDX-License-Identifier: ISC */
/* Asking the keeper on this machine: control.sock. */
#ifndef CA_DAEMON_CONTROL_H
#define CA_DAEMON_CONTROL_H

#include "ca/common/config.h"
#include "ca/common/messages.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define CONTROL_MS 5000 /* a keeper that takes longer is not there */

/*
 * Make a call by name ("status", "metrics") and append its answer to out;
 * *status is what it answers besides, an exit status.  ERR_NET: nobody answers;
 * ERR_PARSE: not as a keeper does; ERR_SYS, ERR_LIMIT, ERR_NOMEM.
 */
int control_call(const struct config *c, const char *name, enum call_form form,
    int *status, struct str *out, struct err *e) MUST_CHECK;

#endif
