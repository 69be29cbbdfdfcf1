/* SPDX-License-Identifier: ISC */
/*
 * The payloads between keeper and signer as bytes: written at one end, read at
 * the other; messages.h says what is in them.  What does not fit exactly is
 * ERR_PARSE, more than may be is ERR_LIMIT.  Pure.
 */
#ifndef AGENT_MASTER_LOG_SIGNER_FRAMES_H
#define AGENT_MASTER_LOG_SIGNER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/master/log_token.h"
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

struct log_head {
	uint64_t	 from;	/* leaves before them */
	bool		 more;	/* others follow */
	struct log_leaf *leaves;	/* what is in them is borrowed */
	size_t		 n;
};
/* How many bytes a leaf takes of a frame, and all the rest. */
size_t log_head_room(const struct log_leaf *leaf);
#define LOG_HEAD_ROOM (8 + 1 + 4)
/* ERR_LIMIT: more than HEAD_LEAVES_MAX leaves, or more bytes than out may have. */
int log_head_encode(const struct log_head *h, struct buf *out) MUST_CHECK;
/* out->leaves is a new block, NULL where there are none; the caller frees it. */
int log_head_parse(struct slice payload, struct log_head *out,
    struct err *e) MUST_CHECK;

int log_taken_encode(uint64_t size, struct buf *out) MUST_CHECK;
int log_taken_parse(struct slice payload, uint64_t *size,
    struct err *e) MUST_CHECK;

int log_signed_encode(struct slice note, struct buf *out) MUST_CHECK;
/* note is borrowed; whoever gets it opens it (checkpoint_open()). */
int log_signed_parse(struct slice payload, struct slice *note,
    struct err *e) MUST_CHECK;

#endif
