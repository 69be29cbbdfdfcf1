/* SPDX-License-Identifier: ISC */
/*
 * Calls and answers as they stand in the bytes of an SSH channel.
 *
 *	call	uint32 n, uint32 id, body			n = 4 + the body
 *	answer	uint32 n, uint32 id, byte last, byte status, body   n = 6 + it
 *
 * Integers are big-endian, id is never 0, a body is a JSON object and so has at
 * least 2 bytes; nothing here looks into it.  Both ends are bounded: a frame that
 * says it is longer is refused when its first four bytes are there.  Pure.
 */
#ifndef LIB_NET_WIRE_H
#define LIB_NET_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define WIRE_CALL_MAX	(1024 * 1024)	  /* bytes of a call's body */
#define WIRE_ANSWER_MAX (8 * 1024 * 1024) /* bytes of an answer's */
#define WIRE_HEAD_MAX	10		  /* bytes before a body */
#define WIRE_OPEN_MAX	16		  /* calls that may be open at once */

enum wire_kind { WIRE_CALL, WIRE_ANSWER };

struct wire_frame {
	uint32_t     id;
	bool	     last;	/* answers: no more of this id */
	uint8_t	     status;	/* answers: an exit status (lib/cli/cli.h) */
	struct slice body;	/* read: borrowed until the next wire_feed */
};

/*
 * Append a frame of that kind.  ERR_LIMIT: the body is longer than that kind
 * may be, or b would pass its maximum; ERR_PARSE: no id, or no body; ERR_NOMEM.
 */
int wire_put(struct buf *b, enum wire_kind kind,
    const struct wire_frame *f) MUST_CHECK;
/* The same without the body itself, for a body that is queued as it is. */
int wire_put_head(struct buf *b, enum wire_kind kind,
    const struct wire_frame *f) MUST_CHECK;

/*
 * The frames of one direction of one channel.  Holds at most one longest frame;
 * while nothing is in it, no more than its own few bytes.
 */
struct wire_reader;

/* ERR_NOMEM. */
int  wire_reader_new(enum wire_kind kind, struct wire_reader **out) MUST_CHECK;
void wire_reader_free(struct wire_reader *r); /* NULL allowed */

/*
 * Take in bytes; *took of them, fewer than all only when what is held must be
 * read by wire_next() first.  ERR_NOMEM.
 */
int wire_feed(struct wire_reader *r, struct slice bytes, size_t *took)
    MUST_CHECK;

/*
 * The next whole frame: 0; WIRE_NONE where none is whole yet.  ERR_PARSE, with
 * a sentence for the peer, and for good: this stream cannot go on.
 */
#define WIRE_NONE 1
int wire_next(struct wire_reader *r, struct wire_frame *out, struct err *e)
    MUST_CHECK;

/* Bytes of a frame that is not whole yet: the stream must not end here. */
size_t wire_pending(const struct wire_reader *r);

#endif
