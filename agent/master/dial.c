/* SPDX-License-Identifier: ISC */
#include "agent/master/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/net/client.h"
#include "lib/net/loop.h"
#include "lib/proc/frame.h"
#include "lib/proc/sandbox.h"

enum { DIAL_ASK = 1, DIAL_ANSWER };

struct dialer {
	struct chan *chan;
	pid_t pid;
};

/* --- in the helper -------------------------------------------------------- */

struct asked {
	uint32_t id;
	uint16_t port;
	char address[INET6_ADDRSTRLEN];
	STAILQ_ENTRY(asked) link;
};

struct helper {
	struct loop *loop;
	struct chan *chan;
	STAILQ_HEAD(, asked) queue;
	size_t n_queue;
	struct dialing {
		struct helper *of;
		struct net_client *client; /* NULL: free */
		uint32_t id;
		bool done;
	} v[DIAL_MOST];
};

static int
answer(struct helper *h, uint32_t id, bool reached, const char *text)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, 4096)) == 0 && (r = buf_put_u8(b, reached)) == 0 &&
	    (r = buf_put_string(b, text, strnlen(text, DIAL_TEXT - 1))) == 0)
		r = chan_send(h->chan, DIAL_ANSWER, id, buf_slice(b), NULL);
	buf_free(b);
	return r;
}

static void
finish(struct dialing *d, bool reached, const char *text)
{
	if (d->done)
		return;
	d->done = true;
	(void)!answer(d->of, d->id, reached, text);
}

static void
tell_key(struct dialing *d)
{
	const struct hash *key = net_client_host_key(d->client);
	char text[FINGERPRINT_MAX];

	if (key == NULL)
		return;
	hash_fingerprint(key, text);
	finish(d, true, text);
}

static void
on_up(void *ctx)
{
	tell_key(ctx);
}

static void
on_down(void *ctx, const struct err *why)
{
	struct dialing *d = ctx;

	if (!d->done && net_client_host_key(d->client) != NULL &&
	    why->code == 0)
		tell_key(d);
	finish(d, false, why->msg[0] != '\0' ? why->msg : "it hung up");
}

static const struct net_client_ops ops = {on_up, on_down};

static void
dial(struct helper *h, struct dialing *d, const struct asked *a)
{
	const struct net_client_options o = {.host = a->address,
	    .port = a->port,
	    .connect_ms = DIAL_SECS * 1000,
	    .look = true};
	struct err e = {0};

	*d = (struct dialing){.of = h, .id = a->id};
	if (net_client_new(h->loop, &o, &ops, d, &d->client, &e) != 0)
		finish(d, false, e.msg);
}

static void
dial_more(struct helper *h)
{
	struct asked *a;

	for (size_t i = 0; i < DIAL_MOST; i++) {
		struct dialing *d = &h->v[i];

		if (d->client != NULL && d->done) {
			net_client_free(d->client);
			d->client = NULL;
		}
		if (d->client != NULL || (a = STAILQ_FIRST(&h->queue)) == NULL)
			continue;
		STAILQ_REMOVE_HEAD(&h->queue, link);
		h->n_queue--;
		dial(h, d, a);
		free(a);
	}
}

static int
hear(struct helper *h, const struct frame *f)
{
	struct view v = view_slice(f->payload);
	struct asked *a = calloc(1, sizeof(*a));
	struct slice address;
	int r;

	if (a == NULL)
		return answer(h, f->id, false, "out of memory");
	if ((r = view_get_u16(&v, &a->port)) != 0 ||
	    (r = view_get_string(&v, &address)) != 0 ||
	    (r = view_end(&v)) != 0 || address.n >= sizeof(a->address)) {
		free(a);
		return ERR_PARSE;
	}
	if (h->n_queue >= DIAL_QUEUE) {
		free(a);
		return answer(h, f->id, false, "too many hosts wait for this");
	}
	a->id = f->id;
	memcpy(a->address, address.p, address.n);
	STAILQ_INSERT_TAIL(&h->queue, a, link);
	h->n_queue++;
	return 0;
}

static void
on_chan(void *ctx, uint32_t events)
{
	struct helper *h = ctx;
	struct frame f;
	int r, closed;

	if (events & EPOLLOUT && chan_flush(h->chan, NULL) != 0)
		_exit(0);
	closed = chan_read(h->chan, NULL);
	while ((r = chan_next(h->chan, &f, NULL)) == 0)
		if (f.type != DIAL_ASK || hear(h, &f) != 0)
			_exit(1);
	if (closed != 0 || r != CHAN_NONE)
		_exit(0);
}

static int
turn(struct helper *h)
{
	int wait = -1;

	dial_more(h);
	for (size_t i = 0; i < DIAL_MOST; i++) {
		int ms = h->v[i].client != NULL
		    ? net_client_turn(h->v[i].client)
		    : -1;

		if (h->v[i].client != NULL && h->v[i].done)
			ms = 0;
		if (ms >= 0 && (wait < 0 || ms < wait))
			wait = ms;
	}
	return wait;
}

static void __attribute__((noreturn)) helper_run(int fd, const char *user)
{
	const struct sandbox s = {.profile = SANDBOX_NOTIFY};
	struct helper h = {.queue = STAILQ_HEAD_INITIALIZER(h.queue)};
	struct watch *w = NULL;

	if ((user != NULL && geteuid() == 0 &&
		privileges_drop(user, NULL) != 0) ||
	    loop_new(&h.loop, NULL) != 0 || chan_new(fd, &h.chan, NULL) != 0 ||
	    loop_add(h.loop, fd, EPOLLIN, on_chan, &h, &w, NULL) != 0 ||
	    sandbox_enter(&s, NULL) != 0)
		_exit(1);
	for (;;) {
		int ms = turn(&h);

		watch_set(w,
		    EPOLLIN | (chan_wants_write(h.chan) ? EPOLLOUT : 0u));
		if (loop_turn(h.loop, ms, NULL) != 0)
			_exit(1);
	}
}

/* --- in the keeper -------------------------------------------------------- */

static int
child(int fd, const char *user)
{
	/* Signals of a terminal are for the keeper, which ends us. */
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)close_range(3, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0u, 0);
	helper_run(fd, user);
}

int
dialer_new(const char *user, struct dialer **out, struct err *e)
{
	struct dialer *d = calloc(1, sizeof(*d));
	int fds[2], r;

	if (d == NULL)
		return err_nomem(e);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		free(d);
		return err_sys(e, "make a pair of sockets");
	}
	if ((d->pid = fork()) == 0)
		child(fds[1], user);
	(void)close(fds[1]);
	r = d->pid < 0 ? err_sys(e, "start a process")
		       : chan_new(fds[0], &d->chan, e);
	if (r != 0) {
		(void)close(fds[0]);
		free(d);
		return r;
	}
	*out = d;
	return 0;
}

void
dialer_free(struct dialer *d)
{
	if (d == NULL)
		return;
	/* It ends when this end is closed. */
	chan_free(d->chan);
	free(d);
}

int
dialer_fd(const struct dialer *d)
{
	return chan_fd(d->chan);
}

bool
dialer_wants_write(const struct dialer *d)
{
	return chan_wants_write(d->chan);
}

/* "192.0.2.1", "2001:db8::1", or with a port: "192.0.2.1:40000",
 * "[2001:db8::1]:40000". */
static int
only_address(const char *text, char out[INET6_ADDRSTRLEN])
{
	struct in6_addr any;
	const char *from = text;
	size_t n = strlen(text);

	if (*text == '[') {
		from = text + 1;
		n = strcspn(from, "]");
	} else if (strchr(text, ':') == strrchr(text, ':')) {
		n = strcspn(text, ":");
	}
	if (n >= INET6_ADDRSTRLEN)
		return ERR_PARSE;
	memcpy(out, from, n);
	out[n] = '\0';
	return inet_pton(AF_INET, out, &any) == 1 ||
		inet_pton(AF_INET6, out, &any) == 1
	    ? 0
	    : ERR_PARSE;
}

int
dialer_ask(struct dialer *d, uint32_t id, const char *address, uint16_t port,
    struct err *e)
{
	char quoted[QUOTE_MAX], host[INET6_ADDRSTRLEN];
	struct buf *b = NULL;
	int r;

	if (only_address(address, host) != 0)
		return err_set(e, ERR_PARSE, "%s is no address to connect to",
		    str_quote(quoted, address));
	if ((r = buf_new(&b, 256)) != 0 || (r = buf_put_u16(b, port)) != 0 ||
	    (r = buf_put_cstring(b, host)) != 0)
		r = err_nomem(e);
	else
		r = chan_send(d->chan, DIAL_ASK, id, buf_slice(b), e);
	buf_free(b);
	return r;
}

static int
read_answer(const struct frame *f, struct dial_answer *out, struct err *e)
{
	struct view v = view_slice(f->payload);
	struct slice text;
	uint8_t reached;

	if (f->type != DIAL_ANSWER || view_get_u8(&v, &reached) != 0 ||
	    view_get_string(&v, &text) != 0 || view_end(&v) != 0 ||
	    text.n >= DIAL_TEXT)
		return err_set(e, ERR_NET,
		    "the process that connects to hosts talks nonsense");
	*out = (struct dial_answer){.id = f->id, .reached = reached != 0};
	memcpy(out->text, text.p, text.n);
	/* Words of whoever was reached: clean, or not shown. */
	if (!text_is_clean(out->text, text.n, NULL))
		(void)snprintf(out->text, sizeof(out->text),
		    "it said nonsense");
	return 0;
}

int
dialer_take(struct dialer *d, struct dial_answer *out, struct err *e)
{
	struct frame f;
	int r, closed;

	if (chan_wants_write(d->chan) && (r = chan_flush(d->chan, e)) != 0)
		return r;
	if ((closed = chan_read(d->chan, e)) < 0)
		return closed;
	if ((r = chan_next(d->chan, &f, e)) == 0)
		return read_answer(&f, out, e);
	if (r == CHAN_NONE && closed == 0)
		return 1;
	return err_set(e, ERR_NET,
	    "the process that connects to hosts is gone");
}
