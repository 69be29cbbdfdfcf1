/* SPDX-License-Identifier: ISC */
/* Inside the thread that has the log: scribe.c is the thread, scribe_log.c what
 * it does with the log, scribe_head.c what it says to the signer, and
 * scribe_copies.c another thread, which brings copies up to date. */
#ifndef AGENT_MASTER_SCRIBE_IMPL_H
#define AGENT_MASTER_SCRIBE_IMPL_H

#include <pthread.h>

#include "agent/master/scribe.h"
#include "lib/base/str.h"
#include "lib/ledger/turns.h"
#include "lib/proc/frame.h"

struct scribe {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool started, stop;	/* under lock, as what follows */
	struct scribe_batches todo, done;
	struct scribe_state state;
	uint64_t krl;		/* for ticks */
	struct scribe_reading {
		uint64_t from;
		int (*each)(void *ctx, uint64_t index, struct slice leaf);
		void *ctx;
		struct err *e;
		int r;
	} *reading;
	pthread_cond_t read;

	/* Copies: the other thread.  The log, and all of the thread's own but
	   this, is whose turn it is. */
	struct turns turns;
	pthread_t copier;
	bool copier_started;
	pthread_cond_t copy;	/* one of these, which are under lock */
	bool copy_asked, copying, copy_held, copy_stop;

	/* The thread's own. */
	uint64_t root, policy;	/* for ticks */
	struct scribe_config c;
	struct ledger *ledger;	/* NULL: could not be opened again */
	struct err why;
	int64_t next_tick, next_open, next_look, last_batch, unpublished;

	/* The signer. */
	struct chan *chan;	/* NULL: not connected */
	uint32_t last_id;
	uint64_t seen;		/* leaves that it has of this log */
};

/* --- scribe_log.c */

/* What the loop may ask for; under lock, once the thread runs. */
void scribe_note_state(struct scribe *s);
/* The loop has something to take. */
void scribe_wake(struct scribe *s);
/* What time brings; the time of the next. */
int64_t scribe_periodic(struct scribe *s);
bool scribe_has_unpublished(const struct scribe *s);
/* The head, signed; failure is logged, and tried again in a while. */
void scribe_publish(struct scribe *s);

/* --- scribe_copies.c */

/* Where there are copies.  ERR_SYS. */
int  scribe_copies_start(struct scribe *s, struct err *e) MUST_CHECK;
/* A ledger was opened: its copies are the other thread's, once it is there. */
void scribe_copies_of(struct scribe *s);
/* There is more to copy. */
void scribe_copies_ask(struct scribe *s);
/* In one's turn: the ledger is about to be closed; and it was. */
void scribe_copies_hold(struct scribe *s);
void scribe_copies_go_on(struct scribe *s);
/* A last time, and the thread has ended. */
void scribe_copies_stop(struct scribe *s);

/* --- scribe_head.c */

/* Connect, unless it is; what it has signed must be of this log.  ERR_NET,
 * ERR_ROLLBACK, ERR_PARSE, ERR_NOMEM. */
int  scribe_connect(struct scribe *s, struct err *e) MUST_CHECK;
void scribe_disconnect(struct scribe *s);
/* The signed note of the log as it is, appended. */
int  scribe_sign(struct scribe *s, struct str *note, struct err *e) MUST_CHECK;

#endif
