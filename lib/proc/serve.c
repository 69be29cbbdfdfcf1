/* SPDX-License-Identifier: ISC */
#include "lib/proc/serve.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

static volatile sig_atomic_t stopped;

static void
on_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static void
on_hangup(int sig)
{
	(void)sig;
}

const volatile sig_atomic_t *
serve_signals(sigset_t *waiting)
{
	struct sigaction act = {.sa_handler = on_stop};
	sigset_t ours;

	(void)sigemptyset(&act.sa_mask);
	(void)sigaction(SIGTERM, &act, NULL);
	(void)sigaction(SIGINT, &act, NULL);
	act.sa_handler = on_hangup;
	(void)sigaction(SIGHUP, &act, NULL);
	(void)sigemptyset(&ours);
	(void)sigaddset(&ours, SIGTERM);
	(void)sigaddset(&ours, SIGINT);
	(void)sigaddset(&ours, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &ours, waiting);
	(void)sigdelset(waiting, SIGTERM);
	(void)sigdelset(waiting, SIGINT);
	(void)sigdelset(waiting, SIGHUP);
	return &stopped;
}

struct serving {
	const struct serve_ops *ops;
	void *ctx;
	int listen_fd;
	uid_t uid;
	struct chan *chan;  /* NULL: nobody is there */
	int64_t stop_at_ms; /* 0: not stopping */
};

static void
hang_up(struct serving *s)
{
	chan_free(s->chan);
	s->chan = NULL;
}

/* A peer that went is no error; one that broke the rules is. */
static void
cut_off(struct serving *s, const struct err *why)
{
	if (why->code == ERR_NET)
		plog_err(PLOG_INFO, why, "a peer is gone", "peer", s->ops->peer,
		    NULL);
	else
		plog_err(PLOG_ERR, why, "a peer is cut off", "peer",
		    s->ops->peer, NULL);
	hang_up(s);
}

static void
begin(struct serving *s, int fd)
{
	struct err e = {0};

	if (s->chan != NULL) {
		plog(PLOG_WARN, "a second one is refused", "peer", s->ops->peer,
		    NULL);
		(void)close(fd);
		return;
	}
	if (socket_check_peer(fd, s->uid, &e) != 0 ||
	    chan_new(fd, &s->chan, &e) != 0) {
		plog_err(PLOG_ERR, &e, "connection refused", "peer",
		    s->ops->peer, NULL);
		(void)close(fd);
		return;
	}
	if (s->ops->begin(s->ctx, s->chan, &e) != 0)
		cut_off(s, &e);
}

static void
take_frames(struct serving *s)
{
	struct err e = {0};
	struct frame f;
	int closed, r;

	if ((closed = chan_read(s->chan, &e)) < 0) {
		cut_off(s, &e);
		return;
	}
	while ((r = chan_next(s->chan, &f, &e)) == 0)
		if ((r = s->ops->frame(s->ctx, &f, &e)) != 0)
			break;
	if (r < 0)
		cut_off(s, &e);
	else if (closed == CHAN_CLOSED)
		hang_up(s);
}

static void
send_rest(struct serving *s)
{
	struct err e = {0};

	if (chan_flush(s->chan, &e) != 0)
		cut_off(s, &e);
}

/* Is there anything left to wait for? */
static bool
is_done(struct serving *s)
{
	if (s->stop_at_ms == 0)
		s->stop_at_ms = clock_mono_ms() + SERVE_STOP_MS;
	return s->chan == NULL || clock_mono_ms() >= s->stop_at_ms ||
	    ((s->ops->busy == NULL || !s->ops->busy(s->ctx)) &&
		!chan_wants_write(s->chan));
}

static int
turn(struct serving *s, const sigset_t *waiting, struct err *e)
{
	const struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
	struct pollfd fds[2] = {{.fd = s->listen_fd, .events = POLLIN},
	    {.fd = -1, .events = POLLIN}};
	int fd, r;

	if (s->chan != NULL) {
		fds[1].fd = chan_fd(s->chan);
		if (chan_wants_write(s->chan))
			fds[1].events |= POLLOUT;
	}
	if (ppoll(fds, 2, s->stop_at_ms != 0 ? &tick : NULL, waiting) < 0)
		return errno == EINTR
		    ? 0
		    : err_sys(e, "wait for the %s", s->ops->peer);
	if ((fds[1].revents & POLLOUT) != 0)
		send_rest(s);
	/* Who went is seen before who came. */
	if (s->chan != NULL && (fds[1].revents & ~POLLOUT) != 0)
		take_frames(s);
	if ((fds[0].revents & POLLIN) == 0)
		return 0;
	if ((r = socket_accept(s->listen_fd, &fd, e)) == 0)
		begin(s, fd);
	return r < 0 ? r : 0;
}

int
serve(const struct serve_ops *ops, void *ctx, int listen_fd, uid_t uid,
    const sigset_t *waiting, const volatile sig_atomic_t *stop, struct err *e)
{
	struct serving s = {
	    .ops = ops, .ctx = ctx, .listen_fd = listen_fd, .uid = uid};
	int r = 0;

	while (r == 0 && (!*stop || !is_done(&s)))
		r = turn(&s, waiting, e);
	hang_up(&s);
	return r;
}
