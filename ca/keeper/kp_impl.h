/* SPDX-License-Identifier: ISC */
/*
 * Inside the keeper's loop: what it keeps, and its calls.  The other threads,
 * and what goes between them and it, are in kp_jobs.h; none of those sees this.
 */
#ifndef CA_KEEPER_KP_IMPL_H
#define CA_KEEPER_KP_IMPL_H

#include <sys/queue.h>
#include <sys/types.h>

#include "ca/common/calls.h"
#include "ca/common/config.h"
#include "ca/common/messages.h"
#include "ca/keeper/kp_jobs.h"
#include "ca/keeper/requests.h"
#include "lib/base/json.h"
#include "lib/cli/cli.h"
#include "lib/keeper/conns.h"
#include "lib/keeper/stages.h"
#include "lib/proc/frame.h"

#define KP_CALLS_MAX	4096	/* under way */
#define KP_BOARD_MAX	20000	/* requests that wait */
#define KP_STATEMENTS_MAX 200	/* of one submit, and ids of one show */
#define KP_WHO_MAX	64	/* persons named as able to approve */
#define KP_STAGES	16	/* pushes being put together */
#define KP_STAGE_FILES	1000
#define KP_STAGE_BYTES	(4u * 1024 * 1024)

/* --- calls (kp_call.c) ---------------------------------------------------- */

struct kp;
struct kp_call;
/* An answer: 0 with body and status; KP_LATER: it comes later; ERR_*. */
#define KP_LATER 1
struct kp_answer {
	struct str body;
	int status;
};
typedef int kp_handler(struct kp *k, struct kp_call *c, struct kp_answer *a,
    struct err *e);

/* One statement of a submit. */
struct kp_part {
	struct kp_call *call;
	struct statement s;
	struct asked *asked;	/* of a request; pinned */
	bool parsed;
	int r;
	struct err e;
	struct strs notes;
	struct hash *requests;	/* of a decision */
	size_t n_requests, counted, open_jobs;
	bool taken;		/* enrol: with what is about it */
	struct statement enrol;	/* accept, reject: of an earlier call */
	struct str certificate;	/* of a renewal: its line */
};

struct kp_call {
	struct conn *conn;	/* NULL: the caller is gone */
	uint32_t id;
	char *person, *address;
	enum call_form form;
	bool control;
	const struct call_row *row; /* NULL: of the control socket */
	kp_handler *handle;
	json_t *args;
	/* wait, pending: */
	struct hash hash;
	int64_t deadline;
	bool watches, dirty;
	LIST_ENTRY(kp_call) waiting;	/* where there is a deadline */
	/* submit, push: */
	struct kp_part *parts;
	size_t n_parts, open_jobs;
	TAILQ_ENTRY(kp_call) link;
};
TAILQ_HEAD(kp_calls, kp_call);
LIST_HEAD(kp_waiting, kp_call);

/* --- notices (kp_queue.c) ------------------------------------------------- */

struct kp_notice {
	int64_t id;
	struct hash request;	/* zero: about none */
	char *kind, *body;
	int64_t due, tries, stored_tries;
	int64_t settles;	/* clock_mono_ms(): not before; 0: at once */
	int state;
	bool is_later, stored;
	struct kp_notice *bucket;
	TAILQ_ENTRY(kp_notice) link;
};
TAILQ_HEAD(kp_notice_list, kp_notice);
#define KP_NOTICE_BUCKETS 1024
struct kp_queue {
	struct kp_notice_list ready, later, done;
	struct kp_notice *bucket[KP_NOTICE_BUCKETS]; /* of those that wait */
	size_t n, n_done;	/* that wait; of the last list */
	int64_t next_id, next_trim;
};
void kp_queue_init(struct kp_queue *q);
void kp_queue_clear(struct kp_queue *q);
/* Of several thousand that wait the oldest is dropped.  What settles only later
 * than now is of no use if its request is decided before.  ERR_NOMEM. */
int  kp_queue_add(struct kp_queue *q, const struct hash *request,
     const char *kind, int64_t due, int64_t settles, const char *body,
     struct err *e) MUST_CHECK;
struct kp_notice *kp_queue_find(struct kp_queue *q, int64_t id); /* or NULL */
/* It has been tried; not again before due. */
void kp_queue_later(struct kp_queue *q, struct kp_notice *n, int64_t due);
void kp_queue_end(struct kp_queue *q, struct kp_notice *n, bool sent);
/* Make those ready that are due. */
void kp_queue_due(struct kp_queue *q, int64_t now);
/* Failures of the store. */
int  kp_queue_load(struct kp *k, struct err *e) MUST_CHECK;
int  kp_queue_store(struct kp *k, struct err *e) MUST_CHECK;
/* Was one of that kind in the store?  For "waiting" and "break_glass". */
bool kp_queue_has(struct kp *k, const struct hash *h, const char *kind);

/* Enrol statements that came without what is about them: the last of a call
 * that was full. */
#define KP_ENROLS 64
struct kp_enrols {
	struct kp_enrol {
		struct hash hash;
		char *text;	/* NULL: free */
		size_t n;
	} v[KP_ENROLS];
	size_t next;		/* a ring */
};

struct kp_quota {
	char *person;		/* or a host's acceptance, in hex */
	uint64_t n;		/* requests */
	uint64_t renewals;	/* as acts */
	uint64_t acts;		/* since this keeper began, if that is later */
	struct kp_quota *next;
};

struct kp_totals {
	uint64_t submitted, decided, issued, denied, refused, ended, revoked,
	    batches, items, failed, calls;
	double batch_secs;
};

#define KP_BUCKETS 4096
#define KP_WAITING 1024
struct kp {
	const char *dir;
	struct config config;
	struct requests *rows;
	struct kp_view *view;
	struct standing *standing;
	struct kp_krl *krl;
	struct committer *committer;

	struct asked *bucket[KP_BUCKETS];
	struct asked_list board;
	size_t n_board;
	struct kp_calls calls;
	size_t n_calls;
	struct kp_waiting waiting[KP_WAITING]; /* by the hash waited for */
	struct stages stages;	/* by person and address */
	struct kp_quota *quota[256];
	struct kp_enrols enrols;
	int64_t quota_day;

	/* What the store has not taken yet, and what leaves changed. */
	struct kp_dones behind;
	struct kp_change {
		struct hash hash;
		enum request_change what;
	} *changes;
	size_t n_changes, cap_changes;
	struct policy *policy_then;

	int listen_front, listen_control, signals, wake;
	struct conns conns;
	struct kp_queue notices;
	struct chan *notify;
	char *notify_path, *signer_path;
	uid_t front_uid;
	int64_t notify_next;	/* ms: when to try again */
	int64_t notify_backoff;
	size_t notify_open;	/* sent, and nothing heard yet */

	struct kp_totals totals;
	uint64_t log_size, log_published;
	struct ledger_copy copies[LEDGER_COPIES_MAX]; /* of config.copies */
	bool log_ok, store_ok, signer_ok;
	bool notices_unkept;	/* the store does not take them now */
	struct err log_why, signer_why, store_why;
	int64_t now;		/* of this round */
	struct kp_clock {
		bool known;
		int64_t off;	/* seconds from CLOCK_MONOTONIC's */
		int64_t held_until; /* ms */
	} clock;
	bool stopping, board_changed, keys_changed;
	int r;			/* why it must end, or 0 */
	struct err e;
};

kp_handler kp_hello, kp_submit, kp_show, kp_wait, kp_fetch, kp_pending,
    kp_status, kp_decision, kp_policy, kp_object, kp_put, kp_push, kp_acts,
    kp_krl_call, kp_why, kp_help, kp_control_status, kp_metrics;

/*
 * What a frame says: who calls, from where, how, and his JSON, borrowed.  Then
 * the JSON itself: its call, no field that it does not have.  c->control must be
 * set.  ERR_PARSE, ERR_LIMIT, ERR_USAGE, ERR_NOMEM; what was read is c's.
 */
int kp_call_open(struct kp_call *c, struct slice payload, struct slice *json,
    struct err *e) MUST_CHECK;
int kp_call_read(struct kp_call *c, struct slice json, struct err *e)
    MUST_CHECK;
/* A call's frame.  ERR_PARSE: no such frame, so whoever sent it is cut off. */
int kp_call_new(struct kp *k, struct conn *conn, const struct frame *f,
    struct err *e) MUST_CHECK;
void kp_call_free(struct kp *k, struct kp_call *c);
void kp_call_gone(struct kp *k, const struct conn *conn, uint32_t id);
/* The last words to a call, which is gone then. */
void kp_call_end(struct kp *k, struct kp_call *c, int status,
    const struct str *body);
void kp_call_fail(struct kp *k, struct kp_call *c, const struct err *e);
/* To all whose statements are on their way: what became of them is not known. */
void kp_call_leave(struct kp *k, const struct err *e);
void kp_call_event(struct kp *k, struct kp_call *c, const struct str *body);
/* A list of texts of a call, unchecked bytes: statements.  ERR_PARSE, ERR_LIMIT.
 */
int kp_texts(const json_t *args, const char *key, size_t max,
    const json_t **out, struct err *e) MUST_CHECK;

/* --- the board ------------------------------------------------------------ */

/* A request; a renewal, which is on no board and in no row, by the other. */
struct asked *kp_asked_find(struct kp *k, const struct hash *h);
struct asked *kp_renewal_find(struct kp *k, const struct hash *h);
/* s moves in. */
int kp_asked_new(struct kp *k, struct statement *s, struct asked **out,
    struct err *e) MUST_CHECK;
void kp_asked_pin(struct asked *a);
/* Free it where nothing needs it any more. */
void kp_asked_unpin(struct kp *k, struct asked *a);
void kp_asked_board(struct kp *k, struct asked *a, bool waits);
/* What a batch said about it; takes from j. */
void kp_asked_update(struct asked *a, struct kp_job *j);
/* Who has decided it, anew from the rows. */
int kp_asked_deciders(struct kp *k, struct asked *a, struct err *e) MUST_CHECK;
void kp_asked_free_all(struct kp *k);
/* All that wait, and those a crash left without certificate, to the committer.
 */
int kp_board_load(struct kp *k, struct err *e) MUST_CHECK;
int kp_board_retry(struct kp *k, bool all, struct err *e) MUST_CHECK;
/* Once a second: those whose time is over. */
int kp_board_sweep(struct kp *k, struct err *e) MUST_CHECK;
/* Is he in a group that decides about it, and not its requester? */
bool kp_may_decide(const struct kp *k, const char *person, const char *grant,
    const char *requester);
bool kp_may_see(const struct kp *k, const struct kp_call *c, const char *grant,
    const char *requester);
bool kp_has_decided(const struct asked *a, const char *person);

/* --- requests for people (kp_show.c) -------------------------------------- */

/* Known by row; its statement is parsed unless the board has it. */
int kp_put_request(struct kp *k, struct jw *w, const char *key,
    const struct hash *h, struct err *e) MUST_CHECK;
int kp_text_request(struct kp *k, struct str *out, const struct hash *h,
    struct err *e) MUST_CHECK;
/* By the digits a caller gave; ERR_NOTFOUND also for what he may not see. */
int kp_find_request(struct kp *k, const struct kp_call *c, const char *digits,
    struct request_row *out, struct err *e) MUST_CHECK;
void kp_certificate_line(const struct request_row *r, struct str *out);
/* Whoever waits for this request, or watches the board, hears of it. */
void kp_tell_waiting(struct kp *k, const struct hash *h);
void kp_tell_watching(struct kp *k);
void kp_wait_sweep(struct kp *k);
/* Is somebody waiting for it now? */
bool kp_is_awaited(struct kp *k, const struct hash *h);
#define KP_SHORT_ID 9
#define KP_AGE 24
void kp_short_id(const struct hash *h, char out[KP_SHORT_ID]);
/* "3m", "2h": for tables. */
void kp_age(int64_t secs, char out[KP_AGE]);

/* --- what came back (kp_fold.c) ------------------------------------------- */

int kp_done(struct kp *k, struct kp_done *d, struct err *e) MUST_CHECK;
/* The store again, after it was full. */
int kp_fold_behind(struct kp *k, struct err *e) MUST_CHECK;
/* ERR_RECORD: the store lags, so nobody can be told what becomes of anything. */
int kp_fold_check(const struct kp *k, struct err *e) MUST_CHECK;
/* Rows and notices that are only in memory, into the store.  0 also where that
 * takes nothing, which is said in the log: k->store_ok, or k->notices_unkept where
 * nothing else is missing, which keeps nobody from anything. */
int kp_store(struct kp *k, struct err *e) MUST_CHECK;
void kp_changed(void *ctx, const struct hash *request,
    enum request_change what);
int kp_policy_of(void *ctx, const struct hash *h, const struct policy **out,
    struct err *e);

/* --- submit (kp_submit.c, kp_decide.c, kp_result.c) ----------------------- */

/* One more request that p is about.  ERR_NOMEM. */
int kp_part_covers(struct kp_part *p, const struct hash *h) MUST_CHECK;
/* A job of p about a, which it pins, or NULL; and into the committer's queue,
 * which takes it or frees it.  ERR_NOMEM; ERR_BUSY. */
int kp_job_new(struct kp_part *p, enum kp_job_kind kind, struct asked *a,
    struct kp_job **out, struct err *e) MUST_CHECK;
int kp_job_put(struct kp *k, struct kp_part *p, struct kp_job *j,
    struct err *e) MUST_CHECK;
/* Both, with statements that it borrows. */
int kp_put_job(struct kp *k, struct kp_part *p, enum kp_job_kind kind,
    struct asked *a, struct statement *statement, struct statement *given,
    struct err *e) MUST_CHECK;
/* A decision into jobs.  ERR_EXISTS, ERR_DENIED, ERR_EXPIRED, ERR_NOTFOUND,
 * ERR_BUSY where it counts for nothing that it names. */
int kp_take_decision(struct kp *k, struct kp_part *p, struct err *e)
    MUST_CHECK;
/* Why there can be no decision on what is not on the board any more. */
void kp_past_deciding(const struct request_row *row, struct err *why);
/* A job came back: of a submit, and of a decision in it. */
void kp_submit_job(struct kp *k, struct kp_job *j);
void kp_decision_done(struct kp_part *p, struct kp_job *j);
/* It failed for j's reason. */
void kp_part_fail(struct kp_part *p, const struct kp_job *j);
void kp_submit_finish(struct kp *k, struct kp_call *c);
void kp_push_job(struct kp *k, struct kp_job *j);
/* ERR_LIMIT: he has asked often enough today. */
int kp_quota_use(struct kp *k, const char *person, struct err *e) MUST_CHECK;
/* The same for key statements and revocations, counted apart, so that whoever
 * has used up the requests of another keeps him from revoking nothing.  What of
 * them has an end of itself, and what an officer revokes, is not counted. */
int kp_quota_act(struct kp *k, const struct statement *s, struct err *e)
    MUST_CHECK;
/*
 * The same for a renewal, by the host's acceptance, so that another name is no
 * other host.  It counts when a certificate has come of it, since before that
 * nobody here knows whether the host has signed it: what other calls that are not
 * over yet ask for the same host is in excess of the quota.
 */
int kp_quota_renew(struct kp *k, const struct kp_part *p, struct err *e)
    MUST_CHECK;
int kp_quota_renewed(struct kp *k, const struct statement *s, struct err *e)
    MUST_CHECK;
int kp_quota_load(struct kp *k, struct err *e) MUST_CHECK;
void kp_quota_clear(struct kp *k);

/* --- the rest ------------------------------------------------------------- */

/*
 * Masters (kp_master.c): a key that the policy lists under `authorities: master`
 * comes in as "master/NAME", and brings what hosts and operators have signed.
 */
bool kp_is_master(const struct kp_call *c);
bool kp_master_calls(enum call call); /* may it make that one? */
/* 0; ERR_DENIED: no such statement of a master.  Of others, nothing is said. */
int kp_master_may(const struct kp_call *c, const struct statement *s,
    struct err *e) MUST_CHECK;
/* Their keys, as "master/NAME". */
struct key_table;
int kp_master_keys(struct kp *k, struct key_table *t) MUST_CHECK;
/* An enrol statement, an act about a host, a renewal: into jobs.  parts are
 * those of the call until this one. */
int kp_host_take(struct kp *k, struct kp_part *p, struct err *e) MUST_CHECK;
/* Keep those of a call that nothing in it was about. */
int kp_host_keep(struct kp *k, struct kp_part *p, struct err *e) MUST_CHECK;
void kp_enrols_clear(struct kp_enrols *x);
/* What a renewal came to. */
void kp_renewal_done(struct kp *k, struct kp_part *p, struct kp_job *j);

extern const struct conns_ops kp_conns_ops; /* keeper_proc.c */
void kp_send_gauges(struct kp *k);
void kp_gauges(struct kp *k, struct str *out);

/* Put down that something is to be told; what fails is logged. */
void kp_notice(struct kp *k, const struct hash *request, const char *kind);
void kp_notice_waiting(struct kp *k, struct asked *a);
void kp_notice_break_glass(struct kp *k, struct asked *a);
/* But not to one who waits and has asked just now. */
void kp_notice_issued(struct kp *k, const struct request_row *row);
void kp_notice_alarm(struct kp *k, const char *text);
void kp_notice_send(struct kp *k);
void kp_notice_read(struct kp *k);
void kp_notice_lost(struct kp *k);
int kp_told_json(struct kp *k, struct jw *w, const struct hash *h,
    struct err *e) MUST_CHECK;

/*
 * Once a round, before its clock is used: one that was set since the last by
 * more than a minute is an alarm, and for five minutes is held to be wrong:
 * then nothing ends because its time is over.
 */
void kp_clock_look(struct kp *k);
bool kp_clock_is_held(const struct kp *k);

#endif
