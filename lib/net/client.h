/* SPDX-License-Identifier: ISC */
/*
 * Calls of a machine to a service, over SSH, on a loop: frames as lib/net/wire.h
 * has them, over the subsystem that lib/net/server.h serves.
 *
 * One connection a client, which is not made anew: when it is down, its owner
 * frees it and makes another, at a time of his choosing.  The host key is pinned
 * and nothing else is looked at for it; one private key says who we are.  No
 * configuration and no known_hosts of anybody's is read.
 *
 * Callbacks run within net_client_turn() and loop_turn() and never within a call
 * of the caller's; they may make calls, and must not free the client.
 */
#ifndef LIB_NET_CLIENT_H
#define LIB_NET_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/net/loop.h"

#define NET_CLIENT_OUT_MAX (4 * 1024 * 1024) /* bytes that wait to be sent */
#define NET_CLIENT_KEYS_MAX 16		     /* host keys that are as good */

struct net_client; /* opaque */

struct net_client_options {
	const char *host;	/* a name, or an address without brackets */
	uint16_t    port;
	/* Public key lines, "TYPE BASE64 [COMMENT]": the host key is one of
	   them, or there is no connection.  None: ERR_USAGE. */
	const char *const *host_keys;
	size_t	    n_host_keys;
	/* An unencrypted private key in OpenSSH's format; the caller wipes his
	   text. */
	const char *key;
	const char *user;	/* the name to log in as; NULL: "writ" */
	const char *subsystem;
	int	    connect_ms;	  /* from here to the subsystem: 0 is 20000 */
	int	    keepalive_ms; /* of silence until the peer is asked for a
				     sign of life, and as much again until it is
				     given up: 0 is 30000 */
	/* Take any host key, say who it is and end: no key is shown and no call
	   can be made.  host_keys, key and subsystem are not looked at. */
	bool	    look;
};

struct net_client_ops {
	/* The subsystem is there; with look: the key exchange is done. */
	void (*up)(void *ctx);
	/* It ended, before or after up(), for this reason; the calls that were
	   open have been told.  Once, and the last that is called. */
	void (*down)(void *ctx, const struct err *why);
};

/*
 * Begin to connect; it goes on in loop_turn() and net_client_turn().  A name is
 * resolved here, which takes the time that the system's resolver takes; of
 * several addresses each is tried.
 *
 * ERR_NOTFOUND: no such host; ERR_PARSE: a key; ERR_USAGE, ERR_SYS, ERR_CRYPTO,
 * ERR_NOMEM.
 */
int  net_client_new(struct loop *l, const struct net_client_options *o,
     const struct net_client_ops *ops, void *ctx, struct net_client **out,
     struct err *e) MUST_CHECK;
/* NULL allowed.  Says goodbye as far as that needs no waiting; tells nobody. */
void net_client_free(struct net_client *c);

/* To be called before each loop_turn(), after the last call that was made: the
 * milliseconds that turn may wait (-1: for good); 0 where a callback was called
 * within, which the owner may have something to do about first. */
int net_client_turn(struct net_client *c);

bool net_client_is_up(const struct net_client *c);
bool net_client_is_down(const struct net_client *c); /* down() was called */
/* The host key that was shown; NULL before that. */
const struct hash *net_client_host_key(const struct net_client *c);
/* When the peer was last heard of, as loop_now(). */
int64_t net_client_heard(const struct net_client *c);

struct net_client_answer {
	bool	     last;	/* no more for this call */
	uint8_t	     status;	/* an exit status (lib/cli/cli.h) */
	struct slice body;	/* a JSON object nobody has looked at; borrowed */
	/* Not NULL: there will be no answer, for this reason (ERR_NET: the
	   connection is lost, or time is out); the rest is empty, last is true. */
	const struct err *why;
};
typedef void net_client_fn(void *ctx, const struct net_client_answer *a);

/*
 * Make a call; before up() it waits for that.  fn is called for each answer that
 * comes, within ms milliseconds (-1: whenever) until the last; ms counts from
 * here to the last one.  What comes later is dropped.
 *
 * ERR_LIMIT: WIRE_OPEN_MAX calls are open, body is longer than WIRE_CALL_MAX, or
 * NET_CLIENT_OUT_MAX bytes would wait; ERR_NET: it is down; ERR_USAGE: it only
 * looks; ERR_PARSE: an empty body; ERR_NOMEM.  fn is not called then.
 */
int net_client_call(struct net_client *c, struct slice body, int ms,
    net_client_fn *fn, void *ctx, struct err *e) MUST_CHECK;
unsigned net_client_open(const struct net_client *c); /* calls not answered */

#endif
