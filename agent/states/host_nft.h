/* SPDX-License-Identifier: ISC */
/*
 * Which generation the kernel's nftables rules are of: a number that moves with
 * every change of any of them, in this network namespace (NFT_MSG_GETGEN of
 * netfilter's netlink protocol).  One system call each way and no program.
 */
#ifndef AGENT_STATES_HOST_NFT_H
#define AGENT_STATES_HOST_NFT_H

#include <stdint.h>

#include "agent/states/host.h"

/* ERR_NOTFOUND: a kernel without nftables, or a host that is not this machine;
 * ERR_SYS. */
int host_nft_generation(struct host *h, uint32_t *out, struct err *e)
    MUST_CHECK;

#endif
