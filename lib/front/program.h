/* SPDX-License-Identifier: ISC */
/*
 * The program of a front: what comes before front_run(), in the order in which
 * it must come.
 */
#ifndef LIB_FRONT_PROGRAM_H
#define LIB_FRONT_PROGRAM_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/front/calls.h"
#include "lib/front/front.h"
#include "lib/front/limits.h"

/* What the service's configuration says; all of it is borrowed. */
struct front_config {
	const struct strs *listen;	/* dest_listen() */
	const char *metrics;		/* the same; NULL: none */
	const char *transport;		/* the front's SSH host key, a file */
	const char *runtime;		/* directory of keeper.sock */
	const char *user;		/* whom root becomes; NULL: nobody */
	const struct front_limits *limits;
	bool	    log_json;
};

struct front_program {
	const char *name;		/* "writ-ca-front" */
	const char *config_name;	/* "writ.yaml", for messages */
	const struct front_words *words;
	const struct call_table *calls;
	/* Read DIR's configuration, which lives as long as the program. */
	int (*load)(const char *dir, struct front_config *out, struct err *e);
};

/*
 * [-C DIR]: configuration, signals, dialler, sockets (passed ones instead of
 * those of the configuration), the transport key, the user, the sandbox, then
 * the first byte from outside.  The exit status.
 */
int front_main(const struct front_program *p, int argc, char **argv);

#endif
