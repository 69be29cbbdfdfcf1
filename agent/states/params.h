/* SPDX-License-Identifier: ISC */
/*
 * The states of one host with their parameters read: what a run works on.
 */
#ifndef AGENT_STATES_PARAMS_H
#define AGENT_STATES_PARAMS_H

#include "agent/fleet/highstate.h"
#include "agent/states/state.h"

struct state {
	const struct hstate *h;	/* requisites, exception, `when` */
	const struct state_ops *ops;
	void *params;		/* NULL: off or excepted, and not read */
	char *text;		/* the parameters as text, for another process;
				   NULL with params */
};
struct states {			/* zero-initialise; states_clear */
	struct state *v;	/* as in the highstate, in running order */
	size_t	      n;
};

/*
 * Read the parameters of every state that is neither off nor excepted.  Faults,
 * an unknown kind among them, go to diags: ERR_PARSE when there was an error;
 * ERR_NOMEM.  hs must outlive out.
 */
int  states_parse(const struct highstate *hs, struct states *out,
     struct conf_diags *diags) MUST_CHECK;
void states_clear(struct states *s);

/* A tree as one line of YAML that parses to the same tree.  Failure is
 * remembered by the str. */
void params_write(const struct yaml_node *n, struct str *out);
/* And one state's parameters from that line, without a policy: the caller ends
 * them with params_free().  ERR_PARSE, ERR_NOMEM. */
int  params_read(const struct state_ops *ops, const char *text, void **out,
     struct err *e) MUST_CHECK;
void params_free(const struct state_ops *ops, void *params);

#endif
