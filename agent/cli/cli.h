/* SPDX-License-Identifier: ISC */
/*
 * What writ-fleet's subcommands share.  Each subcommand is a file, and a line
 * of the table in main.c.
 */
#ifndef AGENT_CLI_CLI_H
#define AGENT_CLI_CLI_H

#include "agent/fleet/fleet.h"
#include "agent/states/check.h"
#include "lib/cli/cli.h"
#include "lib/conf/diag.h"
#include "lib/trust/policy.h"

extern const struct cli_command cmd_check, cmd_plan, cmd_diff, cmd_sign,
    cmd_show, cmd_export, cmd_job;

/* The working copy, DIR/fleet: as draft_read(). */
int fleet_read_draft(const char *dir, struct policy_files *out,
    struct err *e) MUST_CHECK;
/* The working copy of the policy beside it, parsed; faults go to diags.  *out is
 * NULL where there is no DIR/policy.  As draft_read(), policy_parse(). */
int fleet_read_policy(const char *dir, struct policy **out,
    struct conf_diags *diags, struct err *e) MUST_CHECK;

/*
 * Parse files and ask whether it works, as `check` does: faults to diags.
 * hosts may be NULL.  ERR_DENIED when there was an error; *out is untouched
 * then.  *policy_asked (NULL allowed): there is a policy beside it.
 */
int fleet_check_files(const char *dir, const struct policy_files *files,
    const struct strs *hosts, struct fleet **out,
    struct fleet_check_result *result, bool *policy_asked,
    struct conf_diags *diags, struct err *e) MUST_CHECK;

/* Print warnings and errors, a line each, on standard error. */
void fleet_print_diags(const struct conf_diags *d);
/* ERR_DENIED "fleet has N errors and M warnings". */
int fleet_say_errors(const struct conf_diags *d, struct err *e);

#endif
