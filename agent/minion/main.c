/* SPDX-License-Identifier: ISC */
/* writ-agent(8): a host that is what signed policy says. */
#include <signal.h>
#include <sys/stat.h>

#include "agent/minion/commands.h"

int
main(int argc, char **argv)
{
	const struct cli_command commands[] = {agent_cmd_observe,
	    agent_cmd_test, agent_cmd_apply, agent_cmd_confirm, agent_cmd_undo,
	    agent_cmd_status, agent_cmd_grains, agent_cmd_states, agent_cmd_run,
	    agent_cmd_seen, agent_cmd_applier};

	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	return cli_main_no_dir("writ-agent",
	    "A host that is what signed policy says.", commands,
	    sizeof(commands) / sizeof(commands[0]), argc, argv);
}
