/* SPDX-License-Identifier: ISC */
/* How long what was signed counts: for the files of lib/trust alone.  Pure. */
#ifndef LIB_TRUST_EXPIRY_H
#define LIB_TRUST_EXPIRY_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

/* 0, BUNDLE_GRACE or ERR_EXPIRED for one thing; text as trust_expiry() has
 * it.  grace in seconds. */
int expiry_check(const char *what, int64_t expires, int64_t grace, int64_t now,
    struct str *text, struct err *e);

#endif
