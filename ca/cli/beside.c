/* SPDX-License-Identifier: ISC */
#include "ca/cli/beside.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define DIRS_MAX      1000
#define DECISIONS_MAX 1000000

static void
listing_free(struct listing *l)
{
	free(l->dir);
	strs_clear(&l->names);
	for (size_t i = 0; i < l->n_keys; i++) {
		pubkey_free(l->keys[i].key);
		free(l->keys[i].name);
	}
	free(l->keys);
}

void
beside_clear(struct beside *b)
{
	for (size_t i = 0; i < b->n_dirs; i++)
		listing_free(&b->dirs[i]);
	free(b->dirs);
	for (size_t i = 0; i < b->n_decisions; i++) {
		statement_clear(b->decisions[i]);
		free(b->decisions[i]);
	}
	free(b->decisions);
	*b = (struct beside)BESIDE_INIT;
}

/* --- directories ---------------------------------------------------------- */

static int
dir_of(const char *path, char **out)
{
	const char *base = path_base(path);

	if (base == path)
		return (*out = str_dup(".")) != NULL ? 0 : ERR_NOMEM;
	*out = str_dupn(path, (size_t)(base - path));
	return *out != NULL ? 0 : ERR_NOMEM;
}

static int
read_names(struct listing *l, struct err *e)
{
	struct dirent *entry;
	DIR *d = opendir(l->dir);
	int r = 0;

	if (d == NULL)
		return err_sys(e, "%s", l->dir);
	while (r == 0 && (entry = readdir(d)) != NULL)
		if (entry->d_name[0] != '.' &&
		    strs_add(&l->names, entry->d_name) != 0)
			r = err_nomem(e);
	(void)closedir(d);
	strs_sort(&l->names);
	return r;
}

static int
find_listing(struct beside *b, const char *path, struct listing **out,
    struct err *e)
{
	struct listing l = {0};
	int r;

	if (dir_of(path, &l.dir) != 0)
		return err_nomem(e);
	for (size_t i = 0; i < b->n_dirs; i++)
		if (strcmp(b->dirs[i].dir, l.dir) == 0) {
			free(l.dir);
			*out = &b->dirs[i];
			return 0;
		}
	if ((r = read_names(&l, e)) != 0 ||
	    (r = vec_grow(&b->dirs, b->n_dirs, &b->cap_dirs, DIRS_MAX)) != 0) {
		listing_free(&l);
		return r;
	}
	b->dirs[b->n_dirs] = l;
	*out = &b->dirs[b->n_dirs++];
	return 0;
}

/* The first name that is not before prefix. */
static size_t
lower_bound(const struct strs *names, const char *prefix)
{
	size_t lo = 0, hi = names->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(names->v[mid], prefix) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
in_same_dir(const char *path, const char *name, char **out)
{
	size_t n = (size_t)(path_base(path) - path);

	return path_joinf(out, "%.*s%s", (int)n, path, name);
}

int
beside_decisions(struct beside *b, const char *path, struct strs *out,
    struct err *e)
{
	struct listing *l;
	char *prefix = NULL;
	size_t n;
	int r;

	if (strcmp(path, "-") == 0)
		return 0;
	if ((r = find_listing(b, path, &l, e)) != 0)
		return r;
	if (path_joinf(&prefix, "%s.", path_base(path)) != 0)
		return err_nomem(e);
	n = strlen(prefix);
	for (size_t i = lower_bound(&l->names, prefix);
	     r == 0 && i < l->names.n && strncmp(l->names.v[i], prefix, n) == 0;
	     i++) {
		char *full = NULL;

		if (!id_is_valid(l->names.v[i] + n))
			continue;
		if (in_same_dir(path, l->names.v[i], &full) != 0 ||
		    strs_add(out, full) != 0)
			r = err_nomem(e);
		free(full);
	}
	free(prefix);
	return r;
}

/* --- decisions ------------------------------------------------------------ */

/* The decision of these bytes, or NULL.  Under the lock. */
static struct statement *
find_decision(const struct beside *b, struct slice text)
{
	for (size_t i = 0; i < b->n_decisions; i++)
		if (slice_equal(statement_bytes(b->decisions[i]), text))
			return b->decisions[i];
	return NULL;
}

static int
parse_decision(const char *path, struct slice text, struct statement *s,
    struct err *e)
{
	int r;

	if ((r = statement_parse(path_base(path), text, s, e)) != 0)
		return r;
	if (s->type != ST_DECISION)
		return err_set(e, ERR_PARSE, "%s: is a %s, expected a decision",
		    path, statement_type_name(s->type));
	return 0;
}

/* Parsed under the lock: whoever waits for it most likely wants the same. */
static int
add_decision(struct beside *b, const char *path, struct slice text,
    struct statement **out, struct err *e)
{
	struct statement *s;
	int r;

	if ((s = malloc(sizeof(*s))) == NULL)
		return err_nomem(e);
	statement_init(s, ST_DECISION);
	if ((r = parse_decision(path, text, s, e)) == 0 &&
	    vec_grow(&b->decisions, b->n_decisions, &b->cap_decisions,
		DECISIONS_MAX) != 0)
		r = err_nomem(e);
	if (r != 0) {
		statement_clear(s);
		free(s);
		return r;
	}
	b->decisions[b->n_decisions++] = s;
	*out = s;
	return 0;
}

int
beside_read(struct beside *b, const char *path, struct statement **out,
    struct err *e)
{
	char *text = NULL;
	size_t n;
	int r;

	if ((r = file_read(path, STATEMENT_MAX, &text, &n, e)) != 0)
		return r;
	(void)pthread_mutex_lock(&b->lock);
	*out = find_decision(b, slice_of(text, n));
	if (*out == NULL)
		r = add_decision(b, path, slice_of(text, n), out, e);
	(void)pthread_mutex_unlock(&b->lock);
	free(text);
	return r;
}

/* --- keys ----------------------------------------------------------------- */

static int
compare_keys(const void *a, const void *b)
{
	const struct listed_key *x = a, *y = b;

	return pubkey_compare(x->key, y->key);
}

static bool
is_key_name(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".pub") == 0 &&
	    (n < 9 || strcmp(name + n - 9, "-cert.pub") != 0);
}

/* What is no public key is somebody else's file, and none of ours. */
static int
read_keys(struct listing *l, const char *path, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < l->names.n && r == 0; i++) {
		struct pubkey *key = NULL;
		char *full = NULL, *text = NULL;
		size_t n;

		if (!is_key_name(l->names.v[i]))
			continue;
		if (in_same_dir(path, l->names.v[i], &full) != 0)
			return err_nomem(e);
		if (file_read(full, PUBKEY_LINE_MAX, &text, &n, NULL) == 0 &&
		    pubkey_parse_line(text, n, &key, NULL, NULL) == 0) {
			r = vec_grow(&l->keys, l->n_keys, &l->cap_keys,
			    1000000);
			if (r == 0)
				l->keys[l->n_keys++] = (struct listed_key){
				    .key = key, .name = str_dup(l->names.v[i])};
		}
		free(full);
		free(text);
	}
	qsort(l->keys, l->n_keys, sizeof(l->keys[0]), compare_keys);
	l->has_keys = true;
	return r == 0 ? 0 : err_nomem(e);
}

int
beside_key(struct beside *b, const char *path, const struct pubkey *key,
    char **out, struct err *e)
{
	struct listing *l;
	size_t lo = 0, hi;
	int r;

	*out = NULL;
	if (strcmp(path, "-") == 0)
		return 0;
	if ((r = find_listing(b, path, &l, e)) != 0 ||
	    (!l->has_keys && (r = read_keys(l, path, e)) != 0))
		return r;
	hi = l->n_keys;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = pubkey_compare(l->keys[mid].key, key);

		if (c == 0 && l->keys[mid].name != NULL)
			return in_same_dir(path, l->keys[mid].name, out) == 0
			    ? 0
			    : err_nomem(e);
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return 0;
}
