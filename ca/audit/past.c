/* SPDX-License-Identifier: ISC */
/* A state: what an audit takes from the one before, and leaves to the next. */
#include "ca/audit/past.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/across.h"

/* --- open ----------------------------------------------------------------- */

static const struct hash *
logs_of(const struct audit *a)
{
	static const struct hash none;

	return a->across != NULL && !a->across->fleet ? &a->across->logs
						      : &none;
}

static bool
is_of_fleet(const struct audit *a)
{
	return a->across != NULL && a->across->fleet;
}

int
past_forget(struct audit *a)
{
	past_free(a->past);
	a->past = NULL;
	return past_new(&a->past);
}

int
past_open(struct audit *a, struct err *e)
{
	int r;

	if (a->c->state == NULL)
		return 0;
	if (past_new(&a->past) != 0)
		return err_nomem(e);
	r = past_read(a->c->state, a->past, e);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r != 0)
		return r;
	if (!hash_equal(&a->past->realm, &a->c->realm))
		return err_set(e, ERR_PARSE, "%s is of another realm",
		    a->c->state);
	if (a->past->fleet == is_of_fleet(a) &&
	    hash_equal(&a->past->across, logs_of(a)))
		return 0;
	finding_add(a->r, a->label, STAGE_HEAD, "state", true, NULL,
	    AUDIT_NO_INDEX,
	    "%s was made with other logs of the fleet beside: all leaves are "
	    "judged",
	    a->c->state);
	return past_forget(a) != 0 ? err_nomem(e) : 0;
}

bool
past_has_head(const struct audit *a, const char *key)
{
	const struct audit_past *s = a->past;
	uint64_t size;

	if (s == NULL || strncmp(key, "checkpoints/", 12) != 0 ||
	    parse_u64(key + 12, 0, UINT64_MAX, &size) != 0)
		return false;
	return s->n_heads > 0 &&
	    bsearch(&size, s->heads, s->n_heads, sizeof(size), u64_compare) !=
	    NULL;
}

bool
past_has_list(const struct audit *a, const struct hash *file)
{
	const struct audit_past *s = a->past;

	/* Few, and asked for each file below krl/ alone. */
	for (size_t i = 0; s != NULL && a->resumed > 0 && i < s->n_lists; i++)
		if (hash_equal(&s->lists[i], file))
			return true;
	return false;
}

/* --- keep ----------------------------------------------------------------- */

static int
keep_name(struct audit_past *s, uint8_t tag, const struct hash *h,
    uint64_t index)
{
	if (vec_grow(&s->names, s->n_names, &s->cap_names, SIZE_MAX / 64) != 0)
		return ERR_NOMEM;
	s->names[s->n_names++] =
	    (struct past_name){.key = audit_key(h), .index = index, .tag = tag};
	return 0;
}

static int
keep_denials(struct audit_past *s, uint64_t index, const struct decision *d)
{
	int r = 0;

	if (d->approve)
		return 0;
	for (size_t i = 0; i < d->n_outcomes; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests && r == 0; j++)
			r = keep_name(s, TABLE_DENIES,
			    &d->outcomes[i].requests[j], index);
	return r;
}

static int
keep_bytes(struct past_leaf *x, const struct audit_slot *s)
{
	char *bytes = str_dupn(s->bytes.p, s->bytes.n);

	if (bytes == NULL)
		return ERR_NOMEM;
	free(x->bytes);
	x->bytes = (uint8_t *)bytes;
	x->n = s->bytes.n;
	x->index = s->index;
	return 0;
}

static int
keep_leaf(struct audit_past *st, const struct audit_slot *s)
{
	struct past_leaf *x;

	if (vec_grow(&st->leaves, st->n_leaves, &st->cap_leaves,
		SIZE_MAX / 128) != 0)
		return ERR_NOMEM;
	x = &st->leaves[st->n_leaves];
	*x = (struct past_leaf){.index = s->index};
	if (keep_bytes(x, s) != 0)
		return ERR_NOMEM;
	st->n_leaves++;
	return 0;
}

/* The leaf of the host's last report; NULL: there is none. */
static struct past_leaf *
report_of(const struct audit_past *st, const struct hash *by)
{
	size_t cursor = 0;
	uint64_t at;

	while (audit_table_next(&st->hosts, TABLE_STATEMENT, audit_key(by),
	    &cursor, &at))
		if (hash_equal(&st->leaves[at].by, by))
			return &st->leaves[at];
	return NULL;
}

int
past_note_host(struct audit_past *st, size_t nth, const struct hash *by)
{
	st->leaves[nth].report = true;
	st->leaves[nth].by = *by;
	return audit_table_add(&st->hosts, TABLE_STATEMENT, audit_key(by), nth);
}

static int
keep_report(struct audit_past *st, const struct audit_slot *s)
{
	const char *by = s->leaf.u.s.by;
	struct past_leaf *x;
	struct hash h;

	hash_sha256(by, strlen(by), &h);
	if ((x = report_of(st, &h)) != NULL)
		return keep_bytes(x, s);
	return keep_leaf(st, s) != 0 ||
		past_note_host(st, st->n_leaves - 1, &h) != 0
	    ? ERR_NOMEM
	    : 0;
}

static int
keep_list(struct audit_past *st, const struct hash *file)
{
	if (vec_grow(&st->lists, st->n_lists, &st->cap_lists, SIZE_MAX / 64) !=
	    0)
		return ERR_NOMEM;
	st->lists[st->n_lists++] = *file;
	return 0;
}

int
past_keep(struct audit *a, const struct audit_slot *s, bool closes)
{
	struct audit_past *st = a->past;
	const struct statement *q = &s->leaf.u.s;

	if (st == NULL || s->index >= st->until)
		return 0;
	st->last_tick = a->last_tick;
	st->last_krl = a->last_krl;
	st->foreign_krl = a->foreign_krl;
	if (s->leaf.kind == LEAF_TICK)
		return closes ? keep_leaf(st, s) : 0;
	if (s->leaf.kind != LEAF_STATEMENT)
		return 0;
	if (keep_name(st, TABLE_STATEMENT, &q->hash, s->index) != 0 ||
	    (q->type == ST_DECISION &&
		keep_denials(st, s->index, &q->u.d) != 0))
		return ERR_NOMEM;
	if (q->type == ST_KRL)
		return keep_list(st, &q->u.krl.file);
	if (q->type == ST_REPORT)
		return keep_report(st, s);
	return audit_is_lasting(s->tag) ? keep_leaf(st, s) : 0;
}

int
past_keep_later(struct audit *a, uint64_t index)
{
	struct audit_past *st = a->past;

	if (st == NULL || index >= st->until)
		return 0;
	if (vec_grow(&st->later, st->n_later, &st->cap_later, SIZE_MAX / 64) !=
	    0)
		return ERR_NOMEM;
	st->later[st->n_later++] = index;
	return 0;
}

/* --- give ----------------------------------------------------------------- */

static int
by_index(const void *x, const void *y)
{
	const struct past_leaf *a = x, *b = y;

	return a->index < b->index ? -1 : a->index > b->index;
}

static int
keep_heads(struct audit *a)
{
	struct audit_past *st = a->past;

	for (size_t i = 0; i < a->n_heads; i++) {
		const struct audit_head *h = &a->heads[i];

		if (strncmp(h->key, "checkpoints/", 12) != 0 ||
		    h->claim.size > st->until)
			continue;
		if (vec_grow(&st->heads, st->n_heads, &st->cap_heads,
			SIZE_MAX / 64) != 0)
			return ERR_NOMEM;
		st->heads[st->n_heads++] = h->claim.size;
	}
	if (st->n_heads > 1)
		qsort(st->heads, st->n_heads, sizeof(*st->heads), u64_compare);
	return 0;
}

/* As they were at the end of what the state is of. */
static int
keep_issues(struct audit *a)
{
	struct audit_past *st = a->past;

	if ((st->issues = calloc(a->n_issues + 1, sizeof(*st->issues))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < a->n_issues; i++) {
		struct audit_issue x = a->issues[i];

		if (x.index >= st->until)
			continue;
		if (x.certificate >= st->until)
			x.certificate = AUDIT_NO_INDEX;
		st->issues[st->n_issues++] = x;
	}
	return 0;
}

static int
fill(struct audit *a)
{
	struct audit_past *st = a->past;

	free(st->note);
	st->n_note = a->head_note.n;
	st->note = (uint8_t *)str_dupn(a->head_note.p, a->head_note.n);
	free(st->roots);
	a->source.roots = NULL;
	a->source.n_roots = 0;
	st->roots = calloc(a->n8 + 1, sizeof(*st->roots));
	if (st->note == NULL || st->roots == NULL || keep_issues(a) != 0 ||
	    keep_heads(a) != 0 ||
	    log_origin(&a->c->realm, a->name, st->origin) != 0)
		return ERR_NOMEM;
	memcpy(st->roots, a->e8, a->n8 * sizeof(*st->roots));
	if (st->n_leaves > 1)
		qsort(st->leaves, st->n_leaves, sizeof(*st->leaves), by_index);
	st->realm = a->c->realm;
	st->fleet = is_of_fleet(a);
	st->across = *logs_of(a);
	st->size = st->until;
	return 0;
}

int
past_give(struct audit *a, struct err *e)
{
	struct audit_report *r = a->r;
	struct audit_left *x;
	struct buf *b = NULL;
	int ret;

	/* With findings nothing is kept, and less than all is nothing. */
	if (a->past == NULL || r->n_findings > 0 || a->walked < a->head.size)
		return 0;
	if ((ret = fill(a)) != 0 || (ret = buf_new(&b, PAST_MAX)) != 0 ||
	    (ret = past_encode(a->past, b)) != 0 ||
	    (ret = vec_grow(&r->left, r->n_left, &r->cap_left, 1000)) != 0)
		goto out;
	x = &r->left[r->n_left];
	if ((x->path = str_dup(a->c->state)) == NULL) {
		ret = ERR_NOMEM;
		goto out;
	}
	r->n_left++;
	buf_take(b, &x->bytes, &x->n);
out:
	buf_free(b);
	return ret != 0 ? err_set(e, ret, "state: %s", err_text(ret)) : 0;
}
