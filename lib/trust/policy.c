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

/* bsearch() in what may be no array at all. */
static const void *
search(const void *key, const void *v, size_t n, size_t size,
    int (*compare)(const void *key, const void *member))
{
	return n > 0 ? bsearch(key, v, n, size, compare) : NULL;
}

static int
compare_person(const void *id, const void *member)
{
	const struct person *p = member;

	return strcmp(id, p->id);
}

const struct person *
policy_person(const struct policy *p, const char *id)
{
	return search(id, p->people, p->n_people, sizeof(*p->people),
	    compare_person);
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

static int
compare_key(const void *key, const void *member)
{
	const struct key_ref *ref = member;

	return pubkey_compare(key, ref->key);
}

const struct key_ref *
policy_find_key(const struct key_ref *v, size_t n, const struct pubkey *k)
{
	return search(k, v, n, sizeof(*v), compare_key);
}

const struct person *
policy_person_of_key(const struct policy *p, const struct pubkey *k)
{
	const struct key_ref *ref;

	ref =
	    policy_find_key(p->index->person_keys, p->index->n_person_keys, k);
	return ref != NULL ? &p->people[ref->owner] : NULL;
}

static int
compare_name(const void *name, const void *member)
{
	const struct name_ref *ref = member;

	return strcmp(name, ref->name);
}

const struct grant *
policy_grant(const struct policy *p, const char *name)
{
	const struct name_ref *ref = search(name, p->index->grants, p->n_grants,
	    sizeof(*p->index->grants), compare_name);

	return ref != NULL ? &p->grants[ref->i] : NULL;
}

static int
compare_authority(const void *name, const void *member)
{
	const struct authority *a = member;

	return strcmp(name, a->name);
}

const struct authority *
policy_authority(const struct policy *p, const char *name)
{
	return search(name, p->authorities, p->n_authorities,
	    sizeof(*p->authorities), compare_authority);
}

const struct authority *
policy_authority_of_key(const struct policy *p, const struct pubkey *k)
{
	const struct key_ref *ref;

	ref = policy_find_key(p->index->authority_keys, p->n_authorities, k);
	return ref != NULL ? &p->authorities[ref->owner] : NULL;
}
