/* SPDX-License-Identifier: ISC */
/*
 * Who is connected to the keeper of a service: fronts, and this machine's own
 * `status`.  Frames come in by one table, answers wait in the connection's queue
 * and go out in one piece a turn; whoever says what he may not is cut off.
 */
#ifndef LIB_KEEPER_CONNS_H
#define LIB_KEEPER_CONNS_H

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/proc/frame.h"

#define CONNS_MAX 16
/*
 * Bytes of answers that a front is to read before it is asked for more questions:
 * ten thousand hosts that fetch one file at once would fill its queue.
 */
#define CONNS_OUT_MOST (16 * 1024 * 1024)

enum conn_kind { CONN_FRONT, CONN_CONTROL };

struct conn {
	struct chan *chan;	/* NULL: free */
	enum conn_kind kind;
	bool closing;
	bool held;		/* it does not keep up with what it is told */
};

struct conns_ops {
	/* A call.  A failure cuts it off. */
	int (*call)(void *ctx, struct conn *c, const struct frame *f,
	    struct err *e);
	/* Whoever made call id is gone; 0: all calls of that connection. */
	void (*gone)(void *ctx, const struct conn *c, uint32_t id);
	/* Tell a front whose keys may come in (key_table.h). */
	int (*keys)(void *ctx, struct conn *c, struct err *e);
};

struct conns {			/* conns_init / conns_clear */
	struct conn v[CONNS_MAX];
	int   front, control;	/* listening sockets; borrowed */
	uid_t front_uid;	/* who may connect to the one */
	const struct conns_ops *ops;
	void *ctx;
};
void conns_init(struct conns *s, int front, int control, uid_t front_uid,
     const struct conns_ops *ops, void *ctx);
void conns_clear(struct conns *s);

/* For poll(2): p has room for CONNS_FDS.  After it, who has something to say is
 * heard, and then who comes is let in. */
#define CONNS_FDS (2 + CONNS_MAX)
void conns_fill(const struct conns *s, struct pollfd *p);
void conns_serve(struct conns *s, const struct pollfd *p);
/* What this turn has to say, each connection in one piece; and who goes. */
void conns_end_turn(struct conns *s);
/* What still waits, for ms milliseconds at most. */
void conns_drain(struct conns *s, int64_t ms);

/* To all fronts: whose keys; the keeper's metrics. */
void conns_tell_keys(struct conns *s);
void conns_tell_gauges(struct conns *s, const struct str *text);

/* An answer (MSG_RESULT, MSG_STATUS_IS, with its exit status) or news before it
 * (MSG_EVENT).  A connection that cannot take it is closed; c may be NULL. */
void conn_answer(struct conn *c, uint16_t type, uint32_t id, int status,
     const struct str *body);

#endif
