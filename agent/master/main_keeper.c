/* SPDX-License-Identifier: ISC */
/* writ-master-keeper: log, store and bundles (writ-master(8)). */
#include "agent/master/mk_proc.h"
#include "lib/cli/daemon.h"

int
main(int argc, char **argv)
{
	static const struct daemon d = {
	    "writ-master-keeper", 022, master_keeper_run};

	return daemon_main(&d, argc, argv);
}
