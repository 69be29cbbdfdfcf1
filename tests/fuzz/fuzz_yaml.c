/* SPDX-License-Identifier: ISC */
/* YAML: refused with words, or a tree whose every key is found again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/conf/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
walk(const struct yaml_node *n, unsigned depth)
{
	if (depth > YAML_DEPTH_MAX || n->pos.line == 0 || n->pos.col == 0)
		abort();
	/* Lists that aliases share are walked once a place: keep it short. */
	if (n->weight > 1000)
		return;
	for (size_t i = 0; n->kind == YAML_LIST && i < n->n; i++)
		walk(n->items[i], depth + 1);
	for (size_t i = 0; n->kind == YAML_MAP && i < n->n; i++) {
		if (yaml_get(n, n->pairs[i].key) != n->pairs[i].value)
			abort();
		walk(n->pairs[i].value, depth + 1);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf_diags d = {0};
	struct yaml_doc doc = {0};
	int r = yaml_parse("f", slice_of(p, n), &doc, &d);

	if ((r == 0) != (d.n_errors == 0) || (r != 0 && doc.all != NULL))
		abort();
	if (doc.root != NULL)
		walk(doc.root, 1);
	yaml_doc_clear(&doc);
	conf_diags_clear(&d);
	return 0;
}
