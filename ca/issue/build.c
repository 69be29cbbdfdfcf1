/* SPDX-License-Identifier: ISC */
/*
 * From what was granted to the certificate: validity, then the fields, then
 * the linter over all of it.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/issue/steps.h"

#include "lib/base/clock.h"
#include "lib/ssh/lint.h"

static int
refuse_hours(struct issue_step *s, int64_t start)
{
	const struct grant *g = s->r->grant;
	struct str text = STR_INIT;
	char when[CLOCK_TEXT];
	int64_t now = s->in->now, next = issue_hours_next(&g->hours, now);
	int r;

	issue_hours_text(&g->hours, &text);
	clock_format(start, when);
	if ((r = str_check(&text)) == 0)
		r = issue_refuse(s->r, "hours",
		    "a start at %s is outside the hours of grant '%s' (%s)",
		    when, g->name, text.p);
	if (issue_hours_hold(&g->hours, now)) {
		err_hint(&s->r->why, "ask again");
	} else if (next >= 0 && next - now <= g->ahead) {
		clock_format(next, when);
		err_hint(&s->r->why, "ask again with --not-before %s", when);
	}
	str_clear(&text);
	return r;
}

static int
find_validity(struct issue_step *s, int64_t met, int64_t length)
{
	struct issue_result *r = s->r;
	const struct hours *h = &r->grant->hours;
	int64_t start = s->q->not_before > met ? s->q->not_before : met;
	int64_t end = start + length;
	char text[CLOCK_TEXT];

	if (h->set) {
		if (!h->has_rule)
			return issue_refuse(r, "hours",
			    "the policy holds no rule for the zone '%s' of "
			    "grant '%s'",
			    h->zone != NULL ? h->zone : "", r->grant->name);
		if (!issue_hours_hold(h, start))
			return refuse_hours(s, start);
		end = issue_hours_end(h, start, end);
	}
	if (end <= s->in->now) {
		clock_format(end, text);
		(void)issue_refuse(r, "past",
		    "the certificate would have ended at %s", text);
		err_hint(&r->why, "ask again");
		return ISSUE_STOP;
	}
	r->start = start;
	r->end = end;
	return 0;
}

/* The authority that signs; without one, the first that the policy lists. */
static int
find_ca(struct issue_step *s, const struct pubkey **out)
{
	const struct policy *p = s->in->policy;
	bool host = s->q->kind == CERT_HOST;
	const struct strs *l = host ? &p->host_cas : &p->user_cas;
	const struct authority *a = NULL;

	if (s->in->ca != NULL)
		a = policy_authority_of_key(p, s->in->ca);
	else if (l->n != 0)
		a = policy_authority(p, l->v[0]);
	if (a == NULL || !(host ? a->host : a->user))
		return issue_refuse(s->r, "authority",
		    "the key that would sign is not listed under authorities: "
		    "%s",
		    host ? "host" : "user");
	if (standing_key_revoked(s->in->standing, a->key))
		return issue_refuse(s->r, "authority",
		    "the key of authority '%s' is revoked", a->name);
	*out = a->key;
	return 0;
}

static int
add_source(const struct strs *l, struct cert_options *o)
{
	struct str list = STR_INIT;
	int r;

	for (size_t i = 0; i < l->n; i++)
		str_addf(&list, "%s%s", i != 0 ? "," : "", l->v[i]);
	if ((r = str_check(&list)) == 0 && l->n != 0)
		r = cert_option_add(o, "source-address", list.p);
	str_clear(&list);
	return r;
}

static int
add_options(const struct issue_step *s, struct cert *c)
{
	const struct outcome *o = &s->r->shown;
	int r;

	if ((r = add_source(&o->source, &c->critical)) != 0)
		return r;
	if (o->force_command != NULL &&
	    (r = cert_option_add(&c->critical, "force-command",
		 o->force_command)) != 0)
		return r;
	if (s->q->kind == CERT_USER && s->r->grant->verify_required &&
	    (r = cert_option_add(&c->critical, "verify-required", NULL)) != 0)
		return r;
	for (size_t i = 0; i < o->extensions.n; i++)
		if ((r = cert_option_add(&c->extensions, o->extensions.v[i],
			 NULL)) != 0)
			return r;
	return 0;
}

static int
fill_cert(const struct issue_step *s, const struct pubkey *ca, struct cert *c)
{
	const struct hash *h = &s->in->request->hash;
	char id[ISSUE_KEY_ID_MAX];
	int r;

	issue_key_id(s->id, h, id);
	c->kind = s->q->kind;
	c->serial = issue_serial(h);
	c->valid_after = s->r->start > ISSUE_BACKDATE
	    ? (uint64_t)(s->r->start - ISSUE_BACKDATE)
	    : 0;
	c->valid_before = (uint64_t)s->r->end;
	if ((c->key_id = str_dup(id)) == NULL ||
	    (c->nonce = calloc(1, CERT_NONCE_LEN)) == NULL)
		return ERR_NOMEM;
	c->nonce_len = CERT_NONCE_LEN;
	if (s->in->nonce != NULL)
		memcpy(c->nonce, s->in->nonce, CERT_NONCE_LEN);
	if ((r = pubkey_dup(s->q->subject, &c->key)) != 0 ||
	    (r = pubkey_dup(ca, &c->ca)) != 0 ||
	    (r = strs_dup(&s->r->shown.principals, &c->principals)) != 0)
		return r;
	return add_options(s, c);
}

int
issue_build(struct issue_step *s, int64_t met, int64_t length)
{
	const struct pubkey *ca = NULL;
	struct err why = {0};
	int r;

	if ((r = find_validity(s, met, length)) != 0 ||
	    (r = find_ca(s, &ca)) != 0 ||
	    (r = fill_cert(s, ca, &s->r->cert)) != 0)
		return r;
	r = lint_cert(&s->r->cert, &why);
	if ((r = issue_lint_answer(s->r, "lint", r, &why)) != 0)
		return r;
	s->r->verdict = ISSUE_READY;
	s->r->rule = "ready";
	return 0;
}
