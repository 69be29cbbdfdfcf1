/* SPDX-License-Identifier: ISC */
/*
 * What checkpoints and proofs share: lines, numbers and hashes in their one
 * canonical form, and signed notes (C2SP signed-note v1.0.0) with Ed25519
 * signatures.  Pure.
 */
#ifndef LIB_TLOG_NOTE_H
#define LIB_TLOG_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

/* The next line off the front, without its LF.  ERR_PARSE: no LF is left. */
int note_line(struct view *v, struct slice *out) MUST_CHECK;
/* Digits alone, without a leading zero.  ERR_PARSE, ERR_LIMIT. */
int note_number(struct slice text, uint64_t *out) MUST_CHECK;
/* Canonical base64 of 32 bytes.  ERR_PARSE, ERR_NOMEM. */
int note_hash(struct slice text, struct hash *out) MUST_CHECK;

/* May a key be called that?  1..NOTE_NAME_MAX bytes, no blank, no '+'. */
bool note_name_ok(struct slice name);

/*
 * Demand that note is one and that pk, called name, signed it; *text is what
 * was signed, borrowed.  Signatures of other names or keys are passed over.
 * ERR_PARSE, ERR_LIMIT, ERR_BADSIG, ERR_NOMEM.
 */
int note_open(struct slice note, const char *name, const uint8_t pk[32],
    struct slice *text, struct err *e) MUST_CHECK;

/* A signature line and its LF.  ERR_PARSE: not a name. */
int note_add_signature(const char *name, const uint8_t pk[32],
    const uint8_t sig[64], struct str *out) MUST_CHECK;

#endif
