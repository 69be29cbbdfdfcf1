/* SPDX-License-Identifier: ISC */
/* The program of a process of a service: NAME [-C DIR]. */
#ifndef LIB_CLI_DAEMON_H
#define LIB_CLI_DAEMON_H

#include <sys/types.h>

#include "lib/base/err.h"

struct daemon {
	const char *name;	/* "writ-ca-signer", for usage and log */
	mode_t mask;		/* umask(2) */
	/* All it does, in DIR; until it is told to stop. */
	int (*run)(const char *dir, struct err *e);
};

/* Options read, the process hardened (secmem.h), its log begun; a failure of run
 * is the log's last line.  The exit status. */
int daemon_main(const struct daemon *d, int argc, char **argv);

#endif
