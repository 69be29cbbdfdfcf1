/* SPDX-License-Identifier: ISC */
#include "ca/common/bundles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"

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
read_named(const char *dir, const char *name, size_t max, struct slice *out,
    struct err *e)
{
	char *path = NULL, *text = NULL;
	size_t n;
	int r;

	if (path_joinf(&path, "%s/bundle/%s", dir, name) != 0)
		return err_nomem(e);
	r = file_read(path, max, &text, &n, e);
	free(path);
	if (r == 0)
		*out = slice_of(text, n);
	return r;
}

static int
read_hashed(const char *dir, const struct hash *h, uint64_t size, size_t max,
    struct slice *out, struct err *e)
{
	char hex[HASH_HEX];
	struct hash got;
	struct slice s = {0};
	int r;

	hash_hex(h, hex);
	if ((r = read_named(dir, hex, max, &s, e)) != 0)
		return r;
	hash_sha256(s.p, s.n, &got);
	if (!hash_equal(&got, h) || s.n != size) {
		free((void *)(uintptr_t)s.p);
		return err_set(e, ERR_CORRUPT,
		    "%s/bundle/%s: content differs from its name", dir, hex);
	}
	*out = s;
	return 0;
}

/* The highest N of PREFIX.N in dir/bundle, 0 when there is none. */
static int
highest(const char *dir, const char *prefix, uint64_t *out, struct err *e)
{
	size_t n = strlen(prefix);
	struct dirent *entry;
	char *path = NULL;
	uint64_t best = 0, v;
	DIR *d;

	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	d = opendir(path);
	if (d == NULL && errno != ENOENT) {
		int r = err_sys(e, "%s", path);

		free(path);
		return r;
	}
	free(path);
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, prefix, n) == 0 &&
		    parse_u64(entry->d_name + n, 1, UINT64_MAX, &v) == 0 &&
		    v > best)
			best = v;
	if (d != NULL)
		(void)closedir(d);
	*out = best;
	return 0;
}

static int
read_roots(const char *dir, struct bundle_chain *c, struct err *e)
{
	char name[40];
	uint64_t last;
	int r;

	if ((r = highest(dir, "root.", &last, e)) != 0)
		return r;
	if (last == 0 || last > BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no policy has been signed yet", dir);
	for (uint64_t v = 1; v <= last; v++) {
		size_t i = c->n_roots;

		snprintf(name, sizeof(name), "root.%llu.yaml",
		    (unsigned long long)v);
		if ((r = read_named(dir, name, POLICY_FILE_MAX,
			 &c->root_files[i], e)) != 0)
			return r;
		c->n_roots++; /* from here on cleared with the chain */
		snprintf(name, sizeof(name), "root.%llu",
		    (unsigned long long)v);
		if ((r = read_named(dir, name, STATEMENT_MAX,
			 &c->root_statements[i], e)) != 0)
			return r;
	}
	return 0;
}

/* What MANIFEST names, from the files by content. */
static int
read_files(const char *dir, struct slice manifest, struct policy_files *out,
    struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = manifest_parse(manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; i < m.n && r == 0; i++) {
		struct slice s = {0};

		r = read_hashed(dir, &m.v[i].hash, m.v[i].size, POLICY_FILE_MAX,
		    &s, e);
		if (r == 0 && policy_files_add(out, m.v[i].path, s.p, s.n) != 0)
			r = err_nomem(e);
		free((void *)(uintptr_t)s.p);
	}
	manifest_clear(&m);
	policy_files_sort(out);
	return r;
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
	if ((r = read_hashed(dir, &s.u.bundle.manifest,
		 s.u.bundle.manifest_size, BUNDLE_MANIFEST_MAX, &c->manifest,
		 e)) != 0 ||
	    (r = read_files(dir, c->manifest, &c->files, e)) != 0)
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
	    (r = read_named(dir, name, STATEMENT_MAX, &c->statement, e)) != 0 ||
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
	if ((r = highest(dir, "policy.", &c->version, e)) != 0)
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

/* The statement whose hash this is, among policy.N. */
static int
find_statement(const char *dir, const struct hash *h, struct statement *out,
    struct err *e)
{
	uint64_t last;
	int r;

	if ((r = highest(dir, "policy.", &last, e)) != 0)
		return r;
	for (uint64_t v = last; v >= 1; v--) {
		struct slice text = {0};
		char name[40];

		snprintf(name, sizeof(name), "policy.%llu",
		    (unsigned long long)v);
		if (read_named(dir, name, STATEMENT_MAX, &text, NULL) != 0)
			continue;
		r = statement_parse(name, text, out, e);
		free((void *)(uintptr_t)text.p);
		if (r == 0 && hash_equal(&out->hash, h))
			return 0;
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
	    (r = read_hashed(dir, &s.u.bundle.manifest,
		 s.u.bundle.manifest_size, BUNDLE_MANIFEST_MAX, &manifest,
		 e)) != 0 ||
	    (r = read_files(dir, manifest, &files, e)) != 0)
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

/* --- writing ------------------------------------------------------------- */

/* Write once: the same bytes there already are a success. */
static int
store(const char *dir, const char *name, struct slice s, struct err *e)
{
	char *path = NULL, *there = NULL;
	size_t n;
	int r;

	if (path_joinf(&path, "%s/bundle/%s", dir, name) != 0)
		return err_nomem(e);
	r = file_write(path, s.p, s.n, 0644, FILE_NEW, e);
	if (r == ERR_EXISTS) {
		r = file_read(path, s.n + 1, &there, &n, e);
		if (r == 0 && slice_equal(s, slice_of(there, n)))
			r = 0;
		else if (r == 0 || r == ERR_LIMIT)
			r = err_set(e, ERR_EXISTS,
			    "%s: is there already, with other content", path);
		free(there);
	}
	free(path);
	return r;
}

static int
store_hashed(const char *dir, struct slice s, struct err *e)
{
	char hex[HASH_HEX];
	struct hash h;

	hash_sha256(s.p, s.n, &h);
	hash_hex(&h, hex);
	return store(dir, hex, s, e);
}

int
bundles_store(const char *dir, const struct bundle_chain *c, struct err *e)
{
	char *path = NULL, name[40];
	int r;

	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	r = file_mkdirs(path, 0755, e);
	free(path);
	for (size_t i = 0; i < c->files.n && r == 0; i++)
		r = store_hashed(dir,
		    slice_of(c->files.v[i].data, c->files.v[i].n), e);
	if (r == 0)
		r = store_hashed(dir, c->manifest, e);
	for (size_t i = 0; i < c->n_roots && r == 0; i++) {
		snprintf(name, sizeof(name), "root.%zu.yaml", i + 1);
		r = store(dir, name, c->root_files[i], e);
		snprintf(name, sizeof(name), "root.%zu", i + 1);
		if (r == 0)
			r = store(dir, name, c->root_statements[i], e);
	}
	snprintf(name, sizeof(name), "policy.%llu",
	    (unsigned long long)c->version);
	if (r == 0)
		r = store(dir, name, c->statement, e);
	return r;
}
