/* SPDX-License-Identifier: ISC */
/*
 * bcrypt_pbkdf: the key derivation of encrypted OpenSSH private keys, as
 * OpenBSD defined it (PBKDF2 in shape, with bcrypt over SHA-512 digests as the
 * pseudo-random function, and an output whose bytes are spread over blocks).
 * Pure; thread safe.
 *
 * OpenSSL deprecates Blowfish and hides its tables, so the cipher is here, in
 * the one direction that is needed.  Its initial state is the fraction of pi
 * in hexadecimal, which is computed at the first call (some 50 ms) rather than
 * spelled out.
 */
#ifndef LIB_CRYPTO_BCRYPT_PBKDF_H
#define LIB_CRYPTO_BCRYPT_PBKDF_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define BCRYPT_OUT_MAX	  1024
#define BCRYPT_SALT_MAX	  65536
/* ssh-keygen's default is 24; at this many a core is busy for a minute. */
#define BCRYPT_ROUNDS_MAX 8192

/*
 * Derive n bytes.  ERR_LIMIT: an empty passphrase or salt, no rounds, or more
 * than the limits above.  ERR_NOMEM.  out is unchanged on failure.
 */
int bcrypt_pbkdf(struct slice pass, struct slice salt, uint32_t rounds,
    uint8_t *out, size_t n) MUST_CHECK;

#endif
