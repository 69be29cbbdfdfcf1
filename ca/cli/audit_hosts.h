/* SPDX-License-Identifier: ISC */
/* What the two tables of writ audit hosts share. */
#ifndef CA_CLI_AUDIT_HOSTS_H
#define CA_CLI_AUDIT_HOSTS_H

#include "ca/audit/hosts_then.h"
#include "ca/cli/audit_uses.h"

/* A cell; empty where it has none. */
void hosts_add_time(struct table *t, bool has, int64_t at,
     const struct cli_args *a);

/*
 * audit_cis.c: rows of the controls of each host, as they were at a time by the
 * log of that name, and by the versions of the fleet that -C DIR holds.
 * Positive: the status with which writ-fleet ended, which has said why.  Else
 * as control_states_read(), ask_fleet().
 */
void hosts_init_controls(struct table *t, bool is_short);
int  hosts_add_controls(struct table *t, const struct hosts_then *h,
     const char *log, int64_t when, struct cli_args *a, struct err *e)
     MUST_CHECK;

#endif
