/* SPDX-License-Identifier: ISC */
/* The head of a log, signed. */
#ifndef LIB_KEY_NOTE_H
#define LIB_KEY_NOTE_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/key/key.h"
#include "lib/tlog/checkpoint.h"

/*
 * Append the note of head, signed by k; on failure nothing.  ERR_DENIED: k is
 * no Ed25519 key; ERR_PARSE: the origin is no name of a note; as
 * key_sign_ed25519().
 */
int key_sign_checkpoint(struct key *k, const struct checkpoint *head,
    struct str *note, struct err *e) MUST_CHECK;

#endif
