/* SPDX-License-Identifier: ISC */
/*
 * What a peer is told: a queue of its own, moved into libssh when the socket has
 * taken all that went before and the peer's window is open.  libssh buffers
 * without a bound, so nothing is given to it that cannot leave.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/net/server_impl.h"

/*
 * Bytes given to libssh at once.  Two of its buffers, what it encrypts and what
 * waits for the socket, grow to the power of two that holds them with the
 * packet's own bytes, and stay so as long as the session: 4 kB each.
 */
#define STEP  (4096 - 256)
#define STEPS 16   /* for one peer before others have their turn */
#define CHUNK 8192 /* small answers share that much */

static void
drop_first(struct net_peer *p)
{
	struct chunk *c = TAILQ_FIRST(&p->out);

	TAILQ_REMOVE(&p->out, c, link);
	p->n_out -= c->n;
	p->server->counts.out -= c->n;
	free(c);
}

void
out_clear(struct net_peer *p)
{
	while (!TAILQ_EMPTY(&p->out))
		drop_first(p);
}

/* Room for n bytes at the end of the queue; NULL: the peer is cut off. */
static uint8_t *
append(struct net_peer *p, size_t n, bool err)
{
	struct net_server *s = p->server;
	struct chunk *c = TAILQ_LAST(&p->out, chunks);
	size_t cap = n > CHUNK ? n : CHUNK;
	uint8_t *to;

	if (p->why != NULL || p->exiting)
		return NULL;
	if (n > NET_OUT_MAX - p->n_out || s->counts.out > NET_OUT_ALL - n) {
		peer_fail(p, "does not read, and too much waits for it");
		return NULL;
	}
	if (p->n_out == 0)
		p->since = loop_now(s->loop);
	/* Small answers share a chunk, and so a packet. */
	if (c == NULL || c->err != err || c->cap - c->n < n) {
		if ((c = malloc(sizeof(*c) + cap)) == NULL) {
			peer_fail(p, "no memory for its answer");
			return NULL;
		}
		c->n = c->done = 0;
		c->cap = cap;
		c->err = err;
		TAILQ_INSERT_TAIL(&p->out, c, link);
	}
	to = c->bytes + c->n;
	c->n += n;
	p->n_out += n;
	s->counts.out += n;
	peer_mark(p);
	return to;
}

void
net_peer_answer(struct net_peer *p, uint32_t id, bool last, uint8_t status,
    struct slice body)
{
	struct wire_frame f = {id, last, status, body};
	struct buf *head = NULL;
	uint8_t *to;

	if (last && p->open > 0)
		p->open--;
	if (buf_new(&head, WIRE_HEAD_MAX) != 0 ||
	    wire_put_head(head, WIRE_ANSWER, &f) != 0)
		peer_fail(p, "no memory for its answer, or too long a one");
	else if ((to = append(p, buf_len(head) + body.n, false)) != NULL) {
		memcpy(to, buf_slice(head).p, buf_len(head));
		memcpy(to + buf_len(head), body.p, body.n);
	}
	buf_free(head);
	p->since = loop_now(p->server->loop);
}

static void
say(struct net_peer *p, struct slice text, bool err)
{
	uint8_t *to;

	if (text.n > 0 && (to = append(p, text.n, err)) != NULL)
		memcpy(to, text.p, text.n);
}

void
net_peer_text(struct net_peer *p, struct slice text)
{
	say(p, text, false);
}

void
net_peer_error(struct net_peer *p, const char *text)
{
	say(p, slice_str(text), true);
}

void
net_peer_exit(struct net_peer *p, uint8_t status)
{
	if (p->exiting)
		return;
	p->exiting = true;
	p->status = status;
	p->open = 0;
	peer_mark(p);
}

/* Everything is said: the status, and the end. */
static void
goodbye(struct net_peer *p)
{
	p->state = PEER_CLOSING;
	p->since = loop_now(p->server->loop);
	if (ssh_channel_request_send_exit_status(p->channel, p->status) !=
		SSH_OK ||
	    ssh_channel_send_eof(p->channel) != SSH_OK ||
	    ssh_channel_close(p->channel) != SSH_OK)
		peer_fail(p, "the connection ended");
}

static bool
can_write(struct net_peer *p)
{
	return p->why == NULL && !TAILQ_EMPTY(&p->out) &&
	    !(ssh_get_poll_flags(p->session) & SSH_WRITE_PENDING) &&
	    ssh_channel_window_size(p->channel) > 0;
}

void
out_flush(struct net_peer *p)
{
	struct chunk *c = TAILQ_FIRST(&p->out), *next;
	size_t n;
	int r;

	for (int i = 0; i < STEPS && c != NULL && can_write(p); i++) {
		n = c->n - c->done < STEP ? c->n - c->done : STEP;
		r = c->err ? ssh_channel_write_stderr(p->channel,
				 c->bytes + c->done, (uint32_t)n)
			   : ssh_channel_write(p->channel, c->bytes + c->done,
				 (uint32_t)n);
		if (r < 0)
			peer_fail(p, "the connection ended");
		if (r <= 0)
			return;
		p->since = loop_now(p->server->loop);
		if ((c->done += (size_t)r) == c->n) {
			next = TAILQ_NEXT(c, link);
			drop_first(p);
			c = next;
		}
	}
	if (p->why == NULL && p->exiting && TAILQ_EMPTY(&p->out) &&
	    p->state != PEER_CLOSING)
		goodbye(p);
	else if (can_write(p))
		peer_mark(p);
}
