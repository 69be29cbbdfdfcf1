/* SPDX-License-Identifier: ISC */
/*
 * The keeper's process is three threads; this is what goes between them.
 *
 * The loop (kp_*.c) talks to the other processes, keeps the board of waiting
 * requests in memory and rows in the store; it never waits for anything.  The
 * committer (kp_commit.c) alone has struct local: the log and the way to the
 * signer.  Jobs go to it in order; what became of them, and the leaves that the
 * log has got meanwhile, come back.  The publisher (kp_publish.c) takes turns with
 * it at the log.
 */
#ifndef CA_KEEPER_KP_JOBS_H
#define CA_KEEPER_KP_JOBS_H

#include <sys/queue.h>

#include "ca/keeper/local.h"

#define KP_JOBS_MAX 8192 /* for the committer */

/* --- what is in force (kp_view.c) ----------------------------------------- */

struct kp_group {
	const char *name; /* borrowed from the policy */
	struct strs members;
};

struct kp_object {
	struct hash hash;
	struct slice data; /* borrowed from the chain */
};

struct kp_view { /* immutable once made */
	struct trust trust;
	struct bundle_chain *chain;
	struct kp_group *groups;
	size_t n_groups;
	struct kp_object *objects; /* sorted */
	size_t n_objects;
};
/* From DIR/bundle, verified.  Answers of bundles_load(). */
int kp_view_new(const char *dir, struct kp_view **out, struct err *e)
    MUST_CHECK;
void kp_view_free(struct kp_view *v);
const struct strs *kp_view_group(const struct kp_view *v, const char *name);
/* p NULL: there is none. */
struct slice kp_view_object(const struct kp_view *v, const struct hash *h);

struct kp_krl { /* kp_krl_free */
	struct buf *list;
	char *statement;
	uint64_t version;
	int64_t next_update;
};
void kp_krl_free(struct kp_krl *k);
/* The last list of the log: 0; 1 when there is none that has all; ERR_*. */
int kp_krl_last(struct local *l, struct kp_krl **out, struct err *e)
    MUST_CHECK;

/* --- a request at hand (kp_board.c) --------------------------------------- */

struct asked_term {
	char *group;
	unsigned need, have;
};

struct asked {
	struct statement s;	/* verified once a batch had it */
	unsigned pins;		/* jobs that borrow it; the loop's */
	bool in_rows;		/* its leaf is in the log */
	bool waits;		/* on the board */
	bool retry;		/* failed for want of signer or log */
	bool has_shown, break_glass;
	bool loaded;		/* at the start, from the store */
	bool told_waiting, told_glass;	/* its notices are queued */
	int64_t ends;
	struct asked_term terms[POLICY_TERMS_MAX];
	size_t n_terms;
	struct outcome shown;
	struct strs decided;	/* whose decisions the log has, as often */
	struct strs counted;	/* whose approval did when last judged */
	bool judged;		/* counted says so */
	uint64_t batch;		/* the committer's: in which it is */
	struct asked *bucket;
	TAILQ_ENTRY(asked) link;
};
TAILQ_HEAD(asked_list, asked);

/* --- jobs (kp_commit.c) --------------------------------------------------- */

enum kp_job_kind { JOB_ISSUE = 1, JOB_APPLY, JOB_RELOAD };

struct kp_part;
struct kp_job {
	enum kp_job_kind kind;
	struct asked *asked;		/* ISSUE; pinned */
	struct statement *statement;	/* ISSUE: a decision, or NULL;
					   APPLY: the act; borrowed */
	struct statement *on;		/* APPLY of a decision: the key
					   statement; owned */
	struct statement *given;	/* APPLY of accept, reject: the enrol
					   statement it names; borrowed */
	struct bundle_chain *chain;	/* RELOAD; NULL: DIR/bundle; owned */
	struct kp_part *part;		/* the loop's */
	size_t nth;			/* of a decision: which request */

	/* Out: */
	int r;
	struct err e;
	struct strs notes;
	struct issue_result result;	/* ISSUE, borrowing nothing below: */
	struct asked_term terms[POLICY_TERMS_MAX];
	size_t n_terms;
	bool break_glass;
	struct buf *cert;
	struct issue_leaf leaf;		/* what it was made of; zero: none */
	uint64_t leaf_index;		/* where that is, if the log has it */
	bool new_leaf;			/* and was not there before */
	STAILQ_ENTRY(kp_job) link;
};
STAILQ_HEAD(kp_jobs, kp_job);
void kp_job_free(struct kp_job *j);

struct kp_leaf {
	uint64_t index;
	struct leaf leaf;	/* of a certificate: its request and its bytes */
	bool lent;		/* it is a job's statement */
};

/* What the committer says after each thing it did. */
struct kp_done {
	struct kp_jobs jobs;
	struct kp_leaf *leaves;
	size_t n_leaves;
	struct kp_view *view;	/* NULL: as before */
	struct standing *standing;
	struct kp_krl *krl;
	bool taken;		/* in, but for its leaves */
	size_t n_items;		/* of a batch of ISSUE */
	double secs;
	bool ok;		/* log and signer did what they should */
	bool held;		/* and for a copy's sake the log would take nothing */
	struct err e;		/* why not, why so */
	bool signer_up;		/* it is there */
	struct err signer_why;	/* why not */
	uint64_t size, published;
	struct ledger_copy copies[LEDGER_COPIES_MAX];
	STAILQ_ENTRY(kp_done) link;
};
STAILQ_HEAD(kp_dones, kp_done);
void kp_done_free(struct kp_done *d);

struct committer;
struct committer_config {
	struct local_options local; /* borrowed for good */
	struct local *opened;	    /* by these options; the committer's then */
	uint64_t folded;	    /* leaves that the loop knows */
	int64_t tick;
	int wake;		    /* eventfd, written when there is news */
};
int committer_start(const struct committer_config *c, struct committer **out,
    struct err *e) MUST_CHECK;
/* Takes j.  ERR_BUSY: too many wait (unless forced); j is the caller's then. */
int committer_put(struct committer *c, struct kp_job *j, bool force,
    struct err *e) MUST_CHECK;
size_t committer_queue(struct committer *c);
void committer_take(struct committer *c, struct kp_dones *out);
/* Do what is queued, publish, end: then the last news can be taken. */
void committer_stop(struct committer *c);
void committer_free(struct committer *c);

/* --- publishing (kp_publish.c) -------------------------------------------- */

/*
 * The committer's, whose turn it is whenever it uses the log but while it waits
 * for jobs.
 */
struct publisher;
/* news() is told, from the thread, when something is finished. */
int  publisher_start(void (*news)(void *ctx), void *ctx,
     struct publisher **out, struct err *e) MUST_CHECK;
void publisher_free(struct publisher *p); /* waits for what is on its way */
/* Those of all who use the log. */
struct turns *publisher_turns(struct publisher *p);
void publisher_take_turn(struct publisher *p);
void publisher_give_turn(struct publisher *p);
/* Both may use l from now on, by turns. */
void publisher_of(struct publisher *p, struct local *l);
/* Publish that note, which moves in; it must not be busy. */
void publisher_put(struct publisher *p, struct local *l, struct str *note);
bool publisher_is_busy(struct publisher *p);
/* How that went, once; then it is not busy any more. */
bool publisher_finished(struct publisher *p, int *r, struct err *e);
/* In one's turn, let it finish. */
void publisher_wait(struct publisher *p);

#endif
