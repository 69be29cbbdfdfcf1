/* SPDX-License-Identifier: ISC */
#include "ca/cli/asking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

/* --- what is asked -------------------------------------------------------- */

/* "10.0.0.0/8,fd00::/8" or several options, or both. */
static int
split_into(const struct strs *args, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; i < args->n && r == 0; i++) {
		const char *p = args->v[i];

		while (*p != '\0' && r == 0) {
			size_t n = strcspn(p, ",");

			r = strs_addn(out, p, n);
			p += n + (p[n] == ',');
		}
	}
	return r;
}

static int
copy_text(const char *from, char **to)
{
	if (from != NULL && (*to = str_dup(from)) == NULL)
		return ERR_NOMEM;
	return 0;
}

int
ask_of_args(const struct cli_args *a, struct ask *out, struct err *e)
{
	const struct strs *lists[] = {cli_operands(a), cli_all(a, "principal")};
	struct ask q = {.reason = cli_get(a, "reason"),
	    .ticket = cli_get(a, "ticket"),
	    .length = cli_get(a, "for"),
	    .grant = cli_get(a, "grant"),
	    .not_before = cli_get(a, "not-before"),
	    .force_command = cli_get(a, "force-command"),
	    .from = cli_all(a, "from"),
	    .key = cli_get(a, "key"),
	    .out = cli_get(a, "o"),
	    .host = cli_flag(a, "host-cert")};
	int r;

	if (q.reason == NULL)
		q.reason = cli_get(a, "m");
	if ((r = cli_check_text("the reason", q.reason, STATEMENT_REASON_MAX,
		 e)) != 0 ||
	    (r = cli_check_text("the ticket", q.ticket, STATEMENT_TICKET_MAX,
		 e)) != 0)
		return r;
	if (cli_flag(a, "extension"))
		q.extensions = cli_all(a, "extension");
	for (size_t i = 0; i < 2; i++)
		if (split_into(lists[i], &q.principals) != 0) {
			ask_clear(&q);
			return err_nomem(e);
		}
	*out = q;
	return 0;
}

void
ask_clear(struct ask *q)
{
	strs_clear(&q->principals);
	memset(q, 0, sizeof(*q));
}

void
asking_init(struct asking *k)
{
	memset(k, 0, sizeof(*k));
	statement_init(&k->s, ST_REQUEST);
}

void
asking_clear(struct asking *k)
{
	free(k->key_path);
	statement_clear(&k->s);
	asking_init(k);
}

static int
fill_times(struct asking *k, const struct ask *a, struct err *e)
{
	struct request *q = &k->s.u.r;

	if (a->length != NULL && span_parse(a->length, &q->length) != 0)
		return err_set(e, ERR_USAGE, "--for wants a span such as 2h");
	if (a->not_before != NULL)
		return cli_time("--not-before", a->not_before, k->s.at, 1,
		    &q->not_before, e);
	return 0;
}

int
asking_fill(struct asking *k, const struct ask *a, struct pubkey *subject,
    struct err *e)
{
	static const struct strs none;
	struct request *q = &k->s.u.r;
	int r;

	if ((r = cli_new_statement(&k->s, ST_REQUEST, &k->world.trust->realm,
		 k->who->id, e)) != 0) {
		pubkey_free(subject);
		return r;
	}
	q->subject = subject;
	q->kind = a->host ? CERT_HOST : CERT_USER;
	if (a->reason == NULL)
		return err_set(e, ERR_USAGE, "why? expected --reason TEXT");
	if ((r = fill_times(k, a, e)) != 0)
		return r;
	q->has_extensions = a->extensions != NULL;
	if (strs_dup(&a->principals, &q->principals) != 0 ||
	    copy_text(a->reason, &q->reason) != 0 ||
	    copy_text(a->ticket, &q->ticket) != 0 ||
	    copy_text(a->force_command, &q->force_command) != 0 ||
	    split_into(a->from != NULL ? a->from : &none, &q->source) != 0 ||
	    split_into(a->extensions != NULL ? a->extensions : &none,
		&q->extensions) != 0)
		return err_nomem(e);
	if (q->principals.n == 0)
		return err_set(e, ERR_USAGE,
		    "which account? expected at least one PRINCIPAL");
	strs_sort(&q->extensions);
	return 0;
}

/* --- under which grant ---------------------------------------------------- */

static bool
fits(const struct asking *k, const struct grant *g)
{
	const struct request *q = &k->s.u.r;

	if (g->kind != q->kind || !grant_allows_person(g, k->who))
		return false;
	for (size_t i = 0; i < q->principals.n; i++)
		if (!grant_covers_principal(g, q->principals.v[i]))
			return false;
	return true;
}

static int
use_grant(struct asking *k, const char *name, struct err *e)
{
	const struct grant *g = policy_grant(k->world.trust->policy, name);

	free(k->s.u.r.grant);
	if ((k->s.u.r.grant = str_dup(name)) == NULL)
		return err_nomem(e);
	if (k->s.u.r.length == 0)
		k->s.u.r.length = g != NULL ? g->max : 3600;
	return 0;
}

/* What each grant that fits would take, so that one can be chosen. */
static int
print_choices(struct asking *k, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	int64_t asked = k->s.u.r.length;
	int r = 0;

	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		struct issue_result res;
		struct str s = STR_INIT;

		if (!fits(k, &p->grants[i]))
			continue;
		k->s.u.r.length = asked;
		issue_result_init(&res);
		if ((r = use_grant(k, p->grants[i].name, e)) == 0 &&
		    (r = cli_decide(&k->world, &k->s, NULL, 0, k->who, &res,
			 e)) == 0) {
			str_addf(&s, "--grant %s\n", p->grants[i].name);
			cli_describe_result(&s, &res);
			fprintf(stderr, "%s", s.p);
		}
		str_clear(&s);
		issue_result_clear(&res);
	}
	k->s.u.r.length = asked;
	return r;
}

static int
no_grant(const struct asking *k, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	struct str has = STR_INIT;
	int r;

	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		if (g->kind != k->s.u.r.kind || !grant_allows_person(g, k->who))
			continue;
		for (size_t j = 0; j < g->principals.n; j++)
			str_addf(&has, "%s%s", has.n > 0 ? ", " : "",
			    g->principals.v[j]);
	}
	r = err_set(e, ERR_DENIED, "no grant gives %s these principals",
	    k->who->id);
	err_hint(e, "you may ask for: %s", has.n > 0 ? has.p : "nothing");
	str_clear(&has);
	return r;
}

int
asking_choose(struct asking *k, const struct ask *q, struct err *e)
{
	const struct policy *p = k->world.trust->policy;
	const char *name = q->grant;
	size_t n = 0;

	for (size_t i = 0; name == NULL && i < p->n_grants; i++)
		n += fits(k, &p->grants[i]);
	if (name != NULL)
		return use_grant(k, name, e);
	if (n == 0)
		return no_grant(k, e);
	if (n > 1) {
		int r = print_choices(k, e);

		return r != 0 ? r
			      : err_set(e, ERR_USAGE,
				    "%zu grants fit, expected --grant", n);
	}
	for (size_t i = 0; i < p->n_grants; i++)
		if (fits(k, &p->grants[i]))
			return use_grant(k, p->grants[i].name, e);
	return 0;
}

/* --- what it comes to ----------------------------------------------------- */

int
asking_check(const struct asking *k, bool print, bool *ready, struct err *e)
{
	struct issue_result res;
	struct str s = STR_INIT;
	int r;

	issue_result_init(&res);
	if ((r = cli_decide(&k->world, &k->s, NULL, 0, k->who, &res, e)) != 0)
		goto out;
	cli_describe_result(&s, &res);
	if (ready != NULL)
		*ready = res.verdict == ISSUE_READY;
	if (res.verdict == ISSUE_REFUSED) {
		if (e != NULL)
			*e = res.why;
		r = ERR_DENIED;
	} else if (print) {
		r = cli_print(&s, e);
	} else {
		fprintf(stderr, "%s", s.p);
	}
out:
	str_clear(&s);
	issue_result_clear(&res);
	return r;
}

static unsigned
approvals(const struct grant *g)
{
	unsigned n = 0;

	for (size_t i = 0; i < g->n_approve; i++)
		n += g->approve[i].n;
	return n;
}

/* Would policy, as it is, let it through under g for this long? */
static int
would_pass(struct asking *k, const struct grant *g, int64_t length, bool *yes,
    struct err *e)
{
	struct issue_result res;
	char *name = k->s.u.r.grant;
	int64_t was = k->s.u.r.length;
	int r;

	if ((k->s.u.r.grant = str_dup(g->name)) == NULL) {
		k->s.u.r.grant = name;
		return err_nomem(e);
	}
	k->s.u.r.length = length;
	issue_result_init(&res);
	r = cli_decide(&k->world, &k->s, NULL, 0, k->who, &res, e);
	*yes = r == 0 && res.verdict != ISSUE_REFUSED;
	issue_result_clear(&res);
	free(k->s.u.r.grant);
	k->s.u.r.grant = name;
	k->s.u.r.length = was;
	return r;
}

int
asking_faster(const struct asking *asked, struct str *out, struct err *e)
{
	struct asking k = *asked;
	const struct policy *p = k.world.trust->policy;
	const struct grant *own = policy_grant(p, k.s.u.r.grant);
	int r = 0;

	/* Of the copy nothing is kept: what would_pass() changes it puts back. */
	for (size_t i = 0; own != NULL && i < p->n_grants && r == 0; i++) {
		const struct grant *g = &p->grants[i];
		int64_t length = k.s.u.r.length;
		char span[SPAN_TEXT];
		bool yes = false;

		if (g == own || !fits(&k, g) || approvals(g) >= approvals(own))
			continue;
		if (length > g->max)
			length = g->max;
		if ((r = would_pass(&k, g, length, &yes, e)) != 0 || !yes)
			continue;
		span_format(length, span);
		str_addf(out, "--grant %s --for %s needs ", g->name, span);
		if (approvals(g) == 0)
			str_add(out, "no approval\n");
		else
			str_addf(out, "%u of the %u approvals\n", approvals(g),
			    approvals(own));
	}
	return r;
}

int
asking_sign(const struct asking *k, struct str *out, struct err *e)
{
	const char *key = k->key_path;

	return cli_sign_statement(&k->s, &key, 1, out, e);
}
