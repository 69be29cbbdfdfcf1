/* SPDX-License-Identifier: ISC */
/* writ-ca-keeper: store, log and S3 (writ-ca(8)). */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/keeper/keeper_proc.h"
#include "lib/base/pages.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/proc/plog.h"

static int
usage(void)
{
	fprintf(stderr, "usage: writ-ca-keeper [-C DIR]\n");
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
	pages_keep();
	plog_init("writ-ca-keeper", PLOG_INFO);
	if ((r = keeper_proc_run(dir, &e)) != 0)
		plog_err(PLOG_ERR, &e, "cannot go on", NULL);
	return cli_exit_status(r);
}
