/* SPDX-License-Identifier: ISC */
/*
 * Packages and services that carry a way into the host: what is taken away with
 * them is sshd, the network, the firewall, PAM, accounts, sudo or the agent.
 * The agent arms by it and the operator's tool warns by it.  Pure.
 */
#ifndef AGENT_STATES_CARRIERS_H
#define AGENT_STATES_CARRIERS_H

#include <stddef.h>

/* The way that the package or unit of that name carries, such as "sshd"; the
 * suffix of a unit does not count.  NULL: none that is known. */
const char *carrier_way(const char *name, size_t n);

#endif
