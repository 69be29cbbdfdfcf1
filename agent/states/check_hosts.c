/* SPDX-License-Identifier: ISC */
/*
 * Hosts that can be foreseen.  Expressions tell hosts apart by values that they
 * name; so a host for each id that is named, one for each glob, one that is
 * none of them, and those that are enrolled, but one alone of those that no
 * expression tells apart; and of each grain each value that is named and
 * another one, in all combinations.
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

/* --- ids that are the same to every expression ---------------------------- */

struct telling {
	struct expr_host host;
	struct str *out;
};

static int
tell(void *ctx, const struct expr *x, struct conf_pos pos)
{
	struct telling *t = ctx;

	(void)pos;
	expr_tell_apart(x, &t->host, t->out);
	return 0;
}

/* What all expressions and roles make of an id. */
static int
add_class(const struct fleet *f, const char *id, struct strs *seen, bool *new)
{
	struct strs roles = {0};
	struct str s = STR_INIT;
	struct telling t = {.host = {.id = id, .roles = &roles}, .out = &s};
	int r = fleet_roles(f, id, &roles);

	if (r == 0)
		r = fleet_each_expr(f, tell, &t);
	for (size_t i = 0; i < roles.n; i++)
		str_addf(&s, " %s", roles.v[i]);
	if (r == 0 && (r = str_check(&s)) == 0) {
		*new = !strs_has(seen, s.p);
		if (*new)
			r = strs_add(seen, s.p);
	}
	str_clear(&s);
	strs_clear(&roles);
	return r;
}

/* Of thousands of hosts a few differ: the first of each kind stays. */
static int
drop_alike(struct foreseen *w, const struct fleet *f)
{
	struct strs all = w->ids, seen = {0};
	bool new = false;
	int r = 0;

	w->ids = (struct strs){0};
	for (size_t i = 0; i < all.n && r == 0; i++)
		if ((r = add_class(f, all.v[i], &seen, &new)) == 0 && new)
			r = strs_add(&w->ids, all.v[i]);
	strs_clear(&seen);
	strs_clear(&all);
	return r;
}

/* --- all of it ------------------------------------------------------------ */

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
		r = strs_add(&w.ids, hosts->v[i]);
	if (r == 0)
		r = drop_alike(&w, f);
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
