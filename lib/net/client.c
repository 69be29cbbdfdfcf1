/* SPDX-License-Identifier: ISC */
/* What the owner of a client calls. */
#include <stdlib.h>
#include <string.h>

#include "lib/net/client_impl.h"

#define CONNECT_MS   20000
#define KEEPALIVE_MS 30000

void
client_fail(struct net_client *c, int code, const char *fmt, ...)
{
	va_list ap;

	if (c->failed)
		return;
	va_start(ap, fmt);
	(void)err_vset(&c->err, code, fmt, ap);
	va_end(ap);
	err_prefix(&c->err, "%s", c->name);
	c->failed = true;
}

/* --- begin and end -------------------------------------------------------- */

static int
take_host_keys(struct net_client *c, const struct net_client_options *o,
    struct err *e)
{
	int r;

	if (o->n_host_keys == 0 || o->n_host_keys > NET_CLIENT_KEYS_MAX)
		return err_set(e, ERR_USAGE,
		    "a connection needs 1 to %d host keys to trust",
		    NET_CLIENT_KEYS_MAX);
	for (size_t i = 0; i < o->n_host_keys; i++) {
		r = pubkey_parse_line(o->host_keys[i], strlen(o->host_keys[i]),
		    &c->host_keys[i], NULL, e);
		if (r != 0) {
			err_prefix(e, "the host key to trust");
			return r;
		}
		c->n_host_keys++;
	}
	return 0;
}

static int
take_key(struct net_client *c, const struct net_client_options *o,
    struct err *e)
{
	if (ssh_pki_import_privkey_base64(o->key, NULL, NULL, NULL, &c->key) !=
	    SSH_OK)
		return err_set(e, ERR_PARSE,
		    "the transport key is no private key in OpenSSH's format");
	return 0;
}

static int
set_name(struct net_client *c, const struct net_client_options *o)
{
	struct str s = STR_INIT;

	str_addf(&s, strchr(o->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    o->host, o->port);
	return str_take(&s, &c->name);
}

int
net_client_new(struct loop *l, const struct net_client_options *o,
    const struct net_client_ops *ops, void *ctx, struct net_client **out,
    struct err *e)
{
	struct net_client *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	c->loop = l;
	c->ops = *ops;
	c->ctx = ctx;
	c->fd = c->ssh_fd = -1;
	c->look = o->look;
	c->connect_ms = o->connect_ms != 0 ? o->connect_ms : CONNECT_MS;
	c->keepalive_ms = o->keepalive_ms != 0 ? o->keepalive_ms : KEEPALIVE_MS;
	STAILQ_INIT(&c->out);
	c->user = str_dup(o->user != NULL ? o->user : "writ");
	if (set_name(c, o) != 0 || c->user == NULL ||
	    (!o->look && (c->subsystem = str_dup(o->subsystem)) == NULL) ||
	    wire_reader_new(WIRE_ANSWER, &c->reader) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if (!o->look &&
	    ((r = take_host_keys(c, o, e)) != 0 ||
		(r = take_key(c, o, e)) != 0))
		goto out;
	if ((r = client_conn_begin(c, o, e)) != 0)
		goto out;
	*out = c;
	return 0;
out:
	net_client_free(c);
	return r;
}

void
net_client_free(struct net_client *c)
{
	if (c == NULL)
		return;
	client_conn_end(c);
	client_channel_clear(c);
	wire_reader_free(c->reader);
	for (size_t i = 0; i < c->n_host_keys; i++)
		pubkey_free(c->host_keys[i]);
	ssh_key_free(c->key); /* wipes it; NULL is fine */
	free(c->subsystem);
	free(c->user);
	free(c->name);
	free(c);
}

/* --- timers --------------------------------------------------------------- */

static void
end_call(struct net_client *c, struct client_call *k, const struct err *why)
{
	struct net_client_answer a = {.last = true, .why = why};
	net_client_fn *fn = k->fn;

	k->fn = NULL;
	if (fn != NULL)
		fn(k->ctx, &a);
	c->told = true;
}

/* Give up what takes too long.  The row stays taken until the peer has answered:
 * its number must not be another call's meanwhile. */
static void
expire_calls(struct net_client *c, int64_t now)
{
	struct err e = {0};

	for (size_t i = 0; i < WIRE_OPEN_MAX; i++) {
		struct client_call *k = &c->calls[i];

		if (k->id == 0 || k->fn == NULL || k->deadline < 0 ||
		    k->deadline > now)
			continue;
		(void)err_set(&e, ERR_NET, "%s: no answer within the time",
		    c->name);
		end_call(c, k, &e);
	}
}

/* A peer that is silent is asked for a sign of life, once. */
static void
keep_alive(struct net_client *c, int64_t now)
{
	if (c->in.in_packets != c->heard_packets) {
		c->heard_packets = c->in.in_packets;
		c->heard = now;
		c->asked = false;
	}
	if (now - c->heard >= 2 * (int64_t)c->keepalive_ms)
		client_fail(c, ERR_NET, "it gives no sign of life");
	else if (!c->asked && now - c->heard >= c->keepalive_ms) {
		c->asked = true;
		/* One that was answered is taken note of by the next call, which
		   then sends none.  Whether it leaves is seen by what comes
		   back. */
		if (c->asked_before)
			(void)ssh_send_keepalive(c->session);
		(void)ssh_send_keepalive(c->session);
		c->asked_before = true;
	}
}

static void
go_down(struct net_client *c)
{
	struct err why = c->err;

	client_conn_end(c);
	c->state = CLIENT_DOWN;
	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		if (c->calls[i].id != 0) {
			end_call(c, &c->calls[i], &why);
			c->calls[i].id = 0;
		}
	client_channel_clear(c);
	c->ops.down(c->ctx, &why);
}

static void
sooner(int64_t at, int64_t now, int64_t *left)
{
	int64_t ms = at > now ? at - now : 0;

	if (*left < 0 || ms < *left)
		*left = ms;
}

static int
next_turn(const struct net_client *c, int64_t now)
{
	int64_t left = -1;

	if (c->state == CLIENT_UP && client_channel_can_send(c))
		return 0; /* a callback made a call */
	if (c->state != CLIENT_UP)
		sooner(c->deadline, now, &left);
	else
		sooner(c->heard + (c->asked ? 2 : 1) * (int64_t)c->keepalive_ms,
		    now, &left);
	if (c->state == CLIENT_TCP)
		sooner(c->tcp_until, now, &left);
	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		if (c->calls[i].id != 0 && c->calls[i].fn != NULL &&
		    c->calls[i].deadline >= 0)
			sooner(c->calls[i].deadline, now, &left);
	return (int)left;
}

int
net_client_turn(struct net_client *c)
{
	int64_t now = loop_now(c->loop);

	if (c->state == CLIENT_DOWN)
		return -1;
	c->told = false;
	/* What was queued by the owner since, or left in libssh. */
	client_conn_work(c);
	if (c->state != CLIENT_UP && now >= c->deadline)
		client_fail(c, ERR_NET, "it does not answer");
	if (c->state == CLIENT_TCP && !c->failed)
		client_conn_time(c);
	if (c->state == CLIENT_UP && !c->failed)
		keep_alive(c, now);
	expire_calls(c, now);
	if (c->failed) {
		go_down(c);
		return 0;
	}
	return c->told ? 0 : next_turn(c, now);
}

/* --- calls ---------------------------------------------------------------- */

static struct client_call *
free_row(struct net_client *c)
{
	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		if (c->calls[i].id == 0)
			return &c->calls[i];
	return NULL;
}

static int
queue(struct net_client *c, uint32_t id, struct slice body, struct err *e)
{
	struct wire_frame f = {.id = id, .body = body};
	struct client_chunk *k;
	struct buf *b = NULL;
	int r;

	if ((r = buf_new(&b, WIRE_CALL_MAX + WIRE_HEAD_MAX)) != 0 ||
	    (r = wire_put(b, WIRE_CALL, &f)) != 0) {
		(void)err_set(e, r, "%s: write a call: %s", c->name,
		    err_text(r));
		goto out;
	}
	if (buf_len(b) > NET_CLIENT_OUT_MAX - c->n_out) {
		r = err_set(e, ERR_LIMIT,
		    "%s: it does not read, and too much waits for it", c->name);
		goto out;
	}
	if ((k = malloc(sizeof(*k) + buf_len(b))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	k->n = buf_len(b);
	k->done = 0;
	memcpy(k->bytes, buf_slice(b).p, k->n);
	STAILQ_INSERT_TAIL(&c->out, k, link);
	c->n_out += k->n;
out:
	buf_free(b);
	return r;
}

int
net_client_call(struct net_client *c, struct slice body, int ms,
    net_client_fn *fn, void *ctx, struct err *e)
{
	struct client_call *k = free_row(c);
	uint32_t id = c->last_id + 1 == 0 ? 1 : c->last_id + 1;
	int r;

	if (c->look)
		return err_set(e, ERR_USAGE, "%s: no calls to it", c->name);
	if (c->state == CLIENT_DOWN || c->failed)
		return err_set(e, ERR_NET, "%s: the connection is lost",
		    c->name);
	if (k == NULL)
		return err_set(e, ERR_LIMIT, "%s: %d calls are open", c->name,
		    WIRE_OPEN_MAX);
	if ((r = queue(c, id, body, e)) != 0)
		return r;
	c->last_id = id;
	k->id = id;
	k->fn = fn;
	k->ctx = ctx;
	k->deadline = ms < 0 ? -1 : loop_now(c->loop) + ms;
	return 0;
}

/* --- what the owner may know ---------------------------------------------- */

bool
net_client_is_up(const struct net_client *c)
{
	return c->state == CLIENT_UP && !c->failed;
}

bool
net_client_is_down(const struct net_client *c)
{
	return c->state == CLIENT_DOWN;
}

const struct hash *
net_client_host_key(const struct net_client *c)
{
	return c->has_shown ? &c->shown : NULL;
}

int64_t
net_client_heard(const struct net_client *c)
{
	return c->heard;
}

unsigned
net_client_open(const struct net_client *c)
{
	unsigned n = 0;

	for (size_t i = 0; i < WIRE_OPEN_MAX; i++)
		n += c->calls[i].id != 0;
	return n;
}
