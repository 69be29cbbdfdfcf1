/* SPDX-License-Identifier: ISC */
/*
 * What `fail2ban-client -d` prints: the commands that its configuration comes
 * to, a Python list a line.  This, and not the files, is what will hold.  Pure.
 */
#ifndef AGENT_STATES_F2B_DUMP_H
#define AGENT_STATES_F2B_DUMP_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

/* Is there "['add', 'JAIL', ...]"?  *backend (may be NULL) is borrowed. */
bool f2b_has_jail(const char *dump, const char *jail, struct slice *backend);
/* The value of "['set', 'JAIL', 'KEY', VALUE]" without its quotes. */
bool f2b_value(const char *dump, const char *jail, const char *key,
    struct slice *out);
/* Is WORD among the values of any set or multi-set of KEY of that jail? */
bool f2b_has_word(const char *dump, const char *jail, const char *key,
    const char *word);
/* A span as fail2ban writes it: seconds, or "10m", "1h", "7d", "2w"; -1 is for
 * ever.  ERR_PARSE. */
int  f2b_span(struct slice text, int64_t *out) MUST_CHECK;
/* Is the jail in what `fail2ban-client status` prints? */
bool f2b_is_up(const char *status, const char *jail);

#endif
