/* SPDX-License-Identifier: ISC */
/* writ policy: what its files share. */
#ifndef CA_CLI_POLICY_H
#define CA_CLI_POLICY_H

#include "ca/cli/cli.h"

/* Read and parse the working copy, print what is wrong with it, and say whether
 * it works; ERR_DENIED when there is an error.  Outputs are the caller's. */
int policy_read_draft(const char *dir, struct policy_files *files,
    struct policy **out, struct err *e) MUST_CHECK;
/* The POSIX rule of a zone, from the system's time zone files. */
int policy_zone_rule(const char *zone, char **rule, struct err *e) MUST_CHECK;
/* What changed since the published bundle, as diff -u, on standard output. */
int policy_print_diff(const char *dir, const struct policy_files *draft,
    struct err *e) MUST_CHECK;

int run_policy_sign(struct cli_args *a, struct err *e);
int run_policy_show(struct cli_args *a, struct err *e);
int run_policy_signers(struct cli_args *a, struct err *e);
int run_policy_log(struct cli_args *a, struct err *e);
int run_policy_who(struct cli_args *a, struct err *e);
int run_policy_pull(struct cli_args *a, struct err *e);
int run_policy_push(struct cli_args *a, struct err *e);

#endif
