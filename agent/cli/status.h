/* SPDX-License-Identifier: ISC */
#ifndef AGENT_CLI_STATUS_H
#define AGENT_CLI_STATUS_H

#include "agent/cli/online.h"
#include "agent/client/states.h"

/* How hosts are; on (NULL: all) is an expression.  As master_call(). */
int online_states(struct online *o, const char *on, struct host_states *out,
    struct err *e) MUST_CHECK;

#endif
