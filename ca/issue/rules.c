/* SPDX-License-Identifier: ISC */
/*
 * Rules about the request alone: what they refuse no decision can mend.  Each
 * is a function of a few lines; the two tables say in which order.
 */
#include <string.h>

#include "ca/issue/steps.h"

#include "lib/base/clock.h"
#include "lib/ssh/lint.h"

int
issue_check_policy(struct issue_step *s)
{
	const struct policy *p = s->in->policy;
	char text[CLOCK_TEXT];
	/* 0: not signed yet, for those who try a draft. */
	int64_t ends = p->expires != 0 ? p->expires : CLOCK_MAX;

	if (p->root_expires != 0 && p->root_expires < ends)
		ends = p->root_expires;
	if (s->in->now <= ends || s->in->now - ends <= p->grace)
		return 0;
	clock_format(ends, text);
	return issue_refuse(s->r, "policy-expired",
	    "the policy expired at %s and its grace is over", text);
}

int
issue_check_realm(struct issue_step *s)
{
	if (hash_equal(&s->in->request->realm, s->in->realm))
		return 0;
	return issue_refuse(s->r, "realm", "request of another realm");
}

static int
check_author(struct issue_step *s)
{
	const struct statement *st = s->in->request;
	struct err why = {0};

	s->asking = s->in->who != NULL && st->n_sigs == 0;
	if (s->asking) {
		if (standing_person_revoked(s->in->standing, s->in->who->id))
			return issue_refuse(s->r, "author", "%s is revoked",
			    s->in->who->id);
		s->r->requester = s->in->who;
		s->id = s->r->requester->id;
		return 0;
	}
	if (!st->verified)
		return issue_refuse(s->r, "unverified",
		    "the signatures of the request were not verified");
	s->r->requester = standing_author(s->in->standing, s->in->policy, st,
	    &s->flags, &why);
	if (s->r->requester == NULL)
		return issue_refuse(s->r, "author", "%s", why.msg);
	s->id = s->r->requester->id;
	return 0;
}

/* Does the grant give this person what the request asks, options aside? */
static bool
grant_fits(const struct issue_step *s, const struct grant *g)
{
	if (g->kind != s->q->kind || s->q->length > g->max ||
	    !grant_allows_person(g, s->r->requester))
		return false;
	for (size_t i = 0; i < s->q->principals.n; i++)
		if (!grant_covers_principal(g, s->q->principals.v[i]))
			return false;
	return true;
}

/* Name the grants that would fit instead. */
static void
hint_grants(struct issue_step *s)
{
	const struct policy *p = s->in->policy;
	struct str text = STR_INIT;

	for (size_t i = 0; i < p->n_grants; i++)
		if (grant_fits(s, &p->grants[i]))
			str_addf(&text, "%s--grant %s",
			    text.n != 0 ? " or " : "", p->grants[i].name);
	if (text.n != 0 && str_check(&text) == 0)
		err_hint(&s->r->why, "ask again with %s", text.p);
	str_clear(&text);
}

static int
check_grant(struct issue_step *s)
{
	const char *name = s->q->grant != NULL ? s->q->grant : "";
	const struct grant *g = policy_grant(s->in->policy, name);
	char quoted[QUOTE_MAX];

	if (g == NULL) {
		(void)issue_refuse(s->r, "grant", "the policy has no grant %s",
		    str_quote(quoted, name));
		hint_grants(s);
		return ISSUE_STOP;
	}
	if (g->kind != s->q->kind)
		return issue_refuse(s->r, "kind",
		    "grant '%s' gives %s certificates alone", g->name,
		    g->kind == CERT_HOST ? "host" : "user");
	if (!grant_allows_person(g, s->r->requester)) {
		(void)issue_refuse(s->r, "person",
		    "%s may not ask under grant '%s'", s->r->requester->id,
		    g->name);
		hint_grants(s);
		return ISSUE_STOP;
	}
	s->r->grant = g;
	s->r->n_terms = g->n_approve;
	for (size_t i = 0; i < g->n_approve; i++) {
		s->r->terms[i].group = g->approve[i].group;
		s->r->terms[i].need = g->approve[i].n;
	}
	return 0;
}

static int
check_length(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	char asked[SPAN_TEXT], max[SPAN_TEXT];

	if (s->q->length < 1)
		return issue_refuse(s->r, "length",
		    "no length asked for, at least 1s expected");
	if (s->q->length <= g->max)
		return 0;
	span_format(s->q->length, asked);
	span_format(g->max, max);
	(void)issue_refuse(s->r, "length",
	    "%s asked for, grant '%s' gives at most %s", asked, g->name, max);
	err_hint(&s->r->why, "ask again with --for %s", max);
	return ISSUE_STOP;
}

static int
check_reason(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	const char *reason = s->q->reason != NULL ? s->q->reason : "";
	size_t n = text_length(reason, strlen(reason));

	if (n < g->reason_min)
		return issue_refuse(s->r, "reason",
		    "a reason of %zu characters, grant '%s' expects at least "
		    "%u",
		    n, g->name, g->reason_min);
	if (n > g->reason_max)
		return issue_refuse(s->r, "reason",
		    "a reason of %zu characters, grant '%s' expects at most %u",
		    n, g->name, g->reason_max);
	return 0;
}

static int
check_ticket(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	char quoted[QUOTE_MAX], pattern[QUOTE_MAX];
	int r;

	if (g->ticket == NULL)
		return 0;
	if (s->q->ticket == NULL) {
		(void)issue_refuse(s->r, "ticket",
		    "grant '%s' expects a ticket that matches %s", g->name,
		    str_quote(pattern, g->ticket));
		err_hint(&s->r->why, "ask again with --ticket TICKET");
		return ISSUE_STOP;
	}
	r = g->ticket_re != NULL
	    ? regexec(g->ticket_re, s->q->ticket, 0, NULL, 0)
	    : REG_NOMATCH;
	if (r == 0)
		return 0;
	if (r == REG_ESPACE)
		return ERR_NOMEM;
	return issue_refuse(s->r, "ticket",
	    "ticket %s, grant '%s' expects one that matches %s",
	    str_quote(quoted, s->q->ticket), g->name,
	    str_quote(pattern, g->ticket));
}

/* A key with another meaning must not gain one through a certificate. */
static int
check_subject(struct issue_step *s)
{
	const struct policy *p = s->in->policy;
	const struct pubkey *k = s->q->subject;
	const struct authority *a;
	const struct person *owner[2];
	struct err why = {0};
	int r;

	r = lint_subject(k, &why);
	if ((r = issue_lint_answer(s->r, "subject", r, &why)) != 0)
		return r;
	if ((a = policy_authority_of_key(p, k)) != NULL)
		return issue_refuse(s->r, "subject",
		    "the subject is the key of authority '%s'", a->name);
	if (standing_key_revoked(s->in->standing, k))
		return issue_refuse(s->r, "subject",
		    "the subject is a revoked key");
	owner[0] = policy_person_of_key(p, k);
	owner[1] = standing_person_of_key(s->in->standing, p, k, &why);
	for (size_t i = 0; i < 2; i++)
		if (owner[i] != NULL &&
		    strcmp(owner[i]->id, s->r->requester->id) != 0)
			return issue_refuse(s->r, "subject",
			    "the subject is a key of %s", owner[i]->id);
	if (!s->r->grant->verify_required)
		return 0;
	if (s->q->kind == CERT_HOST)
		return issue_refuse(s->r, "subject",
		    "a host certificate cannot require verification");
	if (!pubkey_is_sk(k))
		return issue_refuse(s->r, "subject",
		    "grant '%s' requires verification, which %s keys cannot "
		    "give: expected an sk-* key",
		    s->r->grant->name, pubkey_short_name(k));
	return 0;
}

static int
check_presence(struct issue_step *s)
{
	const struct grant *g = s->r->grant;

	if (s->asking)
		return 0; /* nobody has signed yet */
	if (g->touch && !(s->flags.is_sk && s->flags.present))
		return issue_refuse(s->r, "touch",
		    "grant '%s' expects a request signed with a touch",
		    g->name);
	if (g->pin && !(s->flags.is_sk && s->flags.verified))
		return issue_refuse(s->r, "pin",
		    "grant '%s' expects a request signed with a PIN", g->name);
	return 0;
}

int
issue_check_clock(struct issue_step *s)
{
	int64_t at = s->in->request->at, now = s->in->now;
	char text[CLOCK_TEXT], wait[SPAN_TEXT];

	clock_format(at, text);
	if (at - now > ISSUE_SKEW)
		return issue_refuse(s->r, "future",
		    "the request is of %s, more than 5 minutes ahead: compare "
		    "the clocks",
		    text);
	if (now - at <= s->r->grant->wait)
		return 0;
	span_format(s->r->grant->wait, wait);
	(void)issue_refuse(s->r, "expired",
	    "the request is of %s, under grant '%s' it may wait %s", text,
	    s->r->grant->name, wait);
	err_hint(&s->r->why, "ask again");
	return ISSUE_STOP;
}

static int
check_ahead(struct issue_step *s)
{
	const struct grant *g = s->r->grant;
	char text[CLOCK_TEXT], ahead[SPAN_TEXT], latest[CLOCK_TEXT];

	/* Against `at`: what was too far when asked stays so. */
	if (s->q->not_before == 0 ||
	    s->q->not_before - s->in->request->at <= g->ahead)
		return 0;
	clock_format(s->q->not_before, text);
	clock_format(s->in->request->at + g->ahead, latest);
	if (g->ahead > 0)
		span_format(g->ahead, ahead);
	else
		memcpy(ahead, "0s", sizeof("0s"));
	(void)issue_refuse(s->r, "ahead",
	    "a start at %s, grant '%s' lets it lie at most %s ahead", text,
	    g->name, ahead);
	err_hint(&s->r->why, "ask again with --not-before %s", latest);
	return ISSUE_STOP;
}

/* Somebody revoked it before it was issued. */
int
issue_check_revoked(struct issue_step *s)
{
	const struct hash *h = &s->in->request->hash;
	char id[ISSUE_KEY_ID_MAX];

	issue_key_id(s->id, h, id);
	if (!standing_serial_revoked(s->in->standing, issue_serial(h)) &&
	    !standing_key_id_revoked(s->in->standing, id))
		return 0;
	return issue_refuse(s->r, "revoked",
	    "the certificate '%s' was revoked before it was issued", id);
}

static int
run(int (*const checks[])(struct issue_step *), size_t n, struct issue_step *s)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = checks[i](s);
	return r;
}

int
issue_check_asker(struct issue_step *s)
{
	static int (*const checks[])(struct issue_step *) = {
	    issue_check_realm, /* before anything else is believed */
	    issue_check_policy,
	    check_author,
	    check_grant,
	};

	return run(checks, sizeof(checks) / sizeof(checks[0]), s);
}

int
issue_check_request(struct issue_step *s)
{
	static int (*const checks[])(struct issue_step *) = {
	    issue_check_clock,
	    issue_check_principals,
	    check_length,
	    check_reason,
	    check_ticket,
	    check_subject,
	    issue_check_source,
	    issue_check_force_command,
	    issue_check_extensions,
	    check_presence,
	    check_ahead,
	    issue_check_revoked,
	};

	return run(checks, sizeof(checks) / sizeof(checks[0]), s);
}
