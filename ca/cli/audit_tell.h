/* SPDX-License-Identifier: ISC */
/* writ audit gaps --notify: officers hear of alarms, of each once. */
#ifndef CA_CLI_AUDIT_TELL_H
#define CA_CLI_AUDIT_TELL_H

#include "ca/audit/gaps.h"

#define TELL_EACH 20	/* alarms of a run with a notice each; then one for all */

/*
 * Tell the officers of p, by the channels of this notify.yaml, the alarms of g
 * that nobody was told of, and write down which were, in the file `channels`.told
 * of the caller's (0600).  One counts as told once a channel has taken it for one
 * of them.  Blocks until all were tried.
 *
 * ERR_USAGE	no channels, or nobody to tell
 * ERR_NET	so many could not be told, and why the first: the next run tries
 *		those again
 * Else as channels_load(), sender_new(), told_alarms_parse(), file_write().
 */
int tell_alarms(const char *channels, const struct gaps *g,
    const struct policy *p, struct err *e) MUST_CHECK;

#endif
