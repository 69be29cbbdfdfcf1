/* SPDX-License-Identifier: ISC */
/* What writ-agent's subcommands share: each is a file, and a line of main.c. */
#ifndef AGENT_MINION_COMMANDS_H
#define AGENT_MINION_COMMANDS_H

#include "agent/minion/session.h"
#include "lib/cli/cli.h"

/* Beside those of lib/cli/cli.h: a dry run that has something to change. */
#define EXIT_CHANGES 7

#define AGENT_STATE_OPTION \
	{0, "state", "DIR", "what the agent keeps (" STATE_DIR ")"}
#define AGENT_OPTIONS                                                          \
	{0, "local", "DIR", "signed bundles lie in DIR/bundle"},               \
	{0, "root", "SHA256:...", "the root of trust, the first time"},        \
	{0, "id", "HOST", "this host's id (the name it has given itself)"},    \
	{0, "config", "FILE", "instead of " CONFIG_PATH},                      \
	AGENT_STATE_OPTION

struct session_opts agent_options(const struct cli_args *a);
const char *agent_state_dir(const struct cli_args *a);

extern const struct cli_command agent_cmd_applier, agent_cmd_apply,
    agent_cmd_confirm, agent_cmd_grains, agent_cmd_observe, agent_cmd_run,
    agent_cmd_seen, agent_cmd_states, agent_cmd_status, agent_cmd_test, agent_cmd_undo;

#endif
