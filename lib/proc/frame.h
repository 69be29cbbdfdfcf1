/* SPDX-License-Identifier: ISC */
/*
 * Frames between the processes of one program, over a stream socket.
 *
 *	uint32	n	bytes that follow: 6 and the payload
 *	uint16	type	what the payload is
 *	uint32	id	of the question that an answer belongs to; 0: none
 *	byte[]	payload	SSH wire format (lib/base/buf.h)
 *
 * Integers are big-endian.  A chan is one end: bounded queues both ways over a
 * non-blocking socket.  The peer is a sibling, so bad framing is a bug there or
 * a compromise: whoever gets ERR_PARSE or ERR_DENIED here cuts it off and logs
 * that as an error.
 */
#ifndef LIB_PROC_FRAME_H
#define LIB_PROC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define FRAME_HEADER 10			/* bytes before the payload */
#define FRAME_MAX    (16 * 1024 * 1024)	/* bytes of a payload */
#define CHAN_OUT_MAX (64 * 1024 * 1024)	/* bytes that may wait to be sent */

struct frame {
	uint16_t     type;
	uint32_t     id;
	struct slice payload;	/* borrowed; a chan_send() leaves it alone, any
				   other call on its chan ends the loan */
};

struct chan; /* opaque */

/*
 * One end over a connected stream socket, which it owns from now on, makes
 * non-blocking and closes.  ERR_SYS, ERR_NOMEM (the socket is the caller's
 * still).
 */
int  chan_new(int fd, struct chan **out, struct err *e) MUST_CHECK;
void chan_free(struct chan *c);	/* NULL allowed */
int  chan_fd(const struct chan *c);

/*
 * Queue a frame, and write what the socket takes at once; payload may be one
 * that chan_next() lent.  ERR_LIMIT: a payload above FRAME_MAX, or more than
 * CHAN_OUT_MAX bytes would wait.  ERR_NET: the peer is gone; what it sent before
 * can still be read.  ERR_NOMEM.  Of a frame that was refused nothing is sent.
 */
int  chan_send(struct chan *c, uint16_t type, uint32_t id,
     struct slice payload, struct err *e) MUST_CHECK;
/*
 * From now on chan_send() queues alone (but for what is large), and whoever owns
 * c flushes it before he waits for anything: many small frames in one system
 * call.
 */
void chan_gather(struct chan *c);
bool chan_wants_write(const struct chan *c);	/* poll for POLLOUT too */
int  chan_flush(struct chan *c, struct err *e) MUST_CHECK;
size_t chan_waiting(const struct chan *c);	/* bytes to be sent */

/*
 * Take in what the socket has, at most a few hundred KiB a call, so poll by
 * level and not by edge.  Nothing is taken while frames of FRAME_MAX bytes in
 * all wait for chan_next().  0: something came or nothing was there;
 * CHAN_CLOSED: the peer has closed or died (frames that came whole can still be
 * had); ERR_NET, ERR_NOMEM.
 */
#define CHAN_CLOSED 1
int chan_read(struct chan *c, struct err *e) MUST_CHECK;

/* The next whole frame: 0; CHAN_NONE where none is whole yet; ERR_PARSE: n is
 * below 6 or above FRAME_MAX + 6, and so it will be for good. */
#define CHAN_NONE 2
int chan_next(struct chan *c, struct frame *out, struct err *e) MUST_CHECK;

/*
 * Wait until a frame is whole, timeout_ms at most (-1: for good), sending what
 * is queued meanwhile.  0; ERR_NET: the peer closed or time is out; ERR_PARSE.
 */
int chan_wait(struct chan *c, int timeout_ms, struct frame *out,
    struct err *e) MUST_CHECK;

/*
 * What one end may be asked: a const table, a row a frame type, in any order.
 * permitted is a set of bits that the context holds; a row needs all of its
 * own.  Nothing is allowed that no row allows.
 */
struct frame_rule {
	uint16_t    type;
	uint32_t    needs;	/* bits that must be set in permitted */
	uint32_t    max;	/* bytes of its payload */
	const char *name;	/* for messages: "sign" */
	int (*handle)(void *ctx, const struct frame *f, struct err *e);
};
/*
 * Call the row's handler and return what it returns.  ERR_DENIED: no such row,
 * not permitted now, or a longer payload; the message names type and row.
 */
int frame_dispatch(const struct frame_rule *rules, size_t n,
    uint32_t permitted, void *ctx, const struct frame *f, struct err *e)
    MUST_CHECK;

#endif
