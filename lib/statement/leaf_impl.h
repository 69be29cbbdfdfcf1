/* SPDX-License-Identifier: ISC */
/* What the files of leaves share; for them alone. */
#ifndef LIB_STATEMENT_LEAF_IMPL_H
#define LIB_STATEMENT_LEAF_IMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/json.h"
#include "lib/base/str.h"
#include "lib/statement/leaf.h"

/* A leaf that no person signs. */
struct leaf_own {
	enum leaf_kind kind;
	uint8_t tag;
	const char *type;
	const char *const *keys;
	size_t n_keys;
	int (*read)(const json_t *o, struct leaf *l, struct err *e);
	int (*write)(const struct leaf *l, struct str *out);
};

/* Does the line start as one of ours, of this type? */
bool leaf_has_type(struct slice bytes, const char *type);
/* NULL: a statement, or nothing that we know. */
const struct leaf_own *leaf_own_of(struct slice bytes);

#endif
