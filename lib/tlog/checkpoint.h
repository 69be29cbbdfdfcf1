/* SPDX-License-Identifier: ISC */
/*
 * Signed notes (C2SP signed-note), checkpoints (C2SP tlog-checkpoint) and
 * proofs in a file (C2SP tlog-proof).  Canonical forms alone are accepted:
 * lines end in LF, base64 and numbers re-encode to what was read.  Pure.
 */
#ifndef LIB_TLOG_CHECKPOINT_H
#define LIB_TLOG_CHECKPOINT_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/tlog/merkle.h"

#define NOTE_MAX	4096
#define NOTE_SIGS_MAX	32
#define NOTE_NAME_MAX	255
#define ORIGIN_MAX	256

struct checkpoint {
	char	    origin[ORIGIN_MAX];
	uint64_t    size;
	struct hash root;
};

/* "writ.invalid/" + the first 16 hex digits of the realm + "/NAME".
 * ERR_PARSE: name is not [A-Za-z0-9._@-]+; ERR_LIMIT: longer than 100. */
int log_origin(const struct hash *realm, const char *name,
    char out[ORIGIN_MAX]) MUST_CHECK;

/*
 * The text that is signed: three lines.  Here and below, what is encoded is
 * added to out.  ERR_PARSE: the origin is no name of a note; ERR_NOMEM.
 */
int checkpoint_encode(const struct checkpoint *c, struct str *out) MUST_CHECK;
/* Text, blank line and the signature line of an Ed25519 key (type 0x01) whose
 * note name is the origin. */
int checkpoint_note(const struct checkpoint *c, const uint8_t pk[32],
    const uint8_t sig[64], struct str *out) MUST_CHECK;
/*
 * Parse a note, demand origin, and a signature by pk under that name that
 * verifies (others of unknown name or id are ignored; the known one failing
 * refuses the whole).  A text of more than three lines is refused: Writ writes
 * no extension lines, and what it does not know it does not sign or believe.
 * ERR_PARSE, ERR_BADSIG, ERR_LIMIT, ERR_NOMEM.
 */
int checkpoint_open(struct slice note, const char *origin,
    const uint8_t pk[32], struct checkpoint *out, struct err *e) MUST_CHECK;

/* The note's verifier key line: name+hex8+base64 ("vkey"). */
int note_vkey(const char *name, const uint8_t pk[32], struct str *out)
    MUST_CHECK;

/*
 * c2sp.org/tlog-proof@v1, without the optional "extra" line, which is neither
 * written nor accepted.  Parsing checks the form alone: who reads a proof opens
 * the note and then calls merkle_check_inclusion().
 * ERR_PARSE, ERR_LIMIT (hashes, bytes of the note), ERR_NOMEM.
 */
int tlog_proof_encode(uint64_t index, const struct hash *proof, size_t n,
    struct slice note, struct str *out) MUST_CHECK;
struct tlog_proof {
	uint64_t     index;
	struct hash  proof[MERKLE_PROOF_MAX];
	size_t	     n;
	struct slice note;	/* borrowed from the text */
};
int tlog_proof_parse(struct slice text, struct tlog_proof *out, struct err *e)
    MUST_CHECK;

#endif
