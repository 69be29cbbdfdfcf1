/* SPDX-License-Identifier: ISC */
/* One connection, from accept to burial. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/crypto/random.h"
#include "lib/net/server_impl.h"

#define POLLS_A_TURN  8     /* packets of one peer before others have theirs */
#define DEAD_AFTER_MS 60000 /* without a word from the peer's kernel */

void
peer_fail(struct net_peer *p, const char *why)
{
	if (p->why != NULL)
		return;
	p->why = why;
	TAILQ_INSERT_TAIL(&p->server->dead, p, dead_link);
}

void
peer_mark(struct net_peer *p)
{
	if (p->busy)
		return;
	p->busy = true;
	TAILQ_INSERT_TAIL(&p->server->busy, p, busy_link);
}

/* --- being born ----------------------------------------------------------- */

/* Each may fail: the connection is slower or longer dead then, no more. */
static void
set_socket(int fd)
{
	const int on = 1;
	const unsigned dead = DEAD_AFTER_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead,
	    sizeof(dead));
}

static ssh_session
new_session(struct net_server *s, int fd)
{
	ssh_session session = ssh_new();
	const bool no = false;

	/* "no" would still offer zlib@openssh.com. */
	if (session == NULL ||
	    ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) != 0 ||
	    ssh_options_set(session, SSH_OPTIONS_COMPRESSION, "none") != 0 ||
	    ssh_bind_accept_fd(s->bind, session, fd) != SSH_OK) {
		if (session != NULL && ssh_get_fd(session) == fd) {
			ssh_free(session); /* closes it */
			return NULL;
		}
		ssh_free(session);
		(void)close(fd);
		return NULL;
	}
	ssh_set_blocking(session, 0);
	return session;
}

static void on_socket(void *ctx, uint32_t events);

/* Why one more may not come in now; NULL: it may. */
static const char *
full(struct net_server *s, const struct source *from)
{
	uint32_t chance = 0;

	if (s->counts.sessions >= s->limits.sessions)
		return "as many sessions as may be are open";
	random_bytes(&chance, sizeof(chance));
	return source_admit(s->counts.waiting, s->limits.waiting,
		   sources_count(s->waiting_from, from), s->limits.per_source,
		   chance)
	    ? NULL
	    : "too many wait to log in";
}

void
peer_accept(struct net_server *s, int fd, const struct sockaddr *from)
{
	struct net_peer *p = NULL;
	struct source source;
	char address[SOURCE_TEXT];
	const char *why;

	source_of(from, &source);
	source_text(from, address);
	if ((why = full(s, &source)) != NULL) {
		(void)close(fd);
		s->counts.dropped++;
		s->ops.refused(s->ctx, &source, address, NULL, why);
		return;
	}
	set_socket(fd);
	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    sources_add(s->waiting_from, &source) != 0) {
		free(p);
		(void)close(fd);
		s->counts.dropped++;
		return;
	}
	p->server = s;
	p->fd = fd;
	p->source = source;
	memcpy(p->address, address, sizeof(address));
	p->since = loop_now(s->loop);
	TAILQ_INIT(&p->out);
	TAILQ_INSERT_TAIL(&s->peers, p, link);
	s->counts.waiting++;
	if ((p->session = new_session(s, fd)) == NULL ||
	    loop_add(s->loop, fd, EPOLLIN, on_socket, p, &p->watch, NULL) !=
		0) {
		peer_fail(p, "no memory or descriptors for it");
		return;
	}
	auth_begin(p);
	/* Ours goes first: some clients wait for it. */
	if (p->why == NULL && ssh_handle_key_exchange(p->session) == SSH_ERROR)
		peer_fail(p, "the connection ended");
}

/* --- living --------------------------------------------------------------- */

/* false: nothing to be done now. */
static bool
step_kex(struct net_peer *p)
{
	struct net_server *s = p->server;
	int64_t now = loop_now(s->loop);
	int r;

	if (s->kex_left == 0) {
		if (!p->due) {
			p->due = true;
			p->turn_due = now;
			s->kex_due++;
		}
		return false; /* epoll says it again */
	}
	if (p->due) {
		p->due = false;
		p->kept += now - p->turn_due;
		s->kex_due--;
	}
	s->kex_left--;
	r = ssh_handle_key_exchange(p->session);
	if (r == SSH_AGAIN)
		return true;
	if (r != SSH_OK) {
		peer_fail(p, "no agreement on algorithms, or not SSH");
		return true;
	}
	if ((p->event = ssh_event_new()) == NULL ||
	    ssh_event_add_session(p->event, p->session) != SSH_OK) {
		peer_fail(p, "no memory for it");
		return true;
	}
	p->state = PEER_AUTH;
	return true;
}

static void
on_socket(void *ctx, uint32_t events)
{
	struct net_peer *p = ctx;
	int r = SSH_OK;

	(void)events;
	if (p->why != NULL)
		return;
	if (p->state == PEER_KEX && !step_kex(p))
		return;
	/* Packets that came behind the last of the key exchange are in libssh
	   already, where epoll does not see them. */
	for (int i = 0; i < POLLS_A_TURN && r == SSH_OK && p->why == NULL &&
	     p->event != NULL;
	     i++)
		r = ssh_event_dopoll(p->event, 0);
	if (r == SSH_ERROR)
		peer_fail(p,
		    p->state == PEER_AUTH && p->n_offered > 0
			? "none of its keys is known"
			: "the connection ended");
	peer_work(p);
}

/* It has shown who it is: one of those who wait no more. */
static void
welcome(struct net_peer *p)
{
	struct net_server *s = p->server;

	p->authenticated = true;
	p->since = loop_now(s->loop);
	sources_remove(s->waiting_from, &p->source);
	s->counts.waiting--;
	s->counts.sessions++;
	s->counts.came++;
	free(p->offered);
	p->offered = NULL;
	p->n_offered = 0;
	s->ops.came(s->ctx, p);
}

void
peer_work(struct net_peer *p)
{
	int flags;

	if (p->why != NULL)
		return;
	p->dirty = false;
	if (p->person != NULL && !p->authenticated)
		welcome(p);
	if (p->channel != NULL) {
		channel_work(p);
		out_flush(p);
	}
	if (p->why != NULL)
		return;
	if (!ssh_is_connected(p->session)) {
		peer_fail(p, "the connection ended");
		return;
	}
	flags = ssh_get_poll_flags(p->session);
	watch_set(p->watch,
	    EPOLLIN | (flags & SSH_WRITE_PENDING ? (uint32_t)EPOLLOUT : 0));
	if (p->dirty)
		peer_mark(p);
}

/* --- dying ---------------------------------------------------------------- */

static void
leave_lists(struct net_peer *p)
{
	struct net_server *s = p->server;

	TAILQ_REMOVE(&s->peers, p, link);
	if (p->due)
		s->kex_due--;
	if (p->busy)
		TAILQ_REMOVE(&s->busy, p, busy_link);
	if (p->why != NULL)
		TAILQ_REMOVE(&s->dead, p, dead_link);
	if (p->authenticated) {
		s->counts.sessions--;
	} else {
		s->counts.waiting--;
		sources_remove(s->waiting_from, &p->source);
	}
}

static void
tell_owner(struct net_peer *p)
{
	struct net_server *s = p->server;

	if (p->authenticated) {
		s->ops.gone(s->ctx, p, p->why);
		return;
	}
	s->counts.refused++;
	s->ops.refused(s->ctx, &p->source, p->address,
	    p->n_offered > 0 ? &p->offered[p->n_offered - 1] : NULL, p->why);
}

void
peer_bury(struct net_peer *p)
{
	leave_lists(p);
	tell_owner(p);
	/* libssh closes the socket itself when it fails; the number may be
	   another peer's by now. */
	if (p->session != NULL) {
		watch_free(p->watch, ssh_get_fd(p->session) != p->fd);
		if (p->event != NULL)
			(void)ssh_event_remove_session(p->event, p->session);
		if (ssh_is_connected(p->session))
			ssh_disconnect(p->session); /* frees the channel */
		ssh_free(p->session);
	}
	if (p->event != NULL)
		ssh_event_free(p->event);
	p->server->buried++;
	out_clear(p);
	wire_reader_free(p->reader);
	buf_free(p->input);
	free(p->offered);
	free(p->person);
	free(p->words);
	free(p);
}

void
net_peer_end(struct net_peer *p, const char *why)
{
	peer_fail(p, why);
}

/* --- what the caller may know --------------------------------------------- */

const char *
net_peer_person(const struct net_peer *p)
{
	return p->person;
}

const char *
net_peer_fingerprint(const struct net_peer *p)
{
	return p->key.fingerprint;
}

const char *
net_peer_address(const struct net_peer *p)
{
	return p->address;
}

const struct source *
net_peer_source(const struct net_peer *p)
{
	return &p->source;
}

unsigned
net_peer_open(const struct net_peer *p)
{
	return p->open;
}

void *
net_peer_data(const struct net_peer *p)
{
	return p->data;
}

void
net_peer_set_data(struct net_peer *p, void *data)
{
	p->data = data;
}
