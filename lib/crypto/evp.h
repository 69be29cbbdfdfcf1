/* SPDX-License-Identifier: ISC */
/*
 * A public key of OpenSSL's, made at its first use and shared by threads.
 * For lib/crypto/ecdsa.c and rsa.c alone.
 *
 * Most keys that are parsed never verify anything (a certificate's subject, a
 * person's second key), and making an EVP_PKEY costs a third of a P-256
 * verification: so it waits.  One prepared context is kept as a spare; who
 * finds it taken makes another.
 */
#ifndef LIB_CRYPTO_EVP_H
#define LIB_CRYPTO_EVP_H

#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdint.h>

#include "lib/base/buf.h"

struct evp_key {		/* zero-initialise */
	_Atomic(EVP_PKEY *) key;
	_Atomic(EVP_PKEY_CTX *) spare;
};

/* What a family of keys does; both may fail with ERR_CRYPTO. */
struct evp_ops {
	/* The key, when it is first needed. */
	int (*make)(const void *arg, EVP_PKEY **out);
	/* A new context after EVP_PKEY_verify_init(); optional. */
	int (*setup)(const void *arg, EVP_PKEY_CTX *ctx);
};

/* A context that is ready to verify.  ERR_CRYPTO. */
int  evp_borrow(struct evp_key *k, const struct evp_ops *ops, const void *arg,
     EVP_PKEY_CTX **out) MUST_CHECK;
void evp_return(struct evp_key *k, EVP_PKEY_CTX *ctx);
void evp_clear(struct evp_key *k);

/* An EVP_PKEY of this type ("EC", "RSA") from its parameters.  ERR_CRYPTO. */
int evp_from_params(const char *type, OSSL_PARAM params[], EVP_PKEY **out)
    MUST_CHECK;

#endif
