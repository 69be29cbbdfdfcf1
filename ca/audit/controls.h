/* SPDX-License-Identifier: ISC */
/*
 * Controls (the `cis` of states) of a host at a time: what the version of the
 * fleet that it ran asks of it, which the fleet's own program tells, and what
 * came of its last run, which the log tells (hosts_then.h).  Pure.
 *
 * Nothing is taken for passed that no report says: a run that did not begin, a
 * report that had no room, a state that hangs on grains, which no log has, make
 * a control unknown.
 */
#ifndef CA_AUDIT_CONTROLS_H
#define CA_AUDIT_CONTROLS_H

#include <jansson.h>

#include "ca/audit/hosts_then.h"

#define CONTROLS_MAX 4000000	/* rows, and controls of a host */

enum control_answer { CONTROL_NO, CONTROL_MAYBE, CONTROL_YES };

/* A state with controls, as a host has it. */
struct control_state {
	char	       *host, *id;
	struct strs	cis;		/* 1.. */
	enum control_answer applies;
	/* An exception that is the host's; reason NULL: there is none. */
	enum control_answer spared;	/* CONTROL_NO: it has ended */
	char	       *reason, *owner;
	int64_t		expires;
};
struct control_states {		/* zero-initialise / control_states_clear */
	struct control_state *v;
	size_t		      n, cap;
};
/*
 * Rows of `writ-fleet controls --json`, which must be of the fleet with this
 * name (NULL: any).  ERR_PARSE, ERR_LIMIT; ERR_CORRUPT: of another; ERR_NOMEM.
 */
int  control_states_read(const json_t *rows, const struct hash *fleet,
     struct control_states *out, struct err *e) MUST_CHECK;
void control_states_clear(struct control_states *s);

/* Of several states with a control, the first of these counts. */
enum control_result {
	CONTROL_FAILED,
	CONTROL_EXCEPTED,
	CONTROL_UNKNOWN,
	CONTROL_PASSED,
	CONTROL_NONE,		/* not applicable */
};
const char *control_result_name(enum control_result r);

struct control_then {
	const char	   *cis;	/* borrowed from the states */
	enum control_result result;
	char		   *states;	/* that came to it: "limits, sshd" */
	const char	   *why;	/* of the first; static, or NULL */
	const struct control_state *excepted; /* the first; NULL: not so */
};
struct controls_then {		/* zero-initialise / controls_then_clear */
	struct control_then *v;	/* by id, numbers in it as numbers */
	size_t		     n, cap;
};
/* Of h, whose last run is of the version that `of` tells of.  ERR_LIMIT,
 * ERR_NOMEM; out is to be cleared then too. */
int  controls_judge(const struct host_then *h, const struct control_states *of,
     struct controls_then *out) MUST_CHECK;
void controls_then_clear(struct controls_then *c);

#endif
