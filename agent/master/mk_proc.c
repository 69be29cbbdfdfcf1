/* SPDX-License-Identifier: ISC */
/* The loop of the master's keeper: sockets, signals, the clock. */
#include "agent/master/mk_proc.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agent/master/mk_start.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define TURN_MS   500
#define GAUGES_MS 5000
#define KEYS_MS   250 /* between tables of keys: each has all of them */
#define FLUSH_MS  1000
#define OUT_MOST \
	(16 * 1024 * 1024) /* bytes of answers that a front is to read */
#define STOP_MS 10000

enum { MAY_FRONT = 1, MAY_CONTROL = 2 };

/* --- frames ------------------------------------------------------------------------ */

struct from {
	struct mk *k;
	struct mk_conn *conn;
};

static int
on_call(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	if (f->id == 0)
		return err_set(e, ERR_PARSE, "a call without a number");
	return mk_call_new(from->k, from->conn, f, e);
}

static int
on_gone(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	(void)e;
	if (f->id != 0)
		mk_call_gone(from->k, from->conn, f->id);
	return 0;
}

/* Everything that may be said to this process by who connects to it. */
static const struct frame_rule rules[] = {
    {MSG_CALL, MAY_FRONT, CALL_MAX + 1024, "call", on_call},
    {MSG_GONE, MAY_FRONT, 0, "gone", on_gone},
    {MSG_STATUS, MAY_CONTROL, CALL_MAX + 1024, "status", on_call},
};

/*
 * A front that does not keep up with its answers is not asked for more questions:
 * ten thousand hosts that fetch one file at once would fill its queue.
 */
static bool
is_behind(const struct mk_conn *c)
{
	return chan_waiting(c->chan) > OUT_MOST;
}

static void
conn_take(struct mk *k, struct mk_conn *c)
{
	struct from from = {k, c};
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
conn_read(struct mk *k, struct mk_conn *c)
{
	struct err e = {0};
	int closed = chan_read(c->chan, &e);

	if (closed < 0) {
		plog_err(PLOG_WARN, &e, "connection lost", NULL);
		c->closing = true;
		return;
	}
	conn_take(k, c);
	if (closed == CHAN_CLOSED)
		c->closing = true;
}

static void
conn_accept(struct mk *k, int listener, enum mk_conn_kind kind)
{
	struct mk_conn *c = NULL;
	struct err e = {0};
	int fd = -1, r;

	if ((r = socket_accept(listener, &fd, &e)) != 0) {
		if (r < 0)
			plog_err(PLOG_WARN, &e, "cannot accept", NULL);
		return;
	}
	for (size_t i = 0; i < MK_CONNS && c == NULL; i++)
		if (k->conns[i].chan == NULL)
			c = &k->conns[i];
	if (c == NULL)
		r = err_set(&e, ERR_LIMIT, "%d connections are open already",
		    MK_CONNS);
	else if ((r = socket_check_peer(fd, mk_peer_uid(k, kind), &e)) == 0)
		r = chan_new(fd, &c->chan, &e);
	if (r != 0) {
		plog_err(PLOG_ERR, &e, "connection refused", NULL);
		(void)close(fd);
		return;
	}
	c->kind = kind;
	c->closing = false;
	chan_gather(c->chan);
	if (kind == CONN_FRONT && mk_send_keys(k, c, &e) != 0) {
		plog_err(PLOG_ERR, &e, "cannot tell the front whose keys",
		    NULL);
		c->closing = true;
	}
}

static void
send_keys_to_all(struct mk *k)
{
	k->keys_changed = false;
	k->keys_at = k->now_ms + KEYS_MS;
	for (size_t i = 0; i < MK_CONNS; i++) {
		struct mk_conn *c = &k->conns[i];
		struct err e = {0};

		if (c->chan != NULL && c->kind == CONN_FRONT && !c->closing &&
		    mk_send_keys(k, c, &e) != 0) {
			plog_err(PLOG_ERR, &e,
			    "cannot tell the front whose keys", NULL);
			c->closing = true;
		}
	}
}

/* --- signals, news -------------------------------------------------------------------- */

static void
on_signal(struct mk *k)
{
	struct signalfd_siginfo s;

	while (read(k->signals, &s, sizeof(s)) == (ssize_t)sizeof(s))
		if (s.ssi_signo != SIGHUP)
			k->stopping = true;
}

static void
take_news(struct mk *k)
{
	uint64_t n;

	(void)!read(k->wake, &n, sizeof(n));
	mk_batch_news(k);
}

/* --- the clock ------------------------------------------------------------------------- */

struct clockwork {
	int64_t second, gauges, day;
};

/* What expires soon: once a day, in the log of this process. */
static void
look_at_expiry(struct mk *k, struct clockwork *w)
{
	const struct trust *t = content_trust(k->content);
	struct str text = STR_INIT;

	if (w->day == k->now / 86400)
		return;
	w->day = k->now / 86400;
	(void)trust_expiry(t, k->now, &text, NULL);
	if (content_held(k->content)->have)
		(void)fleet_expiry(content_held(k->content), t, k->now, &text,
		    NULL);
	if (text.n > 0 && str_check(&text) == 0)
		plog(PLOG_WARN, "alarm", "what", text.p, NULL);
	str_clear(&text);
}

static void
on_clock(struct mk *k, struct clockwork *w)
{
	if (k->now_ms >= w->second) {
		w->second = k->now_ms + 1000;
		mk_batch_again(k);
		mk_asks_sweep(k);
		look_at_expiry(k, w);
	}
	jobs_turn(k->jobs, k->now);
	mk_watch_ends(k);
	mk_courier_turn(k);
	mk_batch_go(k);
	mk_want_flush(k);
	if (k->keys_changed && k->now_ms >= k->keys_at)
		send_keys_to_all(k);
	if (k->now_ms >= w->gauges) {
		w->gauges = k->now_ms + GAUGES_MS;
		mk_send_gauges(k);
	}
}

/* --- the loop ---------------------------------------------------------------------------- */

enum {
	FD_FRONT,
	FD_CONTROL,
	FD_SIGNALS,
	FD_WAKE,
	FD_COURIER,
	FD_DIALER,
	FD_CONNS,
	FD_N = FD_CONNS + MK_CONNS,
};

static void
watch(struct pollfd *p, int fd, bool writes)
{
	p->fd = fd;
	p->events = (short)(POLLIN | (writes ? POLLOUT : 0));
	p->revents = 0;
}

static void
watch_conn(struct pollfd *p, const struct mk_conn *c)
{
	watch(p, c->chan != NULL ? chan_fd(c->chan) : -1,
	    c->chan != NULL && chan_wants_write(c->chan));
	if (c->held)
		p->events = POLLOUT;
}

static void
fill(struct mk *k, struct pollfd *p)
{
	const struct chan *q = k->courier.chan;

	watch(&p[FD_FRONT], k->listen_front, false);
	watch(&p[FD_CONTROL], k->listen_control, false);
	watch(&p[FD_SIGNALS], k->signals, false);
	watch(&p[FD_WAKE], k->wake, false);
	watch(&p[FD_COURIER], q != NULL ? chan_fd(q) : -1,
	    q != NULL && chan_wants_write(q));
	watch(&p[FD_DIALER], dialer_fd(k->dialer),
	    dialer_wants_write(k->dialer));
	for (size_t i = 0; i < MK_CONNS; i++)
		watch_conn(&p[FD_CONNS + i], &k->conns[i]);
}

static void
serve_conns(struct mk *k, const struct pollfd *p)
{
	for (size_t i = 0; i < MK_CONNS; i++) {
		struct mk_conn *c = &k->conns[i];
		struct err e = {0};
		short events = p[i].revents;

		if (c->chan == NULL || p[i].fd != chan_fd(c->chan))
			continue;
		if (events & POLLOUT && chan_flush(c->chan, &e) != 0)
			c->closing = true;
		if (!c->closing && c->held && !is_behind(c))
			conn_take(k, c);
		if (!c->closing && !c->held &&
		    events & (POLLIN | POLLHUP | POLLERR))
			conn_read(k, c);
	}
}

/* What this turn has to say, each connection in one piece; and who goes. */
static void
end_turn(struct mk *k)
{
	for (size_t i = 0; i < MK_CONNS; i++) {
		struct mk_conn *c = &k->conns[i];
		struct err e = {0};

		if (c->chan == NULL)
			continue;
		if (!c->closing && chan_wants_write(c->chan) &&
		    chan_flush(c->chan, &e) != 0)
			c->closing = true;
		if (!c->closing)
			continue;
		mk_call_gone(k, c, 0);
		chan_free(c->chan);
		memset(c, 0, sizeof(*c));
	}
}

static void
read_clocks(struct mk *k)
{
	k->now = clock_now();
	k->now_ms = clock_mono_ms();
}

static void
turn(struct mk *k, struct pollfd *p, struct clockwork *w)
{
	fill(k, p);
	if (poll(p, FD_N, k->keys_changed ? KEYS_MS : TURN_MS) < 0)
		for (size_t i = 0; i < FD_N; i++)
			p[i].revents = 0;
	read_clocks(k);
	if (p[FD_SIGNALS].revents != 0)
		on_signal(k);
	if (p[FD_WAKE].revents != 0)
		take_news(k);
	if (p[FD_COURIER].revents != 0)
		mk_courier_serve(k, (p[FD_COURIER].revents & POLLOUT) != 0);
	if (p[FD_DIALER].revents != 0)
		mk_dialed(k);
	serve_conns(k, &p[FD_CONNS]);
	if (p[FD_FRONT].revents != 0)
		conn_accept(k, k->listen_front, CONN_FRONT);
	if (p[FD_CONTROL].revents != 0)
		conn_accept(k, k->listen_control, CONN_CONTROL);
	on_clock(k, w);
	end_turn(k);
}

/* What is on its way is finished and answered. */
static void
finish(struct mk *k)
{
	int64_t until = clock_mono_ms() + STOP_MS;

	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopping", NULL);
	while ((k->flying != NULL || k->n_next > 0) && !k->recover &&
	    clock_mono_ms() < until) {
		mk_batch_go(k);
		(void)usleep(1000);
		mk_batch_news(k);
	}
	scribe_stop(k->scribe);
	until = clock_mono_ms() + FLUSH_MS;
	for (size_t i = 0; i < MK_CONNS; i++) {
		struct chan *c = k->conns[i].chan;
		struct err e = {0};

		while (c != NULL && chan_wants_write(c) &&
		    clock_mono_ms() < until && chan_flush(c, &e) == 0)
			(void)usleep(1000);
	}
}

int
master_keeper_run(const char *dir, struct err *e)
{
	struct pollfd p[FD_N];
	struct clockwork w = {0};
	struct mk *k = NULL;
	int r;

	if ((r = mk_start(dir, &k, e)) != 0)
		return r;
	plog(PLOG_INFO, "serving", NULL);
	service_notify("READY=1");
	while (!k->stopping && k->r == 0)
		turn(k, p, &w);
	finish(k);
	if ((r = k->r) != 0 && e != NULL)
		*e = k->e;
	mk_end(k);
	return r;
}
