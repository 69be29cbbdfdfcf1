/* SPDX-License-Identifier: ISC */
/* Decisions on requests of a CA: fetched, verified here, shown, signed, sent. */
#ifndef CA_CLI_REMOTE_DECIDE_H
#define CA_CLI_REMOTE_DECIDE_H

#include "ca/cli/decision.h"
#include "ca/cli/remote.h"

int run_decide_remote(struct cli_args *a, bool approve, int64_t length,
    struct err *e);

/* The marks "1,3-5 7" or "all" of a list of n; marked[i] for each.  False:
 * something else, or nothing. */
bool parse_marks(const char *text, size_t n, bool *marked);

#endif
