/* SPDX-License-Identifier: ISC */
/*
 * Inside the SSH client: what client*.c share.
 *
 *	client.c	what its owner calls: calls, timers, the end
 *	client_conn.c	the connection: from an address to the subsystem
 *	client_channel.c what comes in and goes out over it
 *
 * As in the server, a callback of libssh only notes what came.
 */
#ifndef LIB_NET_CLIENT_IMPL_H
#define LIB_NET_CLIENT_IMPL_H

#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h> /* ssh_send_keepalive */
#include <sys/queue.h>

#include "lib/net/client.h"
#include "lib/net/wire.h"
#include "lib/ssh/pubkey.h"

enum client_state {
	CLIENT_TCP,	/* connecting to addresses[at] */
	CLIENT_KEX,	/* no keys yet */
	CLIENT_AUTH,	/* the host is who it should be; we are nobody */
	CLIENT_OPEN,	/* a channel is asked for */
	CLIENT_ASK,	/* the subsystem is asked for */
	CLIENT_UP,
	CLIENT_DOWN,	/* down() was called */
};

struct client_call {
	uint32_t id;	  /* 0: the row is free */
	net_client_fn *fn; /* NULL: nobody waits for it any more */
	void *ctx;
	int64_t deadline; /* -1: none */
};

struct client_chunk {
	STAILQ_ENTRY(client_chunk) link;
	size_t n, done;
	uint8_t bytes[];
};

struct net_client {
	struct loop *loop;
	struct net_client_ops ops;
	void *ctx;
	char *name; /* host and port, for sentences */
	char *user, *subsystem;
	int connect_ms, keepalive_ms;
	bool look;

	struct pubkey *host_keys[NET_CLIENT_KEYS_MAX];
	size_t n_host_keys;
	struct hash shown;
	bool has_shown;

	struct addrinfo *addresses, *at;
	int fd;	     /* -1: none, or libssh's */
	int ssh_fd;  /* the one that libssh has */
	struct watch *watch;
	ssh_session session;
	ssh_key key;
	ssh_event event;
	ssh_channel channel;
	struct ssh_channel_callbacks_struct channel_cb;
	struct ssh_counter_struct in, raw;

	enum client_state state;
	bool told_up;
	bool told;	 /* in this turn, the owner was told something */
	bool failed;	 /* err says why; down() is to be called */
	struct err err;
	int64_t deadline;   /* of the connection, then none */
	int64_t tcp_until;  /* of this address */
	int64_t heard;
	uint64_t heard_packets;
	bool asked, asked_before; /* for a sign of life */

	struct wire_reader *reader;
	bool held; /* libssh has bytes that we did not take */
	bool eof;
	uint32_t last_id;
	struct client_call calls[WIRE_OPEN_MAX];
	STAILQ_HEAD(client_chunks, client_chunk) out;
	size_t n_out;
};

/* The first failure counts; msg is a sentence, the name is put before it. */
void client_fail(struct net_client *c, int code, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* client_conn.c */
int client_conn_begin(struct net_client *c,
    const struct net_client_options *o, struct err *e) MUST_CHECK;
void client_conn_work(struct net_client *c); /* whatever can be done now */
void client_conn_time(struct net_client *c); /* an address that is too slow */
void client_conn_end(struct net_client *c);

/* client_channel.c */
int client_channel_new(struct net_client *c) MUST_CHECK;
void client_channel_work(struct net_client *c);
bool client_channel_can_send(const struct net_client *c);
void client_channel_clear(struct net_client *c);

#endif
