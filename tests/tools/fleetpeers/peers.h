/* SPDX-License-Identifier: ISC */
/*
 * What the parts of fleetpeers share: its peers, what they say, how they are
 * connected, and the commands.  Whatever fails ends the program with a message.
 */
#ifndef TESTS_TOOLS_FLEETPEERS_PEERS_H
#define TESTS_TOOLS_FLEETPEERS_PEERS_H

#include <stdarg.h>
#include <sys/queue.h>

#include "lib/key/key.h"
#include "lib/net/client.h"
#include "lib/statement/statement.h"

#define CALL_MS 600000

/* As an agent that has lost its master (agent/minion/uplink.c). */
#define BACKOFF_FIRST 500

struct peer {
	struct fleet *f;
	size_t number;
	char id[64];
	struct key *host, *link;
	struct hash enrol;
	struct net_client *c;
	bool wanting;    /* knows what it is to have */
	struct hash job; /* the order it was told last */
	bool ordered;
	uint64_t seq; /* of its last report */
	struct hash last;
	size_t reports, n_reports; /* of logins: made, to make */
	bool over;                 /* may be cut */
	bool due;                  /* it made a call */
	TAILQ_ENTRY(peer) turn;
	int64_t next_try; /* to attend, while it has no connection */
	uint32_t backoff_ms;
};

struct fleet {
	char *host;
	uint16_t port;
	const char *host_key; /* line */
	struct hash realm;
	size_t first, n, done;
	struct peer *v;
	struct key *operator;
	char *operator_text;
	const char *operator_id;
	struct peer *me; /* the operator's connection */
	bool answered;   /* to him */
	struct loop *loop;
	int64_t next_look, next_try;
	size_t tries, lost; /* connections to attend; in vain */
	TAILQ_HEAD(, peer) due;
};

/* --- main.c --------------------------------------------------------------- */

void fp_die(const char *what, const struct err *e) __attribute__((noreturn));
void fp_need(int r, const char *what, const struct err *e);
double fp_seconds(void);
char *fp_read_all(const char *path, size_t *n); /* free() it */

/* --- say.c: statements and calls ------------------------------------------ */

/* Signed by k1 and, not NULL, k2; s borrows all it points to. */
void fp_say(const struct fleet *f, struct statement *s, const char *by,
    struct key *k1, struct key *k2, struct str *out);
void fp_say_enrol(struct peer *p, struct str *out);
void fp_say_accept(struct peer *p, struct str *out);
void fp_say_report(struct peer *p, struct str *out);
void fp_say_logins(struct peer *p, struct str *out);
/* {"call": NAME, KEY: VALUE...}, ended by NULL; the caller clears. */
struct str fp_call_of(const char *name, ...);

/* --- link.c: connections -------------------------------------------------- */

struct net_client *fp_reach(struct fleet *f, const char *user, const char *key,
    void *ctx);
void fp_connect_peer(struct peer *p, const char *user);
/* To attend: longer each time, and not all at once. */
void fp_wait_longer(struct peer *p);
/* Takes text. */
void fp_make_call(struct peer *p, struct str text, int ms, net_client_fn *fn);
/* One turn, unless the due turns were all that was wanted. */
void fp_turn(struct fleet *f, size_t n);
/* Turn until f->done peers are n. */
void fp_turn_until(struct fleet *f, size_t n);
/* It is an answer, and one that says yes. */
void fp_must(const struct peer *p, const struct net_client_answer *a);
/* A call of the operator's, by a connection of his own that stays; takes text. */
void fp_operate(struct fleet *f, struct str text);

/* --- enrol.c, attend.c, orders.c: commands, and the seconds each took ------- */

double fp_enrol(struct fleet *f, char *words);
double fp_attend(struct fleet *f, char *words);
double fp_drop(struct fleet *f, char *words);
double fp_order(struct fleet *f, char *words);
double fp_push(struct fleet *f, char *words);
double fp_results(struct fleet *f, char *words);
double fp_logins(struct fleet *f, char *words);
double fp_ask(struct fleet *f, char *words);

#endif
