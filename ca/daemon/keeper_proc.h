/* SPDX-License-Identifier: ISC */
/*
 * The keeper's process: store, log and S3; it serves the front (keeper.sock)
 * and this machine (control.sock), and asks signer and notify.
 *
 *	holds	the store, the log, S3's credentials
 *	reads	frames of front and signer, S3's answers, statements
 *	never	the CA's keys, starting a program
 */
#ifndef CA_DAEMON_KEEPER_PROC_H
#define CA_DAEMON_KEEPER_PROC_H

#include <stdbool.h>

#include "lib/base/err.h"

struct keeper_proc_options {
	const char *dir;
	/* The CA's keys in this process: for tests of the keeper alone. */
	bool	    own_signer;
};

/* Serve until SIGTERM or SIGINT: 0; else what made it end. */
int keeper_proc_run(const struct keeper_proc_options *o, struct err *e)
    MUST_CHECK;

#endif
