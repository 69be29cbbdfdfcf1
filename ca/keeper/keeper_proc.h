/* SPDX-License-Identifier: ISC */
/*
 * The keeper's process: store, log and S3; it serves the front (keeper.sock)
 * and this machine (control.sock), and asks signer and notify.
 *
 *	holds	the store, the log, S3's credentials
 *	reads	frames of front and signer, S3's answers, statements
 *	never	the CA's keys, starting a program
 */
#ifndef CA_KEEPER_KEEPER_PROC_H
#define CA_KEEPER_KEEPER_PROC_H

#include "lib/base/err.h"

/* Serve DIR until SIGTERM or SIGINT: 0; else what made it end. */
int keeper_proc_run(const char *dir, struct err *e) MUST_CHECK;

#endif
