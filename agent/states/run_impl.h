/* SPDX-License-Identifier: ISC */
/* Inside the driver: a run while it goes on. */
#ifndef AGENT_STATES_RUN_IMPL_H
#define AGENT_STATES_RUN_IMPL_H

#include "agent/states/record.h"
#include "agent/states/run.h"
#include "agent/states/verified.h"

struct running {
	const struct run_in *in;
	struct run_out *out;
	struct verified known;	/* at the start, and what was seen since */
	struct record rec;
	char *run_dir;		/* NULL until something is backed up */
	bool live;		/* something may be changed already */
	bool wrote_status;
};

/* run_plan.c */

/*
 * Observe and plan the states for which pick is true (NULL: all), in order,
 * with their requisites.  What a state has to say is in its result; 0 or
 * ERR_NOMEM.
 */
int  run_plan(struct running *r, const bool *pick, struct err *e) MUST_CHECK;
/* Fill in counts, the plan's name, and diffs where they are wanted. */
int  run_sum(struct running *r, struct err *e) MUST_CHECK;
/* The name of the changes of the picked states. */
int  run_plan_name(const struct run_out *out, const bool *pick,
     struct hash *name) MUST_CHECK;
/* Observe and plan one state anew, whatever is known of it. */
int  run_look(struct running *r, size_t i, struct plan *plan, struct str *sign,
     struct err *e) MUST_CHECK;
bool run_has_changes(const struct run_state *s);

/* run_apply.c */

/* Carry out what is planned for the picked states.  An error before anything
 * of this call was live leaves r->live as it was. */
int  run_apply(struct running *r, const bool *pick, struct err *e) MUST_CHECK;
/* The proof that a state took: nothing is left to change. */
int  run_holds(struct running *r, size_t i, struct err *e) MUST_CHECK;

#endif
