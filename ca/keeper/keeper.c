/* SPDX-License-Identifier: ISC */
#include "ca/keeper/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/keeper_impl.h"
#include "lib/bundle/bundles.h"

/* --- leaves to be ------------------------------------------------------- */

void
keeper_leaves_clear(struct keeper_leaves *l)
{
	for (size_t i = 0; i < l->n_text; i++)
		str_clear(&l->text[i]);
	free(l->text);
	free(l->v);
	free(l->item);
	free(l->mark);
	memset(l, 0, sizeof(*l));
}

static int
add_leaf(struct keeper_leaves *l, struct slice bytes, size_t item,
    uint64_t mark)
{
	if (bytes.n == 0 || bytes.n > LEAF_MAX)
		return ERR_LIMIT;
	if (vec_grow(&l->v, l->n, &l->cap, LEDGER_BATCH_MAX) != 0 ||
	    vec_grow(&l->item, l->n, &l->cap_item, LEDGER_BATCH_MAX) != 0 ||
	    vec_grow(&l->mark, l->n, &l->cap_mark, LEDGER_BATCH_MAX) != 0)
		return ERR_NOMEM;
	l->v[l->n] = bytes;
	l->mark[l->n] = mark;
	l->item[l->n++] = item;
	return 0;
}

int
keeper_leaf_text(struct keeper_leaves *l, struct str *text, size_t item)
{
	int r;

	if ((r = str_check(text)) != 0 ||
	    (r = vec_grow(&l->text, l->n_text, &l->cap_text,
		 LEDGER_BATCH_MAX)) != 0 ||
	    (r = add_leaf(l, slice_of(text->p, text->n), item, 0)) != 0)
		return r;
	l->text[l->n_text++] = *text;
	str_init(text);
	return 0;
}

/* The start of its hash: a batch has many statements that begin alike. */
static uint64_t
mark_of(const struct statement *s)
{
	uint64_t mark;

	memcpy(&mark, s->hash.b, sizeof(mark));
	return mark;
}

uint8_t
keeper_tag(const struct statement *s)
{
	if (s->type == ST_DECISION && s->u.d.n_keys > 0)
		return LTAG_KEY_DECISION;
	return leaf_tag_of_type(s->type);
}

int
keeper_has(struct keeper *k, const struct keeper_leaves *l,
    const struct statement *s, bool *out, struct err *e)
{
	struct slice bytes = statement_bytes(s);
	uint64_t index, mark = mark_of(s);
	int r;

	for (size_t i = 0; i < l->n; i++)
		if (l->mark[i] == mark && slice_equal(l->v[i], bytes)) {
			*out = true;
			return 0;
		}
	r = ledger_find(k->ledger, keeper_tag(s), &s->hash, &index, e);
	if (r < 0)
		return r;
	*out = r == 0;
	return 0;
}

int
keeper_add_statement(struct keeper *k, const struct statement *s,
    struct keeper_leaves *leaves, struct err *e)
{
	bool has;
	int r;

	if ((r = keeper_has(k, leaves, s, &has, e)) != 0 || has)
		return r;
	r = add_leaf(leaves, statement_bytes(s), SIZE_MAX, mark_of(s));
	if (r != 0)
		return err_set(e, r, "statement: %s", err_text(r));
	return 0;
}

/* --- looking up ---------------------------------------------------------- */

int
keeper_read_leaf(struct ledger *l, uint64_t index, struct leaf *out,
    struct err *e)
{
	uint8_t *bytes = NULL;
	char name[40];
	size_t n;
	int r;

	snprintf(name, sizeof(name), "leaf %llu", (unsigned long long)index);
	if ((r = ledger_read(l, index, &bytes, &n, e)) != 0)
		return r;
	r = leaf_parse(name, slice_of(bytes, n), out, e);
	free(bytes);
	return r;
}

int
keeper_find_issue(struct ledger *l, uint64_t serial, struct leaf *out,
    uint64_t *index, struct err *e)
{
	struct hash name;
	int r;

	leaf_serial_name(serial, &name);
	if ((r = ledger_find(l, LTAG_ISSUE, &name, index, e)) != 0)
		return r;
	return keeper_read_leaf(l, *index, out, e);
}

int
keeper_find_request(struct ledger *l, const struct hash *h, struct leaf *out,
    uint64_t *index, struct err *e)
{
	int r = keeper_find_statement(l, LTAG_REQUEST, h, out, index, e);

	return r == 1 ? keeper_find_statement(l, LTAG_RENEW, h, out, index, e)
		      : r;
}

int
keeper_find_statement(struct ledger *l, uint8_t tag, const struct hash *h,
    struct leaf *out, uint64_t *index, struct err *e)
{
	int r;

	if ((r = ledger_find(l, tag, h, index, e)) != 0)
		return r;
	return keeper_read_leaf(l, *index, out, e);
}

static int
read_decision(struct ledger *l, uint64_t index, struct statement *out,
    struct err *e)
{
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = keeper_read_leaf(l, index, &leaf, e)) == 0 &&
	    (r = statement_verify(&leaf.u.s, e)) == 0) {
		*out = leaf.u.s; /* moved */
		leaf_init(&leaf);
	}
	leaf_clear(&leaf);
	return r;
}

int
keeper_decisions(struct ledger *l, const struct hash *about,
    struct statement **out, size_t *n, struct err *e)
{
	uint64_t at[ISSUE_DECISIONS_MAX];
	struct statement *v = NULL;
	size_t found = 0, done = 0;
	int r;

	*out = NULL;
	*n = 0;
	r = ledger_find_all(l, LTAG_DECIDES, about, at, ISSUE_DECISIONS_MAX,
	    &found, e);
	if (r != 0 || found == 0)
		return r;
	if ((v = calloc(found, sizeof(*v))) == NULL)
		return err_nomem(e);
	while (done < found && r == 0) {
		statement_init(&v[done], ST_DECISION);
		if ((r = read_decision(l, at[done], &v[done], e)) == 0)
			done++;
	}
	if (r != 0) {
		while (done > 0)
			statement_clear(&v[--done]);
		free(v);
		return r;
	}
	*out = v;
	*n = done;
	return 0;
}

const char *
keeper_owner(void *keeper, uint64_t serial)
{
	struct keeper *k = keeper;
	struct leaf issue, request;
	const char *owner = NULL;
	uint64_t index;

	leaf_init(&issue);
	leaf_init(&request);
	if (keeper_find_issue(k->ledger, serial, &issue, &index, NULL) == 0 &&
	    issue.kind == LEAF_ISSUE &&
	    keeper_find_statement(k->ledger, LTAG_REQUEST, &issue.u.i.request,
		&request, &index, NULL) == 0 &&
	    request.kind == LEAF_STATEMENT) {
		free(k->owner);
		owner = k->owner = str_dup(request.u.s.by);
	}
	leaf_clear(&issue);
	leaf_clear(&request);
	return owner;
}

/* --- acts, in the order of the log ---------------------------------------- */

/* One list of leaf indexes that is merged with the others. */
struct feed {
	uint8_t tag;
	const uint64_t *v;
	size_t n, at;
};

/* The walk over them. */
struct walk {
	struct ledger *l;
	struct hash policy; /* bundle that the walk has reached */
	bool any;
	keeper_act *each;
	void *ctx;
};

static int
walk_leaf(struct walk *w, uint64_t index, uint8_t tag, struct err *e)
{
	struct leaf leaf;
	int r;

	leaf_init(&leaf);
	if ((r = keeper_read_leaf(w->l, index, &leaf, e)) != 0)
		goto out;
	if (tag == LTAG_POLICY) {
		w->policy = leaf.u.s.hash;
		w->any = true;
	} else if ((r = statement_verify(&leaf.u.s, e)) == 0) {
		r = w->each(w->ctx, w->any ? &w->policy : NULL, &leaf.u.s, e);
	}
out:
	if (r != 0)
		err_prefix(e, "leaf %llu", (unsigned long long)index);
	leaf_clear(&leaf);
	return r;
}

static struct feed *
next_feed(struct feed *feeds, size_t n)
{
	struct feed *best = NULL;

	for (size_t i = 0; i < n; i++) {
		struct feed *f = &feeds[i];

		if (f->at < f->n &&
		    (best == NULL || f->v[f->at] < best->v[best->at]))
			best = f;
	}
	return best;
}

int
keeper_each_act(struct ledger *l, keeper_act *each, void *ctx, struct err *e)
{
	struct feed feeds[] = {{.tag = LTAG_REVOKE}, {.tag = LTAG_KEY},
	    {.tag = LTAG_KEY_DECISION}, {.tag = LTAG_POLICY},
	    {.tag = LTAG_ENROL}, {.tag = LTAG_ACCEPT}, {.tag = LTAG_REJECT},
	    {.tag = LTAG_RENAME}, {.tag = LTAG_FORGET}, {.tag = LTAG_TOKEN}};
	const size_t n = sizeof(feeds) / sizeof(feeds[0]);
	struct walk w = {.l = l, .each = each, .ctx = ctx};
	struct feed *f;
	size_t acts = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		r = ledger_listed(l, feeds[i].tag, &feeds[i].v, &feeds[i].n, e);
		acts += feeds[i].tag == LTAG_POLICY ? 0 : feeds[i].n;
	}
	/* Bundles alone make no standing: most logs need not be read. */
	while (r == 0 && acts > 0 && (f = next_feed(feeds, n)) != NULL)
		r = walk_leaf(&w, f->v[f->at++], f->tag, e);
	return r;
}

/* --- the standing, replayed ---------------------------------------------- */

struct replay {
	struct keeper *k;
	struct policy *old; /* of an earlier bundle; owned */
};

/* The policy of the time; loaded only once something is judged by it. */
static int
policy_then(struct replay *rp, const struct hash *bundle,
    const struct policy **out, struct err *e)
{
	const struct policy *now = rp->k->trust->policy;
	int r;

	if (bundle == NULL || hash_equal(bundle, &now->hash)) {
		*out = now;
		return 0;
	}
	if (rp->old == NULL || !hash_equal(&rp->old->hash, bundle)) {
		policy_free(rp->old);
		rp->old = NULL;
		if ((r = bundles_load_policy(rp->k->dir, bundle, &rp->old,
			 e)) != 0)
			return r;
	}
	*out = rp->old;
	return 0;
}

static int
replay_act(void *ctx, const struct hash *bundle, const struct statement *s,
    struct err *e)
{
	struct replay *rp = ctx;
	const struct policy *then;
	int r;

	if ((r = policy_then(rp, bundle, &then, e)) != 0)
		return r;
	r = standing_apply(rp->k->standing, then, s, keeper_owner, rp->k, e);
	return r == STANDING_IDLE ? 0 : r;
}

static int
replay_standing(struct keeper *k, struct err *e)
{
	struct replay rp = {.k = k};
	int r = keeper_each_act(k->ledger, replay_act, &rp, e);

	policy_free(rp.old);
	return r;
}

int
keeper_new(const char *dir, struct ledger *l, const struct trust *t,
    struct keeper **out, struct err *e)
{
	struct keeper *k;
	int r;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_nomem(e);
	k->ledger = l;
	k->trust = t;
	if ((k->dir = str_dup(dir)) == NULL ||
	    standing_new(&k->standing) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = replay_standing(k, e)) != 0)
		goto out;
	*out = k;
	k = NULL;
out:
	keeper_free(k);
	return r;
}

void
keeper_free(struct keeper *k)
{
	if (k == NULL)
		return;
	standing_free(k->standing);
	free(k->owner);
	free(k->dir);
	free(k);
}

const struct standing *
keeper_standing(const struct keeper *k)
{
	return k->standing;
}
