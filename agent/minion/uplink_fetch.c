/* SPDX-License-Identifier: ISC */
/* What a master brings, into the spool: pieces of a bundle that lack there. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/minion/uplink.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/trust/fleet_bundle.h"

int
uplink_spool(struct uplink *u, const char *name, const char *text, size_t n,
    struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(u->spool, name, &path) != 0)
		return err_nomem(e);
	/* Lost in a crash, it is fetched again. */
	r = file_write(path, text, n, 0600, FILE_NOSYNC, e);
	free(path);
	return r;
}

int
uplink_field(const char *text, size_t n, const char *key, char *out, size_t max)
{
	const char *end = memchr(text, '\n', n), *v;
	json_t *o = NULL;
	int r = ERR_PARSE;

	out[0] = '\0';
	if (end == NULL ||
	    json_read(slice_of(text, (size_t)(end - text)), STATEMENT_MAX, &o,
		NULL) != 0)
		return r;
	v = json_text(o, key);
	if (strlen(v) < max) {
		(void)snprintf(out, max, "%s", v);
		r = 0;
	}
	json_decref(o);
	return r;
}

/* --- names of the spool's bundle ------------------------------------------ */

static bool
starts(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* Remove those that go(name) says; how many there are. */
static size_t
sweep(struct uplink *u, bool (*go)(const char *name, const void *ctx),
    const void *ctx)
{
	char *dir = NULL;
	struct dirent *x;
	size_t n = 0;
	DIR *d = NULL;

	if (path_join(u->spool, "bundle", &dir) != 0 ||
	    (d = opendir(dir)) == NULL)
		goto out;
	while ((x = readdir(d)) != NULL) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
			continue;
		n++;
		if (go(x->d_name, ctx))
			(void)unlinkat(dirfd(d), x->d_name, 0);
	}
out:
	if (d != NULL)
		(void)closedir(d);
	free(dir);
	return n;
}

static bool
all(const char *name, const void *ctx)
{
	(void)name;
	(void)ctx;
	return true;
}

static bool
of_prefix(const char *name, const void *ctx)
{
	return starts(name, ctx);
}

static bool
none(const char *name, const void *ctx)
{
	(void)name;
	(void)ctx;
	return false;
}

void
uplink_spool_empty(struct uplink *u)
{
	(void)sweep(u, all, NULL);
}

static void
make_room(struct uplink *u)
{
	if (sweep(u, none, NULL) > UPLINK_SPOOL_FILES)
		uplink_spool_empty(u);
}

static int
in_bundle(struct uplink *u, const char *name, const char *text, size_t n,
    struct err *e)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "bundle/%s", name);
	return uplink_spool(u, path, text, n, e);
}

/* PREFIX.N of a statement that says its version. */
static int
put_statement(struct uplink *u, const char *prefix, const char *text,
    struct err *e)
{
	char version[24], name[64];
	uint64_t v;

	if (uplink_field(text, strlen(text), "version", version,
		sizeof(version)) != 0 ||
	    parse_u64(version, 1, UINT64_MAX, &v) != 0)
		return err_set(e, ERR_PARSE,
		    "a %s statement that says no version", prefix);
	(void)snprintf(name, sizeof(name), "%s.%" PRIu64, prefix, v);
	return in_bundle(u, name, text, strlen(text), e);
}

static bool
has_file(struct uplink *u, const char *hex, uint64_t size)
{
	char *path = NULL;
	struct stat st;
	bool has;

	if (path_joinf(&path, "%s/bundle/%s", u->spool, hex) != 0)
		return false;
	has = lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    (uint64_t)st.st_size == size;
	free(path);
	return has;
}

static int
get_file(struct uplink *u, const char *hex, uint64_t size, size_t max,
    struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if (has_file(u, hex, size))
		return 0;
	if (size > max)
		return err_set(e, ERR_LIMIT, "object %.16s is too large", hex);
	r = uplink_object(u, OBJECT_FILE, hex, (size_t)size, &text, &n, e);
	if (r == 0)
		r = in_bundle(u, hex, text, n, e);
	free(text);
	return r;
}

/* --- MANIFEST and its files ----------------------------------------------- */

static int
get_manifest(struct uplink *u, const json_t *chain, struct manifest *out,
    struct err *e)
{
	const char *hex = json_text(chain, "manifest");
	uint64_t size = uplink_u64(chain, "size");
	char *text = NULL;
	size_t n = 0;
	int r;

	if (size == 0 || size > BUNDLE_MANIFEST_MAX)
		return err_set(e, ERR_LIMIT,
		    "a MANIFEST of no size, or of "
		    "more than 4 MiB");
	if ((r = uplink_object(u, OBJECT_FILE, hex, (size_t)size, &text, &n,
		 e)) == 0 &&
	    (r = manifest_parse(slice_of(text, n), out, e)) == 0)
		r = in_bundle(u, hex, text, n, e);
	free(text);
	return r;
}

static int
get_files(struct uplink *u, const struct manifest *m, struct err *e)
{
	uint64_t total = 0;
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++) {
		char hex[HASH_HEX];

		hash_hex(&m->v[i].hash, hex);
		if (m->v[i].size > UPLINK_BUNDLE_MAX ||
		    (total += m->v[i].size) > UPLINK_BUNDLE_MAX)
			return err_set(e, ERR_LIMIT,
			    "a bundle of more than %d bytes",
			    UPLINK_BUNDLE_MAX);
		if (m->v[i].size == 0)
			r = in_bundle(u, hex, "", 0, e);
		else
			r = get_file(u, hex, m->v[i].size, UPLINK_BUNDLE_MAX,
			    e);
		/* Another host's pillar is not given out; one that cannot be had
		   just now may be this host's. */
		if ((r == ERR_NOTFOUND || r == ERR_DENIED) &&
		    starts(m->v[i].path, FLEET_PILLAR) && uplink_is_up(u))
			r = 0;
	}
	return r;
}

static int
get_bundle(struct uplink *u, const json_t *chain, struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = get_manifest(u, chain, &m, e)) == 0)
		r = get_files(u, &m, e);
	manifest_clear(&m);
	return r;
}

/* --- chains --------------------------------------------------------------- */

static int
call_chain(struct uplink *u, const char *what, uint64_t after, json_t **out,
    struct err *e)
{
	struct uplink_body b;

	uplink_begin(&b, "chain");
	jw_str(&b.w, "what", what);
	jw_u64(&b.w, "after", after);
	return uplink_end(u, &b, out, e);
}

/* How many roots there are in the spool, from the first on. */
static uint64_t
roots_there(struct uplink *u)
{
	uint64_t n = 0;

	for (;; n++) {
		char *a = NULL, *b = NULL;
		bool both;

		both = path_joinf(&a, "%s/bundle/root.%" PRIu64, u->spool,
			   n + 1) == 0 &&
		    path_joinf(&b, "%s/bundle/root.%" PRIu64 ".yaml", u->spool,
			n + 1) == 0 &&
		    file_exists(a) && file_exists(b);
		free(a);
		free(b);
		if (!both || n == BUNDLE_ROOTS_MAX)
			return n;
	}
}

static int
get_root(struct uplink *u, const json_t *root, uint64_t expect, struct err *e)
{
	const char *hex = json_text(root, "file");
	const char *statement = json_text(root, "statement");
	uint64_t size = uplink_u64(root, "size");
	char name[64], *text = NULL;
	size_t n = 0;
	int r;

	if (uplink_u64(root, "version") != expect)
		return err_set(e, ERR_PARSE,
		    "roots out of order, expected version %" PRIu64, expect);
	if (size == 0 || size > BUNDLE_MANIFEST_MAX)
		return err_set(e, ERR_LIMIT,
		    "a root.yaml of no size, or of "
		    "more than 4 MiB");
	if ((r = uplink_object(u, OBJECT_FILE, hex, (size_t)size, &text, &n,
		 e)) != 0)
		return r;
	(void)snprintf(name, sizeof(name), "root.%" PRIu64 ".yaml", expect);
	r = in_bundle(u, name, text, n, e);
	(void)snprintf(name, sizeof(name), "root.%" PRIu64, expect);
	if (r == 0)
		r = in_bundle(u, name, statement, strlen(statement), e);
	free(text);
	return r;
}

static int
get_roots(struct uplink *u, const json_t *chain, uint64_t have, struct err *e)
{
	const json_t *roots = json_object_get(chain, "roots");
	size_t n = json_array_size(roots);
	int r = 0;

	if (n + have > BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d roots",
		    BUNDLE_ROOTS_MAX);
	for (size_t i = 0; i < n && r == 0; i++)
		r = get_root(u, json_array_get(roots, i), have + i + 1, e);
	return r;
}

int
uplink_fetch_policy(struct uplink *u, struct err *e)
{
	json_t *chain = NULL;
	uint64_t have;
	int r;

	make_room(u);
	have = roots_there(u);
	if ((r = call_chain(u, "policy", have, &chain, e)) != 0)
		return r;
	/* One that was refused must not stay the highest. */
	(void)sweep(u, of_prefix, "policy.");
	if ((r = get_roots(u, chain, have, e)) == 0 &&
	    (r = get_bundle(u, chain, e)) == 0)
		r = put_statement(u, "policy", json_text(chain, "statement"),
		    e);
	json_decref(chain);
	return r;
}

int
uplink_fetch_fleet(struct uplink *u, struct err *e)
{
	const json_t *between;
	json_t *chain = NULL;
	size_t n;
	int r;

	make_room(u);
	if ((r = call_chain(u, "fleet", uplink_u64(u->held, "fleet_version"),
		 &chain, e)) != 0)
		return r;
	(void)sweep(u, of_prefix, "fleet.");
	between = json_object_get(chain, "between");
	if ((n = json_array_size(between)) > FLEET_BETWEEN_MAX)
		r = err_set(e, ERR_LIMIT, "more than %d versions between",
		    FLEET_BETWEEN_MAX);
	for (size_t i = 0; i < n && r == 0; i++) {
		const char *text =
		    json_string_value(json_array_get(between, i));

		r = text == NULL
		    ? err_set(e, ERR_PARSE, "a version between that is no text")
		    : put_statement(u, "fleet", text, e);
	}
	if (r == 0 && (r = get_bundle(u, chain, e)) == 0)
		r = put_statement(u, "fleet", json_text(chain, "statement"), e);
	json_decref(chain);
	return r;
}
