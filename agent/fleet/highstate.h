/* SPDX-License-Identifier: ISC */
/*
 * The highstate of one host: every state that top.yaml gives it, with pillar
 * and grains put in, in the order in which they run.
 *
 * Compiling is the same function for `writ fleet check`, for the master's
 * counting before a job is signed, and for the agent.  Pure.
 */
#ifndef AGENT_FLEET_HIGHSTATE_H
#define AGENT_FLEET_HIGHSTATE_H

#include "agent/fleet/fleet.h"

#define GRAINS_MAX     256
#define GRAIN_NAME_MAX 64	/* bytes; [a-z0-9_.] */
#define GRAIN_MAX      255	/* bytes of a value */

/* What a host says of itself ("os" = "debian"): never believed where it
 * matters who the host is. */
struct grain {
	char *name, *value;
};
struct grains {			/* sorted by name; grains_clear */
	struct grain *v;
	size_t	      n, cap;
};
int  grains_set(struct grains *g, const char *name, const char *value)
     MUST_CHECK;		/* ERR_LIMIT, ERR_NOMEM */
const char *grains_get(const struct grains *g, const char *name);
void grains_clear(struct grains *g);

/* Who a highstate is for.  id and roles come from the acceptance and
 * fleet.yaml, never from the host. */
struct fleet_host {
	const char	    *id;
	const struct strs   *roles;
	const struct grains *grains;
	int64_t		     now;	/* for exceptions that have expired */
};

/* One state of one host. */
struct hstate {
	const struct fleet_state *decl;	/* id, kind, cis, why, positions */
	const struct yaml_node *params;	/* ${...} put in; the highstate's */
	/* Indices into v of states that run before this one. */
	size_t *require, *watch, *onchanges;
	size_t	n_require, n_watch, n_onchanges;
	const struct fleet_exception *excepted; /* NULL: none in force */
	bool	off;			/* `when` is false here */
};

struct highstate {		/* highstate_compile / highstate_free */
	struct hstate *v;	/* in running order: requisites first, else the
				   order of top.yaml and the files */
	size_t	       n;
	/* Inside. */
	struct highstate_mem *mem;
};

/*
 * Compile.  Faults go to diags, with the positions of the files: an unknown
 * ${...} or pillar name, a pillar cycle (by name), a value of the wrong kind in
 * a text, a state id twice, a requisite that this host does not get.  ERR_PARSE
 * when there was an error, ERR_LIMIT, ERR_NOMEM; *out is untouched then.
 * f must outlive *out.
 */
int  highstate_compile(const struct fleet *f, const struct fleet_host *host,
     struct highstate **out, struct conf_diags *diags) MUST_CHECK;
void highstate_free(struct highstate *h);

/* As YAML-like text for people: what `writ fleet plan --host H` shows. */
int  highstate_describe(const struct highstate *h, struct str *out) MUST_CHECK;

#endif
