/* SPDX-License-Identifier: ISC */
/* writ-master-keeper: log, store and bundles (writ-master(8)). */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/master/mk_proc.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/proc/plog.h"

static int
usage(void)
{
	fprintf(stderr, "usage: writ-master-keeper [-C DIR]\n");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	const char *dir = ".";
	struct err e = {0};
	int c, r;

	while ((c = getopt(argc, argv, "C:")) != -1) {
		if (c != 'C')
			return usage();
		dir = optarg;
	}
	if (optind != argc)
		return usage();
	secmem_harden_process();
	(void)umask(022);
	plog_init("writ-master-keeper", PLOG_INFO);
	if ((r = master_keeper_run(dir, &e)) != 0)
		plog_err(PLOG_ERR, &e, "cannot go on", NULL);
	return cli_exit_status(r);
}
