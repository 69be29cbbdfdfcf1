/* SPDX-License-Identifier: ISC */
#include "agent/fleet/order.h"

#include <stdlib.h>

struct visit {
	size_t i, k; /* the next need to look at */
};

enum mark { WHITE, ON_PATH, DONE };

struct walk {
	size_t (*needs)(const void *ctx, size_t i, size_t k);
	const void *ctx;
	unsigned char *marks;
	struct visit *path;
	size_t n_path;
	size_t *out, n_out;
};

/* Everything that start needs, then start.  The path is kept by hand: a chain
 * may be as long as there are things. */
static int
visit(struct walk *w, size_t start, size_t *edge)
{
	w->path[0] = (struct visit){.i = start};
	w->n_path = 1;
	w->marks[start] = ON_PATH;
	while (w->n_path > 0) {
		struct visit *v = &w->path[w->n_path - 1];
		size_t to = w->needs(w->ctx, v->i, v->k);

		if (to == ORDER_END) {
			w->marks[v->i] = DONE;
			w->out[w->n_out++] = v->i;
			w->n_path--;
			continue;
		}
		*edge = v->k++;
		if (to == ORDER_SKIP || w->marks[to] == DONE)
			continue;
		if (w->marks[to] == ON_PATH) {
			w->path[w->n_path] = (struct visit){.i = to};
			return ORDER_CYCLE;
		}
		w->marks[to] = ON_PATH;
		w->path[w->n_path++] = (struct visit){.i = to};
	}
	return 0;
}

/* From where the path enters the cycle to its end. */
static size_t
take_cycle(const struct walk *w, size_t *out)
{
	size_t closes = w->path[w->n_path].i, from = 0;

	while (w->path[from].i != closes)
		from++;
	for (size_t j = from; j < w->n_path; j++)
		out[j - from] = w->path[j].i;
	return w->n_path - from;
}

int
order_sort(size_t n, size_t (*needs)(const void *ctx, size_t i, size_t k),
    const void *ctx, size_t *out, size_t *n_cycle, size_t *edge)
{
	struct walk w = {.needs = needs, .ctx = ctx, .out = out};
	int r = 0;

	/* One more than there are: the thing that closes a cycle. */
	w.marks = calloc(n + 1, sizeof(*w.marks));
	w.path = calloc(n + 1, sizeof(*w.path));
	if (w.marks == NULL || w.path == NULL) {
		r = ERR_NOMEM;
		goto out;
	}
	for (size_t i = 0; i < n && r == 0; i++)
		if (w.marks[i] == WHITE)
			r = visit(&w, i, edge);
	if (r == ORDER_CYCLE)
		*n_cycle = take_cycle(&w, out);
out:
	free(w.marks);
	free(w.path);
	return r;
}
