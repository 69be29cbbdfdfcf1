/* SPDX-License-Identifier: ISC */
#include "lib/proc/frame.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"

#define IN_STEP  (64 * 1024)  /* room for that much is made for one read */
#define IN_READ  (256 * 1024) /* and no more is read in one call */
#define IN_KEEP  (256 * 1024) /* a larger queue is given back when empty */
#define IN_MAX   (FRAME_HEADER + FRAME_MAX)
#define LENGTH   4            /* bytes of n, which does not count itself */
#define BLOCK    (16 * 1024)  /* small frames share one that large */
#define SEND_IOV 16           /* blocks for one system call */
#define GATHER   (128 * 1024) /* and no more is gathered before one */

/* Frames that wait to be sent: at[done, n) of a list of these. */
struct block {
	struct block *next;
	size_t done, n, cap;
	uint8_t at[];
};

struct chan {
	int fd;
	bool gone; /* the peer takes nothing any more */
	bool gathers;
	/* What came and was not taken is in[pos, len). */
	uint8_t *in;
	size_t in_pos, in_len, in_cap;
	struct block *head, *tail;
	struct block *spare; /* an empty one of BLOCK bytes, or NULL */
	size_t waiting;      /* bytes in the list */
};

int
chan_new(int fd, struct chan **out, struct err *e)
{
	struct chan *c;
	int flags = fcntl(fd, F_GETFL);

	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return err_sys(e, "make a socket non-blocking");
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->fd = fd;
	*out = c;
	return 0;
}

void
chan_free(struct chan *c)
{
	struct block *b;

	if (c == NULL)
		return;
	while ((b = c->head) != NULL) {
		c->head = b->next;
		free(b);
	}
	free(c->spare);
	free(c->in);
	close(c->fd);
	free(c);
}

int
chan_fd(const struct chan *c)
{
	return c->fd;
}

/* --- out ----------------------------------------------------------------- */

/* A last block that has room for n more bytes. */
static int
reserve(struct chan *c, size_t n)
{
	struct block *b = c->tail;
	size_t cap = n > BLOCK ? n : BLOCK;

	if (b != NULL && b->cap - b->n >= n)
		return 0;
	if (c->spare != NULL && cap == BLOCK) {
		b = c->spare;
		c->spare = NULL;
	} else if ((b = malloc(sizeof(*b) + cap)) == NULL) {
		return ERR_NOMEM;
	}
	b->next = NULL;
	b->done = b->n = 0;
	b->cap = cap;
	if (c->tail != NULL)
		c->tail->next = b;
	else
		c->head = b;
	c->tail = b;
	return 0;
}

static void
drop_head(struct chan *c)
{
	struct block *b = c->head;

	c->head = b->next;
	if (c->head == NULL)
		c->tail = NULL;
	if (c->spare == NULL && b->cap == BLOCK)
		c->spare = b;
	else
		free(b);
}

static void
consume(struct chan *c, size_t n)
{
	struct block *b;

	c->waiting -= n;
	while ((b = c->head) != NULL && n >= b->n - b->done) {
		n -= b->n - b->done;
		drop_head(c);
	}
	if (b != NULL)
		b->done += n;
}

static void
append(struct block *b, const uint8_t *p, size_t n)
{
	if (n > 0)
		memcpy(b->at + b->n, p, n);
	b->n += n;
}

static int
net_failed(struct err *e, const char *what)
{
	char why[128];

	return err_set(e, ERR_NET, "%s: %s", what,
	    strerror_r(errno, why, sizeof(why)));
}

static int
peer_gone(struct chan *c, struct err *e)
{
	c->gone = true;
	return err_set(e, ERR_NET, "the peer has closed the connection");
}

/* How many bytes the socket took; 0 where it has no room. */
static int
send_some(struct chan *c, struct iovec *iov, size_t n, size_t *sent,
    struct err *e)
{
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = n};
	ssize_t got;

	do
		got = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (got == -1 && errno == EINTR);
	*sent = got > 0 ? (size_t)got : 0;
	if (got >= 0 || errno == EAGAIN || errno == ENOBUFS)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return peer_gone(c, e);
	c->gone = true;
	return net_failed(e, "send to the peer");
}

int
chan_flush(struct chan *c, struct err *e)
{
	struct iovec iov[SEND_IOV];
	size_t n, sent, asked;
	int r;

	if (c->gone)
		return peer_gone(c, e);
	while (c->head != NULL) {
		n = asked = 0;
		for (struct block *b = c->head; b != NULL && n < SEND_IOV;
		     b = b->next) {
			iov[n].iov_base = b->at + b->done;
			iov[n++].iov_len = b->n - b->done;
			asked += b->n - b->done;
		}
		if ((r = send_some(c, iov, n, &sent, e)) != 0)
			return r;
		consume(c, sent);
		if (sent < asked)
			break;
	}
	return 0;
}

void
chan_gather(struct chan *c)
{
	c->gathers = true;
}

size_t
chan_waiting(const struct chan *c)
{
	return c->waiting;
}

bool
chan_wants_write(const struct chan *c)
{
	return c->head != NULL;
}

/*
 * Room for the whole frame is made first, so that nothing can fail once a part
 * of it is sent.  The frame goes from the caller's memory into the socket, and
 * only what the socket does not take is copied; memory of a large block that
 * stays unused is never touched.
 */
int
chan_send(struct chan *c, uint16_t type, uint32_t id, struct slice payload,
    struct err *e)
{
	uint32_t n = (uint32_t)payload.n + (FRAME_HEADER - LENGTH);
	uint8_t header[FRAME_HEADER] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16),
	    (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(type >> 8), (uint8_t)type,
	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
	    (uint8_t)id};
	size_t whole = FRAME_HEADER + payload.n, sent = 0;
	bool gathers = c->gathers && c->waiting + whole <= GATHER;
	bool idle = c->head == NULL && !gathers;
	struct iovec iov[2] = {
	    {header, FRAME_HEADER}, {(void *)(uintptr_t)payload.p, payload.n}};
	int r;

	if (payload.n > FRAME_MAX)
		return err_set(e, ERR_LIMIT,
		    "a frame of %zu bytes, more than %d", payload.n, FRAME_MAX);
	if (whole > CHAN_OUT_MAX - c->waiting)
		return err_set(e, ERR_LIMIT,
		    "the peer does not take what is sent: %zu bytes wait",
		    c->waiting);
	if (c->gone)
		return peer_gone(c, e);
	if (reserve(c, whole) != 0)
		return err_nomem(e);
	r = idle ? send_some(c, iov, payload.n > 0 ? 2 : 1, &sent, e) : 0;
	if (r != 0 || sent == whole) {
		drop_head(c); /* idle, so it is empty */
		return r;
	}
	if (sent < FRAME_HEADER) {
		append(c->tail, header + sent, FRAME_HEADER - sent);
		append(c->tail, payload.p, payload.n);
	} else {
		append(c->tail, payload.p + (sent - FRAME_HEADER),
		    whole - sent);
	}
	c->waiting += whole - sent;
	return idle || gathers ? 0 : chan_flush(c, e);
}

/* --- in ------------------------------------------------------------------ */

static uint32_t
load_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	    (uint32_t)p[2] << 8 | p[3];
}

static bool
length_fits(uint32_t n)
{
	return n >= FRAME_HEADER - LENGTH && n <= IN_MAX - LENGTH;
}

/* Nothing waits: start at the front again, without an outsize queue. */
static void
trim(struct chan *c)
{
	if (c->in_pos < c->in_len)
		return;
	c->in_pos = c->in_len = 0;
	if (c->in_cap <= IN_KEEP)
		return;
	free(c->in);
	c->in = NULL;
	c->in_cap = 0;
}

/*
 * Room behind what waits: IN_STEP bytes, or for the rest of a large frame that
 * has begun, so that it moves no more until it is whole.
 */
static int
make_room(struct chan *c)
{
	size_t have = c->in_len - c->in_pos, need = have + IN_STEP, cap;
	uint8_t *p, *from = c->in != NULL ? c->in + c->in_pos : NULL;

	assert(have == 0 || from != NULL);
	if (have >= LENGTH && length_fits(load_u32(from)) &&
	    load_u32(from) > IN_STEP && LENGTH + load_u32(from) > have)
		need = LENGTH + load_u32(from);
	if (c->in_cap - c->in_pos >= need)
		return 0;
	if (c->in_cap >= need) {
		assert(from != NULL);
		memmove(c->in, from, have);
	} else {
		cap = need < 2 * have ? 2 * have : need;
		if ((p = malloc(cap)) == NULL)
			return ERR_NOMEM;
		if (have > 0)
			memcpy(p, from, have);
		free(c->in);
		c->in = p;
		c->in_cap = cap;
	}
	c->in_pos = 0;
	c->in_len = have;
	return 0;
}

int
chan_read(struct chan *c, struct err *e)
{
	size_t taken = 0, room;
	ssize_t n;

	trim(c);
	while (taken < IN_READ && c->in_len - c->in_pos < IN_MAX) {
		if (make_room(c) != 0)
			return err_nomem(e);
		room = c->in_cap - c->in_len;
		if (room > IN_READ - taken)
			room = IN_READ - taken;
		n = recv(c->fd, c->in + c->in_len, room, MSG_DONTWAIT);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		/* A peer that died before it read all we sent. */
		if (n == 0 || (n == -1 && errno == ECONNRESET))
			return CHAN_CLOSED;
		if (n == -1)
			return net_failed(e, "read from the peer");
		c->in_len += (size_t)n;
		taken += (size_t)n;
		/* It had no more, so do not ask again. */
		if ((size_t)n < room)
			return 0;
	}
	return 0;
}

int
chan_next(struct chan *c, struct frame *out, struct err *e)
{
	size_t have = c->in_len - c->in_pos;
	const uint8_t *p;
	uint32_t n;

	if (have < LENGTH) {
		trim(c);
		return CHAN_NONE;
	}
	p = c->in + c->in_pos;
	n = load_u32(p);
	if (!length_fits(n))
		return err_set(e, ERR_PARSE,
		    "a frame says that %u bytes follow, expected %d to %d", n,
		    FRAME_HEADER - LENGTH, IN_MAX - LENGTH);
	if (have - LENGTH < n)
		return CHAN_NONE;
	out->type = (uint16_t)(p[4] << 8 | p[5]);
	out->id = load_u32(p + 6);
	out->payload = slice_of(p + FRAME_HEADER, LENGTH + n - FRAME_HEADER);
	c->in_pos += LENGTH + n;
	return 0;
}

/* One wait for the socket; 1: there is something to read. */
static int
wait_socket(struct chan *c, int timeout_ms, struct err *e)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int n;

	if (chan_wants_write(c) && !c->gone)
		p.events |= POLLOUT;
	n = poll(&p, 1, timeout_ms);
	if (n == -1 && errno != EINTR)
		return err_sys(e, "wait for the peer");
	if (n <= 0)
		return 0;
	/* A peer that takes nothing may have said something before. */
	if ((p.revents & POLLOUT) != 0 && !c->gone && chan_flush(c, NULL) != 0)
		return 1;
	return (p.revents & ~POLLOUT) != 0;
}

int
chan_wait(struct chan *c, int timeout_ms, struct frame *out, struct err *e)
{
	int64_t until = clock_mono_ms() + timeout_ms, left = -1;
	bool closed = false;
	int r;

	for (;;) {
		if ((r = chan_next(c, out, e)) != CHAN_NONE)
			return r;
		if (closed)
			return peer_gone(c, e);
		if (timeout_ms >= 0 && (left = until - clock_mono_ms()) < 0)
			return err_set(e, ERR_NET,
			    "the peer did not answer in time");
		if ((r = wait_socket(c, (int)left, e)) < 0)
			return r;
		if (r == 1 && (r = chan_read(c, e)) < 0)
			return r;
		closed = r == CHAN_CLOSED;
	}
}

/* --- the table ------------------------------------------------------------ */

int
frame_dispatch(const struct frame_rule *rules, size_t n, uint32_t permitted,
    void *ctx, const struct frame *f, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		const struct frame_rule *r = &rules[i];

		if (r->type != f->type)
			continue;
		if ((r->needs & ~permitted) != 0)
			return err_set(e, ERR_DENIED,
			    "frame %u (%s) is not permitted now", f->type,
			    r->name);
		if (f->payload.n > r->max)
			return err_set(e, ERR_DENIED,
			    "frame %u (%s) has %zu bytes, more than %u",
			    f->type, r->name, f->payload.n, r->max);
		return r->handle(ctx, f, e);
	}
	return err_set(e, ERR_DENIED, "frame %u is not in the table", f->type);
}
