/* SPDX-License-Identifier: ISC */
/* What the files of the YAML reader share; for them alone. */
#ifndef LIB_CONF_YAML_IMPL_H
#define LIB_CONF_YAML_IMPL_H

#include <yaml.h>

#include "lib/conf/yaml.h"

struct yaml_anchor {
	char *name;
	struct yaml_node *node;
};

struct yaml_reader {
	yaml_parser_t parser;
	const char *file;
	struct conf_diags *diags;
	struct yaml_node *all;
	struct yaml_anchor anchors[YAML_ANCHORS_MAX];
	size_t n_anchors, n_aliases;
	size_t weight;
};

/* --- yaml_tree.c */

/* Faults go to r's diags, as those of yaml_parse(), with its errors. */
struct conf_pos yaml_at(const struct yaml_reader *r, yaml_mark_t mark);
/* Too much of something: an error at pos, and ERR_LIMIT. */
int yaml_limit(struct yaml_reader *r, struct conf_pos pos, const char *what,
    size_t max);
/* A node of r's, which counts.  ERR_LIMIT, ERR_NOMEM. */
int yaml_new_node(struct yaml_reader *r, enum yaml_kind kind,
    yaml_mark_t mark, struct yaml_node **out) MUST_CHECK;
/* Only a whole node gets its name, so that none can hold itself. */
int yaml_add_anchor(struct yaml_reader *r, char *name, struct yaml_node *n)
    MUST_CHECK;
int yaml_read_alias(struct yaml_reader *r, const yaml_event_t *ev,
    unsigned depth, struct yaml_node **out) MUST_CHECK;
/* Every key that is there twice is an error, not just the first. */
int yaml_sort_pairs(struct yaml_reader *r, struct yaml_node *n) MUST_CHECK;

/* --- yaml_text.c */

/* Before libyaml sees anything: it is not asked to judge hostile bytes. */
int yaml_check_bytes(const char *file, struct slice text,
    struct conf_diags *d) MUST_CHECK;
int yaml_check_tag(struct yaml_reader *r, const yaml_char_t *tag,
    yaml_mark_t mark) MUST_CHECK;
int yaml_read_text(struct yaml_reader *r, const yaml_event_t *ev,
    struct yaml_node **out) MUST_CHECK;
int yaml_read_key(struct yaml_reader *r, const yaml_event_t *ev,
    struct yaml_pair *pair) MUST_CHECK;

#endif
