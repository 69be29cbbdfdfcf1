/* SPDX-License-Identifier: ISC */
/*
 * What tests/data/ssh holds, and a security key made of software.
 *
 * Anything that goes wrong here fails the test that asked.
 */
#ifndef TESTS_UNIT_SSHDATA_H
#define TESTS_UNIT_SSHDATA_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/ssh/pubkey.h"

/* The bytes of tests/data/ssh/NAME, terminated; the caller frees. */
char *data_read(const char *name, size_t *n);
/* The key of NAME.pub. */
struct pubkey *data_pubkey(const char *name);
/* The blob of the certificate NAME.cert. */
struct buf *data_cert(const char *name);

/* The types, in the names of the files. */
extern const char *const data_types[5];

/* A token: one key, PUBKEY_SK_ED25519 or PUBKEY_SK_ECDSA256, for "ssh:". */
struct token;
struct token *token_new(enum pubkey_type t);
void token_free(struct token *t);
const struct pubkey *token_pubkey(const struct token *t);
/* Append the SSH signature blob that a token with these flags would give. */
void token_sign(const struct token *t, struct slice msg, uint8_t flags,
    uint32_t counter, struct buf *out);

#endif
