/* SPDX-License-Identifier: ISC */
/*
 * A highstate: which states, what is in them, in which order.
 */
#include "agent/fleet/highstate.h"

#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"
#include "agent/fleet/order.h"
#include "agent/fleet/pillar.h"

struct highstate_mem {
	struct yaml_doc nodes;
	size_t *edges; /* all requisites of all states */
};

struct compiling {
	const struct fleet *f;
	const struct fleet_host *host;
	struct expr_host who;
	struct conf_diags *diags;
	struct highstate *h;
	const struct fleet_file **files; /* in their order */
	size_t n_files;
	size_t *by_id;  /* indices of h->v, by id */
	size_t n_edges; /* requisites of all states */
	struct pillar pillar;
};

static const char *
grain_of(void *ctx, const char *name)
{
	const struct grains *g = ctx;

	return g != NULL ? grains_get(g, name) : NULL;
}

/* --- which ---------------------------------------------------------------- */

/* After what it includes; each file once.  The depth is that of includes, which
 * have no cycle. */
static void
add_file(struct compiling *c, const struct fleet_file *file)
{
	for (size_t i = 0; i < c->n_files; i++)
		if (c->files[i] == file)
			return;
	for (size_t i = 0; i < file->include.n; i++)
		add_file(c, fleet_file(c->f, file->include.v[i]));
	c->files[c->n_files++] = file;
}

static int
choose_files(struct compiling *c)
{
	c->files = calloc(c->f->n_files + 1, sizeof(*c->files));
	if (c->files == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->f->n_states; i++) {
		const struct fleet_top *t = &c->f->states[i];

		if (!expr_match(t->match, &c->who))
			continue;
		for (size_t j = 0; j < t->names.n; j++)
			add_file(c, fleet_file(c->f, t->names.v[j]));
	}
	return 0;
}

static void
add_state(struct compiling *c, const struct fleet_state *s)
{
	struct hstate *hs = &c->h->v[c->h->n++];

	hs->decl = s;
	c->n_edges += s->require.n + s->watch.n + s->onchanges.n;
	hs->off = s->when != NULL && !expr_match(s->when, &c->who);
	for (size_t i = 0; i < s->n_exceptions && hs->excepted == NULL; i++)
		if (c->host->now <= s->exceptions[i].expires &&
		    expr_match(s->exceptions[i].match, &c->who))
			hs->excepted = &s->exceptions[i];
}

static int
choose_states(struct compiling *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_files; i++)
		n += c->files[i]->n_states;
	if ((c->h->v = calloc(n + 1, sizeof(*c->h->v))) == NULL ||
	    (c->by_id = calloc(n + 1, sizeof(*c->by_id))) == NULL)
		return ERR_NOMEM;
	c->h->n = 0;
	for (size_t i = 0; i < c->n_files; i++)
		for (size_t j = 0; j < c->files[i]->n_states; j++)
			add_state(c, &c->files[i]->states[j]);
	return 0;
}

/* --- by id ---------------------------------------------------------------- */

static int
by_state_id(const void *a, const void *b, void *ctx)
{
	const struct hstate *v = ctx;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int c = strcmp(v[x].decl->id, v[y].decl->id);

	return c != 0 ? c : (x > y) - (x < y);
}

static void
index_states(struct compiling *c)
{
	const struct hstate *v = c->h->v;

	for (size_t i = 0; i < c->h->n; i++)
		c->by_id[i] = i;
	if (c->h->n > 1)
		qsort_r(c->by_id, c->h->n, sizeof(*c->by_id), by_state_id,
		    c->h->v);
	for (size_t i = 1; i < c->h->n; i++) {
		const struct fleet_state *a = v[c->by_id[i - 1]].decl;
		const struct fleet_state *b = v[c->by_id[i]].decl;

		if (strcmp(a->id, b->id) == 0)
			conf_error(c->diags, b->pos,
			    "state '%s' is there twice, expected one of an id "
			    "on a host (%s:%u:%u has it)",
			    b->id, a->pos.file, a->pos.line, a->pos.col);
	}
}

/* ORDER_SKIP: the host does not get it. */
static size_t
find_state(const struct compiling *c, const char *id)
{
	size_t lo = 0, hi = c->h->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(id, c->h->v[c->by_id[mid]].decl->id);

		if (d == 0)
			return c->by_id[mid];
		if (d < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return ORDER_SKIP;
}

/* --- requisites ----------------------------------------------------------- */

static void
resolve(struct compiling *c, const struct hstate *hs, size_t *edges)
{
	struct conf_pos pos;
	const char *id;

	for (size_t k = 0; (id = fleet_requisite(hs->decl, k, &pos)) != NULL;
	     k++) {
		edges[k] = find_state(c, id);
		if (edges[k] == ORDER_SKIP)
			conf_error(c->diags, pos,
			    "'%s' is not among the states of this host, "
			    "expected it wherever '%s' is (or an include)",
			    id, hs->decl->id);
	}
}

static int
link_states(struct compiling *c)
{
	size_t *edges;

	if ((edges = calloc(c->n_edges + 1, sizeof(*edges))) == NULL)
		return ERR_NOMEM;
	c->h->mem->edges = edges;
	for (size_t i = 0; i < c->h->n; i++) {
		struct hstate *hs = &c->h->v[i];

		resolve(c, hs, edges);
		hs->require = edges;
		hs->n_require = hs->decl->require.n;
		hs->watch = hs->require + hs->n_require;
		hs->n_watch = hs->decl->watch.n;
		hs->onchanges = hs->watch + hs->n_watch;
		hs->n_onchanges = hs->decl->onchanges.n;
		edges = hs->onchanges + hs->n_onchanges;
	}
	return 0;
}

/* The three lists lie behind each other. */
static size_t
n_needs(const struct hstate *hs)
{
	return hs->n_require + hs->n_watch + hs->n_onchanges;
}

static size_t
needs(const void *ctx, size_t i, size_t k)
{
	const struct hstate *hs = &((const struct highstate *)ctx)->v[i];

	return k < n_needs(hs) ? hs->require[k] : ORDER_END;
}

static const char *
id_of(const void *ctx, size_t i)
{
	return ((const struct highstate *)ctx)->v[i].decl->id;
}

/* Move the states to their places, and their requisites with them. */
static void
move(struct highstate *h, const size_t *order, struct hstate *v, size_t *to)
{
	for (size_t i = 0; i < h->n; i++) {
		v[i] = h->v[order[i]];
		to[order[i]] = i;
	}
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < n_needs(&v[i]); k++)
			v[i].require[k] = to[v[i].require[k]];
	memcpy(h->v, v, h->n * sizeof(*v));
}

static int
put_in_order(struct compiling *c)
{
	struct highstate *h = c->h;
	size_t *order = calloc(h->n + 1, sizeof(*order)), n_cycle = 0, edge = 0;
	size_t *to = calloc(h->n + 1, sizeof(*to));
	struct hstate *v = calloc(h->n + 1, sizeof(*v));
	struct conf_pos pos = {0};
	int r = ERR_NOMEM;

	if (order == NULL || to == NULL || v == NULL)
		goto out;
	r = order_sort(h->n, needs, h, order, &n_cycle, &edge);
	if (r == 0)
		move(h, order, v, to);
	if (r != ORDER_CYCLE)
		goto out;
	(void)fleet_requisite(h->v[order[n_cycle - 1]].decl, edge, &pos);
	fleet_say_cycle(c->diags, pos, "requisite cycle", order, n_cycle, id_of,
	    h);
	r = ERR_PARSE;
out:
	free(order);
	free(to);
	free(v);
	return r;
}

/* --- parameters ----------------------------------------------------------- */

static int
put_in_params(struct compiling *c)
{
	int r =
	    pillar_init(&c->pillar, c->f, c->host, &c->h->mem->nodes, c->diags);

	for (size_t i = 0; i < c->h->n && r == 0; i++) {
		struct hstate *hs = &c->h->v[i];

		if (hs->off)
			continue;
		hs->params = pillar_put_in(&c->pillar, hs->decl->params);
		r = c->pillar.failed;
	}
	return r;
}

/* --- the whole ------------------------------------------------------------ */

static int
compile(struct compiling *c)
{
	size_t errors = c->diags->n_errors;
	int r;

	if ((r = choose_files(c)) != 0 || (r = choose_states(c)) != 0)
		return r;
	index_states(c);
	if ((r = link_states(c)) != 0 || (r = put_in_params(c)) != 0)
		return r;
	if (c->diags->n_errors > errors)
		return ERR_PARSE;
	return put_in_order(c);
}

int
highstate_compile(const struct fleet *f, const struct fleet_host *host,
    struct highstate **out, struct conf_diags *diags)
{
	struct compiling c = {.f = f,
	    .host = host,
	    .diags = diags,
	    .who = {.id = host->id,
		.roles = host->roles,
		.grain = grain_of,
		.ctx = (void *)(uintptr_t)host->grains}};
	int r = ERR_NOMEM;

	if ((c.h = calloc(1, sizeof(*c.h))) == NULL ||
	    (c.h->mem = calloc(1, sizeof(*c.h->mem))) == NULL)
		goto out;
	r = compile(&c);
	if (diags->failed)
		r = ERR_NOMEM;
	if (r == 0) {
		*out = c.h;
		c.h = NULL;
	}
out:
	highstate_free(c.h);
	free(c.files);
	free(c.by_id);
	return r;
}

void
highstate_free(struct highstate *h)
{
	if (h == NULL)
		return;
	if (h->mem != NULL) {
		yaml_doc_clear(&h->mem->nodes);
		free(h->mem->edges);
	}
	free(h->mem);
	free(h->v);
	free(h);
}
