/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <malloc.h>
#include <netdb.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/net/algorithms.h"
#include "lib/net/server_impl.h"

#define BACKLOG        4096 /* as the kernel's own bound */
#define ACCEPTS_A_TURN 32
#define ACCEPTS_BUSY   1   /* while key exchanges are due */
#define KEX_STEPS      6   /* of key exchanges in a turn: about 2 ms */
#define SWEEP_MS       250 /* between looks at the clocks of all peers */
#define SWEEP_PEERS    10  /* so many of them are a millisecond more between */
#define TRIM_MS        10000
#define TRIM_AFTER     32 /* burials */

static int
set_algorithms(ssh_bind b)
{
	static const struct {
		enum ssh_bind_options_e what;
		const char *value;
	} rows[] = {
	    {SSH_BIND_OPTIONS_KEY_EXCHANGE, NET_KEX},
	    {SSH_BIND_OPTIONS_CIPHERS_C_S, NET_CIPHERS},
	    {SSH_BIND_OPTIONS_CIPHERS_S_C, NET_CIPHERS},
	    {SSH_BIND_OPTIONS_HMAC_C_S, NET_MACS},
	    {SSH_BIND_OPTIONS_HMAC_S_C, NET_MACS},
	};
	const bool no = false;

	/* First of all, or libssh reads a configuration of the system's. */
	if (ssh_bind_options_set(b, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no) != 0)
		return -1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (ssh_bind_options_set(b, rows[i].what, rows[i].value) != 0)
			return -1;
	return 0;
}

static int
set_key(ssh_bind b, const char *text, struct err *e)
{
	ssh_key key = NULL;

	if (ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, &key) !=
	    SSH_OK)
		return err_set(e, ERR_PARSE,
		    "the transport key is no private key in OpenSSH's format");
	/* The bind owns it from here on. */
	if (ssh_bind_options_set(b, SSH_BIND_OPTIONS_IMPORT_KEY, key) != 0) {
		ssh_key_free(key);
		return err_set(e, ERR_PARSE,
		    "the transport key is of a type that cannot serve");
	}
	return 0;
}

/*
 * What libraries do at their first use, so that they do it now: OpenSSL reads
 * its configuration, libssh seeds and makes its first session.
 */
static int
warm_up(ssh_bind b)
{
	ssh_key made = NULL;
	ssh_session session;
	int fds[2], r = -1;

	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	if (ssh_pki_generate(SSH_KEYTYPE_ECDSA_P256, 0, &made) != SSH_OK)
		return -1;
	ssh_key_free(made);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		fds) == -1)
		return -1;
	if ((session = ssh_new()) != NULL &&
	    ssh_bind_accept_fd(b, session, fds[0]) == SSH_OK) {
		ssh_set_blocking(session, 0);
		(void)ssh_handle_key_exchange(session); /* nobody answers */
		r = 0;
	} else
		(void)close(fds[0]);
	ssh_free(session);
	(void)close(fds[1]);
	return r;
}

int
net_server_new(struct loop *l, const char *key, const char *subsystem,
    const struct net_limits *limits, const struct net_ops *ops, void *ctx,
    struct net_server **out, struct err *e)
{
	struct net_server *s;
	int r;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->loop = l;
	s->subsystem = subsystem;
	s->limits = *limits;
	s->ops = *ops;
	s->ctx = ctx;
	TAILQ_INIT(&s->peers);
	TAILQ_INIT(&s->dead);
	TAILQ_INIT(&s->busy);
	if (sources_new(&s->waiting_from) != 0) {
		r = err_nomem(e);
		goto out;
	}
	(void)ssh_set_log_level(SSH_LOG_NOLOG);
	if (ssh_init() != 0 || (s->bind = ssh_bind_new()) == NULL ||
	    set_algorithms(s->bind) != 0) {
		r = err_set(e, ERR_CRYPTO, "libssh does not start");
		goto out;
	}
	if ((r = set_key(s->bind, key, e)) != 0)
		goto out;
	if (warm_up(s->bind) != 0) {
		r = err_set(e, ERR_CRYPTO,
		    "libssh cannot serve with this transport key");
		goto out;
	}
	*out = s;
	return 0;
out:
	net_server_free(s);
	return r;
}

static void
close_listeners(struct net_server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		watch_free(s->listeners[i].watch, false);
		(void)close(s->listeners[i].fd);
	}
	s->n_listeners = 0;
}

void
net_server_free(struct net_server *s)
{
	struct net_peer *p;

	if (s == NULL)
		return;
	close_listeners(s);
	while ((p = TAILQ_FIRST(&s->peers)) != NULL) {
		peer_fail(p, "the service ends");
		peer_bury(p);
	}
	sources_free(s->waiting_from);
	if (s->bind != NULL)
		ssh_bind_free(s->bind);
	free(s);
}

/* --- listening ------------------------------------------------------------ */

static int
bind_one(const struct addrinfo *ai, const char *host, uint16_t port, int *fd,
    struct err *e)
{
	const int on = 1, off = 0;
	int s;

	s = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (s == -1)
		return err_sys(e, "make a socket for %s", host);
	if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ai->ai_family == AF_INET6 &&
		setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY,
		    strcmp(host, "*") == 0 ? &off : &on, sizeof(on)) == -1)) {
		(void)err_sys(e, "prepare a socket for %s", host);
		(void)close(s);
		return ERR_SYS;
	}
	if (bind(s, ai->ai_addr, ai->ai_addrlen) == -1 ||
	    listen(s, BACKLOG) == -1) {
		int code = errno == EADDRINUSE ? ERR_BUSY
		    : errno == EACCES          ? ERR_DENIED
					       : ERR_SYS;

		(void)err_set(e, code, "cannot listen on %s port %u: %s", host,
		    port, strerror(errno));
		(void)close(s);
		return code;
	}
	*fd = s;
	return 0;
}

int
net_listen(const char *host, uint16_t port, int *fd, struct err *e)
{
	struct addrinfo hints = {0}, *found = NULL;
	char service[8];
	int r;

	(void)snprintf(service, sizeof(service), "%u", port);
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
	if (strcmp(host, "*") == 0)
		hints.ai_family = AF_INET6;
	r = getaddrinfo(strcmp(host, "*") == 0 ? NULL : host, service, &hints,
	    &found);
	if (r != 0)
		return err_set(e, ERR_NOTFOUND, "cannot listen on %s: %s", host,
		    gai_strerror(r));
	r = bind_one(found, host, port, fd, e);
	freeaddrinfo(found);
	if (r == ERR_SYS && strcmp(host, "*") == 0)
		/* A kernel without IPv6. */
		return net_listen("0.0.0.0", port, fd, e);
	return r;
}

static void
set_listeners(struct net_server *s)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		watch_set(s->listeners[i].watch,
		    s->paused || s->held ? 0 : (uint32_t)EPOLLIN);
}

void
net_server_hold(struct net_server *s, bool hold)
{
	s->held = hold;
	set_listeners(s);
}

static void
on_listener(void *ctx, uint32_t events)
{
	struct listener *l = ctx;
	struct net_server *s = l->server;
	struct sockaddr_storage from = {0};
	socklen_t len = sizeof(from);
	int fd;

	(void)events;
	for (; s->accept_left > 0; s->accept_left--) {
		len = sizeof(from);
		fd = accept4(l->fd, (struct sockaddr *)&from, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			/* What waits would be reported without end. */
			if (errno != EAGAIN)
				s->paused = true;
			break;
		}
		s->counts.accepted++;
		peer_accept(s, fd, (struct sockaddr *)&from);
	}
	if (s->paused)
		set_listeners(s);
}

int
net_server_add(struct net_server *s, int fd, struct err *e)
{
	struct listener *l = &s->listeners[s->n_listeners];
	int r;

	if (s->n_listeners == NET_LISTEN_MAX)
		return err_set(e, ERR_LIMIT, "more than %d listening sockets",
		    NET_LISTEN_MAX);
	l->server = s;
	l->fd = fd;
	if ((r = loop_add(s->loop, fd, EPOLLIN, on_listener, l, &l->watch,
		 e)) != 0)
		return r;
	s->n_listeners++;
	set_listeners(s);
	return 0;
}

void
net_server_stop(struct net_server *s)
{
	s->stopping = true;
	s->next_sweep = 0;
	close_listeners(s);
}

/* --- the turn ------------------------------------------------------------- */

/* That a peer took for its part of the key exchange. */
static int64_t
own_ms(const struct net_peer *p, int64_t now)
{
	int64_t until = p->due ? p->turn_due : now;

	return until - p->since - p->kept;
}

static const char *
overdue(const struct net_peer *p, int64_t now)
{
	const struct net_limits *l = &p->server->limits;
	int64_t quiet = now - p->since;
	int64_t idle = p->person != NULL && p->person[0] == '\0'
	    ? l->guest_idle_ms
	    : l->idle_ms;
	bool owes = p->open > 0 || p->state == PEER_WORDS;

	switch (p->state) {
	case PEER_KEX:
		/* Nothing in it waits for a person.  What it waits for us is
		   not its time, but for the whole. */
		return own_ms(p, now) > KEX_MS || quiet > l->login_grace_ms
		    ? "did not log in in time"
		    : NULL;
	case PEER_AUTH:
		return quiet > l->login_grace_ms ? "did not log in in time"
						 : NULL;
	case PEER_UP:
		return quiet > l->login_grace_ms ? "asked for nothing in time"
						 : NULL;
	case PEER_CLOSING:
		return quiet > GOODBYE_MS ? "did not close in time" : NULL;
	case PEER_CALLS:
	case PEER_INPUT:
	case PEER_WORDS:
		if (p->n_out > 0)
			return quiet > idle ? "does not read" : NULL;
		return !owes && quiet > idle ? "was idle" : NULL;
	}
	return NULL;
}

/* A look at each of ten thousand is some milliseconds, most of them for peers that
 * say nothing all day; a second more is nothing to a time of 20. */
static int64_t
sweep_ms(const struct net_server *s)
{
	return s->stopping
	    ? SWEEP_MS
	    : SWEEP_MS + (s->counts.waiting + s->counts.sessions) / SWEEP_PEERS;
}

static void
sweep(struct net_server *s, int64_t now)
{
	struct net_peer *p;
	const char *why;

	TAILQ_FOREACH (p, &s->peers, link) {
		if ((why = overdue(p, now)) != NULL)
			peer_fail(p, why);
		else if (s->stopping && p->open == 0 && p->n_out == 0 &&
		    p->state != PEER_WORDS && p->state != PEER_CLOSING)
			peer_fail(p, "the service stops");
	}
	if (s->paused && s->n_listeners > 0) {
		s->paused = false;
		set_listeners(s);
	}
	s->next_sweep = now + sweep_ms(s);
}

/* glibc keeps what was freed, and a storm would be seen for good. */
static void
trim(struct net_server *s, int64_t now)
{
	if (s->buried >= TRIM_AFTER) {
		(void)malloc_trim(0);
		s->buried = 0;
	}
	s->next_trim = now + TRIM_MS;
}

/* A list of their own: of ten thousand peers, in a storm, some die each turn. */
static void
bury_dead(struct net_server *s)
{
	struct net_peer *p;

	while ((p = TAILQ_FIRST(&s->dead)) != NULL)
		peer_bury(p);
}

int
net_server_turn(struct net_server *s)
{
	int64_t now = loop_now(s->loop);
	struct net_peer *p, *last = TAILQ_LAST(&s->busy, busy_peers);

	/* Once each: who is marked again meanwhile waits for the next turn. */
	while ((p = TAILQ_FIRST(&s->busy)) != NULL) {
		TAILQ_REMOVE(&s->busy, p, busy_link);
		p->busy = false;
		peer_work(p);
		if (p == last)
			break;
	}
	if (now >= s->next_sweep)
		sweep(s, now);
	bury_dead(s);
	if (now >= s->next_trim)
		trim(s, now);
	s->kex_left = KEX_STEPS;
	/* Who is in comes first: were all taken in at once, in a storm, all
	   would be done together, and too late for the patience of each.
	   Never none, or some few that always have one more byte would keep
	   everybody else out. */
	s->accept_left = s->kex_due > 0 ? ACCEPTS_BUSY : ACCEPTS_A_TURN;
	if (!TAILQ_EMPTY(&s->busy))
		return 0;
	return TAILQ_EMPTY(&s->peers) && !s->paused && !s->held ? TRIM_MS
								: SWEEP_MS;
}

void
net_server_recheck(struct net_server *s)
{
	struct net_peer *p;
	const char *person;

	TAILQ_FOREACH (p, &s->peers, link) {
		if (p->person == NULL)
			continue;
		person = s->ops.whose(s->ctx, &p->key,
		    p->person[0] == '\0' ? &p->source : NULL, true);
		if (person == NULL || strcmp(person, p->person) != 0)
			peer_fail(p, "its key is no longer that person's");
	}
}

void
net_server_counts(const struct net_server *s, struct net_counts *out)
{
	*out = s->counts;
}
