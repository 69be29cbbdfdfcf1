/* SPDX-License-Identifier: ISC */
/*
 * What writ-fleet's subcommands share.  Each subcommand is a file, and a line
 * of the table in main.c.
 */
#ifndef AGENT_CLI_CLI_H
#define AGENT_CLI_CLI_H

#include "lib/cli/cli.h"
#include "lib/conf/diag.h"
#include "lib/trust/policy.h"

extern const struct cli_command cmd_check;

/* The working copy, DIR/fleet: as draft_read(). */
int fleet_read_draft(const char *dir, struct policy_files *out,
    struct err *e) MUST_CHECK;

/* Print warnings and errors, a line each, on standard error. */
void fleet_print_diags(const struct conf_diags *d);

#endif
