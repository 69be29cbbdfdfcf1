/* SPDX-License-Identifier: ISC */
/* What is in force, for a thread that has not got struct local. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_jobs.h"
#include "lib/base/clock.h"

static int
by_hash(const void *a, const void *b)
{
	const struct kp_object *x = a, *y = b;

	return memcmp(x->hash.b, y->hash.b, HASH_LEN);
}

static void
add_object(struct kp_view *v, struct slice data)
{
	struct kp_object *o = &v->objects[v->n_objects++];

	hash_sha256(data.p, data.n, &o->hash);
	o->data = data;
}

static int
index_objects(struct kp_view *v)
{
	const struct bundle_chain *c = v->chain;

	v->objects = calloc(c->files.n + c->n_roots + 1, sizeof(*v->objects));
	if (v->objects == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->files.n; i++)
		add_object(v, slice_of(c->files.v[i].data, c->files.v[i].n));
	for (size_t i = 0; i < c->n_roots; i++)
		add_object(v, c->root_files[i]);
	add_object(v, c->manifest);
	qsort(v->objects, v->n_objects, sizeof(*v->objects), by_hash);
	return 0;
}

struct slice
kp_view_object(const struct kp_view *v, const struct hash *h)
{
	const struct kp_object key = {.hash = *h}, *o;

	o = bsearch(&key, v->objects, v->n_objects, sizeof(key), by_hash);
	return o != NULL ? o->data : slice_of(NULL, 0);
}

static int
index_groups(struct kp_view *v)
{
	const struct policy *p = v->trust.policy;

	if ((v->groups = calloc(p->groups.n + 1, sizeof(*v->groups))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < p->groups.n; i++) {
		struct kp_group *g = &v->groups[v->n_groups++];

		g->name = p->groups.v[i];
		for (size_t j = 0; j < p->n_people; j++)
			if (person_in_group(&p->people[j], g->name) &&
			    strs_add(&g->members, p->people[j].id) != 0)
				return ERR_NOMEM;
	}
	return 0;
}

const struct strs *
kp_view_group(const struct kp_view *v, const char *name)
{
	static const struct strs nobody;

	for (size_t i = 0; i < v->n_groups; i++)
		if (strcmp(v->groups[i].name, name) == 0)
			return &v->groups[i].members;
	return &nobody;
}

int
kp_view_new(const char *dir, struct kp_view **out, struct err *e)
{
	struct bundle_chain *chain = NULL;
	struct bundle_input in;
	struct kp_view *v;
	int r, grace = 0;

	if ((v = calloc(1, sizeof(*v))) == NULL ||
	    (chain = calloc(1, sizeof(*chain))) == NULL) {
		free(v);
		return err_nomem(e);
	}
	trust_init(&v->trust);
	if ((r = bundles_read(dir, chain, e)) != 0) {
		free(chain);
		goto out;
	}
	v->chain = chain;
	bundle_chain_input(chain, &in);
	if ((grace = trust_update(&v->trust, &in, NULL, clock_now(), e)) < 0) {
		r = grace;
		goto out;
	}
	if ((r = index_objects(v)) != 0 || (r = index_groups(v)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	*out = v;
	v = NULL;
out:
	kp_view_free(v);
	return r;
}

void
kp_view_free(struct kp_view *v)
{
	if (v == NULL)
		return;
	for (size_t i = 0; i < v->n_groups; i++)
		strs_clear(&v->groups[i].members);
	free(v->groups);
	free(v->objects);
	trust_clear(&v->trust);
	if (v->chain != NULL)
		bundle_chain_clear(v->chain);
	free(v->chain);
	free(v);
}

void
kp_krl_free(struct kp_krl *k)
{
	if (k == NULL)
		return;
	buf_free(k->list);
	free(k->statement);
	free(k);
}

/* The statement of the newest list. */
static int
krl_statement(struct local *l, struct kp_krl *k, struct err *e)
{
	const uint64_t *at;
	uint8_t *bytes = NULL;
	struct leaf leaf;
	size_t n, len;
	int r;

	leaf_init(&leaf);
	if ((r = ledger_listed(l->ledger, LTAG_KRL, &at, &n, e)) != 0)
		return r;
	if (n == 0)
		return 1;
	if ((r = ledger_read(l->ledger, at[n - 1], &bytes, &len, e)) != 0 ||
	    (r = leaf_parse("revocation list", slice_of(bytes, len), &leaf,
		 e)) != 0)
		goto out;
	k->version = leaf.u.s.u.krl.version;
	k->next_update = leaf.u.s.u.krl.next_update;
	if ((k->statement = str_dupn(bytes, len)) == NULL)
		r = err_nomem(e);
out:
	leaf_clear(&leaf);
	free(bytes);
	return r;
}

int
kp_krl_last(struct local *l, struct kp_krl **out, struct err *e)
{
	struct kp_krl *k;
	int r;

	if ((k = calloc(1, sizeof(*k))) == NULL)
		return err_nomem(e);
	if ((r = local_last_krl(l, &k->list, e)) == 0 &&
	    (r = krl_statement(l, k, e)) == 0) {
		*out = k;
		k = NULL;
	}
	kp_krl_free(k);
	return r;
}
