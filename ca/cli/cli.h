/* SPDX-License-Identifier: ISC */
/*
 * What writ's subcommands share.  Each subcommand is a file, and a line of the
 * table in main.c.
 */
#ifndef CA_CLI_CLI_H
#define CA_CLI_CLI_H

#include "ca/keeper/local.h"
#include "lib/cli/cli.h"
#include "lib/cli/signing.h"
#include "lib/cli/table.h"
#include "lib/statement/statement.h"

extern const struct cli_command cmd_init, cmd_policy, cmd_request, cmd_approve,
    cmd_deny, cmd_sign, cmd_show, cmd_key, cmd_revoke, cmd_krl, cmd_config,
    cmd_audit, cmd_ca, cmd_trust, cmd_status, cmd_fetch, cmd_pending,
    cmd_ensure, cmd_why, cmd_fleet, cmd_completion;

/* Every subcommand; main.c. */
extern const struct cli_command *const writ_commands[];
extern const size_t writ_commands_n;

/*
 * A text of the command line that goes into a statement: what, such as "the
 * reason", has an invisible character, or more than max bytes.  NULL is none.
 * ERR_USAGE.
 */
int cli_check_text(const char *what, const char *text, size_t max,
    struct err *e) MUST_CHECK;

/* A passphrase is asked for on the terminal. */
extern const struct passphrase cli_passphrase;

/* local_open() of -C DIR; warnings go to standard error. */
int cli_open(const struct cli_args *a, unsigned mode, struct local **out,
    struct err *e) MUST_CHECK;
/* The signed policy of -C DIR alone: the log need not be there. */
int cli_trust(
    const struct cli_args *a, struct trust *out, struct err *e) MUST_CHECK;

/* The revocation list of -C DIR; made where there is none yet. */
int cli_krl(const struct cli_args *a, struct buf **out, struct err *e)
    MUST_CHECK;

/* Warn when DIR/emergency was used and is not merged; and after a merge, that
 * all of it is. */
void cli_warn_emergency(const char *dir);
int cli_note_merged(const char *emergency, struct err *e) MUST_CHECK;

/*
 * Who acts: the person whose key -i is, by the standing.  Without -i the first
 * of ~/.ssh/id_* that is somebody's.  *key_path is the key's file, to be freed.
 */
int cli_signer(const struct cli_args *a, const struct policy *p,
    const struct standing *st, char **key_path, const struct person **who,
    struct err *e) MUST_CHECK;
/* The same for a file that was named already; NULL: none was. */
int cli_signer_file(const char *path, const struct policy *p,
    const struct standing *st, char **key_path, const struct person **who,
    struct err *e) MUST_CHECK;

/*
 * What those need who ask and approve: the signed policy, and the standing as
 * far as this machine has the log (else the policy's, with a warning).
 */
struct cli_world {           /* cli_world_clear */
	struct local *local; /* NULL: without the log */
	struct trust own;    /* when local is NULL */
	struct standing *own_standing;
	const struct trust *trust;
	const struct standing *standing;
};
int cli_world_open(
    const struct cli_args *a, struct cli_world *out, struct err *e) MUST_CHECK;
void cli_world_clear(struct cli_world *w);

/* What a decision of ca/issue comes to, a few lines for people. */
void cli_describe_result(struct str *s, const struct issue_result *r);
/* Decide on a request as it stands, with whatever decisions are at hand; who is
 * NULL unless the request is unsigned. */
int cli_decide(const struct cli_world *w, const struct statement *request,
    const struct statement *const *decisions, size_t n_decisions,
    const struct person *who, struct issue_result *out,
    struct err *e) MUST_CHECK;

/* Print warnings and errors of a check, a line each, on standard error. */
void cli_print_diags(const struct conf_diags *d);

#endif
