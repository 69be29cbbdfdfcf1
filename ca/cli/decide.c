/* SPDX-License-Identifier: ISC */
/*
 * writ approve, writ deny: what is asked, by whom, why, and what policy makes
 * of it, is checked and shown here, before the officer's key is used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/beside.h"
#include "ca/cli/decision.h"
#include "ca/cli/remote.h"
#include "ca/cli/remote_decide.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/statement/statement.h"

struct by_files {
	struct deciding d;
	struct beside beside;
};

/* --- reading -------------------------------------------------------------- */

/* What others have said already, in the log and beside the file, counts towards
 * what is still needed. */
static int
gather(struct by_files *f, const struct subject *u,
    const struct statement **decisions, size_t *n, struct err *e)
{
	struct strs paths = {0};
	int r = beside_decisions(&f->beside, u->path, &paths, NULL, e);

	for (size_t i = 0;
	     r == 0 && i < paths.n && *n < 2 * ISSUE_DECISIONS_MAX; i++) {
		struct statement *s = NULL;

		if (beside_read(&f->beside, paths.v[i], NULL, &s, NULL) == 0 &&
		    statement_verify(s, NULL) == 0)
			decisions[(*n)++] = s;
	}
	strs_clear(&paths);
	return r;
}

static int
evaluate(struct by_files *f, struct subject *u, struct err *e)
{
	const struct statement **decisions;
	struct statement *logged = NULL;
	size_t n_logged = 0, n = 0;
	int r = 0;

	decisions = calloc(2 * ISSUE_DECISIONS_MAX, sizeof(*decisions));
	if (decisions == NULL)
		return err_nomem(e);
	if (f->d.world.local != NULL)
		r = keeper_decisions(f->d.world.local->ledger, &u->s.hash,
		    &logged, &n_logged, e);
	for (; r == 0 && n < n_logged; n++)
		decisions[n] = &logged[n];
	if (r == 0 && (r = gather(f, u, decisions, &n, e)) == 0)
		r = decision_evaluate(&f->d, u, decisions, n, e);
	while (n_logged > 0)
		statement_clear(&logged[--n_logged]);
	free(logged);
	free(decisions);
	return r;
}

static int
read_subject(struct by_files *f, struct subject *u, struct err *e)
{
	int r;

	if ((r = cli_read_statement(u->path, &u->s, e)) != 0)
		return r;
	if ((r = decision_check(&f->d, u, e)) != 0 || u->s.type == ST_KEY)
		return r;
	return evaluate(f, u, e);
}

/*
 * FILE.PERSON beside each, or once where -o says.  One file of many names where
 * that can be: 200 of them are three megabytes, which `writ sign` would read.
 */
static int
write_beside(const char *path, const char *first, struct slice text,
    struct err *e)
{
	int r = first != NULL ? file_link(first, path, 0, e) : 1;

	return r == 1 ? file_write(path, text.p, text.n, 0644, 0, e) : r;
}

static int
write_decision(void *ctx, const struct subject *u, size_t n, struct slice text,
    struct err *e)
{
	const struct deciding *d = ctx;
	const char *once = cli_get(d->a, "o");
	char *first = NULL;
	int r = 0;

	if (once != NULL)
		return cli_write_new(once, text, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		char *path = NULL;

		if (strcmp(u[i].path, "-") == 0) {
			r = cli_write_new(NULL, text, e);
			break;
		}
		if (path_joinf(&path, "%s.%s", u[i].path, d->who->id) != 0) {
			r = err_nomem(e);
			break;
		}
		if ((r = write_beside(path, first, text, e)) == 0)
			printf("%s\n", path);
		if (first == NULL)
			first = path;
		else
			free(path);
	}
	free(first);
	return r;
}

static int
decide(struct by_files *f, struct err *e)
{
	struct deciding *d = &f->d;
	int r;

	for (size_t i = 0; i < d->n; i++)
		if ((r = read_subject(f, &d->subjects[i], e)) != 0)
			return r;
	if ((r = cli_signer(d->a, d->world.trust->policy, d->world.standing,
		 &d->key_path, &d->who, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n; i++)
		if ((r = decision_show(d, &d->subjects[i], e)) != 0)
			return r;
	if ((r = decision_confirm(d, e)) != 0)
		return r;
	return decision_sign(d, write_decision, d, e);
}

static int
run_on_files(struct cli_args *a, bool approve, int64_t length, struct err *e)
{
	struct by_files f = {.beside = BESIDE_INIT};
	struct deciding *d = &f.d;
	int r;

	d->a = a;
	d->approve = approve;
	d->length = length;
	d->n = cli_n_operands(a);
	if (d->n == 0)
		return err_set(e, ERR_USAGE,
		    "missing operand, expected FILE ...");
	if (cli_get(a, "o") != NULL && d->n > DECISION_REQUESTS_MAX)
		return err_set(e, ERR_USAGE,
		    "-o holds one decision, of at most %d",
		    DECISION_REQUESTS_MAX);
	if ((d->subjects = calloc(d->n, sizeof(*d->subjects))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < d->n; i++)
		subject_init(&d->subjects[i], cli_operand(a, i));
	if ((r = cli_world_open(a, &d->world, e)) == 0)
		r = decide(&f, e);
	for (size_t i = 0; i < d->n; i++)
		subject_clear(&d->subjects[i]);
	free(d->subjects);
	free(d->key_path);
	beside_clear(&f.beside);
	cli_world_clear(&d->world);
	return r;
}

/* Operands that are files are decided on as files, wherever we are. */
static bool
names_files(const struct cli_args *a)
{
	for (size_t i = 0; i < cli_n_operands(a); i++)
		if (strcmp(cli_operand(a, i), "-") == 0 ||
		    file_exists(cli_operand(a, i)))
			return true;
	return false;
}

static int
run(struct cli_args *a, bool approve, struct err *e)
{
	const char *text = cli_get(a, "for");
	int64_t length = 0;
	int r;

	if ((r = cli_check_text("the comment", cli_get(a, "comment"),
		 STATEMENT_COMMENT_MAX, e)) != 0)
		return r;
	if (text != NULL && span_parse(text, &length) != 0)
		return err_set(e, ERR_USAGE, "--for wants a span such as 1h");
	if (cli_is_remote(a) && !names_files(a))
		return run_decide_remote(a, approve, length, e);
	return run_on_files(a, approve, length, e);
}

static int
run_approve(struct cli_args *a, struct err *e)
{
	return run(a, true, e);
}

static int
run_deny(struct cli_args *a, struct err *e)
{
	return run(a, false, e);
}

#define COMMON                                                           \
	{'i', NULL, "KEY", "your key"},                                  \
	    {0, "comment", "TEXT", "for the requester and the auditor"}, \
	    {'o', NULL, "FILE",                                          \
		"one file, instead of FILE.PERSON beside each"},         \
	    CLI_YES

static const struct cli_option approve_options[] = {
    {0, "for", "SPAN", "no longer than this"}, COMMON};
static const struct cli_option deny_options[] = {COMMON};

const struct cli_command cmd_approve = {.name = "approve",
    .operands = "[ID|FILE ...]",
    .summary = "approve requests and keys",
    CLI_OPTIONS(approve_options),
    .max_operands = CLI_ANY,
    .run = run_approve};
const struct cli_command cmd_deny = {.name = "deny",
    .operands = "[ID|FILE ...]",
    .summary = "deny requests and keys",
    CLI_OPTIONS(deny_options),
    .max_operands = CLI_ANY,
    .run = run_deny};
