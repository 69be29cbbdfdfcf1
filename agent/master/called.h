/* SPDX-License-Identifier: ISC */
/*
 * What hosts were called when they said something, by the leaves before it: a host
 * signs by the id that it knows, also when it has another one by then.  Nothing is
 * judged: what is in a master's log its keeper has taken.  Pure.
 */
#ifndef AGENT_MASTER_CALLED_H
#define AGENT_MASTER_CALLED_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/statement/statement.h"

struct called {			/* zero-initialise; called_clear */
	struct called_host *v;	/* by id */
	size_t n, cap;
};
void called_clear(struct called *c);

/* Who is a host by it, and how he is called; any other statement is passed over.
 * ERR_NOMEM. */
int called_take(struct called *c, const struct statement *s) MUST_CHECK;
/*
 * Whose report it is, as he is called now: of whom it is by, where that host's key
 * signed it or no host's did.  Valid until the next called_take(), and as long as
 * the report.
 */
const char *called_by(const struct called *c, const struct statement *s);

#endif
