/* SPDX-License-Identifier: ISC */
/* The keeper's loop: sockets, signals, the clock. */
#include "ca/keeper/keeper_proc.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/keeper/kp_impl.h"
#include "ca/keeper/kp_start.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define GAUGES_MS 5000
#define RETRY_MS  2000
#define WATCH_MS  200
#define FLUSH_MS  1000

enum { MAY_FRONT = 1, MAY_CONTROL = 2 };

/* --- frames ------------------------------------------------------------------------ */

struct from {
	struct kp *k;
	struct kp_conn *conn;
};

static int
on_call(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	if (f->id == 0)
		return err_set(e, ERR_PARSE, "a call without a number");
	return kp_call_new(from->k, from->conn, f, e);
}

static int
on_gone(void *ctx, const struct frame *f, struct err *e)
{
	struct from *from = ctx;

	(void)e;
	if (f->id != 0)
		kp_call_gone(from->k, from->conn, f->id);
	return 0;
}

/* Everything that may be said to this process by who connects to it. */
static const struct frame_rule rules[] = {
    {MSG_CALL, MAY_FRONT, CALL_MAX + 1024, "call", on_call},
    {MSG_GONE, MAY_FRONT, 0, "gone", on_gone},
    {MSG_STATUS, MAY_CONTROL, CALL_MAX + 1024, "status", on_call},
};

static void
conn_drop(struct kp *k, struct kp_conn *c)
{
	kp_call_gone(k, c, 0);
	chan_free(c->chan);
	memset(c, 0, sizeof(*c));
}

static void
conn_read(struct kp *k, struct kp_conn *c)
{
	struct from from = {k, c};
	struct err e = {0};
	struct frame f;
	int r, closed;

	if ((closed = chan_read(c->chan, &e)) < 0) {
		plog_err(PLOG_WARN, &e, "connection lost", NULL);
		c->closing = true;
		return;
	}
	while (!c->closing && (r = chan_next(c->chan, &f, &e)) != CHAN_NONE) {
		if (r == 0)
			r = frame_dispatch(rules,
			    sizeof(rules) / sizeof(rules[0]),
			    c->kind == CONN_FRONT ? MAY_FRONT : MAY_CONTROL,
			    &from, &f, &e);
		if (r == 0)
			continue;
		plog_err(PLOG_ERR, &e,
		    c->kind == CONN_FRONT ? "front cut off"
					  : "control connection cut off",
		    NULL);
		c->closing = true;
	}
	if (closed == CHAN_CLOSED)
		c->closing = true;
}

static void
conn_accept(struct kp *k, int listener, enum kp_conn_kind kind)
{
	struct kp_conn *c = NULL;
	struct err e = {0};
	int fd = -1, r;

	if ((r = socket_accept(listener, &fd, &e)) != 0) {
		if (r < 0)
			plog_err(PLOG_WARN, &e, "cannot accept", NULL);
		return;
	}
	for (size_t i = 0; i < KP_CONNS && c == NULL; i++)
		if (k->conns[i].chan == NULL)
			c = &k->conns[i];
	if (c == NULL)
		r = err_set(&e, ERR_LIMIT, "%d connections are open already",
		    KP_CONNS);
	else if ((r = socket_check_peer(fd, kp_peer_uid(k, kind), &e)) == 0)
		r = chan_new(fd, &c->chan, &e);
	if (r != 0) {
		plog_err(PLOG_ERR, &e, "connection refused", NULL);
		(void)close(fd);
		return;
	}
	c->kind = kind;
	c->closing = false;
	chan_gather(c->chan);
	if (kind == CONN_FRONT && kp_send_keys(k, c, &e) != 0) {
		plog_err(PLOG_ERR, &e, "cannot tell the front whose keys",
		    NULL);
		c->closing = true;
	}
}

/* --- whose keys ---------------------------------------------------------------------- */

#define KEYS_FRAME (1024 * 1024 - 1024)

struct keys {
	struct kp_conn *to;
	struct buf *b;
	bool sent; /* a frame has gone */
	struct err *e;
};

static int
keys_begin(struct keys *x, bool first)
{
	int r;

	buf_reset(x->b);
	if ((r = buf_put_u8(x->b, first)) != 0)
		return r;
	return buf_put_u8(x->b, 0);
}

static int
keys_send(struct keys *x, bool last)
{
	struct buf *copy = NULL;
	struct slice s = buf_slice(x->b);
	uint8_t head[2];
	int r;

	head[0] = s.p[0];
	head[1] = last;
	if ((r = buf_new(&copy, 1024 * 1024)) == 0 &&
	    (r = buf_put(copy, head, sizeof(head))) == 0 &&
	    (r = buf_put(copy, s.p + 2, s.n - 2)) == 0)
		r = chan_send(x->to->chan, MSG_KEYS, 0, buf_slice(copy), x->e);
	buf_free(copy);
	x->sent = true;
	return r;
}

static int
add_name(void *ctx, const char *name, const struct pubkey *key)
{
	struct keys *x = ctx;
	struct slice blob = pubkey_blob(key);
	struct hash h;
	int r;

	if (buf_len(x->b) > KEYS_FRAME - 256 &&
	    ((r = keys_send(x, false)) != 0 || (r = keys_begin(x, false)) != 0))
		return r;
	hash_sha256(blob.p, blob.n, &h);
	if ((r = buf_put_string(x->b, h.b, HASH_LEN)) != 0)
		return r;
	return buf_put_cstring(x->b, name);
}

static int
add_key(void *ctx, const struct person *who, const struct pubkey *key,
    const char *comment)
{
	(void)comment;
	return add_name(ctx, who->id, key);
}

int
kp_send_keys(struct kp *k, struct kp_conn *to, struct err *e)
{
	struct keys x = {.to = to, .e = e};
	int r;

	if ((r = buf_new(&x.b, 1024 * 1024)) == 0 &&
	    (r = keys_begin(&x, true)) == 0 &&
	    (r = standing_each_key(k->standing, k->view->trust.policy, add_key,
		 &x)) == 0 &&
	    (r = kp_master_keys(k, add_name, &x)) == 0)
		r = keys_send(&x, true);
	buf_free(x.b);
	if (r != 0 && e != NULL && e->msg[0] == '\0')
		(void)err_set(e, r, "keys: %s", err_text(r));
	return r;
}

static void
send_keys_to_all(struct kp *k)
{
	k->keys_changed = false;
	for (size_t i = 0; i < KP_CONNS; i++) {
		struct kp_conn *c = &k->conns[i];
		struct err e = {0};

		if (c->chan != NULL && c->kind == CONN_FRONT && !c->closing &&
		    kp_send_keys(k, c, &e) != 0) {
			plog_err(PLOG_ERR, &e,
			    "cannot tell the front whose keys", NULL);
			c->closing = true;
		}
	}
}

/* --- signals, news --------------------------------------------------------------------- */

static void
reload(struct kp *k)
{
	struct kp_job *j = calloc(1, sizeof(*j));
	struct err e = {0};

	service_notify("RELOADING=1");
	plog(PLOG_INFO, "told to look for a newer policy", NULL);
	if (j != NULL) {
		issue_result_init(&j->result);
		j->kind = JOB_RELOAD;
		/* kp_push_job() says that it is over. */
		if (committer_put(k->committer, j, true, &e) == 0)
			return;
	}
	kp_job_free(j);
	service_notify("READY=1");
}

static void
on_signal(struct kp *k)
{
	struct signalfd_siginfo s;

	while (read(k->signals, &s, sizeof(s)) == (ssize_t)sizeof(s)) {
		if (s.ssi_signo == SIGHUP)
			reload(k);
		else
			k->stopping = true;
	}
}

static void
take_news(struct kp *k)
{
	struct kp_dones news = STAILQ_HEAD_INITIALIZER(news);
	struct kp_done *d;
	uint64_t n;

	(void)!read(k->wake, &n, sizeof(n));
	committer_take(k->committer, &news);
	while ((d = STAILQ_FIRST(&news)) != NULL) {
		STAILQ_REMOVE_HEAD(&news, link);
		if (k->r != 0)
			kp_done_free(d);
		else
			k->r = kp_done(k, d, &k->e);
	}
}

/* --- the clock ------------------------------------------------------------------------ */

struct clockwork {
	int64_t second, gauges, retry, watch;
	int64_t alarm_day;
};

/* What expires soon: once a day, to officers. */
static void
alarms(struct kp *k, struct clockwork *w)
{
	struct str text = STR_INIT;
	int64_t day = k->now / 86400;

	if (day == w->alarm_day)
		return;
	w->alarm_day = day;
	if (trust_expiry(&k->view->trust, k->now, &text, NULL) != ERR_NOMEM &&
	    text.n > 0 && str_check(&text) == 0)
		kp_notice_alarm(k, text.p);
	str_clear(&text);
}

static void
each_second(struct kp *k, struct clockwork *w)
{
	struct err e = {0};

	if (k->r == 0)
		k->r = kp_store(k, &k->e);
	if (k->r == 0 && k->store_ok)
		k->r = kp_fold_behind(k, &k->e);
	if (k->r == 0 && k->store_ok && !kp_clock_is_held(k) &&
	    kp_board_sweep(k, &e) != 0)
		plog_err(PLOG_WARN, &e, "cannot end what was not decided",
		    NULL);
	kp_wait_sweep(k);
	kp_notice_send(k);
	alarms(k, w);
}

static void
on_clock(struct kp *k, struct clockwork *w)
{
	int64_t now = kp_mono_ms();
	struct err e = {0};

	if (k->keys_changed) {
		send_keys_to_all(k);
		/* What was waiting may be refused now, or be ready. */
		if (kp_board_retry(k, true, &e) != 0)
			plog_err(PLOG_WARN, &e, "cannot look again", NULL);
	}
	if (k->board_changed && now >= w->watch) {
		k->board_changed = false;
		w->watch = now + WATCH_MS;
		kp_tell_watching(k);
		kp_notice_send(k);
	}
	if (now >= w->second) {
		w->second = now + 1000;
		each_second(k, w);
	}
	if (now >= w->retry) {
		w->retry = now + RETRY_MS;
		if (kp_board_retry(k, false, &e) != 0)
			plog_err(PLOG_WARN, &e, "cannot try again", NULL);
	}
	if (now >= w->gauges) {
		w->gauges = now + GAUGES_MS;
		kp_send_gauges(k);
	}
}

/* --- the loop --------------------------------------------------------------------------- */

enum { FD_FRONT, FD_CONTROL, FD_SIGNALS, FD_WAKE, FD_NOTIFY, FD_CONNS };

static void
watch(struct pollfd *p, int fd, const struct chan *c)
{
	p->fd = fd;
	p->events = POLLIN;
	if (c != NULL && chan_wants_write(c))
		p->events |= POLLOUT;
	p->revents = 0;
}

static void
fill(struct kp *k, struct pollfd *p)
{
	watch(&p[FD_FRONT], k->listen_front, NULL);
	watch(&p[FD_CONTROL], k->listen_control, NULL);
	watch(&p[FD_SIGNALS], k->signals, NULL);
	watch(&p[FD_WAKE], k->wake, NULL);
	watch(&p[FD_NOTIFY], k->notify != NULL ? chan_fd(k->notify) : -1,
	    k->notify);
	for (size_t i = 0; i < KP_CONNS; i++) {
		const struct chan *c = k->conns[i].chan;

		watch(&p[FD_CONNS + i], c != NULL ? chan_fd(c) : -1, c);
	}
}

static void
serve_notify(struct kp *k, short events)
{
	struct err e = {0};

	if (events & POLLOUT && chan_flush(k->notify, &e) != 0) {
		kp_notice_lost(k);
		return;
	}
	if (events & (POLLIN | POLLHUP | POLLERR))
		kp_notice_read(k);
}

static void
serve_conns(struct kp *k, const struct pollfd *p)
{
	for (size_t i = 0; i < KP_CONNS; i++) {
		struct kp_conn *c = &k->conns[i];
		struct err e = {0};
		short events = p[i].revents;

		if (c->chan == NULL || p[i].fd != chan_fd(c->chan))
			continue;
		if (events & POLLOUT && chan_flush(c->chan, &e) != 0)
			c->closing = true;
		if (!c->closing && events & (POLLIN | POLLHUP | POLLERR))
			conn_read(k, c);
	}
}

/* What this round has to say, each connection in one piece. */
static void
flush_conns(struct kp *k)
{
	for (size_t i = 0; i < KP_CONNS; i++) {
		struct kp_conn *c = &k->conns[i];
		struct err e = {0};

		if (c->chan != NULL && !c->closing &&
		    chan_wants_write(c->chan) && chan_flush(c->chan, &e) != 0)
			c->closing = true;
	}
}

static void
drop_closing(struct kp *k)
{
	for (size_t i = 0; i < KP_CONNS; i++)
		if (k->conns[i].chan != NULL && k->conns[i].closing)
			conn_drop(k, &k->conns[i]);
}

static void
loop(struct kp *k)
{
	struct pollfd p[FD_CONNS + KP_CONNS];
	struct clockwork w = {0};

	while (!k->stopping && k->r == 0) {
		int timeout = k->board_changed ? WATCH_MS : 500;

		fill(k, p);
		if (poll(p, FD_CONNS + KP_CONNS, timeout) < 0)
			for (size_t i = 0; i < FD_CONNS + KP_CONNS; i++)
				p[i].revents = 0;
		k->now = clock_now();
		kp_clock_look(k);
		if (p[FD_SIGNALS].revents != 0)
			on_signal(k);
		if (p[FD_WAKE].revents != 0)
			take_news(k);
		if (p[FD_NOTIFY].revents != 0 && k->notify != NULL)
			serve_notify(k, p[FD_NOTIFY].revents);
		serve_conns(k, &p[FD_CONNS]);
		if (p[FD_FRONT].revents != 0)
			conn_accept(k, k->listen_front, CONN_FRONT);
		if (p[FD_CONTROL].revents != 0)
			conn_accept(k, k->listen_control, CONN_CONTROL);
		on_clock(k, &w);
		flush_conns(k);
		drop_closing(k);
	}
}

/* What is on its way is finished and answered. */
static void
finish(struct kp *k)
{
	int64_t until;

	service_notify("STOPPING=1");
	plog(PLOG_INFO, "stopping", NULL);
	committer_stop(k->committer);
	take_news(k);
	if (k->r == 0)
		k->r = kp_store(k, &k->e);
	until = kp_mono_ms() + FLUSH_MS;
	for (size_t i = 0; i < KP_CONNS; i++) {
		struct chan *c = k->conns[i].chan;
		struct err e = {0};

		while (c != NULL && chan_wants_write(c) &&
		    kp_mono_ms() < until && chan_flush(c, &e) == 0)
			(void)usleep(1000);
	}
}

int
keeper_proc_run(const char *dir, struct err *e)
{
	struct kp *k = NULL;
	int r;

	if ((r = kp_start(dir, &k, e)) != 0)
		return r;
	plog(PLOG_INFO, "serving", NULL);
	service_notify("READY=1");
	loop(k);
	finish(k);
	if ((r = k->r) != 0 && e != NULL)
		*e = k->e;
	kp_end(k);
	return r;
}
