/* SPDX-License-Identifier: ISC */
#include "ca/cli/beside.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/file.h"
#include "lib/trust/standing.h"

#define DIRS_MAX      1000
#define NAMES_MAX     10000000
#define DECISIONS_MAX 1000000

static void
listing_free(struct listing *l)
{
	free(l->dir);
	for (size_t i = 0; i < l->n_names; i++)
		free(l->names[i].name);
	free(l->names);
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
	free(b->linked);
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
compare_names(const void *a, const void *b)
{
	const struct listed_name *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
add_name(struct listing *l, const struct dirent *entry)
{
	char *name;

	if (entry->d_name[0] == '.')
		return 0;
	if (vec_grow(&l->names, l->n_names, &l->cap_names, NAMES_MAX) != 0 ||
	    (name = str_dup(entry->d_name)) == NULL)
		return ERR_NOMEM;
	l->names[l->n_names++] = (struct listed_name){name, entry->d_ino};
	return 0;
}

static int
read_names(struct listing *l, struct err *e)
{
	struct dirent *entry;
	DIR *d = opendir(l->dir);
	struct stat st;
	int r = 0;

	if (d == NULL)
		return err_sys(e, "%s", l->dir);
	if (fstat(dirfd(d), &st) == 0)
		l->dev = st.st_dev;
	while (r == 0 && (entry = readdir(d)) != NULL)
		if (add_name(l, entry) != 0)
			r = err_nomem(e);
	(void)closedir(d);
	if (l->n_names > 0)
		qsort(l->names, l->n_names, sizeof(l->names[0]), compare_names);
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
lower_bound(const struct listing *l, const char *prefix)
{
	size_t lo = 0, hi = l->n_names;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(l->names[mid].name, prefix) < 0)
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

/* The name is that of a decision about the file that prefix is of. */
static bool
is_decision(const struct listing *l, size_t i, const char *prefix, size_t n)
{
	return i < l->n_names && strncmp(l->names[i].name, prefix, n) == 0;
}

static int
add_decisions(const struct listing *l, const char *path, const char *prefix,
    struct strs *out, struct file_id *ids)
{
	size_t n = strlen(prefix), first = lower_bound(l, prefix);
	int r = 0;

	for (size_t i = first; r == 0 && is_decision(l, i, prefix, n); i++) {
		char *full = NULL;

		if (!id_is_valid(l->names[i].name + n))
			continue;
		ids[out->n] = (struct file_id){l->dev, l->names[i].ino};
		if (in_same_dir(path, l->names[i].name, &full) != 0 ||
		    strs_add(out, full) != 0)
			r = ERR_NOMEM;
		free(full);
	}
	return r;
}

int
beside_decisions(struct beside *b, const char *path, struct strs *out,
    struct file_id **ids, struct err *e)
{
	struct file_id *which = NULL;
	struct listing *l;
	char *prefix = NULL;
	size_t i, n = 0;
	int r;

	if (strcmp(path, "-") == 0)
		return 0;
	if ((r = find_listing(b, path, &l, e)) != 0)
		return r;
	if (path_joinf(&prefix, "%s.", path_base(path)) != 0)
		return err_nomem(e);
	for (i = lower_bound(l, prefix);
	     is_decision(l, i, prefix, strlen(prefix)); i++)
		n++;
	if (n > 0 &&
	    ((which = calloc(out->n + n, sizeof(*which))) == NULL ||
		add_decisions(l, path, prefix, out, which) != 0))
		r = err_nomem(e);
	if (r == 0 && ids != NULL) {
		*ids = which;
		which = NULL;
	}
	free(which);
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
	if (s->type != ST_DECISION && !standing_is_about_host(s->type))
		return err_set(e, ERR_PARSE, "%s: is a %s, expected a decision",
		    path, statement_type_name(s->type));
	return 0;
}

/* Parsed and verified under the lock: whoever waits for it most likely wants
 * the same. */
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
	/* One that does not verify is passed over by name later on. */
	(void)!statement_verify(s, NULL);
	b->decisions[b->n_decisions++] = s;
	*out = s;
	return 0;
}

/* Remember what a file of many names says; to forget it costs a reading. */
static void
remember(struct beside *b, const char *path, const struct file_id *id,
    struct statement *s)
{
	struct stat st;

	if (id == NULL || id->ino == 0 || lstat(path, &st) != 0 ||
	    !S_ISREG(st.st_mode) || st.st_nlink < 2 || st.st_ino != id->ino ||
	    st.st_dev != id->dev ||
	    vec_grow(&b->linked, b->n_linked, &b->cap_linked, DECISIONS_MAX) !=
		0)
		return;
	b->linked[b->n_linked++] = (struct linked){*id, s};
}

/* The last one first: names that follow each other are often of one file. */
static struct statement *
find_linked(const struct beside *b, const struct file_id *id)
{
	for (size_t i = b->n_linked; i-- > 0 && id != NULL;)
		if (b->linked[i].id.ino == id->ino &&
		    b->linked[i].id.dev == id->dev)
			return b->linked[i].decision;
	return NULL;
}

int
beside_read(struct beside *b, const char *path, const struct file_id *id,
    struct statement **out, struct err *e)
{
	struct statement *known;
	char *text = NULL;
	size_t n;
	int r;

	(void)pthread_mutex_lock(&b->lock);
	known = find_linked(b, id);
	(void)pthread_mutex_unlock(&b->lock);
	if (known != NULL) {
		*out = known;
		return 0;
	}
	if ((r = file_read(path, STATEMENT_MAX, &text, &n, e)) != 0)
		return r;
	(void)pthread_mutex_lock(&b->lock);
	*out = find_decision(b, slice_of(text, n));
	if (*out == NULL)
		r = add_decision(b, path, slice_of(text, n), out, e);
	if (r == 0)
		remember(b, path, id, *out);
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

	for (size_t i = 0; i < l->n_names && r == 0; i++) {
		struct pubkey *key = NULL;
		char *full = NULL, *text = NULL;
		size_t n;

		const char *name = l->names[i].name;

		if (!is_key_name(name))
			continue;
		if (in_same_dir(path, name, &full) != 0)
			return err_nomem(e);
		if (file_read(full, PUBKEY_LINE_MAX, &text, &n, NULL) == 0 &&
		    pubkey_parse_line(text, n, &key, NULL, NULL) == 0) {
			r = vec_grow(&l->keys, l->n_keys, &l->cap_keys,
			    1000000);
			if (r == 0)
				l->keys[l->n_keys++] = (struct listed_key){
				    .key = key, .name = str_dup(name)};
		}
		free(full);
		free(text);
	}
	if (l->keys != NULL)
		qsort(l->keys, l->n_keys, sizeof(l->keys[0]), compare_keys);
	l->has_keys = true;
	return r == 0 ? 0 : err_nomem(e);
}

int
beside_list(struct beside *b, const char *path, bool keys, struct err *e)
{
	struct listing *l;
	int r;

	if (strcmp(path, "-") == 0)
		return 0;
	if ((r = find_listing(b, path, &l, e)) == 0 && keys && !l->has_keys)
		r = read_keys(l, path, e);
	return r;
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
