/* SPDX-License-Identifier: ISC */
/* writ-ca-keeper: store, log and S3 (writ-ca(8)). */
#include "ca/keeper/keeper_proc.h"
#include "lib/base/pages.h"
#include "lib/cli/daemon.h"

int
main(int argc, char **argv)
{
	static const struct daemon d = {"writ-ca-keeper", 022, keeper_proc_run};

	pages_keep();
	return daemon_main(&d, argc, argv);
}
