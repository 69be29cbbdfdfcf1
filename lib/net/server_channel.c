/* SPDX-License-Identifier: ISC */
/* A peer's one session: what it asks for and what it says. */
#include <stdlib.h>
#include <string.h>

#include "lib/net/server_impl.h"

#define PULL 16384

/* --- what libssh calls ---------------------------------------------------- */

/*
 * How much of it we take.  What we leave stays in libssh, which then does not
 * open its window further: the peer waits, and nobody else.
 */
static int
on_data(ssh_session session, ssh_channel channel, void *data, uint32_t len,
    int is_stderr, void *ctx)
{
	struct net_peer *p = ctx;
	struct slice s = slice_of(data, len);
	size_t took = 0, room;

	(void)session;
	(void)channel;
	p->dirty = true;
	if (is_stderr != 0 || p->state == PEER_WORDS ||
	    p->state == PEER_CLOSING || p->too_long)
		return (int)len; /* nobody reads it */
	if (p->state == PEER_INPUT) {
		room = NET_INPUT_MAX - buf_len(p->input);
		p->too_long = len > room;
		if (!p->too_long && buf_put_slice(p->input, s) != 0)
			peer_fail(p, "no memory for its input");
		return (int)len;
	}
	if (p->state != PEER_CALLS || p->n_out > OUT_PAUSE || p->held) {
		p->held = true;
		return 0;
	}
	if (wire_feed(p->reader, s, &took) != 0)
		peer_fail(p, "no memory for its call");
	p->held = took < len;
	return (int)took;
}

static void
on_eof(ssh_session session, ssh_channel channel, void *ctx)
{
	struct net_peer *p = ctx;

	(void)session;
	(void)channel;
	p->eof = true;
	p->dirty = true;
}

static void
on_close(ssh_session session, ssh_channel channel, void *ctx)
{
	(void)session;
	(void)channel;
	peer_fail(ctx, "the peer closed");
}

/* One request for one session: 0 accepts. */
static int
begin(struct net_peer *p, const char *words)
{
	if (p->state != PEER_UP || p->words != NULL ||
	    strlen(words) > NET_WORDS_MAX || buf_new(&p->input, NET_INPUT_MAX))
		return 1;
	if ((p->words = str_dup(words)) == NULL)
		return 1;
	p->state = PEER_INPUT;
	p->dirty = true;
	return 0;
}

static int
on_exec(ssh_session session, ssh_channel channel, const char *words, void *ctx)
{
	(void)session;
	(void)channel;
	return begin(ctx, words);
}

static int
on_shell(ssh_session session, ssh_channel channel, void *ctx)
{
	(void)session;
	(void)channel;
	return begin(ctx, "");
}

static int
on_subsystem(ssh_session session, ssh_channel channel, const char *name,
    void *ctx)
{
	struct net_peer *p = ctx;

	(void)session;
	(void)channel;
	if (p->state != PEER_UP || strcmp(name, p->server->subsystem) != 0 ||
	    wire_reader_new(WIRE_CALL, &p->reader) != 0)
		return 1;
	p->state = PEER_CALLS;
	p->dirty = true;
	return 0;
}

ssh_channel
channel_open(ssh_session session, void *ctx)
{
	struct net_peer *p = ctx;

	/* person is set where a signature was checked, and nowhere else. */
	if (p->person == NULL || p->channel != NULL || p->why != NULL ||
	    (p->channel = ssh_channel_new(session)) == NULL)
		return NULL;
	ssh_callbacks_init(&p->channel_cb);
	p->channel_cb.userdata = p;
	p->channel_cb.channel_data_function = on_data;
	p->channel_cb.channel_eof_function = on_eof;
	p->channel_cb.channel_close_function = on_close;
	p->channel_cb.channel_exec_request_function = on_exec;
	p->channel_cb.channel_shell_request_function = on_shell;
	p->channel_cb.channel_subsystem_request_function = on_subsystem;
	if (ssh_set_channel_callbacks(p->channel, &p->channel_cb) != SSH_OK)
		peer_fail(p, "libssh takes no callbacks");
	p->dirty = true;
	return p->channel;
}

/* --- what the loop does with it ------------------------------------------- */

/* Take what was left in libssh, as far as there is room for it. */
static void
pull(struct net_peer *p)
{
	uint8_t bytes[PULL];
	size_t room = WIRE_CALL_MAX + WIRE_HEAD_MAX - wire_pending(p->reader);
	size_t took = 0;
	int n;

	if (room > sizeof(bytes))
		room = sizeof(bytes);
	n = ssh_channel_read_nonblocking(p->channel, bytes, (uint32_t)room, 0);
	if (n <= 0) { /* at the end, too */
		p->held = false;
		return;
	}
	p->dirty = true;
	if (wire_feed(p->reader, slice_of(bytes, (size_t)n), &took) != 0 ||
	    took != (size_t)n)
		peer_fail(p, "no memory for its call");
}

static void
refuse_frame(struct net_peer *p, const struct err *e)
{
	struct str s = STR_INIT;

	str_addf(&s, "%s\n", e->msg);
	net_peer_error(p, s.p);
	net_peer_exit(p, STATUS_INPUT);
	str_clear(&s);
}

static void
work_calls(struct net_peer *p)
{
	struct net_server *s = p->server;
	struct wire_frame f;
	struct err e = {0};
	int r = 0;

	while (p->why == NULL && !p->exiting && p->n_out <= OUT_PAUSE) {
		if ((r = wire_next(p->reader, &f, &e)) == 0) {
			p->open++;
			p->since = loop_now(s->loop);
			s->ops.call(s->ctx, p, f.id, f.body);
		} else if (r == WIRE_NONE && p->held) {
			pull(p);
		} else
			break;
	}
	if (r == ERR_PARSE)
		refuse_frame(p, &e);
	if (p->why != NULL || p->exiting || !p->eof || p->held ||
	    r != WIRE_NONE || p->open > 0)
		return;
	if (wire_pending(p->reader) > 0) {
		(void)err_set(&e, ERR_PARSE, "the last frame is not whole");
		refuse_frame(p, &e);
		return;
	}
	net_peer_exit(p, 0);
}

static void
work_input(struct net_peer *p)
{
	struct net_server *s = p->server;
	bool takes = s->ops.takes_input(s->ctx, p->words);
	struct slice in = slice_of(NULL, 0);

	if (p->too_long && takes) {
		net_peer_error(p, "standard input is longer than 1 MiB\n");
		net_peer_exit(p, STATUS_INPUT);
		p->state = PEER_WORDS;
		return;
	}
	if (takes && !p->eof)
		return;
	if (takes)
		in = buf_slice(p->input);
	p->state = PEER_WORDS;
	p->open = 1;
	s->ops.words(s->ctx, p, p->words, in);
	buf_free(p->input);
	p->input = NULL;
}

void
channel_work(struct net_peer *p)
{
	uint8_t bytes[PULL];

	/* What came before the request was not taken then. */
	if (p->held && p->state != PEER_CALLS && p->state != PEER_UP) {
		int n = ssh_channel_read_nonblocking(p->channel, bytes,
		    sizeof(bytes), 0);

		p->held = n > 0;
		if (n > 0)
			(void)on_data(p->session, p->channel, bytes,
			    (uint32_t)n, 0, p);
	}
	if (p->why != NULL)
		return;
	if (p->state == PEER_CALLS)
		work_calls(p);
	else if (p->state == PEER_INPUT && !p->held)
		work_input(p);
}
