/* SPDX-License-Identifier: ISC */
/*
 * Leaves that came before: those of this chunk, and older ones, which are read
 * again and pooled while the chunk lasts; statements by their hash.
 */
#include <stdlib.h>

#include "ca/audit/audit_impl.h"

bool
audit_is_lasting(uint8_t tag)
{
	return tag == LTAG_ROOT || tag == LTAG_POLICY || tag == LTAG_KEY ||
	    tag == LTAG_FLEET || tag == LTAG_JOB || tag == LTAG_REVOKE ||
	    tag == LTAG_KEY_DECISION || tag == LTAG_KRL || tag == LTAG_ENROL ||
	    tag == LTAG_ACCEPT || tag == LTAG_REJECT || tag == LTAG_RENAME ||
	    tag == LTAG_FORGET || tag == LTAG_TOKEN;
}

/* Of a leaf that was read again: 0 unless nothing can be said. */
static int
unsound(struct audit *a, uint64_t index, int r, const struct err *why,
    struct err *e)
{
	if (r == ERR_NOMEM || r == ERR_NET || r == ERR_SYS || r == ERR_DENIED)
		return e != NULL ? err_set(e, r, "%s", why->msg) : r;
	/* Its own finding was made when it came by, unless it did not. */
	if (index < a->resumed)
		LEAF_FINDING(a, index, "tile",
		    "is not what was judged before: %s", why->msg);
	return 0;
}

static const struct leaf *
pool_get(struct audit *a, uint64_t index, int *r, struct err *e)
{
	struct err why = {0};
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
	*r = audit_source_parse(&a->source, index, &p->leaf, &why);
	if (*r == 0)
		return &p->leaf;
	leaf_clear(&p->leaf);
	*r = unsound(a, index, *r, &why, e);
	return NULL;
}

const struct leaf *
audit_leaf(struct audit *a, uint64_t index, int *r, struct err *e)
{
	*r = 0;
	if (a->n_slots > 0 && index >= a->slots[0].index) {
		uint64_t at = index - a->slots[0].index;

		/* Slots lack the leaves that a bundle lacks, or a state. */
		if (at >= a->n_slots)
			at = a->n_slots - 1;
		while (at > 0 && a->slots[at].index > index)
			at--;
		if (a->slots[at].index != index && !a->slots[at].again)
			return NULL;
		if (a->slots[at].index == index && !a->slots[at].old)
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

int
audit_register(struct audit *a, const struct audit_slot *s, struct err *e)
{
	uint64_t first;
	int r = 0;

	if (s->parsed &&
	    audit_statement(a, s->leaf.u.s.type, &s->leaf.u.s.hash, s->index,
		&first, &r, e) != NULL)
		LEAF_FINDING(a, s->index, "leaf", "repeats leaf %llu",
		    (unsigned long long)first);
	if (r == 0 &&
	    audit_table_add(&a->table, TABLE_STATEMENT,
		audit_key(s->parsed ? &s->leaf.u.s.hash : &s->name),
		s->index) != 0)
		r = err_nomem(e);
	return r;
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
