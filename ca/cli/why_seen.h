/* SPDX-License-Identifier: ISC */
/* What the host itself saw of an account, for `writ why`. */
#ifndef CA_CLI_WHY_SEEN_H
#define CA_CLI_WHY_SEEN_H

#include "ca/cli/cli.h"

#define WHY_SEEN_SPAN  "24h" /* before now */
#define WHY_SEEN_LINES 10    /* the newest */

/*
 * Append the last logins and refusals of an account (NULL: any) of a host, as a
 * master of the fleet of -C DIR tells them; nothing where DIR has no fleet.
 * Positive: the status with which writ-fleet ended, which has said why.
 * ERR_PARSE (of what writ-fleet printed), ERR_SYS, ERR_NOTFOUND, ERR_NOMEM.
 */
int why_seen(struct cli_args *a, const char *host, const char *account,
    struct str *out, struct err *e) MUST_CHECK;

#endif
