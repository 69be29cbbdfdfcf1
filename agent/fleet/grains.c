/* SPDX-License-Identifier: ISC */
/*
 * What hosts say of themselves: which things there are, and one host's answers.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/fleet/highstate.h"

const struct grain_kind grain_kinds[] = {
#define X(name, what, example) {name, what, example},
    GRAIN_LIST(X)
#undef X
};
const size_t grain_kinds_n = sizeof(grain_kinds) / sizeof(grain_kinds[0]);

const struct grain_kind *
grain_kind(const char *name)
{
	for (size_t i = 0; i < grain_kinds_n; i++)
		if (strcmp(grain_kinds[i].name, name) == 0)
			return &grain_kinds[i];
	return NULL;
}

/* Where it is, or where it would be. */
static size_t
place_of(const struct grains *g, const char *name)
{
	size_t i = 0;

	while (i < g->n && strcmp(g->v[i].name, name) < 0)
		i++;
	return i;
}

int
grains_set(struct grains *g, const char *name, const char *value)
{
	size_t i = place_of(g, name);
	char *n = NULL, *v = NULL;
	int r;

	if (strlen(name) > GRAIN_NAME_MAX || strlen(value) > GRAIN_MAX)
		return ERR_LIMIT;
	if ((v = str_dup(value)) == NULL)
		return ERR_NOMEM;
	if (i < g->n && strcmp(g->v[i].name, name) == 0) {
		free(g->v[i].value);
		g->v[i].value = v;
		return 0;
	}
	r = ERR_NOMEM;
	if ((n = str_dup(name)) == NULL ||
	    (r = vec_grow(&g->v, g->n, &g->cap, GRAINS_MAX)) != 0) {
		free(n);
		free(v);
		return r;
	}
	memmove(&g->v[i + 1], &g->v[i], (g->n - i) * sizeof(*g->v));
	g->v[i] = (struct grain){.name = n, .value = v};
	g->n++;
	return 0;
}

const char *
grains_get(const struct grains *g, const char *name)
{
	size_t i = place_of(g, name);

	return i < g->n && strcmp(g->v[i].name, name) == 0 ? g->v[i].value
							   : NULL;
}

void
grains_clear(struct grains *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->v[i].name);
		free(g->v[i].value);
	}
	free(g->v);
	*g = (struct grains){0};
}
