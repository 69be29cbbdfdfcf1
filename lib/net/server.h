/* SPDX-License-Identifier: ISC */
/*
 * An SSH server for calls, on one epoll loop: who may come in, what he says and
 * what he is told.  Of what is said it knows frames (wire.h) and words alone.
 *
 * A peer authenticates with a public key and opens one session, which is either
 * the one subsystem there is (frames both ways) or a command (words, perhaps
 * standard input; text back and an exit status).  Everything a peer can make us
 * hold is bounded, and nothing that one peer does or leaves undone makes
 * another wait: sockets never block, output waits in a queue of the peer's own,
 * and a peer that does not read is not read from.
 *
 * Callbacks run within net_server_turn() or loop_turn() and never within a call
 * of the caller's.  Whatever they do to a peer happens after they return.
 */
#ifndef LIB_NET_SERVER_H
#define LIB_NET_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/net/loop.h"
#include "lib/net/source.h"

struct net_server; /* opaque */
struct net_peer;   /* opaque: a connection */

#define NET_WORDS_MAX 32768		 /* bytes of a command */
#define NET_INPUT_MAX (1024 * 1024)	 /* bytes of its standard input */
#define NET_OUT_MAX   (24 * 1024 * 1024) /* bytes that wait for one peer */
#define NET_OUT_ALL   (256 * 1024 * 1024) /* and for all of them */

struct net_key {
	char	    type[48];	/* "ssh-ed25519" */
	struct hash hash;	/* SHA-256 of the blob */
	char	    fingerprint[FINGERPRINT_MAX];
};

struct net_limits {
	unsigned sessions;	/* authenticated, at once */
	unsigned waiting;	/* not yet, at once */
	unsigned per_source;	/* of those */
	int64_t	 login_grace_ms; /* from accept to a session */
	int64_t	 idle_ms;	/* without a call and without progress */
	int64_t	 guest_idle_ms;	/* the same of a guest */
	unsigned tries;		/* refused attempts of a connection */
};

/*
 * A guest is a peer whose name is "": somebody whose key is nobody's.  He asks to
 * be one by this user name, else a person's ssh, which offers what keys it has
 * one after another, would be a guest by the first that nobody knows.
 */
#define NET_GUEST_USER "writ-agent"

struct net_ops {
	/*
	 * Whose key that is, borrowed until the next call; NULL: nobody's.
	 * guest_from: where a peer is who would be a guest; NULL: he would not.
	 * here: he came before, this is net_server_recheck().
	 */
	const char *(*whose)(void *ctx, const struct net_key *k,
	    const struct source *guest_from, bool here);
	/* What a peer is told that offered these keys, or none, in vain. */
	void (*refusal)(void *ctx, const struct net_key *keys, size_t n,
	    struct str *out);
	/* Authenticated. */
	void (*came)(void *ctx, struct net_peer *p);
	/* A command: does it read standard input to its end first? */
	bool (*takes_input)(void *ctx, const char *words);
	/* "" for a shell.  Ends with net_peer_exit(). */
	void (*words)(void *ctx, struct net_peer *p, const char *words,
	    struct slice input);
	/* A frame.  Ends with a net_peer_answer() that is the last. */
	void (*call)(void *ctx, struct net_peer *p, uint32_t id,
	    struct slice body);
	/* A peer that came has gone; it is freed after this. */
	void (*gone)(void *ctx, struct net_peer *p, const char *why);
	/* One that never came. */
	void (*refused)(void *ctx, const struct source *from,
	    const char *address, const struct net_key *last, const char *why);
};

/*
 * key is the text of an unencrypted private key in OpenSSH's format; the caller
 * wipes his.  subsystem, limits and ops are borrowed or copied: the name must
 * live on.  Warms up libssh and OpenSSL, so that nothing opens a file later.
 * ERR_PARSE (the key), ERR_CRYPTO, ERR_NOMEM.
 */
int  net_server_new(struct loop *l, const char *key, const char *subsystem,
     const struct net_limits *limits, const struct net_ops *ops, void *ctx,
     struct net_server **out, struct err *e) MUST_CHECK;
void net_server_free(struct net_server *s); /* NULL allowed; gone() is called */

/*
 * A listening socket for host ("*": all addresses) and port; it resolves names.
 * ERR_BUSY: somebody listens there; ERR_DENIED, ERR_NOTFOUND (the name),
 * ERR_SYS.
 */
int net_listen(const char *host, uint16_t port, int *fd, struct err *e)
    MUST_CHECK;
/* Serve one, which is the server's from now on.  ERR_SYS, ERR_NOMEM. */
int  net_server_add(struct net_server *s, int fd, struct err *e) MUST_CHECK;
/* While true nobody is taken: whoever connects waits in the kernel's queue. */
void net_server_hold(struct net_server *s, bool hold);
/* Take nobody more, and end the sessions that have no call open. */
void net_server_stop(struct net_server *s);

/* To be called after each loop_turn(): the milliseconds until it must be called
 * again, for the next one. */
int net_server_turn(struct net_server *s);

/* End one, for that reason, a literal. */
void net_peer_end(struct net_peer *p, const char *why);
/* End the sessions whose keys are nobody's now, or somebody else's. */
void net_server_recheck(struct net_server *s);

struct net_counts {
	unsigned waiting, sessions;
	uint64_t accepted, dropped, refused, came;
	size_t	 out; /* bytes that wait */
};
void net_server_counts(const struct net_server *s, struct net_counts *out);

/* Borrowed, until gone() has returned: the name that whose() gave him; the
 * address is text without a port. */
const char *net_peer_person(const struct net_peer *p);
const char *net_peer_fingerprint(const struct net_peer *p);
const char *net_peer_address(const struct net_peer *p);
const struct source *net_peer_source(const struct net_peer *p);
unsigned    net_peer_open(const struct net_peer *p); /* calls not answered */
/* The owner's own, which the server neither looks at nor frees; NULL at first. */
void	   *net_peer_data(const struct net_peer *p);
void	    net_peer_set_data(struct net_peer *p, void *data);

/*
 * What a peer is told.  A peer for which memory or NET_OUT_MAX does not suffice
 * is cut off, and one that is going is told nothing: no result to look at.
 */
void net_peer_answer(struct net_peer *p, uint32_t id, bool last,
    uint8_t status, struct slice body);
void net_peer_text(struct net_peer *p, struct slice text);
void net_peer_error(struct net_peer *p, const char *text);
void net_peer_exit(struct net_peer *p, uint8_t status);

#endif
