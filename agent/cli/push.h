/* SPDX-License-Identifier: ISC */
#ifndef AGENT_CLI_PUSH_H
#define AGENT_CLI_PUSH_H

#include "agent/cli/online.h"

/* The fleet that is published here, to the master that o is connected with,
 * which has an older one. */
int push_fleet(struct online *o, struct err *e) MUST_CHECK;

#endif
