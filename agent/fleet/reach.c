/* SPDX-License-Identifier: ISC */
#include "agent/fleet/reach.h"

#include <string.h>

/* It and what it includes.  An answer only grows, so a file is come by as often
 * as there are answers, and includes have no cycle. */
static void
reach_file(const struct fleet *f, const struct fleet_file *file,
    enum expr_answer how, enum expr_answer *out)
{
	size_t at = (size_t)(file - f->files);

	if (out[at] >= how)
		return;
	out[at] = how;
	for (size_t i = 0; i < file->include.n; i++)
		reach_file(f, fleet_file(f, file->include.v[i]), how, out);
}

void
fleet_reach(const struct fleet *f, const struct expr_host *h,
    enum expr_answer *out)
{
	for (size_t i = 0; i < f->n_files; i++)
		out[i] = EXPR_NO;
	for (size_t i = 0; i < f->n_states; i++) {
		const struct fleet_top *t = &f->states[i];
		enum expr_answer how = expr_ask(t->match, h);

		for (size_t j = 0; j < t->names.n; j++)
			reach_file(f, fleet_file(f, t->names.v[j]), how, out);
	}
}

enum expr_answer
fleet_state_reach(const struct fleet_state *s, enum expr_answer file,
    const struct expr_host *h)
{
	enum expr_answer when =
	    s->when != NULL ? expr_ask(s->when, h) : EXPR_YES;

	return file < when ? file : when;
}

/* Does x say more of that time than best does, which may be NULL? */
static bool
is_better(const struct fleet_exception *x, enum expr_answer how,
    const struct fleet_exception *best, enum expr_answer best_how, int64_t at)
{
	if (best == NULL)
		return true;
	if (x->expires < at)
		return best->expires < at && x->expires > best->expires;
	return best->expires < at || how > best_how;
}

const struct fleet_exception *
fleet_state_spared(const struct fleet_state *s, const struct expr_host *h,
    int64_t at, enum expr_answer *how)
{
	const struct fleet_exception *best = NULL;

	*how = EXPR_NO;
	for (size_t i = 0; i < s->n_exceptions; i++) {
		const struct fleet_exception *x = &s->exceptions[i];
		enum expr_answer is = expr_ask(x->match, h);

		if (is == EXPR_NO || !is_better(x, is, best, *how, at))
			continue;
		best = x;
		*how = x->expires < at ? EXPR_NO : is;
	}
	return best;
}
