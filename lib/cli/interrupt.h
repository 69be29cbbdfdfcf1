/* SPDX-License-Identifier: ISC */
/*
 * SIGINT, SIGTERM and SIGHUP as a descriptor: for a command that waits, and that
 * says what goes on without it before it ends.
 */
#ifndef LIB_CLI_INTERRUPT_H
#define LIB_CLI_INTERRUPT_H

#include <signal.h>

#include "lib/base/err.h"

struct interrupt {
	int	 fd;		/* readable once one came; -1: not caught */
	sigset_t before;	/* what was blocked */
};
#define INTERRUPT_INIT {.fd = -1}

/* From now on none of them ends the process.  ERR_SYS: as before. */
int  interrupt_catch(struct interrupt *x, struct err *e) MUST_CHECK;
/* As before, without those that came meanwhile; also of one not caught. */
void interrupt_release(struct interrupt *x);

#endif
