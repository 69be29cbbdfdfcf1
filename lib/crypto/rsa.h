/* SPDX-License-Identifier: ISC */
/*
 * RSA public keys: RSASSA-PKCS1-v1_5 with SHA-256 or SHA-512 (RFC 8017 8.2,
 * RFC 8332), by OpenSSL.  Pure, thread safe.
 */
#ifndef LIB_CRYPTO_RSA_H
#define LIB_CRYPTO_RSA_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum rsa_hash { RSA_SHA256, RSA_SHA512 };

struct rsa_pub; /* opaque */

/*
 * e and n: unsigned, big-endian, without leading zeros; borrowed, they must
 * outlive the key.  That they make sense is for the caller to have checked.
 * ERR_NOMEM.
 */
int  rsa_pub_new(struct slice e, struct slice n, struct rsa_pub **out)
     MUST_CHECK;
void rsa_pub_free(struct rsa_pub *k); /* NULL allowed */

/* sig may lack leading zeros, as OpenSSH allows.  ERR_BADSIG, ERR_CRYPTO. */
int rsa_pub_verify(struct rsa_pub *k, enum rsa_hash h, struct slice sig,
    struct slice msg) MUST_CHECK;

#endif
