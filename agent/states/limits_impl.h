/* SPDX-License-Identifier: ISC */
/*
 * What the files of pam_limits share: parameters, and what a host has.
 */
#ifndef AGENT_STATES_LIMITS_IMPL_H
#define AGENT_STATES_LIMITS_IMPL_H

#include "agent/states/limits_items.h"
#include "agent/states/state.h"

#define OWN        "/etc/security/limits.d/zzz-writ.conf"
#define DIR_PATH   "/etc/security/limits.d"
#define MAIN_PATH  "/etc/security/limits.conf"
#define PAM_PATH   "/etc/pam.d/runuser"
#define LIMITS_MAX 1000
#define ANYBODY    "nobody" /* who shows what `*` comes to */

struct limit {
	char *domain;
	enum limit_type type;
	const struct limit_item *item;
	int64_t value;
	struct conf_pos pos;
};

struct params {
	bool absent;
	struct limit *v; /* as written, then root's lines */
	size_t n, cap;
};

/* What a session of one user had. */
struct seen {
	char *user;
	char *values; /* of prlimit(1): NAME SOFT HARD, a line each */
};

struct observed {
	char *text; /* of OWN, NULL: not there */
	size_t n;
	struct host_stat st;
	char *later;       /* who wins all the same, NULL: nobody */
	struct strs notes; /* lines that are more exact */
	struct seen *seen; /* one for each limit; user NULL: nobody to ask */
	size_t n_seen;
};

/* limits_parse.c */
void limits_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void limits_params_clear(void *params);

/* limits_observe.c */
int  limits_observe(struct host *h, const struct state_env *env,
     const void *params, void *observed, struct err *e) MUST_CHECK;
void limits_observed_clear(void *observed);
/* Every file of limits in the order in which it is read. */
int  limits_files(struct host *h, struct strs *out, struct err *e) MUST_CHECK;

/* limits_tight.c: may OWN shut out whoever gets in now?  A limit by which a login
 * may fail is new, lower than in OWN as it is, or gone from there, where another's
 * may count then.  What is only raised shuts nobody out.  Pure. */
bool limits_are_tighter(const struct params *p, const struct observed *o);

/* What OWN is to hold (limits_parse.c). */
int  limits_text(const struct params *p, struct str *out) MUST_CHECK;
const char *limits_type_word(enum limit_type t);
void limits_add_value(struct str *out, int64_t v);

#endif
