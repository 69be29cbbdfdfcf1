/* SPDX-License-Identifier: ISC */
/*
 * limits.conf(5): its items and lines, read and compared.  Pure.
 */
#ifndef AGENT_STATES_LIMITS_ITEMS_H
#define AGENT_STATES_LIMITS_ITEMS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define LIMIT_UNLIMITED UINT64_MAX

struct limit_item {
	const char *name;	/* "nproc" */
	const char *resource;	/* as prlimit(1) names it, NULL: no rlimit */
	uint64_t    unit;	/* what 1 stands for in the kernel */
	int64_t	    min, max;	/* of the value in the file */
	bool	    unlimited;	/* the word is allowed */
	bool	    shuts;	/* a login may fail by it: what its session needs,
				   and how many there may be */
};
/* NULL: no such item. */
const struct limit_item *limit_item(const char *name);
/* "core, data, ..." for messages. */
void limit_items_add(struct str *out);

enum limit_type { LIMIT_SOFT = 1, LIMIT_HARD = 2, LIMIT_BOTH = 3 };

/* A line of a limits file. */
struct limit_line {
	struct slice domain, item, value;
	enum limit_type type;
	unsigned line;		/* from 1 */
};
/* The next line that sets something, with *text moved behind it and *line
 * counted on; false at the end.  What pam_limits passes over (too few words, an
 * unknown type) is passed over. */
bool limit_next(struct slice *text, unsigned *line, struct limit_line *out);

/* A value as it stands in a file or a policy: a number, unlimited, infinity or
 * -1.  ERR_PARSE. */
int limit_value(const struct limit_item *item, const char *text, int64_t *out)
    MUST_CHECK;
/* What the kernel has then. */
uint64_t limit_in_kernel(const struct limit_item *item, int64_t value);

/*
 * How exactly a domain is meant: a name or uid beats a group, a group beats
 * `*`, whatever the order of the lines.  0 `*`, 1 group, 2 user.
 */
int limit_rank(struct slice domain);

#endif
