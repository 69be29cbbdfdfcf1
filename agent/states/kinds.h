/* SPDX-License-Identifier: ISC */
/*
 * The modules, for the list in state.c: a line each.
 */
#ifndef AGENT_STATES_KINDS_H
#define AGENT_STATES_KINDS_H

#include "agent/states/state.h"

extern const struct state_ops state_fail2ban;
extern const struct state_ops state_fstab;
extern const struct state_ops state_iptables;
extern const struct state_ops state_pam_limits;
extern const struct state_ops state_pkg;
extern const struct state_ops state_service;
extern const struct state_ops state_ssh_ca;
extern const struct state_ops state_sshd_config;

#endif
