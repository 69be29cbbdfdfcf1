/* SPDX-License-Identifier: ISC */
/*
 * The link: the agent's unprivileged part, which holds one connection to a
 * master, fetches what the host lacks, and asks the applier to look at it.
 *
 *	uplink.c	what is due, and when
 *	uplink_conn.c	which master
 *	uplink_io.c	a call, an object, a question to the applier
 *	uplink_fetch.c	what a master brings, into the spool
 *	uplink_order.c	an order, and where the host is in it
 *	uplink_take.c	what a master wants: policy, order and so on, in turn
 *	uplink_clock.c	how far the clocks are apart
 *	uplink_logins.c	when somebody may have logged in
 *	uplink_enrol.c	to be accepted
 *	uplink_say.c	reports, diffs, renewal, the run that waits
 *
 * It believes the master nothing, and is believed nothing by the applier.  What
 * it does on its own is to give up on a master that does not keep to the
 * protocol, and to have the applier raise an alarm.
 *
 * It is one thread that does one thing at a time: whoever waits for an answer
 * turns the loop meanwhile, so that connections and news go on.
 */
#ifndef AGENT_MINION_UPLINK_H
#define AGENT_MINION_UPLINK_H

#include <jansson.h>

#include "agent/minion/verbs.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/net/client.h"
#include "lib/proc/frame.h"

#define UPLINK_MASTERS_MAX 16
#define UPLINK_CALL_MS	   60000
#define UPLINK_BACKOFF_FIRST 500
#define UPLINK_TRIED_MAX   64	/* things that were refused, remembered */
#define UPLINK_SPOOL_FILES 8192 /* then the spool is emptied */
#define UPLINK_BUNDLE_MAX  (64 * 1024 * 1024) /* bytes of one bundle's files */

struct uplink {
	struct loop *loop;
	const char *spool;	 /* its directory */
	char *key, *key_line;	 /* the transport key, and its public half */
	bool stop;		 /* somebody wants us to end */
	int signals;		 /* where he says so */

	/* The applier. */
	struct chan *chan;
	struct watch *chan_watch;
	uint32_t asked;
	bool asking;		 /* it has a question and no answer yet */
	json_t *answer;		 /* of the last question */
	int unread;		 /* why what it answered could not be read */
	bool died, gone;	 /* it; the one who starts it */
	json_t *held;		 /* what the host holds, as last told */

	/* The master. */
	struct net_client *client;
	bool up, down;
	struct err why;		 /* it is down */
	bool attending, refused; /* attend was called; and answered with no */
	json_t *want;
	bool changed;		 /* want is news */
	json_t *taking;		 /* want, as it was when this was begun */
	struct str bad;		 /* why what came as want is none */
	struct strs tried;	 /* what was refused: not again while it is wanted */
	size_t tried_at;	 /* by which master */
	struct strs answered;	 /* asks */
	size_t at;		 /* whose turn it is */
	bool came_back;		 /* to one that had hung up soon */
	int64_t backoff_ms, next_try, up_since;

	/* Reports that no master has. */
	struct strs unsent;
	uint64_t first_unsent, acked;
	bool more_unsent;	 /* of which the last turn took some */
	int64_t next_send;	 /* until then the master has enough; 0: it has not */

	char *enrol;		 /* the statement; NULL: not made yet */
	char *by_token;		 /* an acceptance of it; NULL: none */
	int64_t next_token;	 /* when one may be asked for; -1: there is none */
	int64_t token_wait_ms;	 /* until then, the next time */
	bool accepted_now;	 /* a master says so: come in as a host */
	char *renewal;
	bool renew_failed;	 /* another connection may do better */
	bool has_clock;		 /* a master has said the time */
	int64_t clock_zero_ms;	 /* its time when clock_mono_ms() was 0 */
	/* What tells that a log was written to. */
	int logs;		 /* its descriptor, while there is a watch */
	struct watch *logs_watch; /* NULL: there is none */
	int64_t logins_at, logins_gap, next_logins;

	int64_t next_enrol, next_run, next_beat, next_renew, next_settle,
		next_take;
};

int  uplink_new(const char *spool, const char *key, const char *key_line,
     int applier_fd, struct uplink **out, struct err *e) MUST_CHECK;
void uplink_free(struct uplink *u);
/* Until stop, or until nobody starts appliers any more.  ERR_SYS, ERR_NOMEM,
 * ERR_PARSE (what the applier's end sends is no frame). */
int  uplink_run(struct uplink *u, struct err *e) MUST_CHECK;

/* Be told of changes of the logs, while this is still somebody who may: without, they
 * are looked at now and then.  ERR_SYS, ERR_NOMEM. */
int uplink_watch_logs(struct uplink *u, struct err *e) MUST_CHECK;

/* --- among uplink*.c --- */

/* Milliseconds until something is due that the loop waits for; 0: now. */
int uplink_until_next(const struct uplink *u);
/* One turn of everything, ms at most.  ERR_SYS, ERR_PARSE. */
int uplink_turn(struct uplink *u, int ms, struct err *e) MUST_CHECK;
/*
 * Ask the applier.  args: members of an object, or "".  answer (NULL allowed;
 * json_decref) is what it answered; what it says in "error" is returned as that.
 * ERR_NET: it died of it, or there is none any more.  A run takes minutes: the
 * connection is kept meanwhile, and made anew where it is lost.
 */
int uplink_ask(struct uplink *u, enum verb v, const char *args,
    json_t **answer, struct err *e) MUST_CHECK;
/* Call the master; the same with its answer.  ERR_NET: the connection ended. */
int uplink_call(struct uplink *u, const char *body, int ms, json_t **answer,
    struct err *e) MUST_CHECK;
/* The same, whose body is written with b.w in between; begun, it is to be ended. */
struct uplink_body {
	struct str s;
	struct jw w;
};
void uplink_begin(struct uplink_body *b, const char *call);
int uplink_end(struct uplink *u, struct uplink_body *b, json_t **answer,
    struct err *e) MUST_CHECK;
/* News of calls that do not end. */
int uplink_attend(struct uplink *u, struct err *e) MUST_CHECK;
/* An object as bytes, whose name was verified: the hash of all of it, or of a
 * statement's line.  The caller frees.  ERR_PARSE, ERR_LIMIT: not what it should
 * be; ERR_NOTFOUND: the master has none such. */
enum uplink_object { OBJECT_FILE, OBJECT_STATEMENT };
int uplink_object(struct uplink *u, enum uplink_object kind, const char *hex,
    size_t max, char **out, size_t *n, struct err *e) MUST_CHECK;
/* Have an alarm raised, once for each text about one thing; of: its hash, or "". */
void uplink_alarm(struct uplink *u, const char *what, const char *of,
    const struct err *why);
/* Close the connection; the next one is to the same master. */
void uplink_hang_up(struct uplink *u);
/* Close it, since this master is of no use now: in a while to the next. */
void uplink_leave(struct uplink *u);
bool uplink_is_up(const struct uplink *u);
/* Has this connection been there for a while? */
bool uplink_is_steady(const struct uplink *u);
/* What is held has changed: a heartbeat says so before long. */
void uplink_beat_soon(struct uplink *u);
/* Where there is no connection, and it is time: another one. */
void uplink_keep_connected(struct uplink *u);
/* To a master that is there: as a host, or as one that asks to be. */
void uplink_come_in(struct uplink *u);
/* While the applier works: connect, and attend as a host; nothing else is said. */
void uplink_keep(struct uplink *u);
/* Connect to the master whose turn it is, or say why not; then, as after one
 * that did not come about, it is the next one's. */
int uplink_connect(struct uplink *u, struct err *e) MUST_CHECK;
/* Is that what nobody who is honest would send? */
bool uplink_is_hostile(int r);

/* Of what is held, or what is wanted; 0 where it is not there. */
uint64_t uplink_u64(const json_t *o, const char *key);
int64_t uplink_int(const json_t *o, const char *key);
bool uplink_bool(const json_t *o, const char *key);

int uplink_fetch_policy(struct uplink *u, struct err *e) MUST_CHECK;
int uplink_fetch_fleet(struct uplink *u, struct err *e) MUST_CHECK;
/* The order of that name, and this host's place among its targets, looked at and
 * put into the spool; which bundle it names.  As uplink_call(); ERR_PARSE also for
 * another order than was asked for, and a place that is not the host's. */
int uplink_fetch_order(struct uplink *u, const char *hex, struct hash *bundle,
    struct err *e) MUST_CHECK;
int uplink_spool(struct uplink *u, const char *name, const char *text,
    size_t n, struct err *e) MUST_CHECK;
void uplink_spool_empty(struct uplink *u); /* of bundles */
/* A field of a statement's line, "" where there is none. */
int uplink_field(const char *text, size_t n, const char *key, char *out,
    size_t max);

/* One after the other, what is wanted and not held; what was refused not again. */
void uplink_take(struct uplink *u);

/* A number below n, 0 where that is 0. */
int64_t uplink_chance(int64_t n);
/* "KEY":"TEXT", for uplink_ask(), after what is there. */
void uplink_member(struct str *out, const char *key, const char *text);

void uplink_enrol(struct uplink *u);
void uplink_send(struct uplink *u);
void uplink_add_reports(struct uplink *u, const json_t *answer);
void uplink_renew(struct uplink *u);
void uplink_answer_asks(struct uplink *u);
void uplink_confirm(struct uplink *u);

/* Ask the master, which is up, what time it is; without a good answer nothing
 * changes. */
void uplink_ask_clock(struct uplink *u);
/* What one said before this process began, in this boot; nothing where none did. */
void uplink_clock_kept(struct uplink *u);
/* How many seconds this host's clock is ahead of the master's.  false: not known, or
 * more than REPORT_CLOCK_MAX. */
bool uplink_clock(const struct uplink *u, int64_t *off);

void uplink_logins_begin(struct uplink *u);
/* Is there anything to look for? */
bool uplink_has_logins(const struct uplink *u);
void uplink_logins(struct uplink *u);

#endif
