/* SPDX-License-Identifier: ISC */
/*
 * One host's pillar: its files as one tree.
 */
#include "agent/fleet/pillar.h"

#include <stdlib.h>
#include <string.h>

#include "agent/fleet/fleet_impl.h"

/* --- nodes ---------------------------------------------------------------- */

struct yaml_node *
pillar_new_node(struct pillar *p, enum yaml_kind kind, struct conf_pos pos)
{
	struct yaml_node *n = calloc(1, sizeof(*n));

	if (n == NULL) {
		p->failed = ERR_NOMEM;
		return NULL;
	}
	n->kind = kind;
	n->pos = pos;
	n->height = 1;
	n->next = p->mem->all;
	p->mem->all = n;
	return n;
}

bool
pillar_alloc_children(struct pillar *p, struct yaml_node *node, size_t n)
{
	if (node->kind == YAML_LIST) {
		node->items = calloc(n + 1, sizeof(*node->items));
	} else {
		node->pairs = calloc(n + 1, sizeof(*node->pairs));
		node->sorted = calloc(n + 1, sizeof(struct yaml_pair *));
	}
	if (node->kind == YAML_LIST
		? node->items == NULL
		: node->pairs == NULL || node->sorted == NULL) {
		p->failed = ERR_NOMEM;
		return false;
	}
	node->cap = n;
	return true;
}

bool
pillar_add_pair(struct pillar *p, struct yaml_node *map,
    const struct yaml_pair *like, const struct yaml_node *value)
{
	struct yaml_pair *pair = &map->pairs[map->n];

	if ((pair->key = str_dup(like->key)) == NULL) {
		p->failed = ERR_NOMEM;
		return false;
	}
	pair->pos = like->pos;
	pair->value = (struct yaml_node *)(uintptr_t)value;
	if (value->height >= map->height)
		map->height = value->height + 1;
	map->n++;
	return true;
}

static int
by_key(const void *a, const void *b)
{
	const struct yaml_pair *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

void
pillar_sort_map(struct yaml_node *map)
{
	for (size_t i = 0; i < map->n; i++)
		map->sorted[i] = &map->pairs[i];
	if (map->n > 1)
		qsort(map->sorted, map->n, sizeof(struct yaml_pair *), by_key);
}

/* --- merging -------------------------------------------------------------- */

static bool
count(struct pillar *p, const struct yaml_node *at)
{
	if (p->nodes++ < HIGHSTATE_NODES_MAX)
		return true;
	if (p->failed == 0)
		conf_error(p->diags, at->pos,
		    "too many values in one highstate, expected at most %d",
		    HIGHSTATE_NODES_MAX);
	p->failed = ERR_LIMIT;
	return false;
}

/* As deep as YAML_DEPTH_MAX: both trees are of files. */
static const struct yaml_node *
merge(struct pillar *p, const struct yaml_node *a, const struct yaml_node *b)
{
	struct yaml_node *n;

	if (a == NULL || a->kind != YAML_MAP || b->kind != YAML_MAP)
		return b;
	if (!count(p, b) ||
	    (n = pillar_new_node(p, YAML_MAP, b->pos)) == NULL ||
	    !pillar_alloc_children(p, n, a->n + b->n))
		return b;
	for (size_t i = 0; i < a->n && p->failed == 0; i++) {
		const struct yaml_pair *x = &a->pairs[i];
		const struct yaml_node *over = yaml_get(b, x->key);

		if (!count(p, x->value))
			break;
		(void)pillar_add_pair(p, n, x,
		    over != NULL ? merge(p, x->value, over) : x->value);
	}
	for (size_t i = 0; i < b->n && p->failed == 0; i++)
		if (count(p, b->pairs[i].value) &&
		    yaml_get(a, b->pairs[i].key) == NULL)
			(void)pillar_add_pair(p, n, &b->pairs[i],
			    b->pairs[i].value);
	pillar_sort_map(n);
	return n;
}

int
pillar_init(struct pillar *p, const struct fleet *f,
    const struct fleet_host *host, struct yaml_doc *mem,
    struct conf_diags *diags)
{
	struct strs names = {0};
	int r;

	*p = (struct pillar){.host = host, .mem = mem, .diags = diags};
	r = fleet_pillar_files(f, host->id, host->roles, &names);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		const struct pillar_file *file =
		    fleet_pillar_file(f, names.v[i]);

		if (file == NULL)
			p->missing = names.v[i];
		else if (file->root != NULL)
			p->root = merge(p, p->root, file->root);
		r = p->failed;
	}
	/* The name outlives the list: it is top.yaml's. */
	for (size_t i = 0; i < f->n_pillar && p->missing != NULL; i++)
		for (size_t j = 0; j < f->pillar[i].names.n; j++)
			if (strcmp(f->pillar[i].names.v[j], p->missing) == 0)
				p->missing = f->pillar[i].names.v[j];
	strs_clear(&names);
	return r;
}
