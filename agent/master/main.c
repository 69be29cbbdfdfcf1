/* SPDX-License-Identifier: ISC */
/* writ-master(8): what a machine that keeps a fleet's log does to itself. */
#include <sys/stat.h>

#include "agent/master/admin.h"
#include "lib/crypto/secmem.h"

int
main(int argc, char **argv)
{
	const struct cli_command commands[] = {cmd_master_init, cmd_master_run,
	    cmd_master_check, cmd_master_status, cmd_master_metrics};

	secmem_harden_process();
	(void)umask(022);
	return cli_main("writ-master", "The master of a fleet.", commands,
	    sizeof(commands) / sizeof(commands[0]), argc, argv);
}
