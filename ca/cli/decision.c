/* SPDX-License-Identifier: ISC */
#include "ca/cli/decision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/statement/decision.h"

void
subject_init(struct subject *u, const char *path)
{
	u->path = path;
	statement_init(&u->s, ST_REQUEST);
	issue_result_init(&u->result);
}

void
subject_clear(struct subject *u)
{
	statement_clear(&u->s);
	issue_result_clear(&u->result);
}

/* --- is it in order ------------------------------------------------------- */

int
decision_check(const struct deciding *d, struct subject *u, struct err *e)
{
	int r;

	if ((r = statement_verify(&u->s, e)) != 0) {
		err_prefix(e, "%s", u->path);
		return r;
	}
	if (!hash_equal(&u->s.realm, &d->world.trust->realm))
		return err_set(e, ERR_DENIED,
		    "%s: is of another realm, expected this deployment's",
		    u->path);
	if (u->s.type != ST_REQUEST && u->s.type != ST_KEY)
		return err_set(e, ERR_PARSE,
		    "%s: is a %s statement, expected a request or a key",
		    u->path, statement_type_name(u->s.type));
	return 0;
}

int
decision_evaluate(const struct deciding *d, struct subject *u,
    const struct statement *const *decisions, size_t n, struct err *e)
{
	int r;

	if ((r = cli_decide(&d->world, &u->s, decisions, n, NULL, &u->result,
		 e)) != 0)
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

int
decision_show(const struct deciding *d, const struct subject *u, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s\n", u->path);
	statement_describe(&u->s, &s);
	if (u->s.type == ST_REQUEST)
		cli_describe_result(&s, &u->result);
	str_addc(&s, '\n');
	if ((r = cli_print(&s, e)) == 0)
		warn_if_idle(d, u);
	return r;
}

int
decision_confirm(const struct deciding *d, struct err *e)
{
	char question[64];

	snprintf(question, sizeof(question), "%s %s?",
	    d->approve ? "Approve" : "Deny",
	    d->n == 1 ? "this" : "all of these");
	if (!cli_flag(d->a, "y") && !cli_confirm(question))
		return err_set(e, ERR_DENIED, "nothing was decided");
	return 0;
}

/* --- the decision --------------------------------------------------------- */

static int
fill_decision(const struct deciding *d, const struct subject *u, size_t n,
    struct decision *dec, struct err *e)
{
	const char *comment = cli_get(d->a, "comment");

	dec->policy = d->world.trust->policy->hash;
	dec->approve = d->approve;
	dec->length = d->length;
	if (decision_room(dec, n) != 0 ||
	    (comment != NULL && (dec->comment = str_dup(comment)) == NULL))
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		if (u[i].s.type == ST_KEY)
			decision_add_key(dec, &u[i].s.hash);
		else if (decision_add_request(dec, &u[i].result.shown,
			     &u[i].s.hash) != 0)
			return err_nomem(e);
	}
	return 0;
}

static int
sign_part(const struct deciding *d, const struct subject *u, size_t n,
    struct str *text, struct err *e)
{
	const char *key = d->key_path;
	struct statement s;
	int r;

	if ((r = cli_new_statement(&s, ST_DECISION, &d->world.trust->realm,
		 d->who->id, e)) == 0 &&
	    (r = fill_decision(d, u, n, &s.u.d, e)) == 0)
		r = cli_sign_statement(&s, &key, 1, text, e);
	statement_clear(&s);
	return r;
}

int
decision_sign(const struct deciding *d,
    int (*take)(void *ctx, const struct subject *u, size_t n, struct slice text,
	struct err *e),
    void *ctx, struct err *e)
{
	size_t at = 0, step = DECISION_REQUESTS_MAX;

	while (at < d->n) {
		size_t n = d->n - at < step ? d->n - at : step;
		struct str text = STR_INIT;
		struct err why = {0};
		int r = sign_part(d, d->subjects + at, n, &text, &why);

		if (r == ERR_LIMIT && n > 1) {
			str_clear(&text);
			step = n / 2;
			continue;
		}
		if (r != 0 && e != NULL)
			*e = why;
		if (r == 0)
			r = take(ctx, d->subjects + at, n,
			    slice_of(text.p, text.n), e);
		str_clear(&text);
		if (r != 0)
			return r;
		at += n;
	}
	return 0;
}
