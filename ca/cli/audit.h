/* SPDX-License-Identifier: ISC */
/* writ audit: the logs of -C DIR, its own and those that were merged into it.
 */
#ifndef CA_CLI_AUDIT_H
#define CA_CLI_AUDIT_H

#include "ca/audit/audit.h"
#include "ca/cli/cli.h"

struct place { /* place_init, place_clear */
	struct config config;
	struct trust trust;
	struct blob_config blob;
	char *url; /* of its own log */
};

void place_init(struct place *p);
void place_clear(struct place *p);
/* Read config and policy of -C DIR; an expired policy still names its log. */
int place_open(const struct cli_args *a, struct place *p,
    struct err *e) MUST_CHECK;
/*
 * Are these the addresses of logs, before anything is asked of them?  ERR_USAGE,
 * with the option in front: one is not; ERR_NOMEM.  c NULL: where they are is not
 * said with an option.
 */
int place_check_url(const char *option, const char *url,
    const struct blob_config *c, struct err *e) MUST_CHECK;
int place_check_fleet_logs(const struct cli_args *a, struct err *e) MUST_CHECK;
/*
 * Call fn with DIR's own log, then with each log of the policy that writ audit
 * merge has put below it, in the order of their names; a value of fn other than
 * 0 ends it and is returned.  What audit_log_open() says.
 */
int place_each_log(const struct place *p,
    int (*fn)(void *ctx, struct audit_log *log, struct err *e), void *ctx,
    struct err *e) MUST_CHECK;

/*
 * Which of these logs has the certificate with this serial, into *out, for the
 * caller to free.  log: the one that is meant; NULL where no choice should be
 * needed.  ERR_NOTFOUND: none has one; ERR_USAGE: not that log, or several and
 * log is NULL.
 */
int place_choose_log(const struct place *p, uint64_t serial, const char *log,
    char **out, struct err *e) MUST_CHECK;

/* The subcommands; each is a file, and a line of the table in audit.c. */
int run_audit_who(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_gaps(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_report(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_session(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_hosts(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_verify(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_list(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_sample(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_evidence(struct cli_args *a, struct err *e) MUST_CHECK;
int run_audit_merge(struct cli_args *a, struct err *e) MUST_CHECK;

#endif
