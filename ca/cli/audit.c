/* SPDX-License-Identifier: ISC */
/* writ audit: its table, and a proof from the log. */
#include "ca/cli/audit.h"

#include <stdlib.h>
#include <string.h>

#include "ca/cli/audit_uses.h"

/* --- prove --------------------------------------------------------------- */

struct proof {
	uint64_t serial;
	char *log; /* that has the certificate which is meant */
	struct str text;
};

static int
prove_in(void *ctx, struct audit_log *log, struct err *e)
{
	struct proof *f = ctx;
	uint64_t index;
	int r;

	if (strcmp(audit_log_name(log), f->log) != 0)
		return 0;
	if ((r = audit_log_find(log, f->serial, &index, e)) != 0)
		return r;
	return audit_log_prove(log, index, &f->text, e);
}

static int
run_prove(struct cli_args *a, struct err *e)
{
	struct proof f = {.text = STR_INIT};
	char quoted[QUOTE_MAX];
	struct place p;
	int r;

	place_init(&p);
	if (parse_u64(cli_operand(a, 0), 1, UINT64_MAX, &f.serial) != 0) {
		r = err_set(e, ERR_USAGE, "%s is no serial, expected a number",
		    str_quote(quoted, cli_operand(a, 0)));
		goto out;
	}
	if ((r = place_open(a, &p, e)) != 0 ||
	    (r = place_choose_log(&p, f.serial, cli_get(a, "log"), &f.log,
		 e)) != 0 ||
	    (r = place_each_log(&p, prove_in, &f, e)) != 0)
		goto out;
	r = cli_write_new(cli_get(a, "o"), slice_of(f.text.p, f.text.n), e);
out:
	free(f.log);
	str_clear(&f.text);
	place_clear(&p);
	return r;
}

/* --- the table ----------------------------------------------------------- */

static const struct cli_option list_options[] = {
    {0, "since", "T|SPAN", "issued since then, such as 30d"},
    {0, "person", "P", "of one person"},
    USES_UTC,
    CLI_JSON,
    CLI_CSV,
};
static const struct cli_option verify_options[] = {
    {0, "log", "URL", "dir:PATH or s3://BUCKET/PREFIX (default: of -C DIR)"},
    {0, "root", "SHA256:...", "the realm (default: of -C DIR)"},
    {0, "since", "CHECKPOINT",
	"a file with an earlier checkpoint, or a number of leaves: judge what "
	"came later"},
    {0, "state", "FILE",
	"judge what came after the audit that wrote it, and write it anew"},
    {0, "fleet-log", "URL",
	"a master's log, to be compared; repeatable (default: fleet_logs of "
	"-C DIR)"},
    {0, "fleet-since", "CHECKPOINT", "as --since, of the one --fleet-log"},
    {0, "endpoint", "URL", "of the S3 server"},
    {0, "region", "R", "of the bucket"},
    {0, "credentials", "HOW", "env, file:PATH or process:PROGRAM"},
    {0, "wait", "SPAN",
	"for the checkpoint of what lies there (default: 2s, of a bucket 10s)"},
    CLI_JSON,
};
static const struct cli_option prove_options[] = {
    {0, "log", "NAME", "of this log, where several have such a serial"},
    {'o', NULL, "FILE", "write there (default: standard output)"},
};
static const struct cli_option sample_options[] = {
    {0, "since", "T|SPAN", "of those issued since then"},
    USES_UTC,
    CLI_JSON,
    CLI_CSV,
};
static const struct cli_option who_options[] = {
    {0, "host", "ID", "on this host (all)"},
    {0, "person", "P", "by this person"},
    {0, "account", "NAME", "to this account (all)"},
    {0, "since", "T|SPAN", "from then on (" USES_SPAN ")"},
    {0, "until", "T|SPAN", "until then"},
    {0, "reason", "TEXT", "whose reason has this in it"},
    USES_OPTIONS,
};
static const struct cli_option session_options[] = {
    {0, "host", "ID", "on this host, where several have such a session"},
    {0, "since", "T|SPAN", "seen from then on (" USES_SPAN ")"},
    USES_OPTIONS,
};
static const struct cli_option hosts_options[] = {
    {0, "at", "T|SPAN", "as they were then; a date is its end (now)"},
    {0, "cis", NULL, "the controls of each host, by its version of the fleet"},
    {0, "fleet-log", "URL",
	"a master's log; repeatable (default: fleet_logs of -C DIR)"},
    USES_UTC,
    CLI_JSON,
    CLI_CSV,
};
static const struct cli_option gaps_options[] = {
    {0, "since", "T|SPAN",
	"of logins and certificates since then (" USES_SPAN
	"; 14d to propose)"},
    {0, "propose", NULL, "write a first policy/audit.yaml, to be filled in"},
    {'o', NULL, "FILE", "propose to this file"},
    {0, "notify", "FILE",
	"tell officers of new alarms, by the channels of this notify.yaml"},
    USES_OPTIONS,
};
static const struct cli_option report_options[] = {
    {0, "html", "FILE", "write the page there; it must not exist"},
    {0, "since", "T|SPAN", "what happened since then (" USES_SPAN ")"},
    USES_ASKED,
};
static const struct cli_option evidence_options[] = {
    {'o', NULL, "DIR", "make this directory (required)"},
    {0, "log", "NAME", "of this log, where several have such a serial"},
    {0, "host", "ID", "of a session on this host"},
    {0, "since", "T|SPAN", "of a session since then (" USES_SPAN ")"},
    {0, "fleet-log", "URL",
	"the log of a master, for the host's report (default: writ.yaml's)"},
    USES_ASKED,
};
static const struct cli_option merge_options[] = {
    CLI_JSON,
};

static const struct cli_command subs[] = {
    {.name = "who",
	.operands = "",
	.summary = "who logged in, and why",
	.run = run_audit_who,
	CLI_OPTIONS(who_options)},
    {.name = "session",
	.operands = "ID",
	.summary = "one login, from request to logout, with every proof",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_audit_session,
	CLI_OPTIONS(session_options)},
    {.name = "hosts",
	.operands = "",
	.summary = "how hosts were on a day: version, outcome, what failed",
	.run = run_audit_hosts,
	CLI_OPTIONS(hosts_options)},
    {.name = "gaps",
	.operands = "",
	.summary = "logins that nothing explains, hosts that say nothing",
	.run = run_audit_gaps,
	CLI_OPTIONS(gaps_options)},
    {.name = "report",
	.operands = "",
	.summary = "all of that as a page for people",
	.run = run_audit_report,
	CLI_OPTIONS(report_options)},
    {.name = "list",
	.operands = "",
	.summary = "certificates that the log has: who, what, why, whose word",
	.run = run_audit_list,
	CLI_OPTIONS(list_options)},
    {.name = "verify",
	.operands = "",
	.summary = "go through all of the log and say what is wrong",
	.run = run_audit_verify,
	CLI_OPTIONS(verify_options)},
    {.name = "prove",
	.operands = "SERIAL",
	.summary = "a proof (c2sp.org/tlog-proof) that a certificate is logged",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_prove,
	CLI_OPTIONS(prove_options)},
    {.name = "sample",
	.operands = "N",
	.summary = "N certificates chosen at random",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_audit_sample,
	CLI_OPTIONS(sample_options)},
    {.name = "evidence",
	.operands = "SERIAL|SESSION",
	.summary = "a folder about a certificate, which stock tools check",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_audit_evidence,
	CLI_OPTIONS(evidence_options)},
    {.name = "merge",
	.operands = "DIR",
	.summary = "take in the log of an emergency directory",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_audit_merge,
	CLI_OPTIONS(merge_options)},
};

const struct cli_command cmd_audit = {
    .name = "audit",
    .operands = "",
    .summary = "read the log, verify it, prove what it has",
    CLI_SUBS(subs),
};
