/* SPDX-License-Identifier: ISC */
#ifndef AGENT_STATES_FW_PARSE_H
#define AGENT_STATES_FW_PARSE_H

#include "agent/states/fw_rules.h"
#include "lib/conf/schema.h"

/* The parameters of the kind iptables, for its struct state_ops. */
void fw_parse(struct conf_in *in, const struct yaml_node *n, void *params);
void fw_params_clear(void *params);

#endif
