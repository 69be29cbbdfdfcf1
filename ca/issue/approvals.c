/* SPDX-License-Identifier: ISC */
/*
 * Decisions: whose count, whether they suffice, and what they leave of the
 * length.
 *
 * Every approval that counts narrows what is issued, also one more than was
 * needed.  A deny of a decider counts whatever its clock, its touch or the
 * outcome it was shown: in doubt nothing is issued.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/steps.h"

#define NAMED_MAX 5 /* persons named in the sentence of waiting */

struct tally {
	const struct grant *grant;
	const struct person *who[ISSUE_DECISIONS_MAX];
	int64_t at[ISSUE_DECISIONS_MAX]; /* never after now */
	size_t index[ISSUE_DECISIONS_MAX];
	size_t n;
	int64_t length;
};

/* This decision does not count: name it and go on. */
static int pass_over(struct issue_step *s, const struct statement *d,
    const char *fmt, ...) PRINTF_LIKE(3, 4);
static int
pass_over(struct issue_step *s, const struct statement *d, const char *fmt, ...)
{
	struct str text = STR_INIT;
	va_list ap;
	int r;

	str_addf(&text, "%s: ", d->by != NULL ? d->by : "nobody");
	va_start(ap, fmt);
	str_vaddf(&text, fmt, ap);
	va_end(ap);
	if ((r = str_check(&text)) == 0)
		r = strs_add(&s->r->passed_over, text.p);
	str_clear(&text);
	return r;
}

static bool
lists(const struct outcome *o, const struct hash *request)
{
	for (size_t i = 0; i < o->n_requests; i++)
		if (hash_equal(&o->requests[i], request))
			return true;
	return false;
}

static bool
decides_on(const struct decision *d, const struct hash *request)
{
	for (size_t i = 0; i < d->n_outcomes; i++)
		if (lists(&d->outcomes[i], request))
			return true;
	return false;
}

static bool
may_decide(const struct grant *g, const struct person *p)
{
	for (size_t i = 0; i < g->n_approve; i++)
		if (person_in_group(p, g->approve[i].group))
			return true;
	return false;
}

static bool
same_person(const struct person *a, const struct person *b)
{
	return strcmp(a->id, b->id) == 0;
}

static bool
decided(const struct tally *t, const struct person *p)
{
	for (size_t i = 0; i < t->n; i++)
		if (same_person(t->who[i], p))
			return true;
	return false;
}

/* Why does this approval not count?  NULL: it does. */
static const char *
approval_fault(const struct issue_step *s, const struct statement *d,
    const struct sk_flags *flags)
{
	const struct statement *request = s->in->request;
	const struct grant *g = s->r->grant;

	if (d->at - s->in->now > ISSUE_SKEW)
		return "more than 5 minutes ahead: compare the clocks";
	if (request->at - d->at > ISSUE_SKEW)
		return "older than the request";
	if (d->at - request->at > g->wait)
		return "given after the request had ended";
	if (g->touch && !(flags->is_sk && flags->present))
		return "signed without the touch that the grant expects";
	if (g->pin && !(flags->is_sk && flags->verified))
		return "signed without the PIN that the grant expects";
	return NULL;
}

/* The field of what was shown that would be exceeded; shortens *length. */
static const char *
beyond(const struct issue_step *s, const struct decision *d, int64_t *length)
{
	const char *field = NULL;

	for (size_t i = 0; i < d->n_outcomes && field == NULL; i++) {
		const struct outcome *o = &d->outcomes[i];

		if (!lists(o, &s->in->request->hash))
			continue;
		field = issue_outcome_beyond(o, &s->r->shown);
		if (o->length < *length)
			*length = o->length;
	}
	if (d->length != 0 && d->length < *length)
		*length = d->length;
	if (field == NULL && *length < 1)
		field = "length";
	return field;
}

static int
deny(struct issue_step *s, const struct statement *d)
{
	char quoted[QUOTE_MAX];

	if (d->u.d.comment == NULL)
		return issue_refuse(s->r, "denied", "%s denied it", d->by);
	return issue_refuse(s->r, "denied", "%s denied it: %s", d->by,
	    str_quote(quoted, d->u.d.comment));
}

static int
approve(struct issue_step *s, struct tally *t, size_t i, const struct person *p,
    const struct sk_flags *flags)
{
	const struct statement *d = s->in->decisions[i];
	int64_t length = t->length;
	const char *text;
	int r;

	if ((text = approval_fault(s, d, flags)) != NULL)
		return pass_over(s, d, "%s", text);
	if ((text = beyond(s, &d->u.d, &length)) != NULL)
		return pass_over(s, d, "was shown another outcome (%s)", text);
	if ((r = strs_add(&s->r->approvers, p->id)) != 0)
		return r;
	t->length = length;
	t->who[t->n] = p;
	t->at[t->n] = d->at < s->in->now ? d->at : s->in->now;
	t->index[t->n] = i;
	t->n++;
	return 0;
}

static int
consider(struct issue_step *s, struct tally *t, size_t i)
{
	const struct statement *d = s->in->decisions[i];
	const struct person *p;
	struct sk_flags flags = {0};
	struct err why = {0};

	if (d->type != ST_DECISION || !d->verified)
		return pass_over(s, d, "not a verified decision");
	if (!hash_equal(&d->realm, s->in->realm))
		return pass_over(s, d, "of another realm");
	if (!decides_on(&d->u.d, &s->in->request->hash))
		return pass_over(s, d, "about another request");
	p = standing_author(s->in->standing, s->in->policy, d, &flags, &why);
	if (p == NULL)
		return pass_over(s, d, "%s", why.msg);
	if (same_person(p, s->r->requester))
		return pass_over(s, d, "own request");
	if (!may_decide(t->grant, p))
		return pass_over(s, d,
		    "in no group that decides about grant '%s'",
		    t->grant->name);
	if (decided(t, p))
		return pass_over(s, d, "has decided before");
	return d->u.d.approve ? approve(s, t, i, p, &flags) : deny(s, d);
}

static bool
is_member(void *ctx, size_t person, size_t term)
{
	const struct tally *t = ctx;

	return person_in_group(t->who[person], t->grant->approve[term].group);
}

/* Match the first n to the terms; are all met? */
static bool
match(struct tally *t, size_t n, struct issue_term terms[], size_t n_terms)
{
	unsigned need[POLICY_TERMS_MAX] = {0}, have[POLICY_TERMS_MAX];
	bool met = true;

	for (size_t i = 0; i < n_terms; i++)
		need[i] = terms[i].need;
	issue_match(n, n_terms, need, is_member, t, have);
	for (size_t i = 0; i < n_terms; i++) {
		terms[i].have = have[i];
		met = met && have[i] >= need[i];
	}
	return met;
}

/* In the order they were given, in which they need not have been logged. */
static void
sort_by_time(struct tally *t)
{
	for (size_t i = 1; i < t->n; i++)
		for (size_t j = i; j > 0 && t->at[j - 1] > t->at[j]; j--) {
			const struct person *p = t->who[j];
			int64_t at = t->at[j];

			t->who[j] = t->who[j - 1];
			t->at[j] = t->at[j - 1];
			t->who[j - 1] = p;
			t->at[j - 1] = at;
		}
}

/* When were the terms met first?  They are, by all. */
static int64_t
met_at(struct tally *t, const struct issue_result *r)
{
	struct issue_term terms[POLICY_TERMS_MAX];
	size_t n = 1;

	memcpy(terms, r->terms, sizeof(terms));
	sort_by_time(t);
	while (n < t->n && !match(t, n, terms, r->n_terms))
		n++;
	return t->at[n - 1];
}

static int
keep_counted(struct issue_result *r, const struct tally *t)
{
	if (t->n == 0)
		return 0;
	if ((r->counted = malloc(t->n * sizeof(*r->counted))) == NULL)
		return ERR_NOMEM;
	memcpy(r->counted, t->index, t->n * sizeof(*r->counted));
	r->n_counted = t->n;
	return 0;
}

/* " (olga@example.com, ivan@example.com)": who could, when they are few. */
static void
add_who_could(const struct issue_step *s, const struct tally *t,
    const char *group, struct str *out)
{
	const struct policy *p = s->in->policy;
	struct str names = STR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < p->n_people && n <= NAMED_MAX; i++) {
		const struct person *who = &p->people[i];

		if (!person_in_group(who, group) || decided(t, who) ||
		    same_person(who, s->r->requester) ||
		    standing_person_revoked(s->in->standing, who->id))
			continue;
		str_addf(&names, "%s%s", n++ != 0 ? ", " : "", who->id);
	}
	if (n == 0)
		str_add(out, " (nobody is left who could)");
	else if (n <= NAMED_MAX)
		str_addf(out, " (%s)", names.p);
	out->failed = out->failed || names.failed;
	str_clear(&names);
}

static int
wait_for(struct issue_step *s, const struct tally *t)
{
	struct issue_result *r = s->r;
	struct str text = STR_INIT;
	int rc;

	str_add(&text, "waits for");
	for (size_t i = 0, n = 0; i < r->n_terms; i++) {
		const struct issue_term *term = &r->terms[i];

		if (term->have >= term->need)
			continue;
		str_addf(&text, "%s %u more of %s", n++ != 0 ? "," : "",
		    term->need - term->have, term->group);
		add_who_could(s, t, term->group, &text);
	}
	if ((rc = str_check(&text)) == 0) {
		r->verdict = ISSUE_WAITING;
		r->rule = "approvals";
		(void)err_set(&r->why, ERR_WAIT, "%s", text.p);
		rc = ISSUE_STOP;
	}
	str_clear(&text);
	return rc;
}

int
issue_count_decisions(struct issue_step *s, int64_t *met, int64_t *length)
{
	struct issue_result *r = s->r;
	struct tally t = {.grant = r->grant, .length = r->shown.length};
	int rc = 0;

	for (size_t i = 0; i < s->in->n_decisions && rc == 0; i++)
		rc = consider(s, &t, i);
	if (rc < 0)
		return rc;
	if (rc == 0 && !match(&t, t.n, r->terms, r->n_terms))
		rc = wait_for(s, &t);
	if (rc >= 0) {
		int kept = keep_counted(r, &t);

		rc = kept != 0 ? kept : rc;
	}
	if (rc != 0)
		return rc;
	*length = t.length;
	*met =
	    s->in->request->at < s->in->now ? s->in->request->at : s->in->now;
	/* Nothing starts before it was asked for, whatever a clock says. */
	if (r->n_terms != 0 && t.n != 0) {
		int64_t at = met_at(&t, r);

		if (at > *met)
			*met = at;
	}
	return 0;
}
