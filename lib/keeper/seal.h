/* SPDX-License-Identifier: ISC */
/* What the process of a keeper gives up before anybody is heard. */
#ifndef LIB_KEEPER_SEAL_H
#define LIB_KEEPER_SEAL_H

#include "lib/ledger/home.h"

struct seal {
	const char *dir;	/* of the service; what is relative lies there */
	const struct log_home *home;
	const char *store;	/* the file of rows; NULL: none */
	const char *const *read; /* what more is read; NULL-terminated */
};

/*
 * The sandbox: files of the log, its copies, the store and the bundles in force
 * alone, and what names of hosts and S3 need.  Before threads; ERR_NOMEM,
 * ERR_LIMIT, and those of sandbox_enter().
 */
int keeper_seal(const struct seal *s, struct err *e) MUST_CHECK;

#endif
