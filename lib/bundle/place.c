/* SPDX-License-Identifier: ISC */
#include "lib/bundle/place.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/trust/bundle.h"

void
place_free(struct slice *s)
{
	free((void *)(uintptr_t)s->p);
	*s = (struct slice){0};
}

/* --- reading --- */

int
place_read(const char *dir, const char *name, size_t max, struct slice *out,
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

int
place_read_version(const char *dir, const char *prefix, uint64_t version,
    struct slice *out, struct err *e)
{
	char name[48];

	(void)snprintf(name, sizeof(name), "%s.%llu", prefix,
	    (unsigned long long)version);
	return place_read(dir, name, STATEMENT_MAX, out, e);
}

int
place_read_hashed(const char *dir, const struct hash *h, uint64_t size,
    size_t max, struct slice *out, struct err *e)
{
	char hex[HASH_HEX];
	struct hash got;
	struct slice s = {0};
	int r;

	hash_hex(h, hex);
	if ((r = place_read(dir, hex, max, &s, e)) != 0)
		return r;
	hash_sha256(s.p, s.n, &got);
	if (!hash_equal(&got, h) || s.n != size) {
		place_free(&s);
		return err_set(e, ERR_CORRUPT,
		    "%s/bundle/%s: content differs from its name", dir, hex);
	}
	*out = s;
	return 0;
}

static int
read_entry(const char *dir, const struct manifest_entry *m,
    bool (*absent_ok)(const char *path), struct policy_files *out,
    struct err *e)
{
	struct slice s = {0};
	struct err why = {0};
	int r;

	r = place_read_hashed(dir, &m->hash, m->size, POLICY_FILE_MAX, &s,
	    &why);
	if (r == ERR_NOTFOUND && absent_ok != NULL && absent_ok(m->path))
		return 0;
	if (r != 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	if (policy_files_add(out, m->path, s.p, s.n) != 0)
		r = err_nomem(e);
	place_free(&s);
	return r;
}

int
place_read_files(const char *dir, struct slice manifest,
    bool (*absent_ok)(const char *path), struct policy_files *out,
    struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = manifest_parse(manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; i < m.n && r == 0; i++)
		r = read_entry(dir, &m.v[i], absent_ok, out, e);
	manifest_clear(&m);
	policy_files_sort(out);
	return r;
}

int
place_highest(const char *dir, const char *prefix, uint64_t *out, struct err *e)
{
	size_t n = strlen(prefix);
	struct dirent *entry;
	char *path = NULL;
	uint64_t best = 0, v;
	DIR *d;
	int r = 0;

	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	d = opendir(path);
	if (d == NULL && errno != ENOENT)
		r = err_sys(e, "%s", path);
	free(path);
	while (d != NULL && (entry = readdir(d)) != NULL)
		if (strncmp(entry->d_name, prefix, n) == 0 &&
		    parse_u64(entry->d_name + n, 1, UINT64_MAX, &v) == 0 &&
		    v > best)
			best = v;
	if (d != NULL)
		(void)closedir(d);
	if (r == 0)
		*out = best;
	return r;
}

int
place_check_number(const char *prefix, uint64_t number, uint64_t signed_as,
    struct err *e)
{
	if (number == signed_as)
		return 0;
	return err_set(e, ERR_ROLLBACK,
	    "%s.%llu holds version %llu, expected version %llu", prefix,
	    (unsigned long long)number, (unsigned long long)signed_as,
	    (unsigned long long)number);
}

/* --- writing --- */

int
place_make(const char *dir, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	r = file_mkdirs(path, 0755, e);
	free(path);
	return r;
}

int
place_store(const char *dir, const char *name, struct slice s, struct err *e)
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

int
place_store_hashed(const char *dir, struct slice s, struct err *e)
{
	char hex[HASH_HEX];
	struct hash h;

	hash_sha256(s.p, s.n, &h);
	hash_hex(&h, hex);
	return place_store(dir, hex, s, e);
}

int
place_store_files(const char *dir, const struct policy_files *files,
    struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < files->n && r == 0; i++)
		r = place_store_hashed(dir,
		    slice_of(files->v[i].data, files->v[i].n), e);
	return r;
}
