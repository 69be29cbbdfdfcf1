/* SPDX-License-Identifier: ISC */
/* writ-ca(8): what a machine that keeps a log does to itself. */
#include <stdio.h>
#include <sys/stat.h>

#include "ca/daemon/admin.h"
#include "ca/daemon/local.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"

static int
run_rebuild(struct cli_args *a, struct err *e)
{
	uint64_t size = 0;
	int r = local_rebuild(cli_dir(a), cli_get(a, "from"), &size, e);

	if (r == 0)
		printf("the log is whole again: %llu leaves\n",
		    (unsigned long long)size);
	return r;
}

static const struct cli_option rebuild_options[] = {
    {0, "from", "dir:PATH|s3://B/P",
	"a copy of the log (where it is published)"},
};

const struct cli_command cmd_rebuild = {.name = "rebuild",
    .operands = "",
    .summary = "make journal and index anew from a published log",
    CLI_OPTIONS(rebuild_options),
    .run = run_rebuild};

int
main(int argc, char **argv)
{
	const struct cli_command commands[] = {cmd_run, cmd_check, cmd_status,
	    cmd_metrics, cmd_backup, cmd_restore, cmd_rebuild};

	secmem_harden_process();
	(void)umask(022);
	return cli_main("writ-ca", "The keeper of a certificate authority.",
	    commands, sizeof(commands) / sizeof(commands[0]), argc, argv);
}
