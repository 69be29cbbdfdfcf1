/* SPDX-License-Identifier: ISC */
/*
 * A kind of state: a struct of functions, one file, one line in state_kinds[].
 *
 *	parse    parameters from YAML; every fault to diags, with its place
 *	observe  what the host has; changes nothing
 *	plan     the difference, as changes; pure
 *	apply    one CHANGE_LIVE; files are the driver's
 *
 * The driver (run.h) owns order, requisites, diffs, backups, staging, undo and
 * reports: a module never logs, locks, writes a file or decides order.  After a
 * run the driver observes and plans again: the plan must be empty then, which
 * is the proof that the change took.
 */
#ifndef AGENT_STATES_STATE_H
#define AGENT_STATES_STATE_H

#include "agent/states/host.h"
#include "agent/states/plan.h"
#include "lib/conf/schema.h"
#include "lib/trust/policy.h"

/* What a module may know beside its own parameters.  All borrowed. */
struct state_env {
	const char *host_id;
	const struct policy *policy;	/* authorities, groups; NULL in `check`
					   without a policy bundle */
	struct slice krl;		/* newest verified KRL; n 0: none */
	uint64_t krl_version;
	struct slice host_cert;		/* certificate line; n 0: none yet */
	/* Ways in that must stay: where masters are, and from where and as
	   whom the operator comes. */
	const struct strs *master_addresses;	/* ADDRESS:PORT, numeric */
	const char *operator_account;		/* NULL: not known */
	const char *operator_address;
	const char *operator_principal;
};

enum {
	STATE_WAY_IN = 1,	/* its changes may shut a way in */
	STATE_FIRST = 2,	/* applied before the rest is planned (pkg) */
	STATE_EACH = 4,		/* what it owns are things of their own: one
				   that policy names no more stays as it is,
				   though another is named (fstab, service,
				   pkg) */
};

struct state_ops {
	const char *name;	/* the word in policy: "sshd_config" */
	const char *summary;	/* one line for `writ-agent states` */
	unsigned    flags;
	size_t	    params_size, observed_size;

	/*
	 * params is zeroed.  n is a mapping's node (or whatever stands there:
	 * the module says what it expected).  Faults go to in->diags.
	 */
	void (*parse)(struct conf_in *in, const struct yaml_node *n,
	    void *params);
	/* Paths that two states of a host must not both own, appended to out:
	   "/etc/ssh/sshd_config.d/00-writ.conf", "iptables:filter".  NULL:
	   none. */
	int (*owns)(const void *params, struct strs *out);
	/* What stays when policy speaks of it no more (left.h), appended to out.
	   NULL: what it owns. */
	int (*leaves)(const void *params, struct strs *out);
	/* Does it take away what it owns (`ensure: absent`)?  NULL: no state of
	   this kind does. */
	bool (*is_absent)(const void *params);
	/* observed is zeroed.  Errors are those of the host that no plan can
	   speak of; what is missing or strange is observed and planned. */
	int (*observe)(struct host *h, const struct state_env *env,
	    const void *params, void *observed, struct err *e);
	int (*plan)(const struct state_env *env, const void *params,
	    const void *observed, struct plan *out, struct err *e);
	/* NULL where plan() makes files alone. */
	int (*apply)(struct host *h, const struct state_env *env,
	    const void *params, const struct change *c, struct err *e);

	/*
	 * The owner's own checker over the whole staged tree: h sees the host
	 * as it would be.  Called once for the states of a kind that have
	 * changes.  ERR_DENIED with the checker's words.  NULL: none.
	 */
	int (*validate)(struct host *h, const struct state_env *env,
	    const void *params, struct err *e);
	/* The lock-out proof: with the staged tree, would the ways in of env
	   still pass?  ERR_DENIED says who would not.  NULL: none. */
	int (*proof)(struct host *h, const struct state_env *env,
	    const void *params, struct err *e);
	/* After the files of a run, or their undoing, are in place: make the
	   running service take them (reload).  Called once a run for each
	   state with file changes.  NULL: none. */
	int (*activate)(struct host *h, const struct state_env *env,
	    const void *params, struct err *e);
	/*
	 * What is not in files, before a run, as bytes; and put it back: for
	 * undo.  restore() must work in another process, after a reboot too,
	 * without params.  Both or neither.
	 */
	int (*snapshot)(struct host *h, const void *params, struct str *out,
	    struct err *e);
	int (*restore)(struct host *h, struct slice snapshot, struct err *e);
	/*
	 * Cheap signs of everything observe() looks at (stat of files and of
	 * the checker, a unit's state, the kernel's generation), a line each:
	 * while they are what they were when the state was last seen to hold,
	 * it holds.  No program is started.  NULL: always observed.
	 */
	int (*fingerprint)(struct host *h, const struct state_env *env,
	    const void *params, struct str *out, struct err *e);
	/* What the host has, as a state in YAML, for `writ-agent observe`. */
	int (*show)(struct host *h, struct str *out, struct err *e);

	void (*params_clear)(void *params);	/* may be NULL */
	void (*observed_clear)(void *observed);	/* may be NULL */
};

/* The kind of that name, or NULL. */
const struct state_ops *state_kind(const char *name);
/* All kinds, in the order of the list. */
const struct state_ops *const *state_kinds(size_t *n);
/* For tests: state_kind() finds these too; ends with NULL, borrowed. */
void state_kinds_test(const struct state_ops *const *v);

/* A line for fingerprint(): size, times, inode and mode of a path, or that it
 * is not there. */
int state_sign_path(struct host *h, const char *path, struct str *out,
    struct err *e) MUST_CHECK;

#endif
