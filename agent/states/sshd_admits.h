/* SPDX-License-Identifier: ISC */
/*
 * Would sshd admit an account?  Its own rules over the values that it says are
 * in force (sshd_look.h), without a look at the host.
 */
#ifndef AGENT_STATES_SSHD_ADMITS_H
#define AGENT_STATES_SSHD_ADMITS_H

#include <stdbool.h>

#include "agent/states/sshd_look.h"

/* Do DenyUsers, AllowUsers, DenyGroups and AllowGroups of c's dump let c's
 * account in?  NULL, or the keyword that does not.  any_address: c's address is
 * not known, and a pattern's part after the @ is not held against it. */
const char *sshd_lists_refuse(const struct sshd_class *c, bool any_address);
/* Could an account come in by these AuthenticationMethods, with a key first? */
bool sshd_methods_pass(const struct sshd_dump *d);

#endif
