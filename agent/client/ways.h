/* SPDX-License-Identifier: ISC */
/*
 * Which changes between two versions of a fleet touch a way in: sshd, the
 * firewall, PAM, accounts, the agent's own way to its masters.
 *
 * Both are compiled for each host, and its states compared.  What a host says
 * of itself is not asked: a `when` that hangs on it is compared as it is
 * written, so that no change is passed over because of what a host claims.
 * Equal changes of several hosts are one.  Pure.
 */
#ifndef AGENT_CLIENT_WAYS_H
#define AGENT_CLIENT_WAYS_H

#include "agent/fleet/highstate.h"
#include "agent/states/state.h"

enum way_what { WAY_NEW, WAY_CHANGED, WAY_GONE };

struct way {
	char	     *state;	/* its id; "fleet.yaml" for the agent's own */
	char	     *kind;	/* "sshd_config" */
	char	     *way;	/* "sshd", "firewall": what it is a way in by */
	char	     *where;	/* "states/ssh.yaml:5"; of the newer */
	enum way_what what;
	struct strs   lines;	/* "-a.b: x", "+a.b: y"; WAY_GONE: none */
	struct strs   hosts;
};
struct ways {			/* zero-initialise; ways_clear */
	struct way *v;
	size_t	    n, cap;
};
void ways_clear(struct ways *w);

/*
 * What becomes otherwise for this host; from NULL: it has nothing yet.
 * Appended.  ERR_PARSE (the first fault, where one of the two does not compile
 * for it), ERR_LIMIT, ERR_NOMEM.
 */
int  ways_compare(struct ways *w, const struct fleet *from,
     const struct fleet *to, const struct fleet_host *host, struct err *e)
     MUST_CHECK;

/* For people; n_hosts is that of the whole order, so that "all 12 hosts" can be
 * said.  Nothing where no way in is touched. */
void ways_describe(const struct ways *w, size_t n_hosts, struct str *out);

/* By what a state of this kind with these parameters is a way in: "firewall",
 * or NULL where it is none.  n NULL: not known. */
const char *way_of(const char *kind, const struct yaml_node *n);

#endif
