/* SPDX-License-Identifier: ISC */
#include "ca/daemon/notify.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ca/common/messages.h"
#include "lib/base/clock.h"
#include "lib/notify/notice.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define DRAIN_SECS 20 /* for what is on its way when notify.yaml is new */

struct peer {
	struct chan *chan; /* NULL: free */
	uint32_t number;   /* so that an answer never goes to a later peer */
	bool closed;       /* sends nothing more */
};

struct server {
	const struct notify_service *s;
	struct peer peers[NOTIFY_PEERS];
	uint32_t numbers;
	bool end;
	int64_t drain_until; /* 0: serving */
};

/* What a handler of a frame works on. */
struct from {
	struct server *v;
	struct peer *p;
};

static void
peer_drop(struct peer *p)
{
	chan_free(p->chan);
	memset(p, 0, sizeof(*p));
}

/* --- frames --------------------------------------------------------------- */

static int
on_notice(void *ctx, const struct frame *f, struct err *e)
{
	const struct from *from = ctx;
	struct view v = view_slice(f->payload);
	uint64_t tag = (uint64_t)from->p->number << 32 | f->id;
	struct notice n;
	struct slice json;
	int r;

	notice_init(&n);
	if (view_get_string(&v, &json) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "a notice that is no string");
	if ((r = notice_parse(json, &n, e)) == 0)
		r = sender_send(from->v->s->sender, tag, &n, e);
	notice_clear(&n);
	return r;
}

/* Everything that may be said to this process. */
static const struct frame_rule rules[] = {
    {MSG_NOTICE, 0, NOTICE_MAX, "notice", on_notice},
};

static void
cut_off(struct peer *p, const struct err *e)
{
	plog_err(PLOG_ERR, e, "keeper cut off", NULL);
	peer_drop(p);
}

static void
peer_read(struct server *v, struct peer *p)
{
	struct from from = {v, p};
	struct err e = {0};
	struct frame f;
	int r = chan_read(p->chan, &e);

	if (r == CHAN_CLOSED)
		p->closed = true;
	else if (r != 0) {
		plog_err(PLOG_WARN, &e, "keeper lost", NULL);
		peer_drop(p);
		return;
	}
	while ((r = chan_next(p->chan, &f, &e)) == 0) {
		r = frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]), 0,
		    &from, &f, &e);
		if (r != 0)
			break;
	}
	if (r != CHAN_NONE)
		cut_off(p, &e);
	else if (p->closed)
		peer_drop(p);
}

static void
peer_accept(struct server *v)
{
	struct err e = {0};
	struct peer *p = NULL;
	int fd, r;

	if ((r = socket_accept(v->s->listener, &fd, &e)) != 0) {
		if (r < 0)
			plog_err(PLOG_WARN, &e, "connection lost", NULL);
		return;
	}
	for (size_t i = 0; i < NOTIFY_PEERS && p == NULL; i++)
		if (v->peers[i].chan == NULL)
			p = &v->peers[i];
	if (p == NULL)
		r = err_set(&e, ERR_LIMIT, "%d connections are open already",
		    NOTIFY_PEERS);
	else if ((r = socket_check_peer(fd, v->s->keeper, &e)) == 0)
		r = chan_new(fd, &p->chan, &e);
	if (r != 0) {
		plog_err(PLOG_ERR, &e, "connection refused", NULL);
		close(fd);
		return;
	}
	p->number = ++v->numbers;
}

/* --- answers -------------------------------------------------------------- */

static void
log_told(const char *json)
{
	/* A TOLD is ours, and short: the log has it whole. */
	plog(PLOG_INFO, "told", "what", json, NULL);
}

static int
send_told(struct peer *p, uint32_t id, const char *json, struct err *e)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, 4096)) != 0 ||
	    (r = buf_put_cstring(b, json)) != 0) {
		buf_free(b);
		return err_set(e, r, "an answer");
	}
	r = chan_send(p->chan, MSG_TOLD, id, buf_slice(b), e);
	buf_free(b);
	return r;
}

static void
pass_answers(struct server *v)
{
	struct err e = {0};
	uint64_t tag;
	char *json;

	while (sender_next(v->s->sender, &tag, &json) == 0) {
		log_told(json);
		for (size_t i = 0; i < NOTIFY_PEERS; i++) {
			struct peer *p = &v->peers[i];

			if (p->chan == NULL || p->number != tag >> 32)
				continue;
			if (send_told(p, (uint32_t)tag, json, &e) != 0) {
				plog_err(PLOG_WARN, &e, "keeper lost", NULL);
				peer_drop(p);
			}
		}
		free(json);
	}
}

/* --- signals -------------------------------------------------------------- */

static void
reload(struct server *v)
{
	struct err e = {0};

	service_notify("RELOADING=1");
	if (v->s->reloadable(v->s->ctx, &e) != 0) {
		plog_err(PLOG_ERR, &e, "notify.yaml is kept as it was", NULL);
		service_notify("READY=1");
		return;
	}
	plog(PLOG_INFO, "notify.yaml is new: starting again", NULL);
	v->drain_until = clock_now() + DRAIN_SECS;
}

static void
take_signal(struct server *v)
{
	struct signalfd_siginfo si;

	if (read(v->s->signals, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo != SIGHUP)
		v->end = true;
	else if (v->drain_until == 0)
		reload(v);
}

/* --- the loop ------------------------------------------------------------- */

enum { AT_SIGNALS, AT_SENDER, AT_LISTENER, AT_PEERS };
#define N_POLL (AT_PEERS + NOTIFY_PEERS)

static void
arm(const struct server *v, struct pollfd fds[N_POLL])
{
	bool serving = v->drain_until == 0;

	for (size_t i = 0; i < N_POLL; i++)
		fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	fds[AT_SIGNALS].fd = v->s->signals;
	fds[AT_SENDER].fd = sender_fd(v->s->sender);
	if (serving)
		fds[AT_LISTENER].fd = v->s->listener;
	for (size_t i = 0; i < NOTIFY_PEERS; i++) {
		struct pollfd *p = &fds[AT_PEERS + i];

		if (v->peers[i].chan == NULL)
			continue;
		p->fd = chan_fd(v->peers[i].chan);
		p->events = serving ? POLLIN : 0;
		if (chan_wants_write(v->peers[i].chan))
			p->events |= POLLOUT;
	}
}

static void
serve_peer(struct server *v, struct peer *p, short events)
{
	struct err e = {0};

	if (p->chan != NULL && (events & POLLOUT) != 0 &&
	    chan_flush(p->chan, &e) != 0) {
		plog_err(PLOG_WARN, &e, "keeper lost", NULL);
		peer_drop(p);
	}
	if (p->chan == NULL || (events & (POLLIN | POLLHUP | POLLERR)) == 0)
		return;
	if (v->drain_until == 0)
		peer_read(v, p);
	else if ((events & (POLLHUP | POLLERR)) != 0)
		peer_drop(p);
}

/* Nothing is on its way, and nothing waits to be read by the keeper. */
static bool
is_drained(const struct server *v)
{
	if (clock_now() >= v->drain_until)
		return true;
	if (sender_open(v->s->sender) > 0)
		return false;
	for (size_t i = 0; i < NOTIFY_PEERS; i++)
		if (v->peers[i].chan != NULL &&
		    chan_wants_write(v->peers[i].chan))
			return false;
	return true;
}

int
notify_serve(const struct notify_service *s, struct err *e)
{
	struct server v = {.s = s};
	struct pollfd fds[N_POLL];
	int r = 0;

	while (!v.end && r == 0) {
		arm(&v, fds);
		if (poll(fds, N_POLL, v.drain_until == 0 ? -1 : 200) == -1) {
			if (errno != EINTR)
				r = err_sys(e, "poll");
			continue;
		}
		if (fds[AT_SIGNALS].revents != 0)
			take_signal(&v);
		pass_answers(&v);
		for (size_t i = 0; i < NOTIFY_PEERS; i++)
			serve_peer(&v, &v.peers[i], fds[AT_PEERS + i].revents);
		if (fds[AT_LISTENER].revents != 0)
			peer_accept(&v);
		if (v.drain_until != 0 && is_drained(&v))
			v.end = true;
	}
	for (size_t i = 0; i < NOTIFY_PEERS; i++)
		peer_drop(&v.peers[i]);
	return r;
}
