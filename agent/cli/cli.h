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
#include "lib/trust/bundle.h"
#include "lib/trust/policy.h"

extern const struct cli_command cmd_check, cmd_plan, cmd_diff, cmd_sign,
    cmd_show, cmd_export, cmd_job, cmd_push, cmd_keys, cmd_accept, cmd_reject,
    cmd_rename, cmd_forget, cmd_token, cmd_send, cmd_apply, cmd_watch, cmd_jobs,
    cmd_status, cmd_facts, cmd_changes, cmd_logins, cmd_controls;

/* keys.c: of cmd_token, since it is the same question. */
int run_token_list(struct cli_args *a, struct err *e);

/* The working copy, DIR/fleet: as draft_read(). */
int fleet_read_draft(const char *dir, struct policy_files *out,
    struct err *e) MUST_CHECK;
/* What hosts go by is the policy that is published; before there is one, the
 * working copy beside the fleet's. */
enum fleet_policy_source {
	FLEET_POLICY_NONE = 0,		/* neither is there */
	FLEET_POLICY_DRAFT,
	FLEET_POLICY_IN_FORCE,
};
struct fleet_policy {			/* fleet_policy_clear */
	enum fleet_policy_source source;
	const struct policy *p;		/* NULL with FLEET_POLICY_NONE */
	struct trust	trust;
	struct policy  *draft;
};
/* Faults of a working copy go to diags.  As bundles_load() (expiry is not
 * asked), draft_read(), policy_parse(). */
int fleet_policy_read(const char *dir, struct fleet_policy *out,
    struct conf_diags *diags, struct err *e) MUST_CHECK;
void fleet_policy_clear(struct fleet_policy *p);

/*
 * Parse files and ask whether it works, as `check` does: faults to diags.
 * hosts may be NULL.  ERR_DENIED when there was an error; *out is untouched
 * then.  *source (NULL allowed): which policy it was tried with.
 */
int fleet_check_files(const char *dir, const struct policy_files *files,
    const struct strs *hosts, struct fleet **out,
    struct fleet_check_result *result, enum fleet_policy_source *source,
    struct conf_diags *diags, struct err *e) MUST_CHECK;

/* Print warnings and errors, a line each, on standard error. */
void fleet_print_diags(const struct conf_diags *d);
/* The same of fleet_parse() or highstate_compile(), who returned r, and clear
 * them.  0, ERR_NOMEM, or ERR_DENIED "fleet has N errors and M warnings". */
int fleet_say_diags(int r, struct conf_diags *d, struct err *e) MUST_CHECK;

#endif
