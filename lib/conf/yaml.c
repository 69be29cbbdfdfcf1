/* SPDX-License-Identifier: ISC */
/* Lists, mappings, documents: one event after the other. */
#include "lib/conf/yaml.h"

#include <stdlib.h>

#include "lib/base/str.h"
#include "lib/conf/yaml_impl.h"

static int
next_event(struct yaml_reader *r, yaml_event_t *ev)
{
	const yaml_parser_t *p = &r->parser;
	const char *problem;

	if (yaml_parser_parse(&r->parser, ev) == 1)
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return ERR_NOMEM;
	problem = p->problem != NULL ? p->problem : "unreadable";
	conf_error(r->diags, yaml_at(r, p->problem_mark), "not YAML: %s%s%s",
	    problem, p->context != NULL ? " " : "",
	    p->context != NULL ? p->context : "");
	return ERR_PARSE;
}

static int read_node(struct yaml_reader *r, yaml_event_t *ev, unsigned depth,
    struct yaml_node **out);

static void
hold(struct yaml_node *n, const struct yaml_node *child)
{
	n->weight += child->weight;
	if (child->height >= n->height)
		n->height = child->height + 1;
}

static int
read_list(struct yaml_reader *r, unsigned depth, struct yaml_node *n)
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
read_map(struct yaml_reader *r, unsigned depth, struct yaml_node *n)
{
	struct yaml_pair *pair;
	yaml_event_t ev;
	int res;

	for (;;) {
		if ((res = next_event(r, &ev)) != 0)
			return res;
		if (ev.type == YAML_MAPPING_END_EVENT) {
			yaml_event_delete(&ev);
			return yaml_sort_pairs(r, n);
		}
		res = vec_grow(&n->pairs, n->n, &n->cap, YAML_NODES_MAX);
		if (res == 0) {
			pair = &n->pairs[n->n];
			*pair = (struct yaml_pair){0};
			res = yaml_read_key(r, &ev, pair);
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
read_node(struct yaml_reader *r, yaml_event_t *ev, unsigned depth,
    struct yaml_node **out)
{
	struct yaml_node *n = NULL;
	char *anchor = NULL;
	int res;

	if (depth > YAML_DEPTH_MAX)
		return yaml_limit(r, yaml_at(r, ev->start_mark),
		    "nested too deeply", YAML_DEPTH_MAX);
	if (ev->type == YAML_ALIAS_EVENT)
		return yaml_read_alias(r, ev, depth, out);
	if (ev->type == YAML_SCALAR_EVENT) {
		anchor = (char *)ev->data.scalar.anchor;
		res = yaml_read_text(r, ev, &n);
	} else if (ev->type == YAML_SEQUENCE_START_EVENT) {
		anchor = (char *)ev->data.sequence_start.anchor;
		if ((res = yaml_check_tag(r, ev->data.sequence_start.tag,
			 ev->start_mark)) == 0 &&
		    (res = yaml_new_node(r, YAML_LIST, ev->start_mark, &n)) ==
			0)
			res = read_list(r, depth, n);
	} else {
		anchor = (char *)ev->data.mapping_start.anchor;
		if ((res = yaml_check_tag(r, ev->data.mapping_start.tag,
			 ev->start_mark)) == 0 &&
		    (res = yaml_new_node(r, YAML_MAP, ev->start_mark, &n)) == 0)
			res = read_map(r, depth, n);
	}
	if (res == 0 && anchor != NULL)
		res = yaml_add_anchor(r, anchor, n);
	if (res == 0)
		*out = n;
	return res;
}

static int
read_start(struct yaml_reader *r, const yaml_event_t *ev)
{
	if (ev->data.document_start.version_directive == NULL &&
	    ev->data.document_start.tag_directives.start ==
		ev->data.document_start.tag_directives.end)
		return 0;
	conf_error(r->diags, yaml_at(r, ev->start_mark),
	    "directive (%%YAML or %%TAG), expected none");
	return ERR_PARSE;
}

/* Stream start, at most one document, stream end. */
static int
read_stream(struct yaml_reader *r, struct yaml_node **root)
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
				conf_error(r->diags, yaml_at(r, ev.start_mark),
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
	struct yaml_reader r = {.file = file, .diags = diags};
	size_t errors_before = diags->n_errors;
	struct yaml_doc doc = {0};
	int res;

	if ((res = yaml_check_bytes(file, text, diags)) != 0)
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
