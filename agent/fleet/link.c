/* SPDX-License-Identifier: ISC */
/*
 * What a fleet says across its files: names that must stand for something, and
 * circles of them.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"
#include "agent/fleet/highstate.h"
#include "agent/fleet/order.h"

#define CYCLES_MAX 32 /* told of at once */

/* --- names of files ------------------------------------------------------- */

static void
link_refs(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct fleet_docs *docs = rd->f->docs;

	for (size_t i = 0; i < rd->n_refs; i++) {
		const struct ref *ref = &rd->refs[i];

		if (ref->kind == REF_STATES &&
		    fleet_file(rd->f, ref->name) == NULL)
			conf_error(in->diags, ref->pos,
			    "there is no states/%s.yaml, expected the name of "
			    "a file there",
			    ref->name);
		if (ref->kind == REF_PILLAR && !docs->some_pillar &&
		    fleet_pillar_file(rd->f, ref->name) == NULL)
			conf_error(in->diags, ref->pos,
			    "there is no pillar/%s.yaml, expected the name of "
			    "a file there",
			    ref->name);
	}
}

static bool
is_named(const struct reading *rd, enum ref_kind kind, const char *name)
{
	for (size_t i = 0; i < rd->n_refs; i++)
		if (rd->refs[i].kind == kind &&
		    strcmp(rd->refs[i].name, name) == 0)
			return true;
	return false;
}

static void
find_unused(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct fleet_docs *docs = rd->f->docs;

	for (size_t i = 0; i < rd->f->n_files; i++)
		if (!is_named(rd, REF_STATES, rd->f->files[i].name))
			conf_warning(in->diags, rd->f->files[i].pos,
			    "neither top.yaml nor an include names it, so no "
			    "host gets it");
	for (size_t i = 0; i < docs->n_pillar; i++)
		if (!is_named(rd, REF_PILLAR, docs->pillar[i].name))
			conf_warning(in->diags, docs->pillar[i].pos,
			    "top.yaml does not name it, so no host gets it");
	if (rd->f->n_states == 0)
		conf_warning(in->diags, (struct conf_pos){.file = "top.yaml"},
		    "no entry of 'states', so no host gets any");
}

/* --- names in expressions ------------------------------------------------- */

static bool
is_role(const struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->n_roles; i++)
		if (strcmp(f->roles[i].name, name) == 0)
			return true;
	return false;
}

static void
say_unknown_grain(struct conf_in *in, const char *name, struct conf_pos pos)
{
	struct str known = STR_INIT;
	char quoted[QUOTE_MAX];

	for (size_t i = 0; i < grain_kinds_n; i++)
		str_addf(&known, ", %s", grain_kinds[i].name);
	if (str_check(&known) != 0)
		conf_nomem(in);
	conf_error(in->diags, pos,
	    "there is no grain %s, expected one of id, role%s",
	    str_quote(quoted, name), known.p);
	str_clear(&known);
}

static int
link_expr(void *ctx, const struct expr *x, struct conf_pos pos)
{
	struct conf_in *in = ctx;
	const struct reading *rd = in->ctx;
	struct strs names = {0};
	char quoted[QUOTE_MAX];
	int r;

	if ((r = expr_grains(x, &names)) != 0)
		goto out;
	for (size_t i = 0; i < names.n; i++)
		if (grain_kind(names.v[i]) == NULL)
			say_unknown_grain(in, names.v[i], pos);
	strs_clear(&names);
	if ((r = expr_roles(x, &names)) != 0)
		goto out;
	for (size_t i = 0; i < names.n; i++)
		if (!is_role(rd->f, names.v[i]))
			conf_error(in->diags, pos,
			    "there is no role %s, expected one that fleet.yaml "
			    "gives",
			    str_quote(quoted, names.v[i]));
out:
	strs_clear(&names);
	return r;
}

/* --- circles -------------------------------------------------------------- */

void
fleet_say_cycle(struct conf_diags *d, struct conf_pos pos, const char *what,
    const size_t *v, size_t n, const char *(*name)(const void *ctx, size_t i),
    const void *ctx)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < n; i++)
		str_addf(&s, "%s -> ", name(ctx, v[i]));
	str_add(&s, name(ctx, v[0]));
	if (str_check(&s) != 0)
		d->failed = true;
	conf_error(d, pos, "%s: %s, expected an order", what, s.p);
	str_clear(&s);
}

/* Things that need each other, and the needs that close a circle which has been
 * told of: without those the next one is found. */
struct circles {
	const char *what;
	size_t n;
	size_t (*needs)(const void *ctx, size_t i, size_t k);
	const char *(*name)(const void *ctx, size_t i);
	struct conf_pos (*pos)(const void *ctx, size_t i, size_t k);
	const void *ctx;
	struct {
		size_t i, k;
	} told[CYCLES_MAX];
	size_t n_told;
};

static size_t
untold_needs(const void *ctx, size_t i, size_t k)
{
	const struct circles *c = ctx;

	for (size_t j = 0; j < c->n_told; j++)
		if (c->told[j].i == i && c->told[j].k == k)
			return ORDER_SKIP;
	return c->needs(c->ctx, i, k);
}

/* Each of them, the first in order first. */
static void
say_circles(struct conf_in *in, struct circles *c)
{
	size_t *v = calloc(c->n + 1, sizeof(*v)), n_cycle = 0, edge = 0;
	int r = v != NULL ? ORDER_CYCLE : ERR_NOMEM;

	while (r == ORDER_CYCLE && c->n_told < CYCLES_MAX) {
		r = order_sort(c->n, untold_needs, c, v, &n_cycle, &edge);
		if (r != ORDER_CYCLE)
			break;
		fleet_say_cycle(in->diags, c->pos(c->ctx, v[n_cycle - 1], edge),
		    c->what, v, n_cycle, c->name, c->ctx);
		c->told[c->n_told].i = v[n_cycle - 1];
		c->told[c->n_told++].k = edge;
	}
	if (r == ERR_NOMEM)
		conf_nomem(in);
	free(v);
}

static size_t
file_needs(const void *ctx, size_t i, size_t k)
{
	const struct fleet *f = ctx;
	const struct fleet_file *to;

	if (k >= f->files[i].include.n)
		return ORDER_END;
	to = fleet_file(f, f->files[i].include.v[k]);
	return to != NULL ? (size_t)(to - f->files) : ORDER_SKIP;
}

static const char *
file_name(const void *ctx, size_t i)
{
	const struct fleet *f = ctx;

	return f->files[i].name;
}

static struct conf_pos
file_pos(const void *ctx, size_t i, size_t k)
{
	const struct fleet *f = ctx;

	(void)k;
	return f->files[i].pos;
}

static void
find_include_cycles(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	struct circles c = {.what = "include cycle",
	    .n = rd->f->n_files,
	    .needs = file_needs,
	    .name = file_name,
	    .pos = file_pos,
	    .ctx = rd->f};

	say_circles(in, &c);
}

/* A state, and which it is in the order of files. */
struct named {
	const struct fleet_state *s;
	size_t i;
};

static int
by_state_id(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c = strcmp(x->s->id, y->s->id);

	return c != 0 ? c : (x->i > y->i) - (x->i < y->i);
}

struct states {
	struct named *v; /* sorted by id */
	size_t *at;      /* of the i-th in the order of files, where in v */
	size_t n;
};

/* The first of that id, or NULL; *n is how many there are. */
static const struct named *
find_state(const struct states *all, const char *id, size_t *n)
{
	size_t lo = 0, hi = all->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(all->v[mid].s->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*n = 0;
	while (lo + *n < all->n && strcmp(all->v[lo + *n].s->id, id) == 0)
		++*n;
	return *n > 0 ? &all->v[lo] : NULL;
}

const char *
fleet_requisite(const struct fleet_state *s, size_t k, struct conf_pos *pos)
{
	const struct strs *lists[FLEET_REQUISITES] = {
	    &s->require, &s->watch, &s->onchanges};

	for (size_t i = 0; i < FLEET_REQUISITES; i++) {
		if (k < lists[i]->n) {
			*pos = s->requisites[i]->items[k]->pos;
			return lists[i]->v[k];
		}
		k -= lists[i]->n;
	}
	return NULL;
}

/* Of two states of one id a host gets one, and only then is it known which. */
static size_t
state_needs(const void *ctx, size_t i, size_t k)
{
	const struct states *all = ctx;
	const struct named *to;
	struct conf_pos pos;
	const char *id;
	size_t n;

	if ((id = fleet_requisite(all->v[all->at[i]].s, k, &pos)) == NULL)
		return ORDER_END;
	to = find_state(all, id, &n);
	return n == 1 ? to->i : ORDER_SKIP;
}

static const char *
state_name(const void *ctx, size_t i)
{
	const struct states *all = ctx;

	return all->v[all->at[i]].s->id;
}

static struct conf_pos
state_pos(const void *ctx, size_t i, size_t k)
{
	const struct states *all = ctx;
	struct conf_pos pos = {0};

	(void)fleet_requisite(all->v[all->at[i]].s, k, &pos);
	return pos;
}

static void
find_requisite_cycles(struct conf_in *in, const struct states *all)
{
	struct circles c = {.what = "requisite cycle",
	    .n = all->n,
	    .needs = state_needs,
	    .name = state_name,
	    .pos = state_pos,
	    .ctx = all};

	say_circles(in, &c);
}

static void
link_requisites(struct conf_in *in, const struct states *all)
{
	struct conf_pos pos;
	const char *id;
	size_t n;

	for (size_t i = 0; i < all->n; i++) {
		const struct fleet_state *s = all->v[all->at[i]].s;

		for (size_t k = 0; (id = fleet_requisite(s, k, &pos)) != NULL;
		     k++)
			if (find_state(all, id, &n) == NULL)
				conf_error(in->diags, pos,
				    "there is no state '%s', expected the id "
				    "of one",
				    id);
	}
}

static void
link_states(struct conf_in *in)
{
	const struct reading *rd = in->ctx;
	const struct fleet *f = rd->f;
	struct states all = {0};

	all.v = calloc(rd->n_states + 1, sizeof(*all.v));
	all.at = calloc(rd->n_states + 1, sizeof(*all.at));
	if (all.v == NULL || all.at == NULL) {
		conf_nomem(in);
		goto out;
	}
	for (size_t i = 0; i < f->n_files; i++)
		for (size_t j = 0; j < f->files[i].n_states; j++) {
			all.v[all.n] = (struct named){
			    .s = &f->files[i].states[j], .i = all.n};
			all.n++;
		}
	qsort(all.v, all.n, sizeof(*all.v), by_state_id);
	for (size_t i = 0; i < all.n; i++)
		all.at[all.v[i].i] = i;
	link_requisites(in, &all);
	find_requisite_cycles(in, &all);
out:
	free(all.v);
	free(all.at);
}

void
fleet_link(struct conf_in *in)
{
	const struct reading *rd = in->ctx;

	link_refs(in);
	if (fleet_each_expr(rd->f, link_expr, in) != 0)
		conf_nomem(in);
	if (in->diags->failed)
		return;
	find_include_cycles(in);
	link_states(in);
	if (!rd->f->docs->some_pillar)
		find_unused(in);
}
