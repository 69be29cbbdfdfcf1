/* SPDX-License-Identifier: ISC */
#include "lib/bundle/bundles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bundle/place.h"

void
bundle_chain_clear(struct bundle_chain *c)
{
	for (size_t i = 0; i < c->n_roots; i++) {
		free((void *)(uintptr_t)c->root_files[i].p);
		free((void *)(uintptr_t)c->root_statements[i].p);
	}
	free((void *)(uintptr_t)c->statement.p);
	free((void *)(uintptr_t)c->manifest.p);
	policy_files_clear(&c->files);
	memset(c, 0, sizeof(*c));
}

void
bundle_chain_input(const struct bundle_chain *c, struct bundle_input *in)
{
	*in = (struct bundle_input){.root_files = c->root_files,
	    .root_statements = c->root_statements,
	    .n_roots = c->n_roots,
	    .statement = c->statement,
	    .manifest = c->manifest,
	    .files = &c->files};
}

int
bundle_chain_accept(const struct bundle_chain *c, struct trust *t,
    const struct hash *pin, int64_t now, struct err *e)
{
	struct bundle_input in;
	size_t held = t->have ? (size_t)t->root_version : 0;

	bundle_chain_input(c, &in);
	/* An update brings the roots that are new. */
	if (held > in.n_roots)
		held = in.n_roots;
	in.root_files += held;
	in.root_statements += held;
	in.n_roots -= held;
	return trust_update(t, &in, pin, now, e);
}

/* --- reading ------------------------------------------------------------- */

static int
read_roots(const char *dir, struct bundle_chain *c, struct err *e)
{
	char name[40];
	uint64_t last;
	int r;

	if ((r = place_highest(dir, "root.", &last, e)) != 0)
		return r;
	if (last == 0 || last > BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no policy has been signed yet", dir);
	for (uint64_t v = 1; v <= last; v++) {
		size_t i = c->n_roots;

		snprintf(name, sizeof(name), "root.%llu.yaml",
		    (unsigned long long)v);
		if ((r = place_read(dir, name, POLICY_FILE_MAX,
			 &c->root_files[i], e)) != 0)
			return r;
		c->n_roots++; /* from here on cleared with the chain */
		snprintf(name, sizeof(name), "root.%llu",
		    (unsigned long long)v);
		if ((r = place_read(dir, name, STATEMENT_MAX,
			 &c->root_statements[i], e)) != 0)
			return r;
	}
	return 0;
}

static int
read_bundle(const char *dir, struct bundle_chain *c, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	if ((r = statement_parse("policy bundle", c->statement, &s, e)) != 0)
		goto out;
	if (s.type != ST_POLICY) {
		r = err_set(e, ERR_PARSE, "%s/bundle: not a policy statement",
		    dir);
		goto out;
	}
	if ((r = place_check_number("policy", c->version, s.u.bundle.version,
		 e)) != 0 ||
	    (r = place_read_hashed(dir, &s.u.bundle.manifest,
		 s.u.bundle.manifest_size, BUNDLE_MANIFEST_MAX, &c->manifest,
		 e)) != 0 ||
	    (r = place_read_files(dir, c->manifest, NULL, &c->files, e)) != 0)
		goto out;
out:
	statement_clear(&s);
	return r;
}

/* Roots beyond the policy's own: of a later policy, or of a publication that was
 * interrupted, since policy.N is stored last. */
static void
drop_later_roots(struct bundle_chain *c)
{
	const struct policy_file *own =
	    policy_files_find(&c->files, "root.yaml");
	size_t last = c->n_roots;

	while (own != NULL && last > 0 &&
	    !slice_equal(c->root_files[last - 1], slice_of(own->data, own->n)))
		last--;
	/* None is its own: whoever verifies the chain says so. */
	for (; last > 0 && c->n_roots > last; c->n_roots--) {
		size_t i = c->n_roots - 1;

		free((void *)(uintptr_t)c->root_files[i].p);
		free((void *)(uintptr_t)c->root_statements[i].p);
		c->root_files[i] = c->root_statements[i] = (struct slice){0};
	}
}

/* The chain that ends in policy.N, N being c->version. */
static int
read_chain(const char *dir, struct bundle_chain *c, struct err *e)
{
	char name[40];
	int r;

	snprintf(name, sizeof(name), "policy.%llu",
	    (unsigned long long)c->version);
	if ((r = read_roots(dir, c, e)) != 0 ||
	    (r = place_read(dir, name, STATEMENT_MAX, &c->statement, e)) != 0 ||
	    (r = read_bundle(dir, c, e)) != 0)
		return r;
	drop_later_roots(c);
	return 0;
}

int
bundles_read(const char *dir, struct bundle_chain *out, struct err *e)
{
	struct bundle_chain *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = place_highest(dir, "policy.", &c->version, e)) != 0)
		goto out;
	if (c->version == 0) {
		r = err_set(e, ERR_NOTFOUND,
		    "%s: no policy has been signed yet", dir);
		err_hint(e, "writ policy sign -C %s -i KEY", dir);
		goto out;
	}
	if ((r = read_chain(dir, c, e)) != 0)
		goto out;
	*out = *c;
	memset(c, 0, sizeof(*c));
out:
	bundle_chain_clear(c);
	free(c);
	return r;
}

int
bundles_load(const char *dir, const struct hash *pin, int64_t now,
    struct trust *t, struct err *e)
{
	struct bundle_chain *c;
	struct bundle_input in;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(dir, c, e)) == 0) {
		bundle_chain_input(c, &in);
		r = trust_update(t, &in, pin, now, e);
		if (r < 0)
			err_prefix(e, "%s/bundle", dir);
		bundle_chain_clear(c);
	}
	free(c);
	return r;
}

/* policy.N, parsed.  ERR_NOTFOUND: it is not there, or no policy statement. */
static int
read_statement(const char *dir, uint64_t version, struct statement *out,
    struct err *e)
{
	struct slice text = {0};
	char name[40];
	int r;

	snprintf(name, sizeof(name), "policy.%llu",
	    (unsigned long long)version);
	if ((r = place_read(dir, name, STATEMENT_MAX, &text, e)) != 0)
		return r;
	r = statement_parse(name, text, out, e);
	place_free(&text);
	if (r == 0 && out->type != ST_POLICY)
		r = err_set(e, ERR_NOTFOUND, "%s: not a policy statement",
		    name);
	return r;
}

/* The statement whose hash this is, among policy.N.  One that cannot be read
 * hides no other, and is named where none is the one: it may have been. */
static int
find_statement(const char *dir, const struct hash *h, struct statement *out,
    struct err *e)
{
	struct err unread = {0};
	uint64_t last;
	int r;

	if ((r = place_highest(dir, "policy.", &last, e)) != 0)
		return r;
	for (uint64_t v = last; v >= 1; v--) {
		struct err why = {0};

		r = read_statement(dir, v, out, &why);
		if (r == 0 && hash_equal(&out->hash, h))
			return 0;
		if (r == ERR_NOMEM)
			return err_nomem(e);
		if (r == ERR_SYS && unread.code == ERR_OK)
			unread = why;
	}
	if (unread.code != ERR_OK) {
		if (e != NULL)
			*e = unread;
		return unread.code;
	}
	return err_set(e, ERR_NOTFOUND,
	    "%s/bundle: an earlier policy that the log names is missing", dir);
}

int
bundles_read_past(const char *dir, const struct hash *statement,
    struct bundle_chain *out, struct err *e)
{
	struct bundle_chain *c;
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = find_statement(dir, statement, &s, e)) != 0)
		goto out;
	c->version = s.u.bundle.version;
	if ((r = read_chain(dir, c, e)) != 0)
		goto out;
	*out = *c;
	memset(c, 0, sizeof(*c));
out:
	statement_clear(&s);
	bundle_chain_clear(c);
	free(c);
	return r;
}

int
bundles_load_policy(const char *dir, const struct hash *statement,
    struct policy **out, struct err *e)
{
	struct conf_diags diags = {0};
	struct policy_files files = {0};
	struct slice manifest = {0};
	struct policy *p = NULL;
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	if ((r = find_statement(dir, statement, &s, e)) != 0 ||
	    (r = place_read_hashed(dir, &s.u.bundle.manifest,
		 s.u.bundle.manifest_size, BUNDLE_MANIFEST_MAX, &manifest,
		 e)) != 0 ||
	    (r = place_read_files(dir, manifest, NULL, &files, e)) != 0)
		goto out;
	if ((r = policy_parse(&files, &p, &diags)) != 0) {
		(void)conf_diags_err(&diags, r, e);
		goto out;
	}
	if ((r = policy_set_zones(p, s.u.bundle.zones, s.u.bundle.n_zones,
		 e)) != 0)
		goto out;
	p->hash = s.hash;
	p->version = s.u.bundle.version;
	p->expires = s.u.bundle.expires;
	*out = p;
	p = NULL;
out:
	policy_free(p);
	free((void *)(uintptr_t)manifest.p);
	policy_files_clear(&files);
	conf_diags_clear(&diags);
	statement_clear(&s);
	return r;
}

int
bundles_root_of(const char *dir, const struct bundle_statement *b,
    struct hash *root_yaml, struct err *e)
{
	struct slice text = {0};
	struct manifest m = {0};
	int r;

	if ((r = place_read_hashed(dir, &b->manifest, b->manifest_size,
		 BUNDLE_MANIFEST_MAX, &text, e)) != 0 ||
	    (r = manifest_parse(text, &m, e)) != 0)
		goto out;
	r = ERR_PARSE;
	for (size_t i = 0; i < m.n && r != 0; i++) {
		if (strcmp(m.v[i].path, "root.yaml") != 0)
			continue;
		*root_yaml = m.v[i].hash;
		r = 0;
	}
	if (r != 0)
		r = err_set(e, r, "policy version %llu has no root.yaml",
		    (unsigned long long)b->version);
out:
	manifest_clear(&m);
	place_free(&text);
	return r;
}

/* --- writing ------------------------------------------------------------- */

/* It goes under the number that it says itself. */
static int
check_number(const struct bundle_chain *c, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	r = statement_parse("policy bundle", c->statement, &s, e);
	if (r == 0 && s.type != ST_POLICY)
		r = err_set(e, ERR_PARSE,
		    "policy bundle: not a policy statement");
	if (r == 0)
		r = place_check_number("policy", c->version, s.u.bundle.version,
		    e);
	statement_clear(&s);
	return r;
}

int
bundles_store(const char *dir, const struct bundle_chain *c, struct err *e)
{
	char name[40];
	int r;

	if ((r = check_number(c, e)) == 0 && (r = place_make(dir, e)) == 0)
		r = place_store_files(dir, &c->files, e);
	if (r == 0)
		r = place_store_hashed(dir, c->manifest, e);
	for (size_t i = 0; i < c->n_roots && r == 0; i++) {
		snprintf(name, sizeof(name), "root.%zu.yaml", i + 1);
		r = place_store(dir, name, c->root_files[i], e);
		snprintf(name, sizeof(name), "root.%zu", i + 1);
		if (r == 0)
			r = place_store(dir, name, c->root_statements[i], e);
	}
	snprintf(name, sizeof(name), "policy.%llu",
	    (unsigned long long)c->version);
	if (r == 0)
		r = place_store(dir, name, c->statement, e);
	return r;
}
