/* SPDX-License-Identifier: ISC */
#include "lib/conf/yaml.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/str.h"

struct anchor {
	char *name;
	struct yaml_node *node;
};

struct reader {
	yaml_parser_t parser;
	const char *file;
	struct conf_diags *diags;
	struct yaml_node *all;
	struct anchor anchors[YAML_ANCHORS_MAX];
	size_t n_anchors, n_aliases;
	size_t weight;
};

static struct conf_pos
at(const struct reader *r, yaml_mark_t mark)
{
	return (struct conf_pos){.file = r->file,
	    .line = (unsigned)mark.line + 1,
	    .col = (unsigned)mark.column + 1};
}

static int
limit(struct reader *r, struct conf_pos pos, const char *what, size_t max)
{
	conf_error(r->diags, pos, "%s, expected at most %zu", what, max);
	return ERR_LIMIT;
}

/*
 * The first offset of a byte that no file may have: what text_is_clean()
 * refuses, but for tabs and line ends; n where there is none.
 */
static size_t
unclean_at(const char *p, size_t n)
{
	size_t start = 0, bad;

	for (size_t i = 0; i <= n; i++) {
		size_t len = i - start;

		if (i < n && p[i] != '\n' && p[i] != '\t')
			continue;
		if (i < n && p[i] == '\n' && len > 0 && p[i - 1] == '\r')
			len--;
		if (!text_is_clean(p + start, len, &bad))
			return start + bad;
		start = i + 1;
	}
	return n;
}

/* Before libyaml sees anything: it is not asked to judge hostile bytes. */
static int
check_bytes(const char *file, struct slice text, struct conf_diags *d)
{
	struct conf_pos pos = {.file = file, .line = 1, .col = 1};
	const char *p = (const char *)text.p;
	size_t bad;

	if (text.n > YAML_BYTES_MAX) {
		conf_error(d, (struct conf_pos){.file = file},
		    "%zu bytes, expected at most %d", text.n, YAML_BYTES_MAX);
		return ERR_LIMIT;
	}
	if (text.n == 0 || (bad = unclean_at(p, text.n)) == text.n)
		return 0;
	for (size_t i = 0; i < bad; i++) {
		if (p[i] == '\n') {
			pos.line++;
			pos.col = 1;
		} else if (((unsigned char)p[i] & 0xc0) != 0x80) {
			pos.col++;
		}
	}
	conf_error(d, pos,
	    "control, bidirectional or invisible character "
	    "(byte 0x%02x), expected plain UTF-8 text",
	    text.p[bad]);
	return ERR_PARSE;
}

static int
next_event(struct reader *r, yaml_event_t *ev)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem;

	if (yaml_parser_parse(&r->parser, ev) == 1)
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	problem = p->problem != NULL ? p->problem : "unreadable";
	conf_error(r->diags, at(r, p->problem_mark), "not YAML: %s%s%s",
	    problem, p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "");
	return ERR_PARSE;
}

/* n more nodes in the tree as it reads with aliases written out. */
static int
count(struct reader *r, struct conf_pos pos, size_t n)
{
	if (n > YAML_NODES_MAX - r->weight)
		return limit(r, pos, "too many values", YAML_NODES_MAX);
	r->weight += n;
	return 0;
}

static int
new_node(struct reader *r, enum yaml_kind kind, yaml_mark_t mark,
    struct yaml_node **out)
{
	struct yaml_node *n;
	int res;

	if ((res = count(r, at(r, mark), 1)) != 0)
		return res;
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return ERR_NOMEM;
	n->kind = kind;
	n->pos = at(r, mark);
	n->weight = 1;
	n->height = 1;
	n->next = r->all;
	r->all = n;
	*out = n;
	return 0;
}

static int
check_tag(struct reader *r, const yaml_char_t *tag, yaml_mark_t mark)
{
	char quoted[QUOTE_MAX];

	if (tag == NULL)
		return 0;
	conf_error(r->diags, at(r, mark), "tag %s, expected a value without",
	    str_quote(quoted, (const char *)tag));
	return ERR_PARSE;
}

static struct anchor *
find_anchor(struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->n_anchors; i++)
		if (strcmp(r->anchors[i].name, name) == 0)
			return &r->anchors[i];
	return NULL;
}

/* Only a whole node gets its name, so that none can hold itself. */
static int
add_anchor(struct reader *r, char *name, struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (find_anchor(r, name) != NULL) {
		conf_error(r->diags, n->pos,
		    "anchor %s is given twice, expected one place",
		    str_quote(quoted, name));
		return ERR_PARSE;
	}
	if (r->n_anchors == YAML_ANCHORS_MAX)
		return limit(r, n->pos, "too many anchors", YAML_ANCHORS_MAX);
	if ((r->anchors[r->n_anchors].name = str_dup(name)) == NULL)
		return ERR_NOMEM;
	r->anchors[r->n_anchors++].node = n;
	return 0;
}

static int
read_alias(struct reader *r, const yaml_event_t *ev, unsigned depth,
    struct yaml_node **out)
{
	struct conf_pos pos = at(r, ev->start_mark);
	const char *name = (const char *)ev->data.alias.anchor;
	struct anchor *a = find_anchor(r, name);
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
		return limit(r, pos, "too many aliases", YAML_ALIASES_MAX);
	if (depth + a->node->height - 1 > YAML_DEPTH_MAX)
		return limit(r, pos, "nested too deeply", YAML_DEPTH_MAX);
	if ((res = count(r, pos, a->node->weight)) != 0)
		return res;
	r->n_aliases++;
	*out = a->node;
	return 0;
}

static int
check_text(struct reader *r, const char *p, size_t n, yaml_mark_t mark)
{
	size_t bad = unclean_at(p, n);

	if (n > YAML_SCALAR_MAX)
		return limit(r, at(r, mark), "text is too long",
		    YAML_SCALAR_MAX);
	if (bad == n)
		return 0;
	conf_error(r->diags, at(r, mark),
	    "text holds a control, bidirectional or invisible character "
	    "(byte 0x%02x), expected plain text",
	    (unsigned char)p[bad]);
	return ERR_PARSE;
}

/* No escape, no fold, no block: as many characters there as here. */
static bool
stands_as_it_is(const yaml_event_t *ev, bool plain)
{
	size_t there = ev->end_mark.index - ev->start_mark.index;

	if (ev->start_mark.line != ev->end_mark.line ||
	    ev->data.scalar.style == YAML_LITERAL_SCALAR_STYLE ||
	    ev->data.scalar.style == YAML_FOLDED_SCALAR_STYLE)
		return false;
	return there ==
	    text_length((const char *)ev->data.scalar.value,
		ev->data.scalar.length) +
	    (plain ? 0 : 2);
}

static int
read_text(struct reader *r, const yaml_event_t *ev, struct yaml_node **out)
{
	const char *p = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	struct yaml_node *n;
	int res;

	if ((res = check_tag(r, ev->data.scalar.tag, ev->start_mark)) != 0 ||
	    (res = check_text(r, p, len, ev->start_mark)) != 0 ||
	    (res = new_node(r, YAML_TEXT, ev->start_mark, &n)) != 0)
		return res;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	n->exact = stands_as_it_is(ev, n->plain);
	if ((n->text = str_dupn(p, len)) == NULL)
		return ERR_NOMEM;
	n->n = len;
	*out = n;
	return 0;
}

static int
read_key(struct reader *r, const yaml_event_t *ev, struct yaml_pair *pair)
{
	struct conf_pos pos = at(r, ev->start_mark);
	const char *p;
	size_t n;
	int res;

	if (ev->type != YAML_SCALAR_EVENT || ev->data.scalar.anchor != NULL) {
		conf_error(r->diags, pos, "%s as a key, expected text",
		    ev->type == YAML_ALIAS_EVENT        ? "alias"
			: ev->type == YAML_SCALAR_EVENT ? "anchor"
							: "list or mapping");
		return ERR_PARSE;
	}
	p = (const char *)ev->data.scalar.value;
	n = ev->data.scalar.length;
	if ((res = check_tag(r, ev->data.scalar.tag, ev->start_mark)) != 0)
		return res;
	if (n > YAML_KEY_MAX)
		return limit(r, pos, "key is too long", YAML_KEY_MAX);
	if (n == 0 || !text_is_clean(p, n, NULL)) {
		conf_error(r->diags, pos,
		    n == 0 ? "empty key, expected text"
			   : "key is not one line of plain text");
		return ERR_PARSE;
	}
	if (strcmp(p, "<<") == 0 &&
	    ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		conf_error(r->diags, pos,
		    "merge key '<<', expected the keys themselves");
		return ERR_PARSE;
	}
	if ((pair->key = str_dupn(p, n)) == NULL)
		return ERR_NOMEM;
	pair->pos = pos;
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
static int
sort_pairs(struct reader *r, struct yaml_node *n)
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

static int read_node(struct reader *r, yaml_event_t *ev, unsigned depth,
    struct yaml_node **out);

static void
hold(struct yaml_node *n, const struct yaml_node *child)
{
	n->weight += child->weight;
	if (child->height >= n->height)
		n->height = child->height + 1;
}

static int
read_list(struct reader *r, unsigned depth, struct yaml_node *n)
{
	yaml_event_t ev;
	int res;

	for (;;) {
		if ((res = next_event(r, &ev)) != 0)
			return res;
		if (ev.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&ev);
			return 0;
		}
		res = vec_grow(&n->items, n->n, &n->cap, YAML_NODES_MAX);
		if (res == 0)
			res = read_node(r, &ev, depth + 1, &n->items[n->n]);
		yaml_event_delete(&ev);
		if (res != 0)
			return res;
		hold(n, n->items[n->n++]);
	}
}

static int
read_map(struct reader *r, unsigned depth, struct yaml_node *n)
{
	struct yaml_pair *pair;
	yaml_event_t ev;
	int res;

	for (;;) {
		if ((res = next_event(r, &ev)) != 0)
			return res;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return sort_pairs(r, n);
		}
		res = vec_grow(&n->pairs, n->n, &n->cap, YAML_NODES_MAX);
		if (res == 0) {
			pair = &n->pairs[n->n];
			*pair = (struct yaml_pair){0};
			res = read_key(r, &ev, pair);
		}
		yaml_event_delete(&ev);
		if (res != 0)
			return res;
		n->n++; /* the key is the node's, whatever comes of its value */
		if ((res = next_event(r, &ev)) != 0)
			return res;
		res = read_node(r, &ev, depth + 1, &pair->value);
		yaml_event_delete(&ev);
		if (res != 0)
			return res;
		hold(n, pair->value);
	}
}

static int
read_node(struct reader *r, yaml_event_t *ev, unsigned depth,
    struct yaml_node **out)
{
	struct yaml_node *n = NULL;
	char *anchor = NULL;
	int res;

	if (depth > YAML_DEPTH_MAX)
		return limit(r, at(r, ev->start_mark), "nested too deeply",
		    YAML_DEPTH_MAX);
	if (ev->type == YAML_ALIAS_EVENT)
		return read_alias(r, ev, depth, out);
	if (ev->type == YAML_SCALAR_EVENT) {
		anchor = (char *)ev->data.scalar.anchor;
		res = read_text(r, ev, &n);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		anchor = (char *)ev->data.sequence_start.anchor;
		if ((res = check_tag(r, ev->data.sequence_start.tag,
			 ev->start_mark)) == 0 &&
		    (res = new_node(r, YAML_LIST, ev->start_mark, &n)) == 0)
			res = read_list(r, depth, n);
	} else {
		anchor = (char *)ev->data.mapping_start.anchor;
		if ((res = check_tag(r, ev->data.mapping_start.tag,
			 ev->start_mark)) == 0 &&
		    (res = new_node(r, YAML_MAP, ev->start_mark, &n)) == 0)
			res = read_map(r, depth, n);
	}
	if (res == 0 && anchor != NULL)
		res = add_anchor(r, anchor, n);
	if (res == 0)
		*out = n;
	return res;
}

static int
read_start(struct reader *r, const yaml_event_t *ev)
{
	if (ev->data.document_start.version_directive == NULL &&
	    ev->data.document_start.tag_directives.start ==
		ev->data.document_start.tag_directives.end)
		return 0;
	conf_error(r->diags, at(r, ev->start_mark),
	    "directive (%%YAML or %%TAG), expected none");
	return ERR_PARSE;
}

/* Stream start, at most one document, stream end. */
static int
read_stream(struct reader *r, struct yaml_node **root)
{
	yaml_event_t ev;
	bool done = false, seen = false;
	int res = 0;

	while (!done) {
		if ((res = next_event(r, &ev)) != 0)
			return res;
		switch (ev.type) {
		case YAML_STREAM_START_EVENT:
		case YAML_DOCUMENT_END_EVENT:
			break;
		case YAML_DOCUMENT_START_EVENT:
			res = read_start(r, &ev);
			if (res == 0 && seen) {
				conf_error(r->diags, at(r, ev.start_mark),
				    "a second document, expected one");
				res = ERR_PARSE;
			}
			seen = true;
			break;
		case YAML_STREAM_END_EVENT:
			done = true;
			break;
		default:
			res = read_node(r, &ev, 1, root);
		}
		yaml_event_delete(&ev);
		if (res != 0)
			return res;
	}
	return 0;
}

int
yaml_parse(const char *file, struct slice text, struct yaml_doc *out,
    struct conf_diags *diags)
{
	struct reader r = {.file = file, .diags = diags};
	size_t errors_before = diags->n_errors;
	struct yaml_doc doc = {0};
	int res;

	if ((res = check_bytes(file, text, diags)) != 0)
		return res;
	if (yaml_parser_initialize(&r.parser) != 1)
		return ERR_NOMEM;
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser,
	    text.n > 0 ? text.p : (const uint8_t *)"", text.n);
	res = read_stream(&r, &doc.root);
	doc.all = r.all;
	if (res == 0 && diags->failed)
		res = ERR_NOMEM;
	if (res == 0 && diags->n_errors > errors_before)
		res = ERR_PARSE;
	for (size_t i = 0; i < r.n_anchors; i++)
		free(r.anchors[i].name);
	yaml_parser_delete(&r.parser);
	if (res != 0)
		yaml_doc_clear(&doc);
	else
		*out = doc;
	return res;
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
