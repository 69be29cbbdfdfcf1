/* SPDX-License-Identifier: ISC */
/*
 * writ approve, writ deny: what is asked, by whom, why, and what policy makes
 * of it, is checked and shown here, before the officer's key is used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/beside.h"
#include "ca/cli/cli.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/person.h"

/* A file to decide on: a request, or a key statement. */
struct subject {
	const char *path;
	struct statement s;
	struct issue_result result; /* of a request */
};

struct deciding {
	const struct cli_args *a;
	bool approve;
	int64_t length; /* --for, or 0 */
	struct cli_world world;
	struct beside beside;
	const struct person *who;
	char *key_path;
	struct subject *subjects;
	size_t n;
};

/* --- reading -------------------------------------------------------------- */

/* What others have said already, in the log and beside the file, counts towards
 * what is still needed. */
static int
gather(struct deciding *d, const struct subject *u,
    const struct statement **decisions, size_t *n, struct err *e)
{
	struct strs paths = {0};
	int r = beside_decisions(&d->beside, u->path, &paths, e);

	for (size_t i = 0;
	     r == 0 && i < paths.n && *n < 2 * ISSUE_DECISIONS_MAX; i++) {
		struct statement *s = NULL;

		if (beside_read(&d->beside, paths.v[i], &s, NULL) == 0 &&
		    statement_verify(s, NULL) == 0)
			decisions[(*n)++] = s;
	}
	strs_clear(&paths);
	return r;
}

static int
evaluate(struct deciding *d, struct subject *u, struct err *e)
{
	const struct statement **decisions;
	struct statement *logged = NULL;
	size_t n_logged = 0, n = 0;
	int r = 0;

	decisions = calloc(2 * ISSUE_DECISIONS_MAX, sizeof(*decisions));
	if (decisions == NULL)
		return err_nomem(e);
	if (d->world.local != NULL)
		r = keeper_decisions(d->world.local->ledger, &u->s.hash,
		    &logged, &n_logged, e);
	for (; r == 0 && n < n_logged; n++)
		decisions[n] = &logged[n];
	if (r == 0 && (r = gather(d, u, decisions, &n, e)) == 0)
		r = cli_decide(&d->world, &u->s, decisions, n, NULL, &u->result,
		    e);
	while (n_logged > 0)
		statement_clear(&logged[--n_logged]);
	free(logged);
	free(decisions);
	return r;
}

static int
read_subject(struct deciding *d, struct subject *u, struct err *e)
{
	int r;

	if ((r = cli_read_statement(u->path, &u->s, e)) != 0 ||
	    (r = statement_verify(&u->s, e)) != 0) {
		err_prefix(e, "%s", u->path);
		return r;
	}
	if (!hash_equal(&u->s.realm, &d->world.trust->realm))
		return err_set(e, ERR_DENIED,
		    "%s: is of another realm, expected this deployment's",
		    u->path);
	if (u->s.type == ST_KEY)
		return 0;
	if (u->s.type != ST_REQUEST)
		return err_set(e, ERR_PARSE,
		    "%s: is a %s statement, expected a request or a key",
		    u->path, statement_type_name(u->s.type));
	if ((r = evaluate(d, u, e)) != 0)
		return r;
	/* A request that policy refuses can be denied, never approved. */
	if (d->approve && u->result.verdict == ISSUE_REFUSED) {
		if (e != NULL)
			*e = u->result.why;
		err_prefix(e, "%s", u->path);
		return ERR_DENIED;
	}
	return 0;
}

/* --- showing -------------------------------------------------------------- */

/* Told before the key is used, and then done all the same: what does not count
 * is passed over when it comes to signing. */
static void
warn_if_idle(const struct deciding *d, const struct subject *u)
{
	const struct issue_result *res = &u->result;
	bool member = false;

	if (u->s.type != ST_REQUEST)
		return;
	if (res->requester != NULL &&
	    strcmp(res->requester->id, d->who->id) == 0) {
		cli_warn("%s: a decision on one's own request does not count",
		    u->path);
		return;
	}
	for (size_t i = 0; i < res->n_terms; i++)
		member |= person_in_group(d->who, res->terms[i].group);
	if (!member)
		cli_warn("%s: %s is in no group that approves this; the "
			 "decision will not count",
		    u->path, d->who->id);
}

static int
show(const struct deciding *d, struct err *e)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct subject *u = &d->subjects[i];
		struct str s = STR_INIT;
		int r;

		str_addf(&s, "%s\n", u->path);
		statement_describe(&u->s, &s);
		if (u->s.type == ST_REQUEST)
			cli_describe_result(&s, &u->result);
		str_addc(&s, '\n');
		if ((r = cli_print(&s, e)) != 0)
			return r;
		warn_if_idle(d, u);
	}
	return 0;
}

/* --- the decision --------------------------------------------------------- */

static bool
same_outcome(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->length == b->length &&
	    strs_equal(&a->principals, &b->principals) &&
	    strs_equal(&a->source, &b->source) &&
	    strs_equal(&a->extensions, &b->extensions) &&
	    (a->force_command == NULL) == (b->force_command == NULL) &&
	    (a->force_command == NULL ||
		strcmp(a->force_command, b->force_command) == 0);
}

static int
copy_outcome(const struct outcome *from, struct outcome *to)
{
	to->kind = from->kind;
	to->length = from->length;
	if (strs_dup(&from->principals, &to->principals) != 0 ||
	    strs_dup(&from->source, &to->source) != 0 ||
	    strs_dup(&from->extensions, &to->extensions) != 0 ||
	    (from->force_command != NULL &&
		(to->force_command = str_dup(from->force_command)) == NULL))
		return ERR_NOMEM;
	to->requests = calloc(DECISION_REQUESTS_MAX, sizeof(struct hash));
	return to->requests != NULL ? 0 : ERR_NOMEM;
}

static int
add_request(struct decision *dec, const struct subject *u)
{
	struct outcome *o = NULL;

	for (size_t i = 0; i < dec->n_outcomes && o == NULL; i++)
		if (same_outcome(&dec->outcomes[i], &u->result.shown))
			o = &dec->outcomes[i];
	if (o == NULL) {
		o = &dec->outcomes[dec->n_outcomes++];
		if (copy_outcome(&u->result.shown, o) != 0)
			return ERR_NOMEM;
	}
	o->requests[o->n_requests++] = u->s.hash;
	return 0;
}

static int
fill_decision(struct deciding *d, const struct subject *u, size_t n,
    struct decision *dec, struct err *e)
{
	const char *comment = cli_get(d->a, "comment");

	dec->policy = d->world.trust->policy->hash;
	dec->approve = d->approve;
	dec->length = d->length;
	dec->outcomes = calloc(n, sizeof(*dec->outcomes));
	dec->keys = calloc(n, sizeof(*dec->keys));
	if (dec->outcomes == NULL || dec->keys == NULL ||
	    (comment != NULL && (dec->comment = str_dup(comment)) == NULL))
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		if (u[i].s.type == ST_KEY)
			dec->keys[dec->n_keys++] = u[i].s.hash;
		else if (add_request(dec, &u[i]) != 0)
			return err_nomem(e);
	}
	return 0;
}

/* FILE.PERSON beside each, or once where -o says. */
static int
write_decision(struct deciding *d, const struct subject *u, size_t n,
    struct slice text, struct err *e)
{
	const char *once = cli_get(d->a, "o");
	int r = 0;

	if (once != NULL)
		return cli_write_new(once, text, e);
	for (size_t i = 0; i < n && r == 0; i++) {
		char *path = NULL;

		if (strcmp(u[i].path, "-") == 0)
			return cli_write_new(NULL, text, e);
		if (path_joinf(&path, "%s.%s", u[i].path, d->who->id) != 0)
			return err_nomem(e);
		r = file_write(path, text.p, text.n, 0644, 0, e);
		if (r == 0)
			printf("%s\n", path);
		free(path);
	}
	return r;
}

static int
sign_part(struct deciding *d, const struct subject *u, size_t n, struct err *e)
{
	struct str text = STR_INIT;
	struct statement s;
	int r;

	if ((r = cli_new_statement(&s, ST_DECISION, &d->world.trust->realm,
		 d->who->id, e)) == 0 &&
	    (r = fill_decision(d, u, n, &s.u.d, e)) == 0 &&
	    (r = cli_sign_statement(&s, (const char *const *)&d->key_path, 1,
		 &text, e)) == 0)
		r = write_decision(d, u, n, slice_of(text.p, text.n), e);
	statement_clear(&s);
	str_clear(&text);
	return r;
}

/*
 * One signature for as many as a statement can hold: 200, or fewer where long
 * names fill it sooner; then the rest gets one of its own.
 */
static int
sign_all(struct deciding *d, struct err *e)
{
	size_t at = 0, step = DECISION_REQUESTS_MAX;

	while (at < d->n) {
		size_t n = d->n - at < step ? d->n - at : step;
		struct err why = {0};
		int r = sign_part(d, d->subjects + at, n, &why);

		if (r == ERR_LIMIT && n > 1) {
			step = n / 2;
			continue;
		}
		if (r != 0) {
			if (e != NULL)
				*e = why;
			return r;
		}
		at += n;
	}
	return 0;
}

static int
decide(struct deciding *d, struct err *e)
{
	char question[64];
	int r;

	for (size_t i = 0; i < d->n; i++)
		if ((r = read_subject(d, &d->subjects[i], e)) != 0)
			return r;
	if ((r = cli_signer(d->a, d->world.trust->policy, d->world.standing,
		 &d->key_path, &d->who, e)) != 0 ||
	    (r = show(d, e)) != 0)
		return r;
	snprintf(question, sizeof(question), "%s %s?",
	    d->approve ? "Approve" : "Deny",
	    d->n == 1 ? "this" : "all of these");
	if (!cli_flag(d->a, "y") && !cli_confirm(question))
		return err_set(e, ERR_DENIED, "nothing was decided");
	return sign_all(d, e);
}

static int
run(struct cli_args *a, bool approve, struct err *e)
{
	struct deciding d = {.a = a,
	    .beside = BESIDE_INIT,
	    .approve = approve,
	    .n = cli_n_operands(a)};
	const char *length = cli_get(a, "for");
	int r;

	if (length != NULL && span_parse(length, &d.length) != 0)
		return err_set(e, ERR_USAGE, "--for wants a span such as 1h");
	if (cli_get(a, "o") != NULL && d.n > DECISION_REQUESTS_MAX)
		return err_set(e, ERR_USAGE,
		    "-o holds one decision, of at most %d",
		    DECISION_REQUESTS_MAX);
	if ((d.subjects = calloc(d.n, sizeof(*d.subjects))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < d.n; i++) {
		d.subjects[i].path = cli_operand(a, i);
		statement_init(&d.subjects[i].s, ST_REQUEST);
		issue_result_init(&d.subjects[i].result);
	}
	if ((r = cli_world_open(a, &d.world, e)) == 0)
		r = decide(&d, e);
	for (size_t i = 0; i < d.n; i++) {
		statement_clear(&d.subjects[i].s);
		issue_result_clear(&d.subjects[i].result);
	}
	free(d.subjects);
	free(d.key_path);
	beside_clear(&d.beside);
	cli_world_clear(&d.world);
	return r;
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
    .operands = "FILE ...",
    .summary = "approve requests and keys",
    CLI_OPTIONS(approve_options),
    .min_operands = 1,
    .max_operands = CLI_ANY,
    .run = run_approve};
const struct cli_command cmd_deny = {.name = "deny",
    .operands = "FILE ...",
    .summary = "deny requests and keys",
    CLI_OPTIONS(deny_options),
    .min_operands = 1,
    .max_operands = CLI_ANY,
    .run = run_deny};
