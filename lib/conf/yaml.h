/* SPDX-License-Identifier: ISC */
/*
 * YAML, read strictly into a tree whose every node knows its place.
 *
 * Every scalar is text, quoted or plain: what it means is the schema's to say
 * (lib/conf/schema.h), so `no` stays "no".  One document.  Errors are tags,
 * directives, merge keys, keys that are not scalars, duplicate keys, and any
 * control, bidirectional or invisible character, comments included; tabs and
 * line ends are allowed between lines and in block scalars.  An alias stands
 * for the node of its anchor and counts as all the nodes under it, so that no
 * short file makes a large tree.  Pure: bytes come in.
 */
#ifndef LIB_CONF_YAML_H
#define LIB_CONF_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/conf/diag.h"

#define YAML_BYTES_MAX   (1024 * 1024) /* of a file */
#define YAML_DEPTH_MAX   16            /* mappings and lists in each other */
#define YAML_NODES_MAX   500000        /* aliases written out */
#define YAML_ANCHORS_MAX 64            /* anchors, and aliases for each */
#define YAML_ALIASES_MAX 1024
#define YAML_SCALAR_MAX  65536 /* bytes of one scalar */
#define YAML_KEY_MAX     256   /* bytes of one key */

enum yaml_kind { YAML_TEXT = 1, YAML_LIST, YAML_MAP };

struct yaml_node;

struct yaml_pair {
	char *key;
	struct conf_pos pos; /* of the key */
	struct yaml_node *value;
};

struct yaml_node {
	enum yaml_kind kind;
	bool plain; /* text without quotes */
	bool exact; /* text that stands on one line as it is: a column in it is
		       one of the file, after a quote unless plain */
	struct conf_pos pos;
	char *text;                /* YAML_TEXT: terminated, n bytes */
	struct yaml_node **items;  /* YAML_LIST: n of them */
	struct yaml_pair *pairs;   /* YAML_MAP: n, in the file's order */
	struct yaml_pair **sorted; /* the same, by key */
	size_t n, cap;
	/* Inside: what an alias to it would add. */
	size_t weight;          /* nodes, itself too */
	unsigned height;        /* 1 for text */
	struct yaml_node *next; /* all of the document's */
};

struct yaml_doc {               /* zero-initialise; yaml_doc_clear */
	struct yaml_node *root; /* NULL: nothing but comments */
	struct yaml_node *all;
};

/*
 * Parse text; file is what positions say and is borrowed as long as nodes or
 * positions are used.  Faults go to diags.
 *
 * ERR_PARSE	something was added to diags as an error
 * ERR_LIMIT	a limit above was passed; diags has it
 * ERR_NOMEM
 */
int yaml_parse(const char *file, struct slice text, struct yaml_doc *out,
    struct conf_diags *diags) MUST_CHECK;
void yaml_doc_clear(struct yaml_doc *doc);

/* The value of a key, or NULL.  O(log n). */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* "a mapping", "a list", "text", "nothing": what messages call it. */
const char *yaml_kind_name(const struct yaml_node *n);

#endif
