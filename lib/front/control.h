/* SPDX-License-Identifier: ISC */
/* What the keeper of a service on this machine says of itself: its control
 * socket, which root and the keeper's user may connect to. */
#ifndef LIB_FRONT_CONTROL_H
#define LIB_FRONT_CONTROL_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/front/messages.h"

#define CONTROL_MS 5000 /* a keeper that takes longer is not there */

/*
 * Ask at runtime/control.sock; the answer's text is appended to out, its exit
 * status is *status.  ERR_NET: no keeper listens there or it does not answer in
 * time; ERR_PARSE, ERR_LIMIT, ERR_NOMEM.
 */
int control_call(const char *runtime, const char *name, enum call_form form,
    int *status, struct str *out, struct err *e) MUST_CHECK;

#endif
