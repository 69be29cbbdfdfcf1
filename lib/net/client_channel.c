/* SPDX-License-Identifier: ISC */
/* The channel of a client: answers in, calls out. */
#include <stdlib.h>
#include <string.h>

#include "lib/net/client_impl.h"

#define PULL 16384
#define STEP 65536 /* bytes given to libssh at once */

/* --- what libssh calls ---------------------------------------------------- */

/* What we leave stays in libssh, which then does not open its window further. */
static int
on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
    int is_stderr, void *ctx)
{
	struct net_client *c = ctx;
	size_t took = 0;

	(void)session;
	(void)channel;
	if (is_stderr != 0 || c->failed)
		return (int)len; /* nobody reads it */
	if (c->held)
		return 0;
	if (wire_feed(c->reader, slice_of(data, len), &took) != 0)
		client_fail(c, ERR_NOMEM, "no memory for its answer");
	c->held = took < len;
	return (int)took;
}

static void
on_end(ssh_session session, ssh_channel channel, void *ctx)
{
	struct net_client *c = ctx;

	(void)session;
	(void)channel;
	c->eof = true;
}

int
client_channel_new(struct net_client *c)
{
	if ((c->channel = ssh_channel_new(c->session)) == NULL)
		return ERR_NOMEM;
	ssh_callbacks_init(&c->channel_cb);
	c->channel_cb.userdata = c;
	c->channel_cb.channel_data_function = on_data;
	c->channel_cb.channel_eof_function = on_end;
	c->channel_cb.channel_close_function = on_end;
	if (ssh_set_channel_callbacks(c->channel, &c->channel_cb) != SSH_OK)
		return ERR_NOMEM;
	return 0;
}

/* --- answers -------------------------------------------------------------- */

static void
give(struct net_client *c, const struct wire_frame *f)
{
	struct net_client_answer a = {
	    .last = f->last, .status = f->status, .body = f->body};
	struct client_call *k = NULL;

	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		if (c->calls[i].id == f->id)
			k = &c->calls[i];
	if (k == NULL) {
		client_fail(c, ERR_PARSE, "an answer came to no call");
		return;
	}
	if (f->last)
		k->id = 0; /* the callback may take the row for its next */
	c->told = true;
	if (k->fn != NULL)
		k->fn(k->ctx, &a);
}

/* Take what was left in libssh, as far as there is room for it. */
static void
pull(struct net_client *c)
{
	uint8_t bytes[PULL];
	size_t room = WIRE_ANSWER_MAX + WIRE_HEAD_MAX - wire_pending(c->reader);
	size_t took = 0;
	int n;

	if (room > sizeof(bytes))
		room = sizeof(bytes);
	n = ssh_channel_read_nonblocking(c->channel, bytes, (uint32_t)room, 0);
	if (n <= 0) { /* at the end, too */
		c->held = false;
		return;
	}
	if (wire_feed(c->reader, slice_of(bytes, (size_t)n), &took) != 0 ||
	    took != (size_t)n)
		client_fail(c, ERR_NOMEM, "no memory for its answer");
}

static void
take_answers(struct net_client *c)
{
	struct wire_frame f;
	struct err e = {0};
	int r = WIRE_NONE;

	while (!c->failed) {
		if ((r = wire_next(c->reader, &f, &e)) == 0)
			give(c, &f);
		else if (r == WIRE_NONE && c->held)
			pull(c);
		else
			break;
	}
	if (c->failed)
		return;
	if (r < 0)
		client_fail(c, r, "%s", e.msg[0] != '\0' ? e.msg : err_text(r));
	else if (c->eof || ssh_channel_is_closed(c->channel))
		client_fail(c, ERR_NET, "the connection is lost");
}

/* --- calls ---------------------------------------------------------------- */

bool
client_channel_can_send(const struct net_client *c)
{
	return c->channel != NULL && !c->failed && !STAILQ_EMPTY(&c->out) &&
	    !(ssh_get_poll_flags(c->session) & SSH_WRITE_PENDING) &&
	    ssh_channel_window_size(c->channel) > 0;
}

static void
drop_first(struct net_client *c)
{
	struct client_chunk *k = STAILQ_FIRST(&c->out);

	STAILQ_REMOVE_HEAD(&c->out, link);
	c->n_out -= k->n;
	free(k);
}

/* libssh buffers without a bound, so nothing is given to it that cannot leave. */
static void
send_calls(struct net_client *c)
{
	while (client_channel_can_send(c)) {
		struct client_chunk *k = STAILQ_FIRST(&c->out);
		size_t n = k->n - k->done < STEP ? k->n - k->done : STEP;
		int r = ssh_channel_write(c->channel, k->bytes + k->done,
		    (uint32_t)n);

		if (r < 0)
			client_fail(c, ERR_NET, "the connection is lost");
		if (r <= 0)
			return;
		if ((k->done += (size_t)r) == k->n)
			drop_first(c);
	}
}

void
client_channel_work(struct net_client *c)
{
	/* Writing reads as well, behind our back: what came then is looked at
	   before we wait for more. */
	take_answers(c);
	if (c->failed)
		return;
	send_calls(c);
	take_answers(c);
}

void
client_channel_clear(struct net_client *c)
{
	while (!STAILQ_EMPTY(&c->out))
		drop_first(c);
}
