/* SPDX-License-Identifier: ISC */
/* A policy in memory: letting go of it, its zones, and who is who. */
#include "lib/trust/policy.h"

#include <stdlib.h>
#include <string.h>

#include "lib/statement/statement.h"
#include "lib/trust/policy_impl.h"

void
policy_person_clear(struct person *person)
{
	for (size_t i = 0; i < person->n_keys; i++) {
		pubkey_free(person->keys[i].key);
		free(person->keys[i].comment);
	}
	free(person->keys);
	free(person->id);
	strs_clear(&person->groups);
	*person = (struct person){0};
}

void
policy_grant_clear(struct grant *g)
{
	free(g->name);
	strs_clear(&g->to);
	strs_clear(&g->principals);
	free(g->hours.zone);
	strs_clear(&g->source);
	strs_clear(&g->extensions);
	free(g->force_command);
	free(g->ticket);
	if (g->ticket_re != NULL)
		regfree(g->ticket_re);
	free(g->ticket_re);
	for (size_t i = 0; i < g->n_approve; i++)
		free(g->approve[i].group);
	*g = (struct grant){0};
}

static void
free_parts(struct policy *p)
{
	for (size_t i = 0; i < p->n_people; i++)
		policy_person_clear(&p->people[i]);
	free(p->people);
	for (size_t i = 0; i < p->n_grants; i++)
		policy_grant_clear(&p->grants[i]);
	free(p->grants);
	for (size_t i = 0; i < p->n_authorities; i++) {
		free(p->authorities[i].name);
		pubkey_free(p->authorities[i].key);
	}
	free(p->authorities);
	for (size_t i = 0; i < p->n_exceptions; i++) {
		struct known_exception *x = &p->exceptions[i];

		free(x->account);
		free(x->key);
		free(x->ca);
		strs_clear(&x->hosts);
		free(x->reason);
		free(x->owner);
	}
	free(p->exceptions);
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	free_parts(p);
	strs_clear(&p->groups);
	strs_clear(&p->self_keys);
	strs_clear(&p->user_cas);
	strs_clear(&p->host_cas);
	strs_clear(&p->logs);
	strs_clear(&p->masters);
	if (p->index != NULL) {
		strs_clear(&p->index->files);
		free(p->index->person_keys);
		free(p->index->authority_keys);
		free(p->index->grants);
	}
	free(p->index);
	free(p);
}

static const struct zone_rule *
find_zone(const struct zone_rule *zones, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(zones[i].name, name) == 0)
			return &zones[i];
	return NULL;
}

int
policy_set_zones(struct policy *p, const struct zone_rule *zones, size_t n,
    struct err *e)
{
	struct tz_rule *rules = NULL;
	int r = 0;

	if (p->n_grants == 0)
		return 0;
	if ((rules = calloc(p->n_grants, sizeof(*rules))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		const struct hours *h = &p->grants[i].hours;
		const struct zone_rule *z;

		if (!h->set)
			continue;
		if ((z = find_zone(zones, n, h->zone)) == NULL)
			r = err_set(e, ERR_PARSE,
			    "bundle has no rule of time zone %s, which grant "
			    "'%s' names",
			    h->zone, p->grants[i].name);
		else if (tz_parse(z->rule, &rules[i]) != 0)
			r = err_set(e, ERR_PARSE,
			    "rule of time zone %s is malformed, expected one "
			    "as EET-2EEST,M3.5.0/3,M10.5.0/4",
			    h->zone);
	}
	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		if (!p->grants[i].hours.set)
			continue;
		p->grants[i].hours.rule = rules[i];
		p->grants[i].hours.has_rule = true;
	}
	free(rules);
	return r;
}

int
policy_zones(const struct policy *p, struct strs *out)
{
	struct strs zones = {0};
	int r = 0;

	for (size_t i = 0; i < p->n_grants && r == 0; i++) {
		const struct hours *h = &p->grants[i].hours;

		if (h->set && !strs_has(&zones, h->zone))
			r = strs_add(&zones, h->zone);
	}
	strs_sort(&zones);
	for (size_t i = 0; i < zones.n && r == 0; i++)
		r = strs_add(out, zones.v[i]);
	strs_clear(&zones);
	return r;
}

const struct person *
policy_person(const struct policy *p, const char *id)
{
	size_t lo = 0, hi = p->n_people;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(id, p->people[mid].id);

		if (c == 0)
			return &p->people[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static int
by_key(const void *a, const void *b)
{
	const struct key_ref *x = a, *y = b;
	int c = pubkey_compare(x->key, y->key);

	return c != 0 ? c : (x->owner > y->owner) - (x->owner < y->owner);
}

void
policy_sort_keys(struct key_ref *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), by_key);
}

const struct key_ref *
policy_find_key(const struct key_ref *v, size_t n, const struct pubkey *k)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = pubkey_compare(k, v[mid].key);

		if (c == 0)
			return &v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct person *
policy_person_of_key(const struct policy *p, const struct pubkey *k)
{
	const struct key_ref *ref;

	ref =
	    policy_find_key(p->index->person_keys, p->index->n_person_keys, k);
	return ref != NULL ? &p->people[ref->owner] : NULL;
}

const struct grant *
policy_grant(const struct policy *p, const char *name)
{
	size_t lo = 0, hi = p->n_grants;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct grant *g = &p->grants[p->index->grants[mid].i];
		int c = strcmp(name, g->name);

		if (c == 0)
			return g;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct authority *
policy_authority(const struct policy *p, const char *name)
{
	size_t lo = 0, hi = p->n_authorities;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(name, p->authorities[mid].name);

		if (c == 0)
			return &p->authorities[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct authority *
policy_authority_of_key(const struct policy *p, const struct pubkey *k)
{
	const struct key_ref *ref;

	ref = policy_find_key(p->index->authority_keys, p->n_authorities, k);
	return ref != NULL ? &p->authorities[ref->owner] : NULL;
}
