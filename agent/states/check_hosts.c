/* SPDX-License-Identifier: ISC */
/*
 * Hosts that can be foreseen.  Expressions tell hosts apart by values that they
 * name; so a host for each id that is named, one for each glob, one that is
 * none of them, and of each grain each value that is named and another one, in
 * all combinations.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/check_impl.h"

#define NOBODY "any-host.invalid" /* an id that no policy names */

static int
add_once(struct strs *out, const char *s)
{
	return strs_has(out, s) ? 0 : strs_add(out, s);
}

/* The sample of "*" is NOBODY. */
static int
add_ids(struct foreseen *w, const struct expr *x)
{
	struct strs ids = {0};
	int r = expr_samples(x, "id", &ids);

	for (size_t i = 0; i < ids.n && r == 0; i++)
		if (strcmp(ids.v[i], "0") != 0)
			r = add_once(&w->ids, ids.v[i]);
	strs_clear(&ids);
	return r;
}

static int
add_expr(void *ctx, const struct expr *x, struct conf_pos pos)
{
	struct foreseen *w = ctx;
	struct strs asked = {0};
	int r;

	(void)pos;
	if ((r = add_ids(w, x)) != 0 || (r = expr_grains(x, &asked)) != 0)
		goto out;
	for (size_t i = 0; i < grain_kinds_n && r == 0; i++) {
		if (!strs_has(&asked, grain_kinds[i].name))
			continue;
		w->grains[i].asked = true;
		r = expr_samples(x, grain_kinds[i].name, &w->grains[i].values);
	}
out:
	strs_clear(&asked);
	return r;
}

static int
add_roles(struct foreseen *w, const struct fleet *f)
{
	int r = 0;

	for (size_t i = 0; i < f->n_roles; i++)
		for (size_t j = 0; j < f->roles[i].hosts.n && r == 0; j++) {
			char *id = expr_glob_sample(f->roles[i].hosts.v[j]);

			r = id != NULL ? add_once(&w->ids, id) : ERR_NOMEM;
			free(id);
		}
	return r;
}

/* The usual value first, and one that nobody names last. */
static int
end_grain(struct foreseen_grain *g, const struct grain_kind *k)
{
	struct strs named = g->values;
	int r;

	g->values = (struct strs){0};
	r = strs_add(&g->values, k->example);
	for (size_t i = 0; i < named.n && r == 0; i++)
		r = add_once(&g->values, named.v[i]);
	if (r == 0 && g->asked)
		r = add_once(&g->values, "unknown");
	strs_clear(&named);
	return r;
}

static void
count(struct foreseen *w)
{
	w->n = w->ids.n;
	for (size_t i = 0; i < grain_kinds_n; i++)
		if (__builtin_mul_overflow(w->n, w->grains[i].values.n, &w->n))
			w->n = SIZE_MAX;
}

int
foresee(const struct fleet *f, const struct strs *hosts, struct foreseen *out)
{
	struct foreseen w = {0};
	int r = ERR_NOMEM;

	if ((w.grains = calloc(grain_kinds_n, sizeof(*w.grains))) == NULL)
		goto out;
	if ((r = strs_add(&w.ids, NOBODY)) != 0 ||
	    (r = fleet_each_expr(f, add_expr, &w)) != 0 ||
	    (r = add_roles(&w, f)) != 0)
		goto out;
	for (size_t i = 0; hosts != NULL && i < hosts->n && r == 0; i++)
		r = add_once(&w.ids, hosts->v[i]);
	for (size_t i = 0; i < grain_kinds_n && r == 0; i++) {
		w.grains[i].name = grain_kinds[i].name;
		r = end_grain(&w.grains[i], &grain_kinds[i]);
	}
	if (r != 0)
		goto out;
	count(&w);
	*out = w;
	w = (struct foreseen){0};
out:
	foreseen_clear(&w);
	return r;
}

void
foreseen_clear(struct foreseen *w)
{
	strs_clear(&w->ids);
	for (size_t i = 0; w->grains != NULL && i < grain_kinds_n; i++)
		strs_clear(&w->grains[i].values);
	free(w->grains);
	*w = (struct foreseen){0};
}

int
foreseen_host(const struct foreseen *w, size_t i, const char **id,
    struct grains *g)
{
	int r = 0;

	*id = w->ids.v[i % w->ids.n];
	i /= w->ids.n;
	for (size_t k = 0; k < grain_kinds_n && r == 0; k++) {
		const struct strs *values = &w->grains[k].values;

		r = grains_set(g, w->grains[k].name, values->v[i % values->n]);
		i /= values->n;
	}
	return r;
}

void
foreseen_describe(const struct foreseen *w, const char *id,
    const struct grains *g, struct str *out)
{
	if (strcmp(id, NOBODY) == 0)
		str_add(out, "a host that no name stands for");
	else
		str_add(out, id);
	for (size_t k = 0; k < grain_kinds_n; k++)
		if (w->grains[k].asked)
			str_addf(out, ", %s %s", w->grains[k].name,
			    grains_get(g, w->grains[k].name));
}
