/* SPDX-License-Identifier: ISC */
/* Where an earlier audit was: the tree, tables, policy and people as of then. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/across.h"
#include "ca/audit/past.h"

/* Older leaves are believed for what the roots say of their bundle. */
static int
pass_block(struct audit *a, uint64_t block, struct err *e)
{
	struct hash leaves[TILE_WIDTH];
	struct err why = {0};
	int r;

	for (unsigned i = 0; i < TILE_WIDTH; i++) {
		struct slice bytes;

		r = audit_source_leaf(&a->source, block * TILE_WIDTH + i,
		    &bytes, &why);
		if (r == ERR_CORRUPT || r == ERR_NOTFOUND || r == ERR_LIMIT) {
			LEAF_FINDING(a, block * TILE_WIDTH + i, "tile",
			    "is not what was judged before: %s", why.msg);
			return 0;
		}
		if (r != 0)
			return err_set(e, r, "%s", why.msg);
		merkle_leaf(bytes.p, bytes.n, &leaves[i]);
	}
	audit_heads_pass(a, &a->edge_e, leaves, TILE_WIDTH, false);
	audit_heads_pass(a, &a->edge_t, leaves, TILE_WIDTH, true);
	return 0;
}

/* Is there a head within that block that was not checked before? */
static bool
has_head(const struct audit *a, uint64_t block, size_t *nth)
{
	uint64_t first = block * TILE_WIDTH;

	while (*nth < a->n_heads && a->heads[*nth].claim.size <= first)
		(*nth)++;
	return *nth < a->n_heads &&
	    a->heads[*nth].claim.size < first + TILE_WIDTH;
}

static int
resume_tree(struct audit *a, struct err *e)
{
	const struct audit_past *st = a->past;
	const uint64_t n = st->size / TILE_WIDTH;
	size_t nth = 0;
	int r;

	a->source.roots = st->roots;
	a->source.n_roots = n;
	for (uint64_t i = 0; i < n; i++) {
		if (has_head(a, i, &nth) && (r = pass_block(a, i, e)) != 0)
			return r;
		if (audit_tile(a, TILE_ENTRIES, i, TILE_WIDTH) == NULL)
			audit_missing_tile(a, TILE_ENTRIES, i, TILE_WIDTH);
		if (audit_tile(a, 0, i, TILE_WIDTH) == NULL)
			audit_missing_tile(a, 0, i, TILE_WIDTH);
		if (vec_grow(&a->e8, a->n8, &a->cap_e8, SIZE_MAX / 64) != 0 ||
		    vec_grow(&a->t8, a->n8, &a->cap_t8, SIZE_MAX / 64) != 0)
			return err_nomem(e);
		a->e8[a->n8] = a->t8[a->n8] = st->roots[i];
		a->n8++;
		merkle_append_subtree(&a->edge_e, 8, &st->roots[i]);
		merkle_append_subtree(&a->edge_t, 8, &st->roots[i]);
		audit_heads_pass(a, &a->edge_e, NULL, 0, false);
		audit_heads_pass(a, &a->edge_t, NULL, 0, true);
	}
	return 0;
}

static int
resume_tables(struct audit *a)
{
	struct audit_past *st = a->past;
	int r = 0;

	for (size_t i = 0; i < st->n_names && r == 0; i++)
		r = audit_table_add(&a->table, st->names[i].tag,
		    st->names[i].key, st->names[i].index);
	for (size_t i = 0; i < st->n_issues && r == 0; i++)
		r = audit_table_add(&a->table, TABLE_ISSUE,
		    st->issues[i].serial, i);
	a->issues = st->issues;
	a->n_issues = a->cap_issues = st->n_issues;
	a->counts.certificates = st->n_issues;
	st->issues = NULL;
	st->n_issues = 0;
	for (size_t i = 0; i < st->n_lists && r == 0; i++) {
		if (vec_grow(&a->refs, a->n_refs, &a->cap_refs,
			SIZE_MAX / 64) != 0)
			return ERR_NOMEM;
		a->refs[a->n_refs++] = st->lists[i];
	}
	return r;
}

static int
again(struct audit *a, size_t nth, const struct audit_slot *s, struct err *e)
{
	const char *by = s->leaf.u.s.by;
	struct hash h;
	int r;

	if (s->r == ERR_NOMEM)
		return err_nomem(e);
	if (s->r != 0)
		return err_set(e, ERR_CORRUPT, "%s: leaf %" PRIu64 ": %s",
		    a->c->state, s->index, s->e.msg);
	if (s->leaf.kind == LEAF_TICK) {
		a->last_tick = s->leaf.u.t.at;
		across_tick_at(a, a->last_tick);
		return 0;
	}
	if (s->leaf.kind != LEAF_STATEMENT)
		return 0;
	if (s->leaf.u.s.type != ST_REPORT)
		return audit_statement_leaf(a, s, e);
	/* What it reports was gone through, and those before it are not here:
	   it is what the next one has to follow. */
	r = standing_report(a->standing, &a->c->realm, &s->leaf.u.s, NULL);
	hash_sha256(by, strlen(by), &h);
	return r == ERR_NOMEM || past_note_host(a->past, nth, &h) != 0
	    ? err_nomem(e)
	    : 0;
}

/* In the order of the log, as they were. */
static int
resume_leaves(struct audit *a, struct err *e)
{
	struct audit_past *st = a->past;
	int r = 0;

	for (size_t from = 0, i = 0; i < st->n_leaves && r == 0; from = i) {
		for (; i < st->n_leaves && a->n_slots < CHUNK_LEAVES; i++) {
			struct audit_slot *s = &a->slots[a->n_slots++];

			memset(s, 0, sizeof(*s));
			cert_init(&s->cert);
			s->again = true;
			s->index = st->leaves[i].index;
			s->bytes =
			    slice_of(st->leaves[i].bytes, st->leaves[i].n);
		}
		audit_look(a);
		for (size_t j = 0; j < a->n_slots && r == 0; j++)
			r = again(a, from + j, &a->slots[j], e);
		audit_chunk_clear(a);
	}
	return r;
}

/* Certificates of before that logins or hosts' ends of now may be about. */
static int
resume_across(struct audit *a, struct err *e)
{
	struct audit_past *st = a->past;
	struct audit_across *x = a->across;
	uint64_t *later = st->later;
	size_t n = st->n_later;
	const struct leaf *l;
	int r = 0;

	if (x == NULL || x->fleet)
		return 0;
	st->later = NULL;
	st->n_later = st->cap_later = 0;
	for (size_t i = 0; i < n && r == 0; i++) {
		l = audit_leaf(a, later[i], &r, e);
		if (l != NULL && l->kind == LEAF_ISSUE)
			across_renewed(a, later[i], &l->u.i);
	}
	free(later);
	for (size_t i = 0; i < x->n_uses && r == 0; i++) {
		const struct audit_issue *of;

		if ((i > 0 && x->uses[i].serial == x->uses[i - 1].serial) ||
		    (of = audit_issue_of(a, x->uses[i].serial)) == NULL)
			continue;
		l = audit_leaf(a, of->index, &r, e);
		if (l != NULL && l->kind == LEAF_ISSUE)
			r = across_issued(a, &l->u.i) != 0 ? err_nomem(e) : 0;
	}
	return r;
}

int
past_resume(struct audit *a, struct err *e)
{
	struct audit_past *st = a->past;
	char origin[ORIGIN_MAX];
	int r;

	if (st == NULL)
		return 0;
	/* That it lost leaves is found by the earlier checkpoint. */
	if (st->have && st->size > a->head.size && past_forget(a) != 0)
		return err_nomem(e);
	st = a->past;
	st->until = a->head.size / TILE_WIDTH * TILE_WIDTH;
	if (!st->have)
		return 0;
	if ((r = log_origin(&a->c->realm, a->name, origin)) != 0 ||
	    strcmp(origin, st->origin) != 0)
		return err_set(e, ERR_PARSE, "%s is of log %s, expected %s",
		    a->c->state, st->origin, a->name);
	a->since = a->resumed = st->size;
	if ((r = resume_tree(a, e)) != 0)
		return r;
	if (resume_tables(a) != 0)
		return err_nomem(e);
	if ((r = resume_leaves(a, e)) != 0)
		return r;
	a->last_tick = st->last_tick;
	a->last_krl = st->last_krl;
	a->foreign_krl = st->foreign_krl;
	a->walked = a->resumed;
	r = resume_across(a, e);
	audit_pool_clear(a);
	return r;
}
