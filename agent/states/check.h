/* SPDX-License-Identifier: ISC */
/*
 * Does a fleet work?  What can be found out before anything is signed, for all
 * hosts that can be foreseen: those that expressions and roles tell apart, and
 * those that are enrolled.
 *
 * For each, the highstate is compiled and every state's parameters are read by
 * its kind; two states must not own the same thing.  Against the policy: would
 * the compiled sshd_config let in an account that has principals, does some
 * account accept each principal that is granted, and somebody get each that is
 * accepted, are the masters' keys there.  Pillar that looks like a secret is
 * refused.  Pure.
 */
#ifndef AGENT_STATES_CHECK_H
#define AGENT_STATES_CHECK_H

#include "agent/fleet/highstate.h"
#include "agent/states/state.h"

#define CHECK_HOSTS_MAX 2000	/* combinations of id and grains tried */

struct fleet_check {
	const struct policy *policy;	/* NULL: not asked whether they agree */
	const struct strs   *hosts;	/* ids that are enrolled; NULL: not
					   known */
	int64_t		     now;
	/* NULL: state_kinds(). */
	const struct state_ops *const *kinds;
	size_t		     n_kinds;
	size_t		     hosts_max;	/* 0: CHECK_HOSTS_MAX */
};

struct fleet_check_result {
	size_t hosts;		/* combinations tried */
	size_t highstates;	/* that differ */
	size_t states;		/* of all files */
};

/*
 * Faults and warnings go to diags, each once; where it is not so for every host
 * that was tried, with one for which it is.  A warning says when there were
 * more combinations than hosts_max.  ERR_DENIED: something was added as an
 * error; ERR_NOMEM.  out (NULL allowed) is set also with ERR_DENIED.
 */
int fleet_check(const struct fleet *f, const struct fleet_check *c,
    struct fleet_check_result *out, struct conf_diags *diags) MUST_CHECK;

#endif
