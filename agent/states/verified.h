/* SPDX-License-Identifier: ISC */
/*
 * What was seen to hold, and by which signs; and which states were changed
 * lately.  Both are files of a few lines:
 *
 *	DIR/verified	ID WANT SIGNS: while a state's parameters (WANT) and the
 *			signs of the host (SIGNS) are these, it holds
 *	DIR/history	TIME ID PLAN: a state was changed, or undone
 *
 * A file that is missing or damaged is one that knows nothing.
 */
#ifndef AGENT_STATES_VERIFIED_H
#define AGENT_STATES_VERIFIED_H

#include "agent/states/params.h"
#include "lib/crypto/hash.h"

#define FOUGHT_SECS  600
#define FOUGHT_TIMES 2
#define HISTORY_MAX  512	/* lines */

struct verified_line {
	char	   *id;
	struct hash want, signs;
};
struct verified {		/* zero-initialise; verified_clear */
	struct verified_line *v;
	size_t n, cap;
	bool changed;		/* worth writing */
};
void verified_clear(struct verified *k);
int  verified_read(const char *dir, struct verified *out, struct err *e)
     MUST_CHECK;
/* Lost, all is observed anew. */
int  verified_write(const struct verified *k, const char *dir, struct err *e);
/* What a state wants: its kind, parameters and all of env. */
void verified_want(const struct state *s, const struct state_env *env,
     struct hash *out);
bool verified_has(const struct verified *k, const char *id,
     const struct hash *want, const struct hash *signs);
/* signs NULL: nothing is known of it any more. */
int  verified_set(struct verified *k, const char *id, const struct hash *want,
     const struct hash *signs) MUST_CHECK;

/* How often within FOUGHT_SECS before now this plan of a state was carried out;
 * a file that cannot be read is 0. */
int  history_count(const char *dir, const char *id, const struct hash *plan,
     int64_t now, unsigned *out, struct err *e) MUST_CHECK;
int  history_add(const char *dir, const char *id, const struct hash *plan,
     int64_t now, struct err *e) MUST_CHECK;

#endif
