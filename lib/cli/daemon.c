/* SPDX-License-Identifier: ISC */
#include "lib/cli/daemon.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/cli/cli.h"
#include "lib/crypto/secmem.h"
#include "lib/proc/plog.h"
#include "lib/proc/service.h"

static int
usage(const struct daemon *d)
{
	fprintf(stderr, "usage: %s [-C DIR]\n", d->name);
	return EXIT_USAGE;
}

int
daemon_main(const struct daemon *d, int argc, char **argv)
{
	const char *dir = ".";
	int64_t began = clock_mono_ms();
	struct err e = {0};
	int c, r;

	if ((r = fd_keep_standard(&e)) != 0)
		return cli_exit_status(r);
	while ((c = getopt(argc, argv, "C:")) != -1) {
		if (c != 'C')
			return usage(d);
		dir = optarg;
	}
	if (optind != argc)
		return usage(d);
	secmem_harden_process();
	(void)umask(d->mask);
	plog_init(d->name, PLOG_INFO);
	if ((r = d->run(dir, &e)) != 0) {
		plog_err(PLOG_ERR, &e, "cannot go on", NULL);
		/* What was used wrongly its unit does not start again. */
		if (r != ERR_USAGE)
			service_stand(began);
	}
	return r == 0 ? 0 : cli_exit_status(r);
}
