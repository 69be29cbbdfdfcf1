/* SPDX-License-Identifier: ISC */
/*
 * ECDSA public keys on the NIST curves (FIPS 186-4), by OpenSSL.  Pure, thread
 * safe.
 */
#ifndef LIB_CRYPTO_ECDSA_H
#define LIB_CRYPTO_ECDSA_H

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define ECDSA_POINT_MAX 133	/* uncompressed, P-521 */

enum ecdsa_curve { ECDSA_P256, ECDSA_P384, ECDSA_P521 };

struct ecdsa_pub; /* opaque */

/*
 * point: 0x04, x, y (SEC 1 2.3.3).  ERR_PARSE unless it has this form and lies
 * on the curve; all three curves have cofactor 1, so it is of full order then.
 * ERR_NOMEM, ERR_CRYPTO.
 */
int  ecdsa_pub_new(enum ecdsa_curve c, struct slice point,
     struct ecdsa_pub **out) MUST_CHECK;
void ecdsa_pub_free(struct ecdsa_pub *k); /* NULL allowed */

/*
 * r and s: unsigned, big-endian, without leading zeros.  The message is hashed
 * as RFC 5656 6.2.1 says: SHA-256, 384, 512.  ERR_BADSIG, ERR_CRYPTO.
 */
int ecdsa_pub_verify(struct ecdsa_pub *k, struct slice r, struct slice s,
    struct slice msg) MUST_CHECK;

#endif
