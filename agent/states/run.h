/* SPDX-License-Identifier: ISC */
/*
 * One run over a host's states: observe, plan, and where that is wanted
 * stage, check, back up, write, and look again.  What the steps are for stands
 * in agent/README.md; a dry run is the first of them and the same code.
 *
 * A run that fails after something is live is undone as a whole.  One that
 * cannot begin (a checker refuses, the host moved, a file is immutable) leaves
 * everything as it was.
 */
#ifndef AGENT_STATES_RUN_H
#define AGENT_STATES_RUN_H

#include "agent/states/params.h"

/* What became of one state. */
enum run_result {
	RESULT_OK = 0,		/* as it should be */
	RESULT_WOULD,		/* would change (dry run, or the run stopped) */
	RESULT_CHANGED,		/* was changed, and seen to hold */
	RESULT_UNDONE,		/* was changed and is as it was before */
	RESULT_OFF,		/* `when` is false here */
	RESULT_EXCEPTED,
	RESULT_NOT_APPLICABLE,
	RESULT_SKIPPED,		/* a requirement failed; note names it */
	RESULT_FOUGHT,		/* somebody changes it back again and again */
	RESULT_FAILED,		/* could not be observed, or is impossible */
};
const char *run_result_name(enum run_result r);

struct run_state {
	const struct state *s;
	enum run_result	result;
	struct plan	plan;	/* changes, or those that were made */
	char	       *note;	/* NULL, or why */
	bool		known;	/* by its fingerprint: not observed anew */
	bool		tell;	/* watches one that changes: activate */
	bool		after;	/* what it needs can be said once a state that it
				   requires has changed */
	char	       *diff;	/* of its files; NULL unless asked for */
};

enum run_end {
	RUN_END_NOTHING = 0,	/* nothing to change */
	RUN_END_WOULD,		/* dry run: there is something */
	RUN_END_DONE,
	RUN_END_WAITS,		/* done, undone unless confirmed in time */
	RUN_END_REFUSED,	/* nothing was live; the error says why */
	RUN_END_UNDONE,		/* the error says why */
	RUN_END_BROKEN,		/* and it could not be undone wholly */
};

struct run_out {		/* zero-initialise; run_clear */
	struct run_state *v;	/* as in the states */
	size_t		  n;
	enum run_end	  end;
	size_t		  n_changes, n_failed; /* changes; states that failed,
						  are fought over or skipped */
	bool		  way_in;	/* a change touches a way in that has
					   to be confirmed */
	struct hash	  plan;		/* name of the list of changes */
	uint64_t	  number;	/* of the run; 0: nothing was written */
	struct strs	  left;		/* what earlier runs brought about and
					   no state speaks of (left.h) */
	bool		  later;	/* packages came first, and made the rest
					   another than the plan that was named:
					   that is left for the next run */
};
void run_clear(struct run_out *out);

enum {
	RUN_TEST = 1,	/* dry */
	RUN_FULL = 2,	/* believe no fingerprint */
	RUN_DIFF = 4,	/* make diffs */
	RUN_AGAIN = 8,	/* also what is fought over */
};

struct run_in {
	struct host		*host;
	const struct state_env	*env;
	const struct states	*states;
	const char		*dir;	 /* /var/lib/writ/agent; 0700 */
	const char		*stage;	 /* /run/writ/stage; for this run alone */
	unsigned		 flags;
	const struct hash	*expect; /* the plan that was looked at, or NULL */
	int64_t			 within; /* seconds to confirm a way in */
	/*
	 * See to it that the run is undone unless it is confirmed, whatever
	 * becomes of this process and this boot.  Called before the first
	 * change that touches a way in; a failure refuses the run.
	 */
	int (*arm)(void *ctx, uint64_t number, struct err *e);
	void *ctx;
};

/*
 * 0, whatever became of the host (out->end), with e set where end is REFUSED,
 * UNDONE or BROKEN.  An error when nothing could be said: ERR_BUSY (another run
 * is at it, or the last one waits to be confirmed), ERR_SYS, ERR_NOMEM; out is
 * empty then.
 */
int run(const struct run_in *in, struct run_out *out, struct err *e)
    MUST_CHECK;

#endif
