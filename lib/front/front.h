/* SPDX-License-Identifier: ISC */
/*
 * The front of a service: the one process that the network reaches.
 *
 * Holds the transport key, the listening sockets and a connection to the keeper.
 * It knows whose keys may come in, because the keeper tells it, and passes on
 * what they say, as it came; it reads no JSON and decides nothing else.  Whoever
 * has taken it over can delay and drop calls, and make calls in the name of
 * anybody, which are worth nothing without that one's signature on the statement
 * inside.
 *
 * A service may have guests: whoever comes with a key that is nobody's is let in
 * without a name (""), a few at a time, and the calls whose rows say `guest` are
 * passed on for him.  When his key becomes somebody's the session ends, as any
 * does whose key changes hands.
 */
#ifndef LIB_FRONT_FRONT_H
#define LIB_FRONT_FRONT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/front/calls.h"
#include "lib/front/limits.h"
#include "lib/front/messages.h"
#include "lib/net/server.h"

struct front; /* opaque */

/* What a service is called where the front speaks in its name. */
struct front_words {
	const char *program;	/* "writ-ca": before what a terminal shows */
	const char *noun;	/* "CA" */
	const char *advice;	/* to whoever came with no known key: a line */
};

struct front_setup {
	const struct front_words *words;
	const struct call_table	 *calls;
	const struct front_limits *limits;
	const char *key;	/* the transport key's file, whole; wiped by
				   whoever read it */
	const int  *listeners;	/* taken over */
	size_t	    n_listeners;
	int	    metrics;	/* a listening socket, taken over; -1: none */
	int	    dialler;	/* see dialler_start(); taken over */
	int	    signals;	/* a signalfd; borrowed */
};

/* words, calls and limits are borrowed.  ERR_PARSE (the key), ERR_CRYPTO, ERR_SYS,
 * ERR_NOMEM.  The descriptors are taken over even then. */
int  front_new(const struct front_setup *s, struct front **out, struct err *e)
     MUST_CHECK;
void front_free(struct front *f); /* NULL allowed */

/* Serve until SIGTERM or SIGINT, then FRONT_STOP_MS for the calls that are open.
 * ERR_SYS; ERR_NET: the dialler is gone. */
#define FRONT_STOP_MS 5000
#define FRONT_WAIT_MS 5000 /* that a call waits for a keeper, and whoever comes
			      for the first table of keys */
int front_run(struct front *f, struct err *e) MUST_CHECK;

/*
 * A sealed process makes no connections.  This one is started before, holds
 * nothing and hears nothing but `now`: it connects to path and passes the socket
 * on.  It goes when the other end of *fd does.  ERR_SYS.
 */
int dialler_start(const char *path, const char *user, int *fd, struct err *e)
    MUST_CHECK;
/* Ask; the answer can be had when fd is readable. */
int dialler_ask(int fd, struct err *e) MUST_CHECK; /* ERR_NET: it is gone */
/* 0 and a connected socket; DIALLER_NONE: nobody listens; ERR_NET, ERR_PARSE. */
#define DIALLER_NONE 1
int dialler_take(int fd, int *out, struct err *e) MUST_CHECK;

/* --- pure parts ----------------------------------------------------------- */

/*
 * Names of callers: an id, a person's; or KIND/ID, KIND 1 to 16 small letters:
 * what the keeper calls keys that are no person's ("host/db1.example.com").
 */
bool front_name_is_valid(const char *s);

/*
 * Whose key is which.  Filled by KEYS frames, and in force as a whole when the
 * last frame of a table is there.
 */
struct keymap; /* opaque */
#define KEYMAP_MAX 1000000

int  keymap_new(struct keymap **out) MUST_CHECK; /* ERR_NOMEM */
void keymap_free(struct keymap *k); /* NULL allowed */
/* 0; KEYMAP_NEW: another table is in force now.  ERR_PARSE: malformed, out of
 * turn, or a key of two names; ERR_LIMIT, ERR_NOMEM.  Then the table in force
 * stays. */
#define KEYMAP_NEW 1
int	    keymap_frame(struct keymap *k, struct slice payload, struct err *e)
	    MUST_CHECK;
const char *keymap_find(const struct keymap *k, const struct hash *key);
bool	    keymap_ready(const struct keymap *k); /* a table is in force */
size_t	    keymap_count(const struct keymap *k);

/* What somebody reads who offered these keys in vain. */
void front_refusal(const struct front_words *words, bool ready,
    const struct net_key *keys, size_t n, struct str *out);
/* A failure as the answer to a call of that form; words NULL: whoever reads it
 * knows the program. */
void front_failure(const struct front_words *words, enum call_form form,
    const struct err *e, struct str *out);

#endif
