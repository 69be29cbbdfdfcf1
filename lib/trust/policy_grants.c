/* SPDX-License-Identifier: ISC */
/* Whom a grant allows, and which names it covers. */
#include <string.h>

#include "lib/ssh/lint.h"
#include "lib/trust/policy.h"

bool
person_in_group(const struct person *person, const char *group)
{
	return strs_has(&person->groups, group);
}

bool
person_has_root_key(const struct person *person, const struct pubkey *k)
{
	for (size_t i = 0; i < person->n_keys; i++)
		if (person->keys[i].of_root &&
		    pubkey_equal(person->keys[i].key, k))
			return true;
	return false;
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
