/* SPDX-License-Identifier: ISC */
/*
 * Leaves that came before: those of this chunk, and older ones, which are read
 * again and pooled while the chunk lasts; statements by their hash.
 */
#include <stdlib.h>

#include "ca/audit/audit_impl.h"

static const struct leaf *
pool_get(struct audit *a, uint64_t index, int *r, struct err *e)
{
	struct pooled *p;
	uint64_t at;
	size_t cursor = 0;

	while (audit_table_next(&a->pool_at, TABLE_POOL, index, &cursor, &at))
		if (a->pool[at]->index == index)
			return a->pool[at]->leaf.kind != 0 ? &a->pool[at]->leaf
							   : NULL;
	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    vec_grow(&a->pool, a->n_pool, &a->cap_pool, SIZE_MAX / 64) != 0 ||
	    audit_table_add(&a->pool_at, TABLE_POOL, index, a->n_pool) != 0) {
		free(p);
		*r = err_nomem(e);
		return NULL;
	}
	a->pool[a->n_pool++] = p;
	p->index = index;
	leaf_init(&p->leaf);
	*r = audit_source_parse(&a->source, index, &p->leaf, e);
	if (*r == 0)
		return &p->leaf;
	leaf_clear(&p->leaf);
	/* Its own finding was made when it came by. */
	if (*r != ERR_NOMEM && *r != ERR_NET && *r != ERR_SYS &&
	    *r != ERR_DENIED)
		*r = 0;
	return NULL;
}

const struct leaf *
audit_leaf(struct audit *a, uint64_t index, int *r, struct err *e)
{
	*r = 0;
	if (a->n_slots > 0 && index >= a->slots[0].index) {
		uint64_t at = index - a->slots[0].index;

		/* Slots lack the leaves that a bundle lacks. */
		while (at > 0 &&
		    (at >= a->n_slots || a->slots[at].index > index))
			at--;
		if (a->slots[at].index != index)
			return NULL;
		if (!a->slots[at].old)
			return a->slots[at].parsed ? &a->slots[at].leaf : NULL;
	}
	return pool_get(a, index, r, e);
}

const struct statement *
audit_statement(struct audit *a, enum statement_type type, const struct hash *h,
    uint64_t before, uint64_t *index, int *r, struct err *e)
{
	size_t cursor = 0;
	uint64_t at;

	*r = 0;
	while (*r == 0 &&
	    audit_table_next(&a->table, TABLE_STATEMENT, audit_key(h), &cursor,
		&at)) {
		const struct leaf *l;

		if (at >= before || (l = audit_leaf(a, at, r, e)) == NULL)
			continue;
		if (l->kind == LEAF_STATEMENT && l->u.s.type == type &&
		    hash_equal(&l->u.s.hash, h)) {
			*index = at;
			return &l->u.s;
		}
	}
	return NULL;
}

const struct statement *
audit_request(struct audit *a, const struct hash *h, uint64_t before, int *r,
    struct err *e)
{
	const struct statement *s;
	uint64_t at;

	s = audit_statement(a, ST_REQUEST, h, before, &at, r, e);
	return s != NULL || *r != 0
	    ? s
	    : audit_statement(a, ST_RENEW, h, before, &at, r, e);
}

const struct statement *
audit_counted(struct audit *a, const struct statement *request,
    const struct hash *h, uint64_t before, uint64_t *index, int *r,
    struct err *e)
{
	static const enum statement_type of_host[] = {
	    ST_ACCEPT, ST_RENAME, ST_TOKEN};
	const struct statement *s = NULL;

	if (request->type == ST_REQUEST)
		return audit_statement(a, ST_DECISION, h, before, index, r, e);
	*r = 0;
	for (size_t i = 0; i < 3 && s == NULL && *r == 0; i++)
		s = audit_statement(a, of_host[i], h, before, index, r, e);
	return s;
}

void
audit_pool_clear(struct audit *a)
{
	for (size_t i = 0; i < a->n_pool; i++) {
		leaf_clear(&a->pool[i]->leaf);
		free(a->pool[i]);
	}
	a->n_pool = 0;
	audit_table_clear(&a->pool_at);
}
