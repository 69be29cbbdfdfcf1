/* SPDX-License-Identifier: ISC */
#include "agent/master/courier.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <unistd.h>

#include "agent/master/messages.h"
#include "lib/cli/cli.h"
#include "lib/front/front.h"
#include "lib/net/client.h"
#include "lib/net/wire.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

/* One question of the keeper: it waits, or is with the CA. */
struct ask {
	struct courier *courier;
	uint32_t id;
	uint64_t keeper; /* of which keeper; another has another id 1 */
	char *body;
	size_t n;
	bool sent;
	TAILQ_ENTRY(ask) link;
};
TAILQ_HEAD(asks, ask);

struct courier {
	struct loop *loop;
	struct courier_setup s;
	struct watch *listening;
	/* The keeper. */
	struct chan *chan;
	struct watch *watch;
	uint64_t keeper; /* counts them */
	/* The CA. */
	struct net_client *client;
	bool up, ended;         /* ended: free it when nobody is in it */
	int64_t retry, backoff; /* ms */
	struct err why;         /* it is not there */
	struct asks asks;       /* in their order, those that were sent first */
	size_t n_waiting, n_bytes;
};

/* --- to the keeper -------------------------------------------------------- */

static void
drop_keeper(struct courier *c, const struct err *e)
{
	if (c->chan == NULL)
		return;
	if (e != NULL)
		plog_err(PLOG_ERR, e, "keeper cut off", NULL);
	watch_free(c->watch, false);
	c->watch = NULL;
	chan_free(c->chan);
	c->chan = NULL;
}

static void
want(struct courier *c)
{
	if (c->chan != NULL)
		watch_set(c->watch,
		    EPOLLIN | (chan_wants_write(c->chan) ? EPOLLOUT : 0));
}

static void
send_frame(struct courier *c, uint16_t type, uint32_t id, const struct buf *b)
{
	struct err e = {0};
	int r;

	if (c->chan == NULL)
		return;
	if ((r = chan_send(c->chan, type, id, buf_slice(b), &e)) != 0) {
		drop_keeper(c, r == ERR_NET ? NULL : &e);
		return;
	}
	want(c);
}

/* Without memory for an answer he had better come again. */
static void
drop_unanswered(struct courier *c, int r)
{
	struct err e = {0};

	(void)err_set(&e, r, "answer: %s", err_text(r));
	drop_keeper(c, &e);
}

static void
send_or_drop(struct courier *c, uint16_t type, uint32_t id, struct buf *b,
    int r)
{
	if (r == 0)
		send_frame(c, type, id, b);
	else
		drop_unanswered(c, r);
	buf_free(b);
}

static void
say_ca(struct courier *c)
{
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, 4096)) == 0 &&
	    (r = buf_put_u8(b, c->up ? 1 : 0)) == 0 && !c->up)
		r = buf_put_cstring(b,
		    c->why.msg[0] != '\0' ? c->why.msg : "not connected yet");
	send_or_drop(c, MSG_CA, 0, b, r);
}

static void
answer(struct courier *c, const struct ask *a, uint8_t status,
    struct slice body)
{
	struct buf *b = NULL;
	int r;

	if (a->keeper != c->keeper || c->chan == NULL)
		return;
	if ((r = buf_new(&b, RESULT_MAX + 64)) == 0 &&
	    (r = buf_put_u8(b, status)) == 0)
		r = buf_put_string(b, body.p, body.n);
	send_or_drop(c, MSG_ANSWERED, a->id, b, r);
}

static void
answer_failure(struct courier *c, const struct ask *a, const struct err *why)
{
	struct str s = STR_INIT;
	int r;

	if (a->keeper != c->keeper)
		return; /* whose it was is gone */
	front_failure(NULL, FORM_JSON, why, &s);
	if ((r = str_check(&s)) == 0)
		answer(c, a, (uint8_t)cli_exit_status(why->code),
		    slice_of(s.p, s.n));
	else
		drop_unanswered(c, r);
	str_clear(&s);
}

/* --- questions ------------------------------------------------------------ */

static void
ask_free(struct courier *c, struct ask *a)
{
	TAILQ_REMOVE(&c->asks, a, link);
	if (!a->sent)
		c->n_waiting--;
	c->n_bytes -= a->n;
	free(a->body);
	free(a);
}

static void
on_answer(void *ctx, const struct net_client_answer *x)
{
	struct ask *a = ctx;
	struct courier *c = a->courier;

	if (!x->last)
		return;
	if (x->why != NULL)
		answer_failure(c, a, x->why);
	else
		answer(c, a, x->status, x->body);
	ask_free(c, a);
}

/* As many as may be open at once; what waits longer than the CA is there is
 * answered. */
static void
send_asks(struct courier *c)
{
	struct ask *a = TAILQ_FIRST(&c->asks), *next;

	for (; a != NULL; a = next) {
		struct err e = {0};
		int r;

		next = TAILQ_NEXT(a, link);
		if (a->sent)
			continue;
		if (c->up && net_client_open(c->client) >= WIRE_OPEN_MAX)
			return;
		r = c->up ? net_client_call(c->client,
				slice_of((uint8_t *)a->body, a->n),
				COURIER_ANSWER_MS, on_answer, a, &e)
			  : err_set(&e, ERR_NET, "the CA is not there: %s",
				c->why.msg[0] != '\0' ? c->why.msg
						      : "not connected yet");
		if (r == 0) {
			a->sent = true;
			c->n_waiting--;
			continue;
		}
		answer_failure(c, a, &e);
		ask_free(c, a);
	}
}

/* Hosts may all want a certificate at once: that is no fault of the keeper's, who
 * asks for each again. */
static int
say_busy(struct courier *c, uint32_t id)
{
	const struct ask a = {.id = id, .keeper = c->keeper};
	struct err busy = {0};

	(void)err_set(&busy, ERR_BUSY,
	    "more than %d questions, or %d bytes, wait for the CA",
	    COURIER_QUEUE_MAX, COURIER_QUEUE_BYTES);
	answer_failure(c, &a, &busy);
	return 0;
}

static int
on_ask(void *ctx, const struct frame *f, struct err *e)
{
	struct courier *c = ctx;
	struct view v = view_slice(f->payload);
	struct slice body;
	struct ask *a;
	int r;

	if ((r = view_get_string(&v, &body)) != 0 || (r = view_end(&v)) != 0 ||
	    body.n == 0)
		return err_set(e, ERR_PARSE, "a question that cannot be read");
	if (c->n_waiting >= COURIER_QUEUE_MAX ||
	    c->n_bytes + body.n > COURIER_QUEUE_BYTES)
		return say_busy(c, f->id);
	if ((a = calloc(1, sizeof(*a))) == NULL ||
	    (a->body = str_dupn(body.p, body.n)) == NULL) {
		free(a);
		return err_nomem(e);
	}
	a->courier = c;
	a->id = f->id;
	a->keeper = c->keeper;
	a->n = body.n;
	c->n_waiting++;
	c->n_bytes += a->n;
	TAILQ_INSERT_TAIL(&c->asks, a, link);
	return 0;
}

/* --- the keeper's socket -------------------------------------------------- */

static const struct frame_rule rules[] = {
    {MSG_ASK, 0, CALL_MAX + 64, "ask", on_ask},
};

static int
read_frames(struct courier *c, struct err *e)
{
	struct frame f;
	int closed, r;

	if ((closed = chan_read(c->chan, e)) < 0)
		return closed;
	/* Who could not be answered is gone. */
	while (c->chan != NULL && (r = chan_next(c->chan, &f, e)) != CHAN_NONE)
		if (r != 0 ||
		    (r = frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]),
			 0, c, &f, e)) != 0)
			return r;
	return closed;
}

static void
on_keeper(void *ctx, uint32_t events)
{
	struct courier *c = ctx;
	struct err e = {0};
	int r = 0;

	if ((events & EPOLLOUT) != 0)
		r = chan_flush(c->chan, &e);
	if (r == 0)
		r = read_frames(c, &e);
	if (r == CHAN_CLOSED || r == ERR_NET)
		drop_keeper(c, NULL);
	else if (r != 0)
		drop_keeper(c, &e);
	else
		want(c);
}

static int
take_keeper(struct courier *c, int fd, struct err *e)
{
	int r;

	if ((r = socket_check_peer(fd, c->s.keeper, e)) == 0 && c->chan != NULL)
		r = err_set(e, ERR_BUSY, "a keeper is there already");
	if (r == 0)
		r = chan_new(fd, &c->chan, e);
	if (r != 0) {
		(void)close(fd);
		return r;
	}
	c->keeper++;
	if ((r = loop_add(c->loop, fd, EPOLLIN, on_keeper, c, &c->watch, e)) !=
	    0) {
		chan_free(c->chan);
		c->chan = NULL;
		return r;
	}
	say_ca(c);
	return 0;
}

static void
on_listen(void *ctx, uint32_t events)
{
	struct courier *c = ctx;
	struct err e = {0};
	int fd = -1, r;

	(void)events;
	if ((r = socket_accept(c->s.listen_fd, &fd, &e)) == 1)
		return;
	if (r != 0 || take_keeper(c, fd, &e) != 0)
		plog_err(PLOG_WARN, &e, "connection refused", NULL);
}

/* --- the CA --------------------------------------------------------------- */

static void
on_up(void *ctx)
{
	struct courier *c = ctx;

	c->up = true;
	c->backoff = c->s.first_ms;
	c->why = (struct err){0};
	plog(PLOG_INFO, "connected to the CA", "host", c->s.host, NULL);
	say_ca(c);
}

static void
away(struct courier *c, const struct err *why)
{
	/* Said once, until it is another reason or it was there again. */
	if (c->up || strcmp(c->why.msg, why->msg) != 0)
		plog_err(PLOG_WARN, why, "the CA is not there", "host",
		    c->s.host, NULL);
	c->up = false;
	c->why = *why;
	c->retry = loop_now(c->loop) + c->backoff;
	c->backoff =
	    c->backoff * 2 > COURIER_MOST_MS ? COURIER_MOST_MS : c->backoff * 2;
	say_ca(c);
}

static void
on_down(void *ctx, const struct err *why)
{
	struct courier *c = ctx;

	c->ended = true;
	away(c, why);
}

static void
connect_to(struct courier *c)
{
	static const struct net_client_ops ops = {.up = on_up, .down = on_down};
	const struct net_client_options o = {.host = c->s.host,
	    .port = c->s.port,
	    .host_keys = &c->s.host_key,
	    .n_host_keys = 1,
	    .key = c->s.key,
	    .subsystem = "writ"};
	struct err e = {0};

	if (net_client_new(c->loop, &o, &ops, c, &c->client, &e) != 0)
		away(c, &e);
}

/* --- all of it ------------------------------------------------------------ */

int
courier_new(struct loop *l, const struct courier_setup *s, struct courier **out,
    struct err *e)
{
	struct courier *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	c->loop = l;
	c->s = *s;
	if (c->s.first_ms == 0)
		c->s.first_ms = COURIER_FIRST_MS;
	c->backoff = c->s.first_ms;
	TAILQ_INIT(&c->asks);
	if ((r = loop_add(l, s->listen_fd, EPOLLIN, on_listen, c, &c->listening,
		 e)) != 0) {
		free(c);
		return r;
	}
	*out = c;
	return 0;
}

void
courier_free(struct courier *c)
{
	struct ask *a, *next;

	if (c == NULL)
		return;
	net_client_free(c->client);
	for (a = TAILQ_FIRST(&c->asks); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		free(a->body);
		free(a);
	}
	drop_keeper(c, NULL);
	watch_free(c->listening, false);
	free(c);
}

static int
sooner(int a, int64_t b)
{
	if (b < 0)
		b = 0;
	return a < 0 || b < a ? (int)b : a;
}

int
courier_turn(struct courier *c)
{
	int64_t now = loop_now(c->loop);
	int wait = -1;

	if (c->ended) {
		net_client_free(c->client);
		c->client = NULL;
		c->ended = false;
	}
	if (c->client == NULL && now >= c->retry)
		connect_to(c);
	send_asks(c);
	if (c->client != NULL)
		wait = net_client_turn(c->client);
	if (c->client == NULL || c->ended)
		wait = sooner(wait, c->ended ? 0 : c->retry - now);
	return wait;
}
