/* SPDX-License-Identifier: ISC */
/* HMAC-SHA-256 (RFC 2104), by libsodium: keys of any length.  Pure. */
#ifndef LIB_CRYPTO_HMAC_H
#define LIB_CRYPTO_HMAC_H

#include "lib/base/buf.h"
#include "lib/crypto/hash.h"

void hmac_sha256(struct slice key, struct slice message, struct hash *out);

#endif
