/* SPDX-License-Identifier: ISC */
/*
 * Inside the front: front.c (who comes), front_guests.c (strangers),
 * front_calls.c (what they asked and has no answer yet), front_link.c (the
 * keeper).
 */
#ifndef LIB_FRONT_FRONT_IMPL_H
#define LIB_FRONT_FRONT_IMPL_H

#include <sys/queue.h>

#include "lib/front/front.h"
#include "lib/net/http.h"
#include "lib/net/loop.h"
#include "lib/net/source.h"
#include "lib/net/wire.h"
#include "lib/proc/frame.h"

#define CALL_BUCKETS 1024
/* Bytes of calls kept to be said again to a keeper that was started anew; calls
 * beyond that fail when it goes. */
#define KEPT_MAX (64 * 1024 * 1024)

/* Bytes that may wait for the keeper before one more call does not: the rest of
 * CHAN_OUT_MAX is for what says that calls are gone. */
#define CALLS_WAIT_MAX (CHAN_OUT_MAX / 2)

/* A call is told to no third keeper when two have gone within this time of
 * hearing it: it may be the reason. */
#define DEATHS_MAX 2
#define DEATH_MS   10000

struct session {	/* a peer that came */
	uint64_t number;
	int64_t	 since;
	uint64_t calls;	/* so far */
	TAILQ_HEAD(, pending) open;
	bool guest;		/* in the list of them */
	struct net_peer *peer;
	TAILQ_ENTRY(session) guests;
};

struct pending {	/* a call without an answer */
	uint32_t id;		/* between keeper and front */
	struct net_peer *peer;
	struct session *session;
	uint32_t peer_id;	/* between front and peer */
	enum call_form form;
	bool	 sent;
	int64_t	 sent_at;
	unsigned deaths;	/* of keepers that had just been told it */
	int64_t	 deadline;	/* while it is not sent */
	struct buf *payload;	/* NULL: not kept */
	TAILQ_ENTRY(pending) all;
	TAILQ_ENTRY(pending) of_session;
	LIST_ENTRY(pending) bucket;
};

struct front {
	const struct front_words *words;
	const struct call_table *calls;
	struct loop *loop;
	struct net_server *server;
	struct http *http;	/* NULL: no metrics */
	struct keymap *keys;
	struct str gauges;	/* the keeper's last */
	struct rate rate;	/* of lines about refusals */
	uint64_t n_sessions, n_calls, n_failed;

	/* Strangers, who came first at the head. */
	unsigned max_guests, n_guests;
	struct sources *guests_from;
	TAILQ_HEAD(, session) guests;

	/* The keeper. */
	int dialler;
	struct watch *dialler_watch;
	bool asked;
	bool dialler_gone;
	int64_t retry_at, backoff;
	struct chan *keeper;	/* NULL: away */
	struct watch *keeper_watch;

	/* Calls. */
	uint32_t last_id;
	TAILQ_HEAD(, pending) all;
	LIST_HEAD(, pending) buckets[CALL_BUCKETS];
	size_t kept;

	/* Nobody is taken before this, or a table of keys. */
	bool holds;
	int64_t known_by;

	int signals;
	struct watch *signals_watch;
	bool stopping;
	int64_t stop_at;
};

/* front_say.c */
bool front_is_cert(const struct net_key *k);

/* front_guests.c */
/* Would one more from there be let in? */
bool guests_admit(const struct front *f, const struct source *from);
/* ERR_NOMEM: he is none. */
int  guest_came(struct front *f, struct session *s) MUST_CHECK;
void guest_gone(struct front *f, struct session *s);

/* front_calls.c */
/* A call of a peer, with its JSON; peer_id 0: exec words. */
void pending_make(struct front *f, struct net_peer *p, uint32_t peer_id,
    enum call_form form, struct slice json);
struct pending *pending_find(struct front *f, uint32_t id);
void pending_free(struct front *f, struct pending *c);
/* Its last answer; frees it. */
void pending_answer(struct front *f, struct pending *c, uint8_t status,
    struct slice body);
void pending_news(struct pending *c, struct slice body);
void pending_send_all(struct front *f);	/* the keeper is there */
void pending_lost(struct front *f);	/* it has gone */
void pending_expire(struct front *f);	/* those that waited too long */
/* A failure as an answer, for what never became a call too. */
void front_fail(struct front *f, struct net_peer *p, uint32_t peer_id,
    enum call_form form, const struct err *e);

/* front_link.c */
int  link_start(struct front *f, struct err *e) MUST_CHECK;
void link_turn(struct front *f); /* connect again, write what waits */
void link_close(struct front *f);
/* ERR_* when the frame could not be queued; ERR_BUSY: a call, of which more than
 * CALLS_WAIT_MAX wait, and whose fault that is none. */
int  link_send(struct front *f, uint16_t type, uint32_t id,
     struct slice payload, struct err *e) MUST_CHECK;
/* Nobody waits for that call any more. */
void link_gone(struct front *f, uint32_t id);

#endif
