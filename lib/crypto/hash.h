/* SPDX-License-Identifier: ISC */
/*
 * SHA-256 and SHA-512 (FIPS 180-4), by OpenSSL.  Pure, thread safe.
 *
 * They cannot fail for input; a library that cannot hash at all is not one to
 * go on with, so that ends the program (see hash.c).
 */
#ifndef LIB_CRYPTO_HASH_H
#define LIB_CRYPTO_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define HASH_LEN 32		/* SHA-256 */
#define HASH_HEX (2 * HASH_LEN + 1)
#define HASH512_LEN 64
#define HASH1_LEN 20
/* "SHA256:" and unpadded base64, as ssh-keygen prints fingerprints, and NUL. */
#define FINGERPRINT_MAX 51

struct hash {			/* a SHA-256 value */
	uint8_t b[HASH_LEN];
};

void hash_sha256(const void *p, size_t n, struct hash *out);
void hash_sha256v(const struct slice *parts, size_t n_parts, struct hash *out);
void hash_sha512(const void *p, size_t n, uint8_t out[HASH512_LEN]);

/* SHA-1, for the key revocation lists that hold it; never to be relied on. */
void hash_sha1(const void *p, size_t n, uint8_t out[HASH1_LEN]);

void hash_hex(const struct hash *h, char out[HASH_HEX]);
void hash_fingerprint(const struct hash *h, char out[FINGERPRINT_MAX]);
/* The inverse of both text forms.  ERR_PARSE. */
int hash_from_hex(const char *s, struct hash *out) MUST_CHECK;
int hash_from_fingerprint(const char *s, struct hash *out) MUST_CHECK;

bool hash_equal(const struct hash *a, const struct hash *b);

#endif
