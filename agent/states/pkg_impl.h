/* SPDX-License-Identifier: ISC */
/*
 * What the files of the kind pkg share.
 */
#ifndef AGENT_STATES_PKG_IMPL_H
#define AGENT_STATES_PKG_IMPL_H

#include "agent/states/state.h"

#define PKG_MAX 500	/* names of one list */

struct pkg_params {
	struct strs present, absent, held;
};

/* One package that the state names. */
struct pkg_seen {
	const char *name;	/* borrowed from the parameters */
	bool	    installed, held;
	char	   *version;	/* NULL: not installed */
};

struct pkg_observed {
	bool		 missing;	/* no apt-get here */
	struct pkg_seen *v;
	size_t		 n;
	/* What apt-get says it would do, and why it would not. */
	struct strs	 also_in, also_out; /* beyond what the state names */
	char		*refused;
};

/* pkg_parse.c */
void pkg_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void pkg_params_clear(void *params);

/* pkg_apt.c */
int  pkg_observe(struct host *h, const struct state_env *env,
     const void *params, void *observed, struct err *e) MUST_CHECK;
void pkg_observed_clear(void *observed);
/* NULL where it is not named. */
struct pkg_seen *pkg_find(const struct pkg_observed *o, struct slice name);
/* What dpkg says of all that is named, into out->v. */
int  pkg_query(struct host *h, const struct pkg_params *p,
     struct pkg_observed *out, struct err *e) MUST_CHECK;
/* apt-get, or apt-mark for a hold, with those words (NULL ends them) and names.
 * ERR_DENIED with what it says. */
int  pkg_apt(struct host *h, const char *const *words,
     const struct strs *names, struct err *e) MUST_CHECK;

/* pkg_undo.c */
/* verb is install, remove or hold; names are of the state's.  What carries a way
 * in (carriers.h) is fetched before it is removed. */
int  pkg_change(struct host *h, const char *verb, const struct strs *names,
     struct err *e) MUST_CHECK;
int  pkg_snapshot(struct host *h, const void *params, struct str *out,
     struct err *e) MUST_CHECK;
int  pkg_restore(struct host *h, struct slice snapshot, struct err *e)
     MUST_CHECK;

#endif
