/* SPDX-License-Identifier: ISC */
/* Open addressing over 64 bits of a hash: 16 bytes a leaf, at most 7/8 full. */
#include "ca/audit/table.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 1024

uint64_t
audit_key(const struct hash *h)
{
	uint64_t v = 0;

	for (size_t i = 0; i < 8; i++)
		v = v << 8 | h->b[i];
	return v;
}

/* Tags share the table: each gets keys of its own. */
static uint64_t
mix(enum table_tag tag, uint64_t key)
{
	return key ^ (uint64_t)tag * UINT64_C(0x9e3779b97f4a7c15);
}

static void
put(struct table_slot *v, size_t cap, struct table_slot s)
{
	size_t i = (size_t)s.key & (cap - 1);

	while (v[i].value != 0)
		i = (i + 1) & (cap - 1);
	v[i] = s;
}

static int
grow(struct audit_table *t)
{
	size_t cap = t->cap == 0 ? TABLE_FIRST : 2 * t->cap;
	struct table_slot *v = calloc(cap, sizeof(*v));

	if (v == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->cap; i++)
		if (t->v[i].value != 0)
			put(v, cap, t->v[i]);
	free(t->v);
	t->v = v;
	t->cap = cap;
	return 0;
}

int
audit_table_add(struct audit_table *t, enum table_tag tag, uint64_t key,
    uint64_t value)
{
	if (t->n >= t->cap / 8 * 7 && grow(t) != 0)
		return ERR_NOMEM;
	put(t->v, t->cap,
	    (struct table_slot){.key = mix(tag, key), .value = value + 1});
	t->n++;
	return 0;
}

bool
audit_table_next(const struct audit_table *t, enum table_tag tag, uint64_t key,
    size_t *at, uint64_t *value)
{
	uint64_t k = mix(tag, key);

	while (t->cap > 0) {
		const struct table_slot *s =
		    &t->v[((size_t)k + *at) & (t->cap - 1)];

		if (s->value == 0)
			return false;
		(*at)++;
		if (s->key == k) {
			*value = s->value - 1;
			return true;
		}
	}
	return false;
}

void
audit_table_clear(struct audit_table *t)
{
	free(t->v);
	memset(t, 0, sizeof(*t));
}
