/* SPDX-License-Identifier: ISC */
/* Inside lib/key: shared by reading and writing OpenSSH's private keys. */
#ifndef LIB_KEY_KEY_OPENSSH_H
#define LIB_KEY_KEY_OPENSSH_H

#include "lib/key/key_impl.h"

#define OPENSSH_MAGIC "openssh-key-v1" /* with its NUL */

/*
 * Key and initialisation vector from a passphrase, in locked memory that the
 * caller frees by secmem_free().
 */
int openssh_derive(const struct openssh_cipher *c, struct slice pass,
    struct slice salt, uint32_t rounds, uint8_t **out, struct err *e)
    MUST_CHECK;

#endif
