/* SPDX-License-Identifier: ISC */
/* What the files of fleet_check() share; nobody else includes it. */
#ifndef AGENT_STATES_CHECK_IMPL_H
#define AGENT_STATES_CHECK_IMPL_H

#include "agent/states/check.h"

/* --- hosts that can be foreseen (check_hosts.c) --- */

struct foreseen_grain {
	const char *name;
	struct strs values;	/* never empty; the first is the usual one */
	bool	    asked;	/* some expression asks for it */
};

struct foreseen {		/* foreseen_clear */
	struct strs	       ids;
	struct foreseen_grain *grains;	/* all kinds of grains */
	size_t		       n;	/* combinations; SIZE_MAX: more */
};

int  foresee(const struct fleet *f, const struct strs *hosts,
     struct foreseen *out) MUST_CHECK;
void foreseen_clear(struct foreseen *w);
/* The i-th combination, i < w->n: ids change first.  g is zero. */
int  foreseen_host(const struct foreseen *w, size_t i, const char **id,
     struct grains *g) MUST_CHECK;
/* "web-0.example.com, os debian": the grains that are asked for. */
void foreseen_describe(const struct foreseen *w, const char *id,
     const struct grains *g, struct str *out);

/* --- with the policy (check_policy.c) --- */

struct agreement {		/* agreement_clear */
	const struct policy *policy;
	struct strs accepted;	/* principals, each once */
	bool	    has_accounts;
};

/* One highstate: faults to diags.  ERR_NOMEM. */
int  agreement_add(struct agreement *a, const struct highstate *h,
     struct conf_diags *diags) MUST_CHECK;
/* When all were added; and what needs no highstate. */
int  agreement_end(const struct agreement *a, const struct fleet *f,
     struct conf_diags *diags) MUST_CHECK;
void agreement_clear(struct agreement *a);

/* --- secrets (check_secrets.c) --- */

void check_secrets(const struct fleet *f, struct conf_diags *diags);

#endif
