/* SPDX-License-Identifier: ISC */
/*
 * By which interface, and at which address, those who must get in come to this
 * host, as its kernel would answer them; by ip(8).
 */
#ifndef AGENT_STATES_FW_WAYS_H
#define AGENT_STATES_FW_WAYS_H

#include "agent/states/host.h"
#include "agent/states/state.h"

#define FW_WAYS_MAX	 256	/* addresses of a host; those of more count not */
#define FW_INTERFACE_MAX 16	/* bytes, as the kernel has it */
#define FW_ADDRESS_MAX	 64	/* bytes: what an IPv6 address takes at most */

struct fw_ways {
	struct {
		char interface[FW_INTERFACE_MAX], to[FW_ADDRESS_MAX];
	} v[FW_WAYS_MAX];
	size_t n;
	bool   all;	/* nobody knows which is asked: each has to be open */
};

/*
 * The operator's way, where his address is known (of a range, its first); else
 * those to masters that are not on this host, one of which is enough; else all
 * that the host has.  ERR_NOTFOUND (no ip), ERR_DENIED (no route, or more ways
 * than FW_WAYS_MAX), and as host_run().
 */
int fw_ways_read(struct host *h, const struct state_env *env,
    struct fw_ways *out, struct err *e) MUST_CHECK;

#endif
