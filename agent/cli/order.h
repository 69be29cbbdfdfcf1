/* SPDX-License-Identifier: ISC */
/* An order to hosts while it is made: for whom, in what steps, and the job. */
#ifndef AGENT_CLI_ORDER_H
#define AGENT_CLI_ORDER_H

#include "agent/cli/job.h"
#include "agent/cli/signer.h"
#include "lib/statement/statement.h"

struct order {			/* order_init / order_clear */
	struct strs	 hosts;	/* sorted; the caller's to fill */
	struct batches	 batches;
	struct str	 targets; /* the text of TARGETS */
	struct statement job;	/* not yet signed */
};
void order_init(struct order *o);
void order_clear(struct order *o);

/*
 * For o->hosts, by the options ORDER_OPTIONS, to have the fleet that is held.
 * ERR_USAGE, ERR_NOMEM.
 */
int  order_make(struct order *o, const struct cli_args *a,
     const struct fleet_signer *by, const struct fleet_held *held,
     struct err *e) MUST_CHECK;
/* Before the key is used: how many, in what steps, how it ends, who. */
void order_describe(const struct order *o, struct str *out);

#define ORDER_OPTIONS							     \
	{0, "test", NULL, "say what would change, change nothing"},	     \
	{0, "batch", "N|N%,...", "how many at a time, then the rest (1,10%)"}, \
	{0, "max-failures", "N", "how many may fail before it stops (0)"},   \
	{0, "expires", "SPAN|TIME", "until when hosts begin (1d)"}

#endif
