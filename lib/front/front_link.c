/* SPDX-License-Identifier: ISC */
/* The front's end of the socket to the keeper. */
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/front/front_impl.h"
#include "lib/proc/plog.h"

#define BACKOFF_MIN 100
#define BACKOFF_MAX 2000

/* --- what the keeper may say ---------------------------------------------- */

static int
read_result(const struct frame *m, uint8_t *status, struct slice *body)
{
	struct view v = view_slice(m->payload);

	*status = 0;
	if (m->type == MSG_RESULT && view_get_u8(&v, status) != 0)
		return ERR_PARSE;
	if (view_get_string(&v, body) != 0)
		return ERR_PARSE;
	return view_end(&v);
}

/* RESULT and EVENT.  Whoever asked may have gone meanwhile. */
static int
on_answer(void *ctx, const struct frame *m, struct err *e)
{
	struct front *f = ctx;
	struct pending *c = pending_find(f, m->id);
	struct slice body;
	uint8_t status;

	if (read_result(m, &status, &body) != 0 ||
	    (c != NULL && c->form == FORM_JSON && body.n < 2))
		return err_set(e, ERR_PARSE, "a malformed answer");
	if (c == NULL || !c->sent)
		return 0;
	if (m->type == MSG_RESULT)
		pending_answer(f, c, status, body);
	else
		pending_news(c, body);
	return 0;
}

static int
on_keys(void *ctx, const struct frame *m, struct err *e)
{
	struct front *f = ctx;
	char n[24];
	int r = keymap_frame(f->keys, m->payload, e);

	if (r != KEYMAP_NEW)
		return r;
	f->backoff = BACKOFF_MIN;
	(void)snprintf(n, sizeof(n), "%zu", keymap_count(f->keys));
	plog(PLOG_INFO, "the keeper has told whose keys may come in", "keys", n,
	    NULL);
	net_server_recheck(f->server);
	return 0;
}

static int
on_gauges(void *ctx, const struct frame *m, struct err *e)
{
	struct front *f = ctx;
	struct view v = view_slice(m->payload);
	struct slice text;

	if (view_get_string(&v, &text) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "malformed metrics");
	str_reset(&f->gauges);
	str_addn(&f->gauges, (const char *)text.p, text.n);
	return 0;
}

/* The sizes are those of messages.h. */
enum {
#define X(name, value, from, to, most, words) MOST_##name = (most),
	FRONT_MSG_LIST(X)
#undef X
};

static const struct frame_rule rules[] = {
    {MSG_RESULT, 0, MOST_RESULT, "result", on_answer},
    {MSG_EVENT, 0, MOST_EVENT, "event", on_answer},
    {MSG_KEYS, 0, MOST_KEYS, "keys", on_keys},
    {MSG_GAUGES, 0, MOST_GAUGES, "gauges", on_gauges},
};

/* --- the connection ------------------------------------------------------- */

void
link_close(struct front *f)
{
	if (f->keeper == NULL)
		return;
	watch_free(f->keeper_watch, false);
	f->keeper_watch = NULL;
	chan_free(f->keeper);
	f->keeper = NULL;
	f->retry_at = loop_now(f->loop) + f->backoff;
	pending_lost(f);
}

static void
lose(struct front *f, const struct err *e)
{
	if (e->code == ERR_PARSE || e->code == ERR_DENIED)
		plog_err(PLOG_ERR, e, "cut off the keeper", NULL);
	else
		plog_err(PLOG_WARN, e, "the keeper is away", NULL);
	link_close(f);
}

int
link_send(struct front *f, uint16_t type, uint32_t id, struct slice payload,
    struct err *e)
{
	struct err lost = {0};
	int r;

	if (f->keeper == NULL)
		return err_set(e, ERR_NET, "the keeper is away");
	if (type == MSG_CALL && chan_waiting(f->keeper) > CALLS_WAIT_MAX)
		return err_set(e, ERR_BUSY,
		    "more than %d MiB of calls wait for it",
		    CALLS_WAIT_MAX / 1024 / 1024);
	r = chan_send(f->keeper, type, id, payload, &lost);
	if (r != 0)
		return err_set(e, r, "%s", lost.msg);
	return 0;
}

/* A keeper that is not told would have the call open for good: it is told by the
 * connection's end, then.  One that is gone has forgotten it anyway. */
void
link_gone(struct front *f, uint32_t id)
{
	struct err e = {0};
	int r = link_send(f, MSG_GONE, id, slice_of(NULL, 0), &e);

	if (r != 0 && r != ERR_NET)
		lose(f, &e);
}

static void
on_keeper(void *ctx, uint32_t events)
{
	struct front *f = ctx;
	struct frame m;
	struct err e = {0};
	int r = 0, closed;

	(void)events;
	closed = chan_read(f->keeper, &e);
	while (closed >= 0 && (r = chan_next(f->keeper, &m, &e)) == 0)
		if ((r = frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]),
			 0, f, &m, &e)) != 0)
			break;
	if (closed == CHAN_CLOSED && r == CHAN_NONE)
		(void)err_set(&e, ERR_NET, "it closed the connection");
	if (closed != 0 || r < 0)
		lose(f, &e);
}

static void
connected(struct front *f, int fd)
{
	struct err e = {0};

	if (chan_new(fd, &f->keeper, &e) != 0) {
		(void)close(fd);
	} else if (loop_add(f->loop, fd, EPOLLIN, on_keeper, f,
		       &f->keeper_watch, &e) != 0) {
		chan_free(f->keeper);
		f->keeper = NULL;
	}
	if (f->keeper == NULL) {
		plog_err(PLOG_ERR, &e,
		    "cannot use the connection to the keeper", NULL);
		f->retry_at = loop_now(f->loop) + f->backoff;
		return;
	}
	chan_gather(f->keeper);
	plog(PLOG_INFO, "connected to the keeper", NULL);
	pending_send_all(f);
}

static void
on_dialler(void *ctx, uint32_t events)
{
	struct front *f = ctx;
	struct err e = {0};
	int fd, r;

	(void)events;
	f->asked = false;
	r = dialler_take(f->dialler, &fd, &e);
	if (r == 0) {
		connected(f, fd);
	} else if (r == DIALLER_NONE) {
		f->retry_at = loop_now(f->loop) + f->backoff;
		f->backoff *= 2;
		if (f->backoff > BACKOFF_MAX)
			f->backoff = BACKOFF_MAX;
	} else {
		f->dialler_gone = true;
		watch_set(f->dialler_watch, 0);
	}
}

int
link_start(struct front *f, struct err *e)
{
	f->backoff = BACKOFF_MIN;
	return loop_add(f->loop, f->dialler, EPOLLIN, on_dialler, f,
	    &f->dialler_watch, e);
}

void
link_turn(struct front *f)
{
	struct err e = {0};

	if (f->keeper != NULL) {
		if (chan_wants_write(f->keeper) &&
		    chan_flush(f->keeper, &e) != 0) {
			/* What it said before it went is still to be read. */
			return;
		}
		watch_set(f->keeper_watch,
		    EPOLLIN |
			(chan_wants_write(f->keeper) ? (uint32_t)EPOLLOUT : 0));
		return;
	}
	pending_expire(f);
	if (f->asked || loop_now(f->loop) < f->retry_at)
		return;
	f->asked = true;
	if (dialler_ask(f->dialler, &e) != 0)
		f->dialler_gone = true;
}
