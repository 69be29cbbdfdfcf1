/* SPDX-License-Identifier: ISC */
/*
 * Inside the master's keeper: one thread that reads and decides, and the scribe
 * (scribe.h) that has the log.
 *
 * mk_proc.c is the loop, mk_call.c reads calls and answers them, mk_batch.c
 * brings statements into the log and folds what is there, mk_recover.c goes on
 * after a failure, mk_load.c makes all of it again at a start; who may do what is
 * in the files of the calls.
 *
 * A statement is judged, and counts for the next one, when it comes; what others
 * see of it (keys, orders, rows) comes once it is durable.  Where the log
 * refuses, what was judged is thrown away and made again from the store.
 */
#ifndef AGENT_MASTER_MK_IMPL_H
#define AGENT_MASTER_MK_IMPL_H

#include <jansson.h>
#include <sys/queue.h>

#include "agent/master/calls.h"
#include "agent/master/config.h"
#include "agent/master/content.h"
#include "agent/master/dial.h"
#include "agent/master/jobs.h"
#include "agent/master/messages.h"
#include "agent/master/rows.h"
#include "agent/master/scribe.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/keeper/conns.h"
#include "lib/keeper/stages.h"
#include "lib/proc/frame.h"
#include "lib/trust/fleet_hosts.h"
#include "lib/trust/fleet_job.h"

#define MK_CALLS_MAX   40000	/* open at once; most of them attend */
#define MK_CALL_BUCKETS 16384
#define MK_AWAY_MS     15000	/* until a host that went is away */
#define MK_ALARMS      4	/* kept of a host */
#define MK_ALARM_SAME  60	/* seconds: the same is not said again */
#define MK_ASKS_MAX    64	/* diffs asked for, of one host */
#define MK_ASK_SECS    30
#define MK_SUBMIT_MAX  200	/* statements of one submit */
#define MK_PIECE       (4 * 1024 * 1024) /* bytes of one answer of `object` */
#define MK_STAGES      8	/* persons who put files for a push */
#define MK_STAGE_FILES 10000
#define MK_STAGE_BYTES (24u * 1024 * 1024)
#define MK_UNSTORED    64	/* batches that wait for room in the store */
/* Bytes of reports that each host has taken: so many at once, such as all that it
 * kept while no master was there, and so many a second for good. */
#define MK_REPORT_BURST (32 * 1024 * 1024)
#define MK_REPORT_RATE	(16 * 1024)

#define MK_LATER 1		/* a handler's: it is answered later */
#define MK_ENDED 2		/* it was answered, and is gone */

struct mk;
struct mk_call;

/* --- hosts (mk_board.c) --------------------------------------------------- */

struct mk_alarm {
	int64_t at;
	char   *text;
};

/* An id that is or was a host's, or that an order names. */
#define MK_DIALS 2	/* that the master is connecting to one host for */
struct mk_host {
	char	*id;
	uint32_t number;	/* in jobs */
	bool	 dirty;		/* its want is to be said anew */
	bool	 has_boot, has_certificate, has_run, drifts;
	uint8_t	 outcome;	/* of the last run: enum run_outcome */
	uint8_t	 boot_id[BOOT_ID_LEN];
	struct mk_call *attend;	/* NULL: it is not there */
	int64_t	 left_ms;	/* when it went (monotonic); 0: never came */
	uint32_t dials[MK_DIALS]; /* as the dialer knows them; 0: none */
	int64_t	 contact;	/* last call, or last report before a start */
	int64_t	 said, said_ms;	/* bytes of reports above its rate, at that time */
	bool	 says_too_much;	/* that was alarmed */
	uint64_t root_version, policy_version, fleet_version, krl_version;
	struct hash certificate;
	struct mk_alarm alarms[MK_ALARMS]; /* oldest first */
	size_t	 n_alarms;
	bool	 alarms_unsaved;
	TAILQ_HEAD(, mk_ask) asks;
	TAILQ_ENTRY(mk_host) dirty_link;
};

struct mk_board {
	struct mk_host **v;	/* by number */
	size_t n, cap;
	uint32_t *slots;	/* by id: number + 1 */
	size_t n_slots;
};
/* NULL: no such. */
struct mk_host *board_find(const struct mk_board *b, const char *id);
/* Make it, where it is not there.  ERR_NOMEM, ERR_LIMIT. */
int  board_get(struct mk_board *b, const char *id, struct mk_host **out)
     MUST_CHECK;
void board_clear(struct mk_board *b);

/* --- connections and calls (mk_call.c) ------------------------------------ */

enum mk_caller { CALLER_GUEST, CALLER_HOST, CALLER_PERSON, CALLER_CONTROL };

/* One statement of a submit. */
struct mk_part {
	struct hash hash;
	uint64_t index;
	uint64_t number;	/* of a report, of a bundle */
	struct err e;		/* code 0: taken */
};

struct mk_call {
	struct conn *conn;	/* NULL: the caller is gone */
	uint32_t id;
	enum mk_caller caller;
	enum call_form form;
	const struct call_row *row;
	char *name;		/* the person, or "host/ID"; "" */
	struct mk_host *host;
	char about[17];		/* which object or statement: mk_about() */
	char *address;		/* until the handler is done */
	json_t *args;		/* likewise */
	/* Of those that are answered later. */
	struct mk_part *parts;
	size_t n_parts, open_parts;
	struct hash job;	/* watched */
	bool watches;
	bool failing;		/* the answer is that something fails */
	struct mk_ask *ask;	/* waited for */
	uint32_t asked;		/* of the courier, of the dialer; 0: nothing */
	TAILQ_ENTRY(mk_call) link;
	LIST_ENTRY(mk_call) bucket;
	TAILQ_ENTRY(mk_call) watch;	/* of watchers, or of those asking */
};

typedef int mk_handler(struct mk *k, struct mk_call *c, struct str *out,
    struct err *e);

/* A frame CALL or STATUS.  An error is the connection's end. */
int  mk_call_new(struct mk *k, struct conn *conn, const struct frame *f,
     struct err *e) MUST_CHECK;
/* id 0: all of that connection. */
void mk_call_gone(struct mk *k, const struct conn *conn, uint32_t id);
void mk_call_free(struct mk *k, struct mk_call *c);
void mk_call_end(struct mk *k, struct mk_call *c, int status,
     const struct str *body);
void mk_call_event(struct mk *k, struct mk_call *c, const struct str *body);
/* Answers with the error; of a host or a stranger it may be an alarm. */
void mk_call_fail(struct mk *k, struct mk_call *c, const struct err *e);
/* It waits for the answer to that question: of its number, or NULL. */
void mk_call_asks(struct mk *k, struct mk_call *c, uint32_t asked);
struct mk_call *mk_call_asking(struct mk *k, uint32_t asked);
/* What a call is about, for an alarm. */
void mk_about(struct mk_call *c, const struct hash *h);
/* A statement of an argument, parsed and verified. */
int  mk_statement(const char *text, size_t n, const char *what,
     struct statement *s, struct err *e) MUST_CHECK;
int  mk_arg_statement(struct mk_call *c, const char *key, struct statement *s,
     struct err *e) MUST_CHECK;

/* --- what people asked of hosts ------------------------------------------- */

struct mk_ask {
	char	     id[33];	/* random */
	struct hash  diff;
	struct mk_host *host;
	struct mk_call *call;	/* who waits */
	int64_t	     until_ms;
	TAILQ_ENTRY(mk_ask) link;	/* of the host */
	TAILQ_ENTRY(mk_ask) all;
};
void mk_ask_free(struct mk *k, struct mk_ask *a);
void mk_asks_sweep(struct mk *k);

/* --- into the log (mk_item.c, mk_batch.c) --------------------------------- */

/* A leaf on its way, or a call that waits for those before it. */
struct mk_item {
	STAILQ_ENTRY(mk_item) link;
	struct statement s;	/* statement_init'ed; taken */
	bool	 has_leaf;
	uint64_t index;		/* once it is there */
	struct mk_call *call;	/* NULL: nobody, or he is gone */
	struct mk_host *host;	/* whose report; NULL: of whom it is by, or: */
	const char *called;	/* the same, while hosts are not known yet */
	size_t	 part;		/* of its parts */
	char	*targets;	/* of a job; taken */
	size_t	 n_targets;
	bool	 gap;		/* reports are missing before it */
	uint64_t missing;	/* so many; 0: not known */
};
STAILQ_HEAD(mk_items, mk_item);

struct mk_batch {
	struct scribe_batch sb;
	STAILQ_ENTRY(mk_batch) link;
	struct mk_items items;
	struct slice *leaves;
	struct scribe_object *objects;
	uint64_t *index;
	bool policy;
};
STAILQ_HEAD(mk_batches, mk_batch);

/*
 * An item of what is in `from`, which is taken also where it fails; then it goes
 * among those that come into the log next, and the call has one more part open.
 * What is judged is judged in between: once the fold has moved on nothing may fail,
 * or something counts that is in no log.  ERR_NOMEM.
 */
int  mk_item_new(struct mk_item *from, struct mk_item **out, struct err *e)
     MUST_CHECK;
void mk_item_go(struct mk *k, struct mk_item *i);
void mk_item_free(struct mk_item *i); /* NULL allowed */
/* Both, of what moves nothing on. */
int  mk_item_put(struct mk *k, struct mk_item *item, struct err *e)
     MUST_CHECK;
void mk_item_clear(struct mk_item *item);
/* ERR_RECORD: nothing can be taken now, and why. */
int  mk_can_take(const struct mk *k, struct err *e) MUST_CHECK;
/* Once a turn: give the scribe what has come. */
void mk_batch_go(struct mk *k);
void mk_batch_news(struct mk *k);
/* Its leaves are in the log: into the store.  false: it finds no room and waits for
 * some, and is not the caller's any more.  mk_recover.c */
bool mk_batch_store(struct mk *k, struct mk_batch *b);
/* Once a second: what failed, again.  mk_recover.c */
void mk_batch_again(struct mk *k);
void mk_batch_free(struct mk_batch *b);
void mk_items_free(struct mk_items *items);
void mk_items_forget(struct mk *k, const struct mk_call *c);
/* The policy in force as leaves, and its files. */
int  mk_policy_batch(struct mk *k, struct mk_batch **out, struct err *e)
     MUST_CHECK;
/* Part of a call is done; the last one ends it. */
void mk_part_done(struct mk *k, struct mk_call *c);
/* n parts of a call that is answered once they are done.  ERR_NOMEM. */
int  mk_parts(struct mk_call *c, size_t n, struct err *e) MUST_CHECK;
/* An order, which is taken.  mk_jobs.c */
int  mk_take_job(struct mk *k, struct mk_call *c, size_t part,
     struct statement *s, struct err *e) MUST_CHECK;
/* What has become of the host that asked in: mk_enrol.c. */
void mk_enrol_answer(struct mk *k, struct mk_call *c, struct str *out);

/* --- what was said (mk_said.c) --------------------------------------------- */

/*
 * As rows_act(), rows_find_act() and rows_object(), also of what is durable in the
 * log while the store has no room for it: who has it acknowledged may ask for it.
 */
int  mk_said(struct mk *k, const struct hash *h, char **out, size_t *n,
     struct err *e) MUST_CHECK;
int  mk_said_index(struct mk *k, const struct hash *h, uint64_t *index,
     struct err *e) MUST_CHECK;
int  mk_said_targets(struct mk *k, const struct hash *h, char **out, size_t *n,
     struct err *e) MUST_CHECK;

/* --- what leaves make of this keeper (mk_apply.c) ------------------------- */

/* Besides the fold of hosts: orders, keys, what is said to whom. */
void mk_apply(struct mk *k, struct mk_item *item);
/* The same in rows, within a transaction. */
int  mk_apply_rows(struct mk *k, struct mk_item *item, struct err *e)
     MUST_CHECK;
/*
 * What a report says of logins, into rows, within a transaction; it came then.
 * Where the host's clock is off by more than MK_CLOCK_OFF, as the report says, times
 * are by the master's, and the row says by how much that is less.
 */
#define MK_CLOCK_OFF 60 /* seconds */
int  mk_put_logins(struct mk *k, const struct mk_item *item, int64_t came,
     struct err *e) MUST_CHECK;
/* How far orders are, into rows; not within a transaction. */
int  mk_store_job(struct mk *k, const struct job *j, struct err *e)
     MUST_CHECK;
int  mk_store_jobs(struct mk *k, struct err *e) MUST_CHECK;

/* --- a start (mk_load.c) -------------------------------------------------- */

/* Hosts, orders and the rest from the store, after what the log has more. */
int  mk_load(struct mk *k, struct err *e) MUST_CHECK;
/* Hosts alone: what was judged and is not in the log is forgotten.  mk_fold.c */
int  mk_reload_hosts(struct mk *k, struct err *e) MUST_CHECK;
/* The log's home, for what lies beside its leaves. */
int  mk_open_home(struct mk *k, struct blob_store **out, struct err *e)
     MUST_CHECK;
/* TARGETS of an order, from the store or from the log, whose home is opened where
 * that is needed (blob_close() is the caller's).  *out stays NULL where the log
 * has lost them, which is said.  The caller frees. */
int  mk_fetch_targets(struct mk *k, struct blob_store **home,
     const struct hash *h, char **out, size_t *n, struct err *e) MUST_CHECK;
/* An order with its TARGETS into jobs.  JOBS_AGAIN as there. */
int  mk_add_job(struct mk *k, const struct statement *s, struct slice targets,
     struct err *e) MUST_CHECK;
void mk_note_report(struct mk *k, struct mk_host *h, const struct statement *s,
     int64_t at);
bool mk_is_run(const struct statement *s);

/* --- what is told to hosts (mk_want.c) ------------------------------------ */

void mk_want(struct mk *k, struct mk_host *h, struct str *out);
void mk_dirty(struct mk *k, struct mk_host *h);
void mk_dirty_all(struct mk *k);
void mk_want_flush(struct mk *k);
/* Its row, where it is accepted now. */
const struct fleet_host_row *mk_row(const struct mk *k,
    const struct mk_host *h);
extern const struct jobs_ops mk_jobs_ops;
/* Who watches an order: of one report, or at its end. */
void mk_watch_report(struct mk *k, const struct mk_host *h,
     const struct statement *s);
void mk_watch_ends(struct mk *k);

/* --- alarms (mk_alarm.c) -------------------------------------------------- */

/* Something a person should see; h NULL: of nobody known.  The same again within
 * MK_ALARM_SAME is counted only; nothing is said or counted while a start reads
 * what was. */
void mk_alarm(struct mk *k, struct mk_host *h, const char *who,
     const char *text);
void mk_alarm_at(struct mk *k, struct mk_host *h, const char *who,
     const char *text, int64_t at);
void mk_alarms_clear(struct mk_host *h);
/* A host has another name: `from` has none any more. */
void mk_alarms_move(struct mk *k, struct mk_host *from, struct mk_host *to);
/* A list of {"at", "what"}. */
void mk_put_alarms(struct jw *w, const char *key, const struct mk_host *h);
/* Into the store what is not there yet, every two seconds at most, unless now. */
void mk_alarms_save(struct mk *k, bool now);
/* What was saved.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM. */
int  mk_alarms_load(struct mk_host *h, const char *text, struct err *e)
     MUST_CHECK;

/* --- hosts, as people are told of them (mk_list.c) ------------------------ */

/* Bytes of an answer that has more than one: another entry may come after that. */
#define MK_PAGE (1024 * 1024)

/* The answer to `keys` from number `after` on, and no entry begins behind `most`
 * bytes of it but the first.  As rows_each_waiting(). */
int  mk_put_keys(struct mk *k, uint64_t after, size_t most, struct str *out,
     struct err *e) MUST_CHECK;
/* The same of `status`, whose arguments are the call's, by number of hosts (of
 * mk_show.c).  Also ERR_PARSE, ERR_LIMIT: what is asked for. */
int  mk_put_status(struct mk *k, struct mk_call *c, size_t most,
     struct str *out, struct err *e) MUST_CHECK;
/* Members of an object. */
void mk_put_host(struct jw *w, const struct fleet_host_row *row);
void mk_put_fingerprint(struct jw *w, const char *name,
     const struct pubkey *key);

/* --- the rest ------------------------------------------------------------- */

int  mk_send_keys(void *ctx, struct conn *to, struct err *e) MUST_CHECK;
extern const struct conns_ops mk_conns_ops; /* mk_proc.c */
void mk_dialed(struct mk *k);
void mk_send_gauges(struct mk *k);
void mk_gauges(struct mk *k, struct str *out);

/* A policy whose signatures are to be looked at; told to c, NULL: nobody. */
int  mk_adopt_policy(struct mk *k, const struct bundle_chain *chain,
     struct mk_call *c, struct err *e) MUST_CHECK;

/* The revocation list (mk_krl.c). */
struct mk_krl {
	struct hash  name, file;
	uint64_t     version;
	int64_t	     at;
	char	    *by;
	char	    *statement;
	size_t	     n_statement;
	char	    *list;
	size_t	     n_list;
	struct krl  *keys;	/* list, as it is asked; NULL: none is held */
};
int  mk_krl_load(struct mk *k, struct err *e) MUST_CHECK;
/* A newer list, judged; 1: it is the one held. */
int  mk_krl_take(struct mk *k, struct slice statement, struct slice list,
     struct err *e) MUST_CHECK;
void mk_krl_clear(struct mk_krl *l);
/* ERR_DENIED: a key that the list revokes signed a statement that is new. */
int  mk_unrevoked(const struct mk *k, const struct statement *s, struct err *e)
     MUST_CHECK;

/* Orders as hosts get them (mk_order.c); those asked for last. */
#define MK_ORDERS 8
struct mk_order;
struct mk_orders {
	struct mk_order *v[MK_ORDERS];	/* NULL: none */
	uint64_t clock;
};
void mk_orders_clear(struct mk_orders *v);

/* The courier (mk_courier.c) and what it fetches (mk_fetch.c). */
#define MK_RENEWALS 128	/* with the CA at once: half of what may wait for it */
struct mk_fetch;
struct mk_courier {
	struct chan *chan;	/* NULL: away */
	bool	 ca;		/* the CA is connected */
	int64_t	 retry, backoff, poll;
	uint64_t next, sent;	/* acts before it are with the CA; on the way */
	/* Questions under way, 0: none. */
	uint32_t acts, policy, object, krl;
	struct mk_fetch *fetch;	/* a policy that comes file by file */
};
void mk_courier_turn(struct mk *k);
void mk_courier_serve(struct mk *k, bool can_write);
void mk_courier_clear(struct mk *k);
/* A question; *id is its number. */
int  mk_courier_ask(struct mk *k, const struct str *call, uint32_t *id,
     struct err *e) MUST_CHECK;
/* A renewal that was judged, for c. */
int  mk_courier_renew(struct mk *k, struct mk_call *c,
     const struct statement *s, struct str *out, struct err *e) MUST_CHECK;
void mk_fetch_begin(struct mk *k);
/* Was it an answer to one of these? */
bool mk_fetch_heard(struct mk *k, uint32_t id, const json_t *body, int status);
void mk_fetch_clear(struct mk *k);

struct mk_totals {
	uint64_t calls, reports, alarms, refused, orders, accepted;
};

struct mk {
	const char *dir;
	struct master_config config;
	char origin[ORIGIN_MAX];
	struct content *content;
	struct rows *rows;
	struct scribe *scribe;
	struct fleet_hosts *hosts;
	struct jobs *jobs;
	struct mk_board board;
	struct mk_krl krl;
	int64_t last_job;	/* `at` of the newest order, judged */

	int64_t now, now_ms, started_ms;
	int listen_front, listen_control, signals, wake;
	uid_t front_uid;
	struct conns conns;
	bool stopping, keys_changed, loading;
	int64_t keys_at;	/* no table of keys before */
	/* What the scribe borrows while it runs. */
	char *log_dir, *log_url, *signer_path;
	const char *copies[LEDGER_COPIES_MAX];
	uint8_t log_pks[POLICY_LOG_KEYS_MAX][32];
	struct blob_config blob;

	int r;			/* why the loop ends */
	struct err e;

	TAILQ_HEAD(, mk_call) calls, watchers, asking;
	LIST_HEAD(, mk_call) buckets[MK_CALL_BUCKETS];
	size_t n_calls, n_attend;
	TAILQ_HEAD(, mk_host) dirty;
	TAILQ_HEAD(, mk_ask) asks;

	struct mk_items next;	/* of the next batch */
	size_t n_next;
	struct mk_batch *flying;
	struct mk_batch *policy_next;
	struct mk_batches unstored;
	size_t n_unstored;
	uint64_t applied;	/* leaves that are folded */
	bool recover;		/* a batch failed: see what the log has of it */
	int64_t recover_at;
	struct err log_why;
	bool in_rows, jobs_unstored;
	struct err store_why;
	int64_t alarm_span, alarms_said, alarms_left_out, alarms_at;
	bool alarms_unsaved;

	struct stages stages;	/* by person */
	struct mk_orders orders;
	struct mk_courier courier;
	char *courier_path;	/* NULL: there is no CA */
	uint32_t last_ask;

	struct dialer *dialer;
	struct mk_totals totals;
};

#endif
