/* SPDX-License-Identifier: ISC */
#include "lib/trust/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/lint.h"
#include "lib/statement/statement.h"
#include "lib/trust/policy_impl.h"

int
policy_files_add(struct policy_files *f, const char *path, const void *p,
    size_t n)
{
	struct policy_file file = {.n = n};
	int r;

	if (n > POLICY_FILE_MAX)
		return ERR_LIMIT;
	if ((r = vec_grow(&f->v, f->n, &f->cap, POLICY_FILES_MAX)) != 0)
		return r;
	file.path = str_dup(path);
	file.data = (uint8_t *)str_dupn(p, n);
	if (file.path == NULL || file.data == NULL) {
		free(file.path);
		free(file.data);
		return ERR_NOMEM;
	}
	f->v[f->n++] = file;
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	const struct policy_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
policy_files_sort(struct policy_files *f)
{
	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), by_path);
}

const struct policy_file *
policy_files_find(const struct policy_files *f, const char *path)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(path, f->v[mid].path);

		if (c == 0)
			return &f->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

void
policy_files_clear(struct policy_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		free(f->v[i].data);
	}
	free(f->v);
	*f = (struct policy_files){0};
}

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

/* The number of a further key of a log, and how long the log's name is; 1: it
 * is the log's own. */
static uint64_t
log_key_number(const char *name, size_t *len)
{
	const char *dot = strrchr(name, '.');
	uint64_t n;

	*len = strlen(name);
	if (dot == NULL || dot == name || dot[1] == '0' ||
	    parse_u64(dot + 1, 2, UINT32_MAX, &n) != 0)
		return 1;
	*len = (size_t)(dot - name);
	return n;
}

void
policy_log_of_key(const char *name, char out[POLICY_NAME_MAX + 1])
{
	size_t n;

	(void)log_key_number(name, &n);
	(void)snprintf(out, POLICY_NAME_MAX + 1, "%.*s", (int)n, name);
}

size_t
policy_log_keys(const struct policy *p, const char *log,
    const struct authority *out[POLICY_LOG_KEYS_MAX])
{
	const struct authority *room[POLICY_LOG_KEYS_MAX];
	uint64_t numbers[POLICY_LOG_KEYS_MAX], number;
	size_t n = 0, len, at;

	if (out == NULL)
		out = room;
	for (size_t i = 0; i < p->n_authorities; i++) {
		const struct authority *a = &p->authorities[i];

		number = log_key_number(a->name, &len);
		if (!a->log || n == POLICY_LOG_KEYS_MAX || strlen(log) != len ||
		    strncmp(a->name, log, len) != 0)
			continue;
		/* ca_log.10 comes after ca_log.9. */
		for (at = n++; at > 0 && numbers[at - 1] > number; at--) {
			numbers[at] = numbers[at - 1];
			out[at] = out[at - 1];
		}
		numbers[at] = number;
		out[at] = a;
	}
	return n;
}

bool
policy_is_log_key(const struct policy *p, const char *log,
    const struct pubkey *k)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(p, log, keys);

	for (size_t i = 0; i < n; i++)
		if (pubkey_equal(keys[i]->key, k))
			return true;
	return false;
}

bool
policy_signed_by_log(const struct policy *p, const struct statement *s)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(p, s->by, keys);

	for (size_t i = 0; i < n; i++)
		if (statement_signed_by(s, keys[i]->key) >= 0)
			return true;
	return false;
}

const struct authority *
policy_authority_of_key(const struct policy *p, const struct pubkey *k)
{
	const struct key_ref *ref;

	ref = policy_find_key(p->index->authority_keys, p->n_authorities, k);
	return ref != NULL ? &p->authorities[ref->owner] : NULL;
}

bool
person_in_group(const struct person *person, const char *group)
{
	return strs_has(&person->groups, group);
}

bool
grant_allows_person(const struct grant *g, const struct person *person)
{
	for (size_t i = 0; i < g->to.n; i++)
		if (strcmp(g->to.v[i], person->id) == 0 ||
		    person_in_group(person, g->to.v[i]))
			return true;
	return false;
}

/*
 * Does the pattern cover the name, `*` standing for any run of bytes without a
 * dot?  Going back to the last `*` alone is enough, since one that stopped at
 * a dot cannot be made to pass it.
 */
static bool
pattern_covers(const char *pattern, const char *name)
{
	const char *star = NULL, *resume = NULL;

	while (*name != '\0') {
		if (*pattern == '*') {
			star = ++pattern;
			resume = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star != NULL && *resume != '.') {
			pattern = star;
			name = ++resume;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool
covers_host(const struct grant *g, const char *name)
{
	/* No empty label may hide behind a `*`. */
	if (lint_principal(CERT_HOST, name, NULL) != 0)
		return false;
	for (size_t i = 0; i < g->principals.n; i++)
		if (pattern_covers(g->principals.v[i], name))
			return true;
	return false;
}

bool
grant_covers_principal(const struct grant *g, const char *principal)
{
	const char *sign;

	if (g->kind == CERT_HOST)
		return covers_host(g, principal);
	if (strs_has(&g->principals, principal))
		return true;
	/*
	 * P@HOST is split at the last `@`: were it the first, the grant of P
	 * would also reach an account that is itself called P@x on any host.
	 */
	if ((sign = strrchr(principal, '@')) == NULL || !id_is_valid(sign + 1))
		return false;
	for (size_t i = 0; i < g->principals.n; i++) {
		const char *p = g->principals.v[i];
		size_t n = (size_t)(sign - principal);

		if (strlen(p) == n && memcmp(p, principal, n) == 0)
			return true;
	}
	return false;
}
