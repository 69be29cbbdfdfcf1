/* SPDX-License-Identifier: ISC */
/* writ(1): certificates for SSH, recorded before they exist. */
#include <signal.h>
#include <sys/stat.h>

#include "ca/cli/cli.h"
#include "lib/crypto/secmem.h"

static const char about[] =
    "An SSH certificate authority whose every act is signed and recorded.";

int
main(int argc, char **argv)
{
	const struct cli_command commands[] = {cmd_init, cmd_policy,
	    cmd_request, cmd_approve, cmd_deny, cmd_sign, cmd_show, cmd_key,
	    cmd_revoke, cmd_krl, cmd_config, cmd_ca, cmd_audit};

	secmem_harden_process();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	return cli_main("writ", about, commands,
	    sizeof(commands) / sizeof(commands[0]), argc, argv);
}
