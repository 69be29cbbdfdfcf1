/* SPDX-License-Identifier: ISC */
/* Inside the thread that has the log: scribe.c is the thread, scribe_log.c what
 * it does with the log, scribe_head.c what it says to the signer. */
#ifndef AGENT_MASTER_SCRIBE_IMPL_H
#define AGENT_MASTER_SCRIBE_IMPL_H

#include <pthread.h>

#include "agent/master/scribe.h"
#include "lib/base/str.h"
#include "lib/ledger/copier.h"
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

	/* Copies have a thread too.  The log, and all of this thread's own but
	   that, is whose turn it is. */
	struct turns turns;
	struct copier *copier;	/* NULL: no copies */

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

/* --- scribe_head.c */

/* Connect, unless it is; what it has signed must be of this log.  ERR_NET,
 * ERR_ROLLBACK, ERR_PARSE, ERR_NOMEM. */
int  scribe_connect(struct scribe *s, struct err *e) MUST_CHECK;
void scribe_disconnect(struct scribe *s);
/* The signed note of the log as it is, appended. */
int  scribe_sign(struct scribe *s, struct str *note, struct err *e) MUST_CHECK;

#endif
