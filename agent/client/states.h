/* SPDX-License-Identifier: ISC */
/*
 * How hosts are, as a master tells it: the answer to `status`
 * (agent/master/calls.md), checked field by field.  The master's word, which
 * rests on what hosts reported.  Pure.
 */
#ifndef AGENT_CLIENT_STATES_H
#define AGENT_CLIENT_STATES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct host_state {
	char	*host;
	bool	 connected, rejected;
	int64_t	 last_contact;	/* 0: never, or not told */
	uint64_t fleet_version;	/* what it says it has; 0: none */
	uint64_t target;	/* what it is to have; 0: no job named it */
	uint64_t policy_version, krl_version;
	char	*outcome;	/* of its last run; "" before one */
	char	*drift;		/* "" where none is told of */
	char	*boot_id;
	struct strs alarms;
};
struct host_states {		/* zero-initialise; host_states_clear */
	struct host_state *v;
	size_t	 n;
};

/*
 * A master tells some at a time: *next (NULL allowed) is what to ask for after this
 * answer, 0: nothing; what it says is added to out, which is as before on failure.
 *
 * ERR_PARSE, ERR_LIMIT: which field of which entry, or a page of nothing that others
 * follow; ERR_NOMEM.
 */
int  host_states_parse(const json_t *answer, struct host_states *out,
     uint64_t *next, struct err *e) MUST_CHECK;
void host_states_clear(struct host_states *s);
const struct host_state *host_state_find(const struct host_states *s,
    const char *host);

/* Who needs somebody to look: with an alarm, not at its target, or whose last
 * run did not go well. */
bool host_state_is_behind(const struct host_state *s);
/* Those first, then by id. */
void host_states_sort(struct host_states *s);

/* "12 hosts, 10 connected, 2 behind, 1 with alarms" */
void host_states_summary(const struct host_states *s, struct str *out);
/* "now", "40 s", "5 m", "3 h", "2 d": how long ago. */
void host_state_ago(int64_t then, int64_t now, struct str *out);

#endif
