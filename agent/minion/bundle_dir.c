/* SPDX-License-Identifier: ISC */
#include "agent/minion/bundle_dir.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

/* What a load reads; owned. */
struct reading {
	const char *dir;
	struct slice root_files[BUNDLE_ROOTS_MAX];
	struct slice root_statements[BUNDLE_ROOTS_MAX];
	size_t n_roots;
	struct slice statement, manifest;
	struct policy_files files;
};

static void
slice_free(struct slice *s)
{
	free((void *)(uintptr_t)s->p);
	*s = (struct slice){0};
}

static void
bundle_free(struct reading *rd)
{
	slice_free(&rd->statement);
	slice_free(&rd->manifest);
	policy_files_clear(&rd->files);
}

static void
reading_free(struct reading *rd)
{
	if (rd == NULL)
		return;
	for (size_t i = 0; i < rd->n_roots; i++) {
		slice_free(&rd->root_files[i]);
		slice_free(&rd->root_statements[i]);
	}
	bundle_free(rd);
	free(rd);
}

void
agent_bundles_clear(struct agent_bundles *b)
{
	trust_clear(&b->trust);
	policy_files_clear(&b->fleet);
	str_clear(&b->warning);
}

static int
read_named(const char *dir, const char *name, size_t max, struct slice *out,
    struct err *e)
{
	char *path, *text;
	size_t n;
	int r;

	if (path_joinf(&path, "%s/bundle/%s", dir, name) != 0)
		return err_nomem(e);
	if ((r = file_read(path, max, &text, &n, e)) == 0)
		*out = slice_of(text, n);
	free(path);
	return r;
}

/* By content: what was read is what was named, or it is not taken. */
static int
read_hashed(const char *dir, const struct hash *want, size_t max,
    struct slice *out, struct err *e)
{
	char hex[HASH_HEX];
	struct hash got;
	struct slice s;
	int r;

	hash_hex(want, hex);
	if ((r = read_named(dir, hex, max, &s, e)) != 0)
		return r;
	hash_sha256(s.p, s.n, &got);
	if (!hash_equal(&got, want)) {
		slice_free(&s);
		return err_set(e, ERR_CORRUPT,
		    "%s/bundle/%s: content differs from its name", dir, hex);
	}
	*out = s;
	return 0;
}

/* The highest N of PREFIX.N; 0: there is none. */
static int
highest(const char *dir, const char *prefix, uint64_t *out, struct err *e)
{
	size_t n = strlen(prefix);
	struct dirent *d;
	uint64_t v;
	char *path;
	DIR *all;
	int r = 0;

	*out = 0;
	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	if ((all = opendir(path)) == NULL) {
		r = errno == ENOENT
		    ? err_set(e, ERR_NOTFOUND, "%s: no bundle is there", path)
		    : err_sys(e, "%s", path);
		free(path);
		return r;
	}
	while ((errno = 0, d = readdir(all)) != NULL)
		if (strncmp(d->d_name, prefix, n) == 0 &&
		    parse_u64(d->d_name + n, 1, UINT64_MAX, &v) == 0 &&
		    v > *out)
			*out = v;
	if (errno != 0)
		r = err_sys(e, "%s", path);
	(void)closedir(all);
	free(path);
	return r;
}

static int
read_roots(struct reading *rd, struct err *e)
{
	char name[48];
	uint64_t last;
	int r;

	if ((r = highest(rd->dir, "root.", &last, e)) != 0)
		return r;
	if (last == 0 || last > BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_NOTFOUND,
		    "%s: expected 1 to %d roots, found %" PRIu64, rd->dir,
		    BUNDLE_ROOTS_MAX, last);
	for (uint64_t v = 1; r == 0 && v <= last; v++) {
		size_t i = rd->n_roots++;

		(void)snprintf(name, sizeof(name), "root.%" PRIu64 ".yaml", v);
		if ((r = read_named(rd->dir, name, POLICY_FILE_MAX,
			 &rd->root_files[i], e)) != 0)
			break;
		(void)snprintf(name, sizeof(name), "root.%" PRIu64, v);
		r = read_named(rd->dir, name, STATEMENT_MAX,
		    &rd->root_statements[i], e);
	}
	return r;
}

/* Files that MANIFEST names; with some, pillar files may be missing. */
static int
read_files(struct reading *rd, bool some, struct err *e)
{
	struct manifest m = {0};
	struct err why = {0};
	uint64_t sum = 0;
	int r;

	if ((r = manifest_parse(rd->manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		struct slice s = {0};

		if ((sum += m.v[i].size) > FLEET_TOTAL_MAX ||
		    m.v[i].size > POLICY_FILE_MAX) {
			r = err_set(e, ERR_LIMIT,
			    "%s: its files have more than %d bytes", rd->dir,
			    FLEET_TOTAL_MAX);
			break;
		}
		r = read_hashed(rd->dir, &m.v[i].hash, POLICY_FILE_MAX, &s,
		    &why);
		if (r == ERR_NOTFOUND && some &&
		    strncmp(m.v[i].path, FLEET_PILLAR, strlen(FLEET_PILLAR)) ==
			0) {
			r = 0;
			continue;
		}
		if (r != 0 && e != NULL)
			*e = why;
		if (r == 0 &&
		    policy_files_add(&rd->files, m.v[i].path, s.p, s.n) != 0)
			r = err_nomem(e);
		slice_free(&s);
	}
	manifest_clear(&m);
	policy_files_sort(&rd->files);
	return r;
}

/* The statement PREFIX.N, with its MANIFEST and files. */
static int
read_bundle(struct reading *rd, const char *prefix, uint64_t version,
    enum statement_type type, bool some, struct err *e)
{
	struct statement s;
	char name[48];
	int r;

	bundle_free(rd);
	(void)snprintf(name, sizeof(name), "%s%" PRIu64, prefix, version);
	if ((r = read_named(rd->dir, name, STATEMENT_MAX, &rd->statement, e)) !=
	    0)
		return r;
	statement_init(&s, type);
	if ((r = statement_parse(name, rd->statement, &s, e)) == 0 &&
	    s.type != type)
		r = err_set(e, ERR_PARSE, "%s/bundle/%s: another statement",
		    rd->dir, name);
	if (r == 0)
		r = read_hashed(rd->dir, &s.u.bundle.manifest,
		    BUNDLE_MANIFEST_MAX, &rd->manifest, e);
	statement_clear(&s);
	return r == 0 ? read_files(rd, some, e) : r;
}

/* Roots after the one that the bundle holds: of a later policy, whose statement
 * is stored last. */
static size_t
roots_up_to_own(const struct reading *rd)
{
	const struct policy_file *own =
	    policy_files_find(&rd->files, "root.yaml");
	size_t n = rd->n_roots;

	while (own != NULL && n > 0 &&
	    !slice_equal(rd->root_files[n - 1], slice_of(own->data, own->n)))
		n--;
	return n > 0 ? n : rd->n_roots;
}

/* What was held before is never lost to something older. */
static int
not_older(const struct held *h, const struct trust *t, struct err *e)
{
	const struct policy *p = t->policy;

	if (!h->have)
		return 0;
	if (p->version < h->policy_version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 ", but this host has held "
		    "%" PRIu64,
		    p->version, h->policy_version);
	if (p->version == h->policy_version &&
	    !hash_equal(&p->hash, &h->policy))
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 " is another than the one this "
		    "host has held",
		    p->version);
	return 0;
}

static int
load_policy(struct reading *rd, const struct hash *pin, int64_t now,
    const struct held *h, struct agent_bundles *out, struct err *e)
{
	struct bundle_input in;
	uint64_t version;
	int r;

	if ((r = read_roots(rd, e)) != 0 ||
	    (r = highest(rd->dir, "policy.", &version, e)) != 0)
		return r;
	if (version == 0)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no policy has been signed yet", rd->dir);
	if ((r = read_bundle(rd, "policy.", version, ST_POLICY, false, e)) != 0)
		return r;
	in = (struct bundle_input){.root_files = rd->root_files,
	    .root_statements = rd->root_statements,
	    .n_roots = roots_up_to_own(rd),
	    .statement = rd->statement,
	    .manifest = rd->manifest,
	    .files = &rd->files};
	/* What is held already is enforced past its time: that is said below,
	 * and not a reason to leave a host as it may be. */
	if ((r = trust_update(&out->trust, &in, pin,
		 h->have && version == h->policy_version ? 0 : now, e)) < 0)
		return r;
	return not_older(h, &out->trust, e);
}

static void
between_free(struct slice *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		slice_free(&v[i]);
	free(v);
}

static int
load_fleet(struct reading *rd, int64_t now, struct held *h,
    struct agent_bundles *out, struct err *e)
{
	struct slice *between = NULL;
	struct fleet_input in;
	uint64_t version, first;
	size_t n = 0;
	char name[48];
	int r;

	if ((r = highest(rd->dir, "fleet.", &version, e)) != 0)
		return r;
	if (version == 0)
		return err_set(e, ERR_NOTFOUND,
		    "%s: no fleet has been signed yet", rd->dir);
	if ((r = read_bundle(rd, "fleet.", version, ST_FLEET, true, e)) != 0)
		return r;
	first = h->fleet.have ? h->fleet.version + 1 : version;
	if (version > first && version - first > FLEET_BETWEEN_MAX)
		return err_set(e, ERR_LIMIT,
		    "fleet version %" PRIu64 " is more than %d ahead", version,
		    FLEET_BETWEEN_MAX);
	if (version > first &&
	    (between = calloc(version - first, sizeof(*between))) == NULL)
		return err_nomem(e);
	for (uint64_t v = first; r == 0 && v < version; v++) {
		(void)snprintf(name, sizeof(name), "fleet.%" PRIu64, v);
		if ((r = read_named(rd->dir, name, STATEMENT_MAX, &between[n],
			 e)) == 0)
			n++;
	}
	in = (struct fleet_input){.statement = rd->statement,
	    .manifest = rd->manifest,
	    .files = &rd->files,
	    .between = between,
	    .n_between = n,
	    .some_pillar = true};
	if (r == 0)
		r = fleet_accept(&h->fleet, &out->trust, &in,
		    h->fleet.have && h->fleet.version == version ? 0 : now, e);
	between_free(between, n);
	if (r < 0)
		return r;
	out->fleet = rd->files;
	rd->files = (struct policy_files){0};
	out->fleet_version = version;
	return 0;
}

int
agent_bundles_load(const char *dir, const struct hash *pin, int64_t now,
    struct held *held, struct agent_bundles *out, struct err *e)
{
	struct reading *rd;
	struct agent_bundles b = {.warning = STR_INIT};
	struct held h = *held;
	int r;

	if (pin == NULL && !held->have)
		return err_set(e, ERR_USAGE,
		    "nothing is trusted yet, expected the root's fingerprint "
		    "(--root SHA256:...)");
	if ((rd = calloc(1, sizeof(*rd))) == NULL)
		return err_nomem(e);
	rd->dir = dir;
	trust_init(&b.trust);
	if (pin != NULL && held->have && !hash_equal(pin, &held->realm))
		r = err_set(e, ERR_DENIED,
		    "this host belongs to another realm");
	else if ((r = load_policy(rd, pin != NULL ? pin : &held->realm, now,
		      held, &b, e)) == 0)
		r = load_fleet(rd, now, &h, &b, e);
	reading_free(rd);
	if (r != 0) {
		agent_bundles_clear(&b);
		return r;
	}
	(void)trust_expiry(&b.trust, now, &b.warning, NULL);
	(void)fleet_expiry(&h.fleet, &b.trust, now, &b.warning, NULL);
	h.have = true;
	h.realm = b.trust.realm;
	h.policy_version = b.trust.policy->version;
	h.policy = b.trust.policy->hash;
	*held = h;
	*out = b;
	return 0;
}
