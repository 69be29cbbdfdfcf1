/* SPDX-License-Identifier: ISC */
/*
 * Does a policy work?  What policy_parse() took is right in itself; this asks
 * who could use it, and what happens on the day somebody is ill.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"
#include "lib/trust/policy_impl.h"

#define MASKS     (1U << POLICY_TERMS_MAX)
#define NAMES_MAX 3 /* persons that one warning names */

/*
 * The persons of a grant, by the set of terms each could stand for: bit t of a
 * mask is term t.  Whether distinct persons can meet all terms is then Hall's
 * question: each set S of terms needs as many persons who are in any of them
 * as it asks for.  slack[S] is how many more there are.
 */
struct ways {
	size_t asks[MASKS];    /* who may ask and can sign as demanded */
	size_t decides[MASKS]; /* who can sign as demanded, asker or not */
	long slack[MASKS];
	/* Is the grant stuck while a person of this mask is away?  [1]: one
	   who might have asked himself. */
	bool stuck[MASKS][2];
	size_t n_asks;
};

struct checker {
	const struct policy *p;
	struct conf_diags *diags;
	int64_t now;
	struct ways w;  /* of the grant at hand */
	uint8_t *masks; /* one a person */
	bool *asks;
};

static bool
has_sk(const struct person *person)
{
	for (size_t i = 0; i < person->n_keys; i++)
		if (pubkey_is_sk(person->keys[i].key))
			return true;
	return false;
}

static void
add_names(struct str *s, const struct checker *c, const bool *named)
{
	size_t n = 0;

	for (size_t i = 0; i < c->p->n_people; i++) {
		if (!named[i])
			continue;
		if (n++ < NAMES_MAX)
			str_addf(s, "%s%s", n > 1 ? ", " : "",
			    c->p->people[i].id);
	}
	if (n > NAMES_MAX)
		str_addf(s, " and %zu more", n - NAMES_MAX);
}

static void
sort_persons(struct checker *c, const struct grant *g)
{
	struct ways *w = &c->w;

	*w = (struct ways){0};
	for (size_t i = 0; i < c->p->n_people; i++) {
		const struct person *person = &c->p->people[i];
		unsigned mask = 0;

		c->masks[i] = 0;
		c->asks[i] = false;
		if ((g->touch || g->pin) && !has_sk(person))
			continue;
		for (size_t t = 0; t < g->n_approve; t++)
			if (person_in_group(person, g->approve[t].group))
				mask |= 1U << t;
		c->masks[i] = (uint8_t)mask;
		c->asks[i] = grant_allows_person(g, person);
		w->decides[mask]++;
		w->asks[mask] += c->asks[i];
		w->n_asks += c->asks[i];
	}
	for (unsigned set = 0; set < 1U << g->n_approve; set++) {
		for (unsigned m = 0; m < 1U << g->n_approve; m++)
			if ((m & set) != 0)
				w->slack[set] += (long)w->decides[m];
		for (size_t t = 0; t < g->n_approve; t++)
			if ((set & 1U << t) != 0)
				w->slack[set] -= (long)g->approve[t].n;
	}
}

/* Can all terms be met without the asker and one who is away (0: nobody)? */
static bool
can_be_met(const struct checker *c, const struct grant *g, unsigned asker,
    unsigned away)
{
	for (unsigned set = 1; set < 1U << g->n_approve; set++)
		if (c->w.slack[set] <
		    ((asker & set) != 0) + ((away & set) != 0))
			return false;
	return true;
}

/* Is there another who may ask, and none of them could get it? */
static bool
is_stuck(const struct checker *c, const struct grant *g, unsigned away,
    bool away_asks)
{
	bool others = false;

	for (unsigned m = 0; m < 1U << g->n_approve; m++) {
		size_t n = c->w.asks[m] - (away_asks && m == away);

		if (n == 0)
			continue;
		if (can_be_met(c, g, m, away))
			return false;
		others = true;
	}
	return others;
}

static void
unobtainable(struct checker *c, const struct grant *g)
{
	struct str terms = STR_INIT;

	if (c->w.n_asks == 0) {
		conf_error(c->diags, g->pos,
		    "grant '%s' could never be obtained: nobody in 'to' has a "
		    "security key, expected one where touch or pin is "
		    "required",
		    g->name);
		return;
	}
	for (size_t t = 0; t < g->n_approve; t++)
		str_addf(&terms, "%s%u of %s (which has %ld)",
		    t > 0 ? ", " : "", g->approve[t].n, g->approve[t].group,
		    c->w.slack[1U << t] + (long)g->approve[t].n);
	if (str_check(&terms) != 0)
		c->diags->failed = true;
	conf_error(c->diags, g->pos,
	    "grant '%s' could never be obtained: it needs %s, expected that "
	    "many persons, all different and none of them the requester%s",
	    g->name, terms.p,
	    g->touch || g->pin ? ", who have security keys" : "");
	str_clear(&terms);
}

static void
warn_of(struct checker *c, const struct grant *g, const char *text,
    const bool *named)
{
	struct str names = STR_INIT;
	bool any = false;

	for (size_t i = 0; i < c->p->n_people; i++)
		any = any || named[i];
	if (!any)
		return;
	add_names(&names, c, named);
	if (str_check(&names) != 0)
		c->diags->failed = true;
	conf_warning(c->diags, g->pos, "grant '%s' %s: %s", g->name, text,
	    names.p);
	str_clear(&names);
}

static void
check_obtainable(struct checker *c, const struct grant *g, bool *named)
{
	const struct policy *p = c->p;
	bool possible = false;

	for (size_t i = 0; i < p->n_people; i++) {
		named[i] = c->asks[i] && !can_be_met(c, g, c->masks[i], 0);
		possible = possible || (c->asks[i] && !named[i]);
	}
	if (!possible) {
		unobtainable(c, g);
		return;
	}
	warn_of(c, g, "has too few approvers for some who may ask", named);
	for (unsigned m = 1; m < 1U << g->n_approve; m++)
		for (int asks = 0; asks < 2; asks++)
			c->w.stuck[m][asks] = is_stuck(c, g, m, asks == 1);
	for (size_t i = 0; i < p->n_people; i++)
		named[i] = c->w.stuck[c->masks[i]][c->asks[i]];
	warn_of(c, g, "cannot be had while one of these is away", named);
}

static int
check_grants(struct checker *c)
{
	const struct policy *p = c->p;
	bool operators = false, *named = NULL;
	int r = ERR_NOMEM;

	c->masks = calloc(p->n_people + 1, sizeof(*c->masks));
	c->asks = calloc(p->n_people + 1, sizeof(*c->asks));
	named = calloc(p->n_people + 1, sizeof(*named));
	if (c->masks == NULL || c->asks == NULL || named == NULL)
		goto out;
	for (size_t i = 0; i < p->n_people; i++)
		operators = operators || p->people[i].operator;
	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		/* Hosts that an operator accepted need no approver. */
		if (g->accepted_hosts && operators)
			continue;
		sort_persons(c, g);
		check_obtainable(c, g, named);
	}
	r = 0;
out:
	free(named);
	free(c->masks);
	free(c->asks);
	return r;
}

static void
check_zones(const struct checker *c,
    bool (*zone_known)(void *ctx, const char *zone), void *ctx)
{
	for (size_t i = 0; i < c->p->n_grants; i++) {
		const struct hours *h = &c->p->grants[i].hours;

		if (h->set && !zone_known(ctx, h->zone))
			conf_error(c->diags, h->zone_pos,
			    "unknown time zone '%s', expected a name such as "
			    "Europe/Vilnius",
			    h->zone);
	}
}

static void
check_expiry(const struct checker *c)
{
	const struct policy *p = c->p;

	if (c->now > p->root_expires) {
		char text[CLOCK_TEXT];

		clock_format(p->root_expires, text);
		conf_error(c->diags, p->expires_pos,
		    "expired at %s, expected a time ahead", text);
	}
}

static void
check_threshold(const struct checker *c, const char *name, unsigned n,
    size_t persons, const char *what)
{
	if (n == persons && n > 0)
		conf_warning(c->diags, c->p->thresholds_pos,
		    "threshold '%s' needs each of the %s (%zu): it cannot be "
		    "met while one is away",
		    name, what, persons);
}

static void
check_officers(const struct checker *c)
{
	const struct policy *p = c->p;
	size_t officers = 0, operators = 0;

	for (size_t i = 0; i < p->n_people; i++) {
		const struct person *person = &p->people[i];

		officers += person->officer;
		operators += person->operator;
		for (size_t j = 0; person->officer && j < person->n_keys; j++)
			if (!pubkey_is_sk(person->keys[j].key))
				conf_warning(c->diags, person->keys[j].pos,
				    "key of officer '%s' cannot prove a "
				    "touch; one of a security key (sk-*) can",
				    person->id);
	}
	if (officers == 1) {
		conf_warning(c->diags, p->thresholds_pos,
		    "one officer alone: nobody checks that person's changes, "
		    "and nobody can change anything once the key is lost");
	} else {
		check_threshold(c, "root", p->thresholds.root, officers,
		    "officers");
		check_threshold(c, "policy", p->thresholds.policy, officers,
		    "officers");
	}
	check_threshold(c, "fleet", p->thresholds.fleet, operators,
	    "operators");
}

static void
check_authorities(const struct checker *c)
{
	for (size_t i = 0; i < c->p->n_authorities; i++) {
		const struct authority *a = &c->p->authorities[i];

		if (a->user && a->host)
			conf_warning(c->diags, a->pos,
			    "authority '%s' signs for users and hosts; two "
			    "keys are safer than one",
			    a->name);
	}
}

/* One principal of one grant. */
struct way {
	const char *principal;
	const struct grant *grant;
	unsigned approvals;
};

/* Principals together, the weakest way to each first. */
static int
by_weakness(const void *a, const void *b)
{
	const struct way *x = a, *y = b;
	int c = strcmp(x->principal, y->principal);

	if (c == 0)
		c = (x->grant->kind > y->grant->kind) -
		    (x->grant->kind < y->grant->kind);
	if (c == 0)
		c = (x->approvals > y->approvals) -
		    (x->approvals < y->approvals);
	if (c == 0)
		c = (x->grant->max < y->grant->max) -
		    (x->grant->max > y->grant->max);
	return c != 0 ? c : (x->grant > y->grant) - (x->grant < y->grant);
}

static struct way
way_of(const struct grant *g, const char *principal)
{
	struct way w = {.principal = principal, .grant = g};

	for (size_t t = 0; t < g->n_approve; t++)
		w.approvals += g->approve[t].n;
	return w;
}

/*
 * The weakest way to that principal, w the weakest of those that name it.  One who
 * may have P may have P@HOST, and a pattern of hosts gives what it covers: a grant
 * of that gives a name that another guards better.
 */
static struct way
weakest(const struct checker *c, const struct way *w)
{
	bool host = w->grant->kind == CERT_HOST;
	struct way best = *w;

	if (host ? strchr(w->principal, '*') != NULL
		 : strchr(w->principal, '@') == NULL)
		return best;
	for (size_t i = 0; i < c->p->n_grants; i++) {
		const struct grant *g = &c->p->grants[i];
		struct way other = way_of(g, w->principal);

		if (g->kind == w->grant->kind &&
		    grant_covers_principal(g, w->principal) &&
		    by_weakness(&other, &best) < 0)
			best = other;
	}
	return best;
}

static void
tell_way(const struct checker *c, const struct way *w)
{
	char span[SPAN_TEXT], count[32] = "no approval";

	span_format(w->grant->max, span);
	if (w->approvals > 0)
		(void)snprintf(count, sizeof(count), "%u approval%s",
		    w->approvals, w->approvals > 1 ? "s" : "");
	conf_warning(c->diags, w->grant->pos,
	    "weakest way to %s '%s' is grant '%s': %s, at most %s",
	    w->grant->kind == CERT_HOST ? "host names" : "principal",
	    w->principal, w->grant->name, count, span);
}

static int
check_principals(const struct checker *c)
{
	const struct policy *p = c->p;
	struct way *ways;
	size_t n = 0;

	for (size_t i = 0; i < p->n_grants; i++)
		n += p->grants[i].principals.n;
	if (n == 0)
		return 0;
	if ((ways = calloc(n, sizeof(*ways))) == NULL)
		return ERR_NOMEM;
	n = 0;
	for (size_t i = 0; i < p->n_grants; i++) {
		const struct grant *g = &p->grants[i];

		for (size_t j = 0; j < g->principals.n; j++)
			ways[n++] = way_of(g, g->principals.v[j]);
	}
	qsort(ways, n, sizeof(*ways), by_weakness);
	for (size_t i = 0; i < n; i++)
		if (i == 0 ||
		    strcmp(ways[i - 1].principal, ways[i].principal) != 0 ||
		    ways[i - 1].grant->kind != ways[i].grant->kind) {
			struct way w = weakest(c, &ways[i]);

			tell_way(c, &w);
		}
	free(ways);
	return 0;
}

int
policy_check(const struct policy *p, int64_t now,
    bool (*zone_known)(void *ctx, const char *zone), void *ctx,
    struct conf_diags *diags)
{
	struct checker c = {.p = p, .diags = diags, .now = now};
	size_t errors_before = diags->n_errors;

	check_expiry(&c);
	policy_check_exceptions(p, now, diags);
	if (zone_known != NULL)
		check_zones(&c, zone_known, ctx);
	check_officers(&c);
	check_authorities(&c);
	if (check_grants(&c) != 0 || check_principals(&c) != 0)
		diags->failed = true;
	if (diags->failed)
		return ERR_NOMEM;
	return diags->n_errors > errors_before ? ERR_DENIED : 0;
}
