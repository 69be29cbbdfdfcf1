/* SPDX-License-Identifier: ISC */
/*
 * Inside `writ-ca check`: findings, a line each, and what the checks share.
 * A check never ends the others: what it cannot find out it says.
 */
#ifndef CA_DAEMON_CHECK_H
#define CA_DAEMON_CHECK_H

#include <stdint.h>

#include "ca/common/config.h"
#include "lib/base/err.h"
#include "lib/cli/findings.h"
#include "lib/trust/bundle.h"

struct check {
	const char *dir;
	int64_t now;
	struct config config;
	struct trust trust; /* have: false where there is none */
	struct findings found;
};

void check_add(struct check *c, enum finding f, const char *what,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
/* A failure's sentence and hint. */
void check_err(struct check *c, enum finding f, const char *what,
    const struct err *e);

/* check_host.c: the machine around it. */
void check_files(struct check *c);
void check_disk(struct check *c);
void check_ports(struct check *c);
void check_notify(struct check *c);
void check_clock(struct check *c);

#endif
