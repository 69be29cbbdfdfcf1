/* SPDX-License-Identifier: ISC */
/* The connection of a client: from an address to the subsystem. */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/net/algorithms.h"
#include "lib/net/client_impl.h"

#define TCP_MS        10000 /* for one address of several */
#define DEAD_AFTER_MS 60000 /* without a word from the peer's kernel */
#define POLLS_A_TURN  8

/* --- TCP ------------------------------------------------------------------ */

static const char *
why_not(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return "nobody listens there";
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EADDRNOTAVAIL:
		return "there is no way to it";
	case ETIMEDOUT:
		return "it does not answer";
	default:
		return strerror(error);
	}
}

static void on_socket(void *ctx, uint32_t events);

static void
close_socket(struct net_client *c)
{
	watch_free(c->watch, false);
	c->watch = NULL;
	if (c->fd != -1)
		(void)close(c->fd); /* nothing was written */
	c->fd = -1;
}

/* Each option may fail: the connection is slower or longer dead then. */
static int
try_address(struct net_client *c)
{
	const int on = 1;
	const unsigned dead = DEAD_AFTER_MS;

	c->fd = socket(c->at->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1)
		return errno;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead,
	    sizeof(dead));
	if (connect(c->fd, c->at->ai_addr, c->at->ai_addrlen) == -1 &&
	    errno != EINPROGRESS)
		return errno;
	if (loop_add(c->loop, c->fd, EPOLLOUT, on_socket, c, &c->watch, NULL) !=
	    0)
		return ENOMEM;
	c->tcp_until = loop_now(c->loop) + TCP_MS;
	return 0;
}

/* This address is none, for that reason: the next one. */
static void
next_address(struct net_client *c, int error)
{
	while (c->at != NULL && error != 0) {
		close_socket(c);
		if ((c->at = c->at->ai_next) != NULL)
			error = try_address(c);
	}
	if (error != 0) {
		errno = error;
		client_fail(c, ERR_NET, "%s", why_not(error));
	}
}

void
client_conn_time(struct net_client *c)
{
	if (loop_now(c->loop) >= c->tcp_until)
		next_address(c, ETIMEDOUT);
}

/* --- SSH ------------------------------------------------------------------ */

/* The signature algorithms of the keys that we trust, or libssh would ask for
 * one that the host has and we do not know. */
static void
host_key_types(const struct net_client *c, struct str *out)
{
	for (size_t i = 0; i < c->n_host_keys; i++) {
		const char *type = pubkey_type_name(c->host_keys[i]);

		if (pubkey_type(c->host_keys[i]) == PUBKEY_RSA)
			type = "rsa-sha2-512,rsa-sha2-256";
		str_addf(out, "%s%s", out->n > 0 ? "," : "", type);
	}
}

static int
set_session(struct net_client *c)
{
	struct str types = STR_INIT;
	const bool no = false;
	struct {
		enum ssh_options_e what;
		const void *value;
	} rows[] = {
	    {SSH_OPTIONS_PROCESS_CONFIG, &no},
	    {SSH_OPTIONS_COMPRESSION, "none"},
	    {SSH_OPTIONS_HOST, "writ"}, /* it is the socket that counts */
	    {SSH_OPTIONS_USER, c->user},
	    {SSH_OPTIONS_SSH_DIR, "/nonexistent"},
	    {SSH_OPTIONS_KNOWNHOSTS, "/dev/null"},
	    {SSH_OPTIONS_GLOBAL_KNOWNHOSTS, "/dev/null"},
	    {SSH_OPTIONS_KEY_EXCHANGE, NET_KEX},
	    {SSH_OPTIONS_CIPHERS_C_S, NET_CIPHERS},
	    {SSH_OPTIONS_CIPHERS_S_C, NET_CIPHERS},
	    {SSH_OPTIONS_HMAC_C_S, NET_MACS},
	    {SSH_OPTIONS_HMAC_S_C, NET_MACS},
	    {SSH_OPTIONS_FD, &c->fd},
	};
	int r = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ssh_options_set(c->session, rows[i].what, rows[i].value) !=
		    0)
			r = ERR_CRYPTO;
	host_key_types(c, &types);
	if (str_check(&types) != 0)
		r = ERR_NOMEM;
	else if (types.n > 0 &&
	    ssh_options_set(c->session, SSH_OPTIONS_HOSTKEYS, types.p) != 0)
		r = ERR_CRYPTO;
	str_clear(&types);
	return r;
}

static void
begin_ssh(struct net_client *c)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error != 0) {
		next_address(c, error);
		return;
	}
	if ((c->session = ssh_new()) == NULL || set_session(c) != 0) {
		client_fail(c, ERR_CRYPTO, "libssh takes no connection");
		return;
	}
	ssh_set_blocking(c->session, 0);
	ssh_set_counters(c->session, &c->raw, &c->in);
	c->ssh_fd = c->fd; /* closed by libssh from the next call on */
	c->fd = -1;
	c->state = CLIENT_KEX;
}

static int
shown_key(struct net_client *c, struct buf *blob)
{
	ssh_key key = NULL;
	char *base64 = NULL;
	int r = ERR_CRYPTO;

	if (ssh_get_server_publickey(c->session, &key) == SSH_OK &&
	    ssh_pki_export_pubkey_base64(key, &base64) == SSH_OK)
		r = base64_decode(base64, strlen(base64), blob);
	ssh_string_free_char(base64);
	ssh_key_free(key);
	return r;
}

/* Is the host who it should be? */
static void
judge_host(struct net_client *c)
{
	char shown[FINGERPRINT_MAX];
	struct buf *blob = NULL;
	bool known = false;

	if (buf_new(&blob, PUBKEY_BLOB_MAX) != 0 || shown_key(c, blob) != 0) {
		client_fail(c, ERR_CRYPTO, "its host key cannot be read");
		goto out;
	}
	hash_sha256(buf_slice(blob).p, buf_len(blob), &c->shown);
	c->has_shown = true;
	for (size_t i = 0; i < c->n_host_keys; i++)
		known |=
		    slice_equal(pubkey_blob(c->host_keys[i]), buf_slice(blob));
	if (c->look) {
		c->state = CLIENT_UP;
	} else if (known) {
		c->state = CLIENT_AUTH;
	} else {
		hash_fingerprint(&c->shown, shown);
		client_fail(c, ERR_DENIED,
		    "its host key is %s, which is not one that is trusted; "
		    "somebody may be in between",
		    shown);
	}
out:
	buf_free(blob);
}

static void
step_kex(struct net_client *c, int r)
{
	if (r == SSH_OK)
		judge_host(c);
	else if (r != SSH_AGAIN)
		client_fail(c, ERR_NET,
		    "no agreement on keys and algorithms, or not SSH");
}

static void
step_auth(struct net_client *c, int r)
{
	switch (r) {
	case SSH_AUTH_AGAIN:
		break;
	case SSH_AUTH_SUCCESS:
		c->state = CLIENT_OPEN;
		break;
	case SSH_AUTH_DENIED:
	case SSH_AUTH_PARTIAL:
		client_fail(c, ERR_DENIED, "it does not know our key");
		break;
	default:
		client_fail(c, ERR_NET, "it closed the connection");
		break;
	}
}

static void
step_open(struct net_client *c)
{
	int r;

	if (c->channel == NULL && client_channel_new(c) != 0) {
		client_fail(c, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
		return;
	}
	r = ssh_channel_open_session(c->channel);
	if (r == SSH_OK)
		c->state = CLIENT_ASK;
	else if (r != SSH_AGAIN)
		client_fail(c, ERR_NET, "it opens no session");
}

static void
step_ask(struct net_client *c)
{
	int r = ssh_channel_request_subsystem(c->channel, c->subsystem);

	if (r == SSH_AGAIN)
		return;
	if (r != SSH_OK) {
		client_fail(c, ERR_NET, "it has no subsystem %s", c->subsystem);
		return;
	}
	if ((c->event = ssh_event_new()) == NULL ||
	    ssh_event_add_session(c->event, c->session) != SSH_OK) {
		client_fail(c, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
		return;
	}
	c->state = CLIENT_UP;
	c->heard = loop_now(c->loop);
}

static void
step(struct net_client *c)
{
	switch (c->state) {
	case CLIENT_KEX:
		step_kex(c, ssh_connect(c->session));
		break;
	case CLIENT_AUTH:
		step_auth(c, ssh_userauth_publickey(c->session, NULL, c->key));
		break;
	case CLIENT_OPEN:
		step_open(c);
		break;
	case CLIENT_ASK:
		step_ask(c);
		break;
	case CLIENT_TCP:
	case CLIENT_UP:
	case CLIENT_DOWN:
		break;
	}
}

/* Packets that came may all be in libssh, where epoll does not see them. */
static void
poll_session(struct net_client *c)
{
	int r = SSH_OK;

	for (int i = 0; i < POLLS_A_TURN && r == SSH_OK && !c->failed; i++)
		r = ssh_event_dopoll(c->event, 0);
	if (r == SSH_ERROR)
		client_fail(c, ERR_NET, "the connection is lost");
	else if (!c->failed)
		client_channel_work(c);
}

void
client_conn_work(struct net_client *c)
{
	enum client_state before;

	if (c->state == CLIENT_TCP || c->state == CLIENT_DOWN || c->failed)
		return;
	do {
		before = c->state;
		step(c);
	} while (c->state != before && !c->failed);
	if (c->failed)
		return;
	if (c->event != NULL)
		poll_session(c);
	if (c->state == CLIENT_UP && !c->failed && !c->told_up) {
		c->told_up = c->told = true;
		c->ops.up(c->ctx);
	}
	if (c->look && c->state == CLIENT_UP)
		client_fail(c, ERR_NET, "only its host key was asked for");
	if (c->failed)
		return;
	watch_set(c->watch,
	    EPOLLIN |
		(ssh_get_poll_flags(c->session) & SSH_WRITE_PENDING
			? (uint32_t)EPOLLOUT
			: 0));
}

static void
on_socket(void *ctx, uint32_t events)
{
	struct net_client *c = ctx;

	(void)events;
	if (c->failed)
		return;
	if (c->state == CLIENT_TCP)
		begin_ssh(c);
	client_conn_work(c);
}

/* --- begin and end -------------------------------------------------------- */

int
client_conn_begin(struct net_client *c, const struct net_client_options *o,
    struct err *e)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	char service[8];
	int r, error;

	(void)ssh_set_log_level(SSH_LOG_NOLOG);
	if (ssh_init() != 0)
		return err_set(e, ERR_CRYPTO, "libssh does not start");
	(void)snprintf(service, sizeof(service), "%u", o->port);
	if ((r = getaddrinfo(o->host, service, &hints, &c->addresses)) != 0)
		return err_set(e, ERR_NOTFOUND, "%s: %s", c->name,
		    gai_strerror(r));
	c->deadline = loop_now(c->loop) + c->connect_ms;
	c->at = c->addresses;
	if ((error = try_address(c)) == ENOMEM)
		return err_nomem(e);
	next_address(c, error);
	return 0;
}

/* Frees what is of the connection; calls can be told of it afterwards. */
void
client_conn_end(struct net_client *c)
{
	/* libssh closes a socket that it was given when it fails, and then its
	   number may be another's by now; but it does not when we end. */
	bool open = c->session != NULL && c->ssh_fd != -1 &&
	    ssh_get_fd(c->session) == c->ssh_fd;

	if (c->session != NULL) {
		watch_free(c->watch, !open && c->fd == -1);
		c->watch = NULL;
		if (c->event != NULL)
			(void)ssh_event_remove_session(c->event, c->session);
		if (ssh_is_connected(c->session))
			ssh_disconnect(c->session); /* frees the channel */
		ssh_free(c->session);
		c->session = NULL;
		c->channel = NULL;
	}
	if (open)
		(void)close(c->ssh_fd); /* EBADF is as good */
	c->ssh_fd = -1;
	if (c->event != NULL)
		ssh_event_free(c->event);
	c->event = NULL;
	close_socket(c);
	if (c->addresses != NULL)
		freeaddrinfo(c->addresses);
	c->addresses = c->at = NULL;
}
