/* SPDX-License-Identifier: ISC */
#include "lib/keeper/conns.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/front/messages.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

enum { MAY_FRONT = 1, MAY_CONTROL = 2 };

void
conns_init(struct conns *s, int front, int control, uid_t front_uid,
    const struct conns_ops *ops, void *ctx)
{
	*s = (struct conns){.front = front,
	    .control = control,
	    .front_uid = front_uid,
	    .ops = ops,
	    .ctx = ctx};
}

void
conns_clear(struct conns *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++) {
		chan_free(s->v[i].chan);
		s->v[i].chan = NULL;
	}
}

/* --- frames --------------------------------------------------------------- */

struct from {
	struct conns *s;
	struct conn *c;
};

static int
on_call(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	if (f->id == 0)
		return err_set(e, ERR_PARSE, "a call without a number");
	return from->s->ops->call(from->s->ctx, from->c, f, e);
}

static int
on_gone(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	(void)e;
	if (f->id != 0)
		from->s->ops->gone(from->s->ctx, from->c, f->id);
	return 0;
}

/* Everything that may be said to a keeper by who connects to it. */
static const struct frame_rule rules[] = {
    {MSG_CALL, MAY_FRONT, CALL_MAX + 1024, "call", on_call},
    {MSG_GONE, MAY_FRONT, 0, "gone", on_gone},
    {MSG_STATUS, MAY_CONTROL, CALL_MAX + 1024, "status", on_call},
};

static bool
is_behind(const struct conn *c)
{
	return chan_waiting(c->chan) > CONNS_OUT_MOST;
}

static void
take(struct conns *s, struct conn *c)
{
	struct from from = {s, c};
	struct err e = {0};
	struct frame f;
	int r;

	c->held = false;
	while (!c->closing && (r = chan_next(c->chan, &f, &e)) != CHAN_NONE) {
		if (r == 0)
			r = frame_dispatch(rules,
			    sizeof(rules) / sizeof(rules[0]),
			    c->kind == CONN_FRONT ? MAY_FRONT : MAY_CONTROL,
			    &from, &f, &e);
		if (r == 0 && !is_behind(c))
			continue;
		if (r == 0) {
			c->held = true;
			return;
		}
		plog_err(PLOG_ERR, &e,
		    c->kind == CONN_FRONT ? "front cut off"
					  : "control connection cut off",
		    NULL);
		c->closing = true;
	}
}

static void
hear(struct conns *s, struct conn *c)
{
	struct err e = {0};
	int closed = chan_read(c->chan, &e);

	if (closed < 0) {
		plog_err(PLOG_WARN, &e, "connection lost", NULL);
		c->closing = true;
		return;
	}
	take(s, c);
	if (closed == CHAN_CLOSED)
		c->closing = true;
}

/* --- who comes ------------------------------------------------------------ */

static void
tell_keys(struct conns *s, struct conn *c)
{
	struct err e = {0};

	if (s->ops->keys(s->ctx, c, &e) == 0)
		return;
	plog_err(PLOG_ERR, &e, "cannot tell the front whose keys", NULL);
	c->closing = true;
}

static struct conn *
free_one(struct conns *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (s->v[i].chan == NULL)
			return &s->v[i];
	return NULL;
}

static void
let_in(struct conns *s, int listener, enum conn_kind kind)
{
	uid_t uid = kind == CONN_FRONT ? s->front_uid : getuid();
	struct conn *c;
	struct err e = {0};
	int fd = -1, r;

	if ((r = socket_accept(listener, &fd, &e)) != 0) {
		if (r < 0)
			plog_err(PLOG_WARN, &e, "cannot accept", NULL);
		return;
	}
	if ((c = free_one(s)) == NULL)
		r = err_set(&e, ERR_LIMIT, "%d connections are open already",
		    CONNS_MAX);
	else if ((r = socket_check_peer(fd, uid, &e)) == 0)
		r = chan_new(fd, &c->chan, &e);
	if (r != 0) {
		plog_err(PLOG_ERR, &e, "connection refused", NULL);
		(void)close(fd);
		return;
	}
	c->kind = kind;
	c->closing = c->held = false;
	chan_gather(c->chan);
	if (kind == CONN_FRONT)
		tell_keys(s, c);
}

/* --- a turn --------------------------------------------------------------- */

static void
watch(struct pollfd *p, int fd, short events)
{
	*p = (struct pollfd){.fd = fd, .events = events};
}

void
conns_fill(const struct conns *s, struct pollfd *p)
{
	watch(&p[0], s->front, POLLIN);
	watch(&p[1], s->control, POLLIN);
	for (size_t i = 0; i < CONNS_MAX; i++) {
		const struct conn *c = &s->v[i];
		bool writes = c->chan != NULL && chan_wants_write(c->chan);

		watch(&p[2 + i], c->chan != NULL ? chan_fd(c->chan) : -1,
		    (short)((c->held ? 0 : POLLIN) | (writes ? POLLOUT : 0)));
	}
}

static void
serve(struct conns *s, struct conn *c, short events)
{
	struct err e = {0};

	if (events & POLLOUT && chan_flush(c->chan, &e) != 0)
		c->closing = true;
	if (!c->closing && c->held && !is_behind(c))
		take(s, c);
	if (!c->closing && !c->held && events & (POLLIN | POLLHUP | POLLERR))
		hear(s, c);
}

void
conns_serve(struct conns *s, const struct pollfd *p)
{
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &s->v[i];

		if (c->chan != NULL && p[2 + i].fd == chan_fd(c->chan))
			serve(s, c, p[2 + i].revents);
	}
	if (p[0].revents != 0)
		let_in(s, s->front, CONN_FRONT);
	if (p[1].revents != 0)
		let_in(s, s->control, CONN_CONTROL);
}

void
conns_end_turn(struct conns *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct conn *c = &s->v[i];
		struct err e = {0};

		if (c->chan == NULL)
			continue;
		if (!c->closing && chan_wants_write(c->chan) &&
		    chan_flush(c->chan, &e) != 0)
			c->closing = true;
		if (!c->closing)
			continue;
		s->ops->gone(s->ctx, c, 0);
		chan_free(c->chan);
		memset(c, 0, sizeof(*c));
	}
}

void
conns_drain(struct conns *s, int64_t ms)
{
	int64_t until = clock_mono_ms() + ms;

	for (size_t i = 0; i < CONNS_MAX; i++) {
		struct chan *c = s->v[i].chan;
		struct err e = {0};

		while (c != NULL && chan_wants_write(c) &&
		    clock_mono_ms() < until && chan_flush(c, &e) == 0)
			(void)usleep(1000);
	}
}

/* --- what they are told --------------------------------------------------- */

static bool
is_front(const struct conn *c)
{
	return c->chan != NULL && c->kind == CONN_FRONT && !c->closing;
}

void
conns_tell_keys(struct conns *s)
{
	for (size_t i = 0; i < CONNS_MAX; i++)
		if (is_front(&s->v[i]))
			tell_keys(s, &s->v[i]);
}

void
conns_tell_gauges(struct conns *s, const struct str *text)
{
	struct buf *b = NULL;
	int r;

	if ((r = str_check(text)) != 0 || (r = buf_new(&b, GAUGES_MAX)) != 0 ||
	    (r = buf_put_string(b, text->p, text->n)) != 0)
		plog(PLOG_WARN, "cannot send metrics", "error", err_text(r),
		    NULL);
	for (size_t i = 0; r == 0 && i < CONNS_MAX; i++)
		if (is_front(&s->v[i]) &&
		    chan_send(s->v[i].chan, MSG_GAUGES, 0, buf_slice(b),
			NULL) != 0)
			s->v[i].closing = true;
	buf_free(b);
}

void
conn_answer(struct conn *c, uint16_t type, uint32_t id, int status,
    const struct str *body)
{
	struct err e = {0};
	struct buf *b = NULL;
	int r;

	if (c == NULL || c->closing)
		return;
	if ((r = str_check(body)) != 0 ||
	    (r = buf_new(&b, RESULT_MAX + 64)) != 0 ||
	    (type != MSG_EVENT && (r = buf_put_u8(b, (uint8_t)status)) != 0) ||
	    (r = buf_put_string(b, body->p, body->n)) != 0)
		(void)err_set(&e, r, "answer: %s", err_text(r));
	else
		r = chan_send(c->chan, type, id, buf_slice(b), &e);
	buf_free(b);
	if (r != 0) {
		plog_err(PLOG_WARN, &e, "cannot answer: connection closed",
		    NULL);
		c->closing = true;
	}
}
