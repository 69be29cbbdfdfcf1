/* SPDX-License-Identifier: ISC */
#include "agent/master/content.h"

#include <stdlib.h>
#include <string.h>

#include "agent/master/content_impl.h"

static int
by_hash(const void *a, const void *b)
{
	const struct content_file *x = a, *y = b;

	return memcmp(x->hash.b, y->hash.b, HASH_LEN);
}

const struct content_file *
content_find(const struct content_file *v, size_t n, const struct hash *h)
{
	const struct content_file key = {.hash = *h};

	return n > 0 ? bsearch(&key, v, n, sizeof(key), by_hash) : NULL;
}

void
content_sort(struct content_file *v, size_t n)
{
	if (n > 1)
		qsort(v, n, sizeof(*v), by_hash);
}

void
content_add(struct content_file *v, size_t *n, struct slice data,
    const char *pillar)
{
	struct content_file *f = &v[(*n)++];

	hash_sha256(data.p, data.n, &f->hash);
	f->data = data;
	f->pillar = pillar;
}

/* --- the policy ----------------------------------------------------------- */

static int
add_statement(struct content_file *v, size_t *n, struct slice text,
    struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	if ((r = statement_parse("statement", text, &s, e)) == 0) {
		v[*n].hash = s.hash;
		v[*n].data = text;
		v[*n].pillar = NULL;
		++*n;
	}
	statement_clear(&s);
	return r;
}

static int
index_policy(const struct bundle_chain *c, struct content_file **out,
    size_t *n_out, struct err *e)
{
	struct content_file *v;
	size_t n = 0;
	int r = 0;

	if ((v = calloc(c->files.n + 2 * c->n_roots + 2, sizeof(*v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < c->files.n; i++)
		content_add(v, &n,
		    slice_of(c->files.v[i].data, c->files.v[i].n), NULL);
	for (size_t i = 0; i < c->n_roots && r == 0; i++) {
		content_add(v, &n, c->root_files[i], NULL);
		r = add_statement(v, &n, c->root_statements[i], e);
	}
	content_add(v, &n, c->manifest, NULL);
	if (r == 0)
		r = add_statement(v, &n, c->statement, e);
	if (r != 0) {
		free(v);
		return r;
	}
	content_sort(v, n);
	*out = v;
	*n_out = n;
	return 0;
}

static void
chain_free(struct bundle_chain *c)
{
	if (c != NULL)
		bundle_chain_clear(c);
	free(c);
}

static void
clear_policy(struct content *c)
{
	trust_clear(&c->trust);
	chain_free(c->chain);
	free(c->files);
	c->chain = NULL;
	c->files = NULL;
	c->n_files = 0;
}

/*
 * What lies on the disk, verified from the first root on.
 */
static int
load_policy(struct content *c, const struct hash *pin, struct err *e)
{
	struct content next = {.dir = c->dir};
	int r;

	trust_init(&next.trust);
	if ((next.chain = calloc(1, sizeof(*next.chain))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(c->dir, next.chain, e)) != 0) {
		free(next.chain);
		return r;
	}
	if ((r = bundle_chain_accept(next.chain, &next.trust, pin, 0, e)) < 0 ||
	    (r = index_policy(next.chain, &next.files, &next.n_files, e)) !=
		0) {
		clear_policy(&next);
		return r;
	}
	clear_policy(c);
	c->trust = next.trust;
	c->chain = next.chain;
	c->files = next.files;
	c->n_files = next.n_files;
	return 0;
}

/* Does it follow what is held?  1: it is what is held. */
static int
follows(const struct content *c, const struct bundle_chain *chain, int64_t now,
    struct err *e)
{
	struct bundle_chain *own;
	struct trust next;
	int r;

	trust_init(&next);
	if ((own = calloc(1, sizeof(*own))) == NULL)
		return err_nomem(e);
	/* A trust cannot be copied: from the roots on once more. */
	if ((r = bundles_read_past(c->dir, &c->trust.policy->hash, own, e)) ==
		0 &&
	    (r = bundle_chain_accept(own, &next, &c->trust.realm, 0, e)) >= 0 &&
	    (r = bundle_chain_accept(chain, &next, &c->trust.realm, now, e)) >=
		0)
		r = hash_equal(&next.policy->hash, &c->trust.policy->hash);
	trust_clear(&next);
	chain_free(own);
	return r;
}

int
content_push_policy(struct content *c, const struct bundle_chain *chain,
    int64_t now, struct err *e)
{
	const struct hash realm = c->trust.realm;
	int r = follows(c, chain, now, e);

	if (r != 0)
		return r < 0 ? r : 0;
	if ((r = bundles_store(c->dir, chain, e)) != 0)
		return r;
	return load_policy(c, &realm, e);
}

/* --- all of it ------------------------------------------------------------ */

int
content_open(const char *dir, const struct hash *pin, struct content **out,
    struct err *e)
{
	struct content *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return err_nomem(e);
	c->dir = dir;
	trust_init(&c->trust);
	if ((r = load_policy(c, pin, e)) != 0 ||
	    (r = content_load_fleets(c, e)) != 0) {
		content_free(c);
		return r;
	}
	*out = c;
	return 0;
}

void
content_free(struct content *c)
{
	if (c == NULL)
		return;
	clear_policy(c);
	policy_free(c->then);
	content_clear_fleets(c);
	free(c);
}

const struct trust *
content_trust(const struct content *c)
{
	return &c->trust;
}

const struct bundle_chain *
content_chain(const struct content *c)
{
	return c->chain;
}

const struct fleet_held *
content_held(const struct content *c)
{
	return &c->held;
}

int
content_policy_then(struct content *c, const struct hash *h,
    const struct policy **out, struct err *e)
{
	struct policy *p = NULL;
	int r;

	if (hash_equal(&c->trust.policy->hash, h)) {
		*out = c->trust.policy;
		return 0;
	}
	if (c->then == NULL || !hash_equal(&c->then_name, h)) {
		if ((r = bundles_load_policy(c->dir, h, &p, e)) != 0)
			return r;
		policy_free(c->then);
		c->then = p;
		c->then_name = *h;
	}
	*out = c->then;
	return 0;
}

struct slice
content_policy_file(const struct content *c, const struct hash *h)
{
	const struct content_file *f = content_find(c->files, c->n_files, h);

	return f != NULL ? f->data : slice_of(NULL, 0);
}
