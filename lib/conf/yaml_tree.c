/* SPDX-License-Identifier: ISC */
/* The tree: its nodes, those that have names, and what is asked of it. */
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/conf/yaml_impl.h"

struct conf_pos
yaml_at(const struct yaml_reader *r, yaml_mark_t mark)
{
	return (struct conf_pos){.file = r->file,
	    .line = (unsigned)mark.line + 1,
	    .col = (unsigned)mark.column + 1};
}

int
yaml_limit(struct yaml_reader *r, struct conf_pos pos, const char *what,
    size_t max)
{
	conf_error(r->diags, pos, "%s, expected at most %zu", what, max);
	return ERR_LIMIT;
}

/* n more nodes in the tree as it reads with aliases written out. */
static int
count(struct yaml_reader *r, struct conf_pos pos, size_t n)
{
	if (n > YAML_NODES_MAX - r->weight)
		return yaml_limit(r, pos, "too many values", YAML_NODES_MAX);
	r->weight += n;
	return 0;
}

int
yaml_new_node(struct yaml_reader *r, enum yaml_kind kind, yaml_mark_t mark,
    struct yaml_node **out)
{
	struct yaml_node *n;
	int res;

	if ((res = count(r, yaml_at(r, mark), 1)) != 0)
		return res;
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return ERR_NOMEM;
	n->kind = kind;
	n->pos = yaml_at(r, mark);
	n->weight = 1;
	n->height = 1;
	n->next = r->all;
	r->all = n;
	*out = n;
	return 0;
}

static struct yaml_anchor *
find_anchor(struct yaml_reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_anchors; i++)
		if (strcmp(r->anchors[i].name, name) == 0)
			return &r->anchors[i];
	return NULL;
}

/* Only a whole node gets its name, so that none can hold itself. */
int
yaml_add_anchor(struct yaml_reader *r, char *name, struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (find_anchor(r, name) != NULL) {
		conf_error(r->diags, n->pos,
		    "anchor %s is given twice, expected one place",
		    str_quote(quoted, name));
		return ERR_PARSE;
	}
	if (r->n_anchors == YAML_ANCHORS_MAX)
		return yaml_limit(r, n->pos, "too many anchors",
		    YAML_ANCHORS_MAX);
	if ((r->anchors[r->n_anchors].name = str_dup(name)) == NULL)
		return ERR_NOMEM;
	r->anchors[r->n_anchors++].node = n;
	return 0;
}

int
yaml_read_alias(struct yaml_reader *r, const yaml_event_t *ev, unsigned depth,
    struct yaml_node **out)
{
	struct conf_pos pos = yaml_at(r, ev->start_mark);
	const char *name = (const char *)ev->data.alias.anchor;
	struct yaml_anchor *a = find_anchor(r, name);
	char quoted[QUOTE_MAX];
	int res;

	if (a == NULL) {
		conf_error(r->diags, pos,
		    "alias %s, expected the name of an anchor that ended "
		    "before it",
		    str_quote(quoted, name));
		return ERR_PARSE;
	}
	if (r->n_aliases == YAML_ALIASES_MAX)
		return yaml_limit(r, pos, "too many aliases", YAML_ALIASES_MAX);
	if (depth + a->node->height - 1 > YAML_DEPTH_MAX)
		return yaml_limit(r, pos, "nested too deeply", YAML_DEPTH_MAX);
	if ((res = count(r, pos, a->node->weight)) != 0)
		return res;
	r->n_aliases++;
	*out = a->node;
	return 0;
}

static int
by_key(const void *a, const void *b)
{
	const struct yaml_pair *const *x = a, *const *y = b;
	int c = strcmp((*x)->key, (*y)->key);

	/* Of equal ones the first in the file first: they share an array. */
	return c != 0 ? c : (*x > *y) - (*x < *y);
}

/* Every key that is there twice is an error, not just the first. */
int
yaml_sort_pairs(struct yaml_reader *r, struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (n->n == 0)
		return 0;
	if ((n->sorted = calloc(n->n, sizeof(*n->sorted))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n->n; i++)
		n->sorted[i] = &n->pairs[i];
	qsort(n->sorted, n->n, sizeof(*n->sorted), by_key);
	for (size_t i = 1; i < n->n; i++) {
		const struct yaml_pair *a = n->sorted[i - 1];
		const struct yaml_pair *b = n->sorted[i];

		if (strcmp(a->key, b->key) == 0)
			conf_error(r->diags, b->pos,
			    "key %s is given twice, expected once "
			    "(line %u has it)",
			    str_quote(quoted, b->key), a->pos.line);
	}
	return 0;
}

void
yaml_doc_clear(struct yaml_doc *doc)
{
	struct yaml_node *n, *next;

	for (n = doc->all; n != NULL; n = next) {
		next = n->next;
		if (n->kind == YAML_MAP)
			for (size_t i = 0; i < n->n; i++)
				free(n->pairs[i].key);
		free(n->pairs);
		free(n->sorted);
		free(n->items);
		free(n->text);
		free(n);
	}
	*doc = (struct yaml_doc){0};
}

const struct yaml_node *
yaml_get(const struct yaml_node *map, const char *key)
{
	size_t lo = 0, hi = map->kind == YAML_MAP ? map->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(key, map->sorted[mid]->key);

		if (c == 0)
			return map->sorted[mid]->value;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const char *
yaml_kind_name(const struct yaml_node *n)
{
	if (n->kind == YAML_MAP)
		return "a mapping";
	if (n->kind == YAML_LIST)
		return "a list";
	return n->n == 0 && n->plain ? "nothing" : "text";
}
