/* SPDX-License-Identifier: ISC */
/*
 * What an ssh-agent holds, and certificates put there for as long as they are
 * good.
 */
#ifndef LIB_KEY_AGENT_H
#define LIB_KEY_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/key/key.h"

/* Is there one that listens?  sock NULL: $SSH_AUTH_SOCK, here and below. */
bool agent_there(const char *sock);

/*
 * Put key (Ed25519, from key_generate() or a file) and cert, the blob of a
 * certificate for it, into the agent, to be forgotten after secs.  The key
 * alone goes in as well, so that ssh(1) finds it by its public half.
 * ERR_NET: no agent; ERR_DENIED: it refused, or it is another type of key;
 * ERR_LIMIT, ERR_NOMEM.
 */
int agent_add(const char *sock, const struct key *key, struct slice cert,
    const char *comment, uint32_t secs, struct err *e) MUST_CHECK;

/*
 * Each identity: its blob (a key's, or a certificate's) and comment.  each()
 * non-zero ends it and is returned.
 */
int agent_each(const char *sock,
    int (*each)(void *ctx, struct slice blob, struct slice comment), void *ctx,
    struct err *e) MUST_CHECK;

/* Forget an identity.  ERR_DENIED: it has none such. */
int agent_remove(const char *sock, struct slice blob, struct err *e)
    MUST_CHECK;

#endif
