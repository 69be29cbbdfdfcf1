/* SPDX-License-Identifier: ISC */
/*
 * The payloads between keeper and signer as bytes: written at one end, read at
 * the other; messages.h says what is in them.  What does not fit exactly is
 * ERR_PARSE, more than may be is ERR_LIMIT.  Pure.
 */
#ifndef AGENT_MASTER_LOG_SIGNER_FRAMES_H
#define AGENT_MASTER_LOG_SIGNER_FRAMES_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"

struct log_seen {
	uint64_t     size;
	struct hash  root;
	struct slice log;	/* blob of the log's public key; borrowed */
};
int log_seen_encode(const struct log_seen *s, struct buf *out) MUST_CHECK;
int log_seen_parse(struct slice payload, struct log_seen *out,
    struct err *e) MUST_CHECK;

/* ERR_LIMIT: more than HEAD_LEAVES_MAX leaves. */
int log_head_encode(uint64_t from, const struct hash *leaves, size_t n,
    struct buf *out) MUST_CHECK;
/* *leaves is a new block, NULL where n is 0; the caller frees it. */
int log_head_parse(struct slice payload, uint64_t *from,
    struct hash **leaves, size_t *n, struct err *e) MUST_CHECK;

int log_signed_encode(struct slice note, struct buf *out) MUST_CHECK;
/* note is borrowed; whoever gets it opens it (checkpoint_open()). */
int log_signed_parse(struct slice payload, struct slice *note,
    struct err *e) MUST_CHECK;

#endif
