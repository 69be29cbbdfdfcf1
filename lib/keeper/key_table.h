/* SPDX-License-Identifier: ISC */
/* Whose keys may come in, said to a front: MSG_KEYS, in frames of at most 1 MiB. */
#ifndef LIB_KEEPER_KEY_TABLE_H
#define LIB_KEEPER_KEY_TABLE_H

#include "lib/keeper/conns.h"
#include "lib/ssh/pubkey.h"

struct key_table; /* opaque */

/* To be called by each() with the table it was given. */
int key_table_add(struct key_table *t, const char *name,
    const struct pubkey *key) MUST_CHECK;
/* A whole table: each() adds all there is.  What it fails with, ERR_NOMEM,
 * ERR_LIMIT, ERR_NET. */
int key_table_send(struct conn *to,
    int (*each)(void *ctx, struct key_table *t), void *ctx, struct err *e)
    MUST_CHECK;

#endif
