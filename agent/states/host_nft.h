/* SPDX-License-Identifier: ISC */
/*
 * Which generation the kernel's nftables rules are of: a number that moves with
 * every change of any of them, in one network namespace (NFT_MSG_GETGEN of
 * netfilter's netlink protocol).  Three system calls and no program.
 */
#ifndef AGENT_STATES_HOST_NFT_H
#define AGENT_STATES_HOST_NFT_H

#include <stdint.h>

#include "agent/states/host.h"

struct host_nft {
	uint32_t generation;
	uint64_t ns_dev, ns_ino;	/* of the network namespace */
};

/* That of this process' namespace.  ERR_NOTFOUND: a kernel without nftables, or
 * a host that is not this machine; ERR_SYS. */
int host_nft_generation(struct host *h, struct host_nft *out, struct err *e)
    MUST_CHECK;

#endif
