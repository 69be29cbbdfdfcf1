/* SPDX-License-Identifier: ISC */
/* writ(1): certificates for SSH, recorded before they exist. */
#include <signal.h>
#include <sys/stat.h>

#include "ca/cli/cli.h"
#include "lib/crypto/secmem.h"

static const char about[] =
    "An SSH certificate authority whose every act is signed and recorded.";

const struct cli_command *const writ_commands[] = {&cmd_init, &cmd_policy,
    &cmd_trust, &cmd_request, &cmd_status, &cmd_fetch, &cmd_pending,
    &cmd_approve, &cmd_deny, &cmd_sign, &cmd_show, &cmd_key, &cmd_revoke,
    &cmd_krl, &cmd_config, &cmd_ca, &cmd_ensure, &cmd_why, &cmd_audit,
    &cmd_fleet, &cmd_completion};
const size_t writ_commands_n = sizeof(writ_commands) / sizeof(writ_commands[0]);

int
main(int argc, char **argv)
{
	struct cli_command
	    commands[sizeof(writ_commands) / sizeof(writ_commands[0])];

	for (size_t i = 0; i < writ_commands_n; i++)
		commands[i] = *writ_commands[i];
	secmem_harden_process();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	return cli_main("writ", about, commands, writ_commands_n, argc, argv);
}
