/* SPDX-License-Identifier: ISC */
/*
 * Principals and options of a request against its grant.  Asking more than the
 * grant gives is refused rather than cut down: who asks must know what he gets
 * and the decider must see what was asked.
 */
#include <string.h>

#include "ca/issue/steps.h"

#include "lib/ssh/lint.h"

/* "ask again with --principal a --principal b"; the hint is left out where
 * there is nothing to say or it would be cut. */
static void
hint_list(struct issue_result *r, const char *option, const struct strs *l)
{
	struct str text = STR_INIT;

	for (size_t i = 0; i < l->n; i++)
		str_addf(&text, " %s %s", option, l->v[i]);
	if (l->n != 0 && str_check(&text) == 0 &&
	    text.n + sizeof("ask again with") < sizeof(r->why.hint))
		err_hint(&r->why, "ask again with%s", text.p);
	str_clear(&text);
}

/* What would pass: the asked ones that the grant covers, else all it has. */
static int
refuse_principal(struct issue_step *s, const char *p)
{
	const struct grant *g = s->r->grant;
	const struct strs *asked = &s->q->principals;
	struct strs fit = {0};
	char quoted[QUOTE_MAX];
	int r = 0;

	for (size_t i = 0; i < asked->n && r == 0; i++)
		if (grant_covers_principal(g, asked->v[i]))
			r = strs_add(&fit, asked->v[i]);
	if (r == 0) {
		r = issue_refuse(s->r, "principals",
		    "grant '%s' does not give principal %s", g->name,
		    str_quote(quoted, p));
		if (fit.n != 0)
			hint_list(s->r, "--principal", &fit);
		else if (g->kind == CERT_USER)
			hint_list(s->r, "--principal", &g->principals);
	}
	strs_clear(&fit);
	return r;
}

int
issue_check_principals(struct issue_step *s)
{
	const struct strs *l = &s->r->shown.principals;
	struct err why = {0};
	int r;

	if (l->n == 0)
		return issue_refuse(s->r, "principals",
		    "no principal asked for, at least one expected");
	if (l->n > CERT_PRINCIPALS_MAX)
		return issue_refuse(s->r, "principals",
		    "%zu principals, at most %d expected", l->n,
		    CERT_PRINCIPALS_MAX);
	for (size_t i = 0; i < l->n; i++) {
		if (!grant_covers_principal(s->r->grant, l->v[i]))
			return refuse_principal(s, l->v[i]);
		r = lint_principal(s->q->kind, l->v[i], &why);
		if ((r = issue_lint_answer(s->r, "principals", r, &why)) != 0)
			return r;
	}
	return 0;
}

static bool
inside_any(const char *cidr, const struct strs *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (cidr_inside(cidr, l->v[i]))
			return true;
	return l->n == 0; /* a grant that names none allows any */
}

int
issue_check_source(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	const struct strs *asked = &s->q->source;
	char quoted[QUOTE_MAX];
	struct err why = {0};
	int r;

	if (s->q->kind == CERT_HOST) {
		if (asked->n == 0 && g->source.n == 0)
			return 0;
		return issue_refuse(s->r, "source",
		    "a host certificate cannot be bound to source addresses");
	}
	for (size_t i = 0; i < asked->n; i++) {
		r = lint_source(asked->v[i], &why);
		if ((r = issue_lint_answer(s->r, "source", r, &why)) != 0)
			return r;
		if (inside_any(asked->v[i], &g->source))
			continue;
		(void)issue_refuse(s->r, "source",
		    "source %s is not inside what grant '%s' gives",
		    str_quote(quoted, asked->v[i]), g->name);
		hint_list(s->r, "--from", &g->source);
		return ISSUE_STOP;
	}
	return 0;
}

int
issue_check_force_command(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	const char *asked = s->q->force_command;
	char quoted[QUOTE_MAX];
	struct err why = {0};

	if (s->q->kind == CERT_HOST) {
		if (asked == NULL && g->force_command == NULL)
			return 0;
		return issue_refuse(s->r, "force-command",
		    "a host certificate cannot force a command");
	}
	if (asked == NULL)
		return 0;
	if (g->force_command != NULL && strcmp(asked, g->force_command) != 0) {
		(void)issue_refuse(s->r, "force-command",
		    "grant '%s' forces another command: %s", g->name,
		    str_quote(quoted, g->force_command));
		err_hint(&s->r->why, "ask again without --force-command");
		return ISSUE_STOP;
	}
	return issue_lint_answer(s->r, "force-command",
	    lint_force_command(asked, &why), &why);
}

int
issue_check_extensions(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	const struct strs *asked = &s->q->extensions;
	char quoted[QUOTE_MAX];
	struct err why = {0};
	int r;

	if (!s->q->has_extensions || asked->n == 0)
		return 0;
	if (s->q->kind == CERT_HOST)
		return issue_refuse(s->r, "extensions",
		    "a host certificate carries no extension");
	for (size_t i = 0; i < asked->n; i++) {
		if (!strs_has(&g->extensions, asked->v[i])) {
			(void)issue_refuse(s->r, "extensions",
			    "grant '%s' does not give extension %s", g->name,
			    str_quote(quoted, asked->v[i]));
			hint_list(s->r, "--extension", &g->extensions);
			return ISSUE_STOP;
		}
		if (strcmp(asked->v[i], "no-touch-required") == 0 &&
		    !pubkey_is_sk(s->q->subject))
			return issue_refuse(s->r, "extensions",
			    "no-touch-required asked for a subject that is no "
			    "sk-* key");
		r = lint_extension(asked->v[i], &why);
		if ((r = issue_lint_answer(s->r, "extensions", r, &why)) != 0)
			return r;
	}
	return 0;
}
