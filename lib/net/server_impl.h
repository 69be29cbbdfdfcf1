/* SPDX-License-Identifier: ISC */
/*
 * Inside the SSH server: what server*.c share.
 *
 *	server.c	 listeners, limits, timers, the turn
 *	server_peer.c	 one connection: its states, from accept to burial
 *	server_auth.c	 who it is
 *	server_channel.c its session: what comes in
 *	server_out.c	 what goes out
 *
 * libssh calls us back from within most of its functions, writing ones too.  So
 * a callback of libssh only notes what came and sets `dirty`; peer_work() acts
 * on it, from the loop, and looks again when something came meanwhile.  A
 * session is freed by nobody but peer_bury(), between two turns.
 */
#ifndef LIB_NET_SERVER_IMPL_H
#define LIB_NET_SERVER_IMPL_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <sys/queue.h>

#include "lib/net/server.h"
#include "lib/net/wire.h"

#define NET_LISTEN_MAX	32
#define OFFERED_MAX	6	/* keys that a refusal names */
#define MESSAGES_MAX	100	/* attempts of any kind of a connection */
#define OUT_PAUSE	(1024 * 1024) /* more waits: nothing is taken in */
#define GOODBYE_MS	15000	/* from our end to the peer's */
#define KEX_MS		20000	/* to exchange keys, however long a login may take */

/* Exit statuses of what ends here; the same as in lib/cli/cli.h. */
#define STATUS_INPUT	4

enum peer_state {
	PEER_KEX,	/* no keys yet */
	PEER_AUTH,	/* nobody yet */
	PEER_UP,	/* somebody, who has asked for nothing yet */
	PEER_CALLS,	/* frames */
	PEER_INPUT,	/* a command whose input is not whole */
	PEER_WORDS,	/* a command that is not answered */
	PEER_CLOSING,	/* told all; its end is to come */
};

struct chunk {
	TAILQ_ENTRY(chunk) link;
	size_t n, done, cap;
	bool err;	/* for standard error */
	uint8_t bytes[];
};

struct net_peer {
	struct net_server *server;
	TAILQ_ENTRY(net_peer) link;
	TAILQ_ENTRY(net_peer) busy_link;
	TAILQ_ENTRY(net_peer) dead_link; /* why is not NULL */
	bool busy;	/* work to do, whatever epoll says */
	bool dirty;	/* a callback noted something */

	ssh_session session;
	ssh_event event; /* NULL in PEER_KEX */
	ssh_channel channel;
	struct ssh_server_callbacks_struct server_cb;
	struct ssh_channel_callbacks_struct channel_cb;
	struct watch *watch;
	int fd;

	struct source source;
	char address[SOURCE_TEXT];
	enum peer_state state;
	bool authenticated; /* counted as a session, not as waiting */
	const char *why;    /* it is to be buried, for that reason */
	int64_t since;	    /* of the last progress */
	bool due;	    /* it waits for us, in PEER_KEX, */
	int64_t turn_due;   /* since then */
	int64_t kept;	    /* ms that it waited so */

	unsigned tries, messages;
	bool told;
	struct net_key *offered; /* in vain */
	size_t n_offered;
	char *person;
	struct net_key key;

	char *words;		  /* a command */
	struct buf *input;	  /* its standard input */
	struct wire_reader *reader; /* PEER_CALLS */
	bool held;		  /* libssh has bytes that we did not take */
	bool eof, too_long;
	unsigned open;

	TAILQ_HEAD(chunks, chunk) out;
	size_t n_out;
	bool exiting;
	uint8_t status;
	void *data;
};

struct net_server {
	struct loop *loop;
	ssh_bind bind;
	const char *subsystem;
	struct net_limits limits;
	struct net_ops ops;
	void *ctx;
	struct sources *waiting_from;
	struct net_counts counts;
	struct listener {
		struct net_server *server;
		struct watch *watch;
		int fd;
	} listeners[NET_LISTEN_MAX];
	size_t n_listeners;
	TAILQ_HEAD(peers, net_peer) peers;
	TAILQ_HEAD(busy_peers, net_peer) busy;
	TAILQ_HEAD(, net_peer) dead; /* to be buried at the turn's end */
	unsigned kex_left, accept_left; /* this turn */
	unsigned kex_due;  /* peers whose turn is due */
	bool paused;	   /* no descriptors were left: no accepting */
	bool held;	   /* nor while the caller says so */
	bool stopping;
	int64_t next_sweep, next_trim;
	unsigned buried; /* since memory was given back */
};

/* server_peer.c */
void peer_accept(struct net_server *s, int fd, const struct sockaddr *from);
void peer_fail(struct net_peer *p, const char *why); /* a literal; the first
							counts */
void peer_mark(struct net_peer *p); /* have peer_work() called */
void peer_work(struct net_peer *p);
void peer_bury(struct net_peer *p);

/* server_auth.c */
void auth_begin(struct net_peer *p);
void auth_tell(struct net_peer *p); /* why it is refused */

/* server_channel.c */
ssh_channel channel_open(ssh_session session, void *ctx);
void channel_work(struct net_peer *p);

/* server_out.c */
void out_flush(struct net_peer *p);
void out_clear(struct net_peer *p);

#endif
