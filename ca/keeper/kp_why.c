/* SPDX-License-Identifier: ISC */
/*
 * why: what a person may have somewhere and what he has, as far as the CA knows.
 * The host has the last word: this says which certificates it could be shown.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"

struct why {
	struct kp *k;
	const char *person, *account, *host;
	struct strs lines;
	bool has; /* a certificate that would do */
	int r;
};

static void line(struct why *y, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void
line(struct why *y, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (y->r == 0 && (y->r = str_check(&s)) == 0)
		y->r = strs_add(&y->lines, s.p);
	str_clear(&s);
}

/* Would one of these principals let him in as that account there? */
static bool
fits(const struct why *y, const struct strs *principals)
{
	struct str at = STR_INIT;
	bool yes;

	if (y->account == NULL)
		return true;
	str_addf(&at, "%s@%s", y->account, y->host != NULL ? y->host : "");
	yes = strs_has(principals, y->account) ||
	    (y->host != NULL && strs_has(principals, at.p));
	str_clear(&at);
	return yes;
}

static void
add_words(struct str *s, const struct strs *l)
{
	for (size_t i = 0; i < l->n && i < 8; i++)
		str_addf(s, "%s%s", i > 0 ? ", " : "", l->v[i]);
	if (l->n > 8)
		str_add(s, ", ...");
}

static int
own_certificate(void *ctx, const struct request_row *row)
{
	struct why *y = ctx;
	char until[CLOCK_TEXT], id[KP_SHORT_ID];
	struct statement s;

	statement_init(&s, ST_REQUEST);
	if (statement_parse("request",
		slice_of(row->statement, row->statement_len), &s, NULL) != 0 ||
	    s.u.r.kind != CERT_USER || !fits(y, &s.u.r.principals))
		goto out;
	kp_short_id(&row->hash, id);
	clock_format(row->valid_before, until);
	if (row->state == REQUEST_WAITING) {
		line(y, "request %s (grant %s) waits for approvals", id,
		    row->grant);
	} else if (row->state == REQUEST_ISSUED && row->revoked) {
		line(y, "certificate %llu was revoked",
		    (unsigned long long)row->serial);
	} else if (row->state == REQUEST_ISSUED &&
	    row->valid_before > y->k->now) {
		line(y,
		    "certificate %llu (grant %s) is good until %s: fetch "
		    "%s",
		    (unsigned long long)row->serial, row->grant, until, id);
		y->has = true;
	}
out:
	statement_clear(&s);
	return y->r;
}

static void
one_grant(struct why *y, const struct grant *g)
{
	struct str s = STR_INIT;
	char span[SPAN_TEXT];

	if (g->kind != CERT_USER || !fits(y, &g->principals))
		return;
	span_format(g->max, span);
	str_addf(&s, "grant %s gives ", g->name);
	add_words(&s, &g->principals);
	str_addf(&s, " for at most %s", span);
	for (size_t i = 0; i < g->n_approve; i++)
		str_addf(&s, "%s%u of %s", i == 0 ? ", approved by " : " and ",
		    g->approve[i].n, g->approve[i].group);
	if (g->n_approve == 0)
		str_add(&s, ", without approval");
	if (g->source.n > 0) {
		str_add(&s, ", from ");
		add_words(&s, &g->source);
	}
	line(y, "%s", s.p);
	str_clear(&s);
}

static void
grants(struct why *y)
{
	const struct policy *p = y->k->view->trust.policy;
	const struct person *who = policy_person(p, y->person);
	size_t before = y->lines.n;

	for (size_t i = 0; i < p->n_grants; i++)
		if (who != NULL && grant_allows_person(&p->grants[i], who))
			one_grant(y, &p->grants[i]);
	if (y->lines.n > before)
		return;
	if (y->account != NULL)
		line(y, "no grant of policy %llu gives %s the principal '%s'",
		    (unsigned long long)p->version, y->person, y->account);
	else
		line(y, "policy %llu grants %s nothing",
		    (unsigned long long)p->version, y->person);
}

int
kp_why(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct why y = {.k = k, .person = c->person};
	struct jw w;
	int r;

	if ((r = json_str(c->args, "account", JSON_OPTIONAL, 255, &y.account,
		 e)) != 0 ||
	    (r = json_str(c->args, "host", JSON_OPTIONAL, 255, &y.host, e)) !=
		0)
		return r;
	r = requests_of_person(k->rows, c->person, k->now, 100, own_certificate,
	    &y, e);
	if (r == 0 && !y.has)
		line(&y, "%s has no certificate that would do now", c->person);
	if (r == 0)
		grants(&y);
	if (r == 0 && y.r != 0)
		r = err_nomem(e);
	if (r != 0)
		goto out;
	if (c->form == FORM_TEXT) {
		for (size_t i = 0; i < y.lines.n; i++)
			str_addf(&a->body, "%s\n", y.lines.v[i]);
	} else {
		jw_init(&w, &a->body, false);
		jw_begin(&w, NULL, '{');
		jw_strs(&w, "lines", &y.lines);
		jw_end(&w, '}');
	}
out:
	strs_clear(&y.lines);
	return r;
}
