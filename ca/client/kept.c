/* SPDX-License-Identifier: ISC */
#include "ca/client/kept.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

#define ABOUT_MAX  16384
#define UNANSWERED (7 * INT64_C(86400))
#define ID_DIGITS  8

static const char *const names[] = {
    "statement", "about", "key", "key.pub", "key-cert.pub"};

void
kept_init(struct kept *k)
{
	memset(k, 0, sizeof(*k));
	statement_init(&k->statement, ST_REQUEST);
	cert_init(&k->cert);
}

void
kept_clear(struct kept *k)
{
	free(k->dir);
	free(k->key_file);
	free(k->out);
	statement_clear(&k->statement);
	cert_clear(&k->cert);
	kept_init(k);
}

int
kept_path(const struct kept *k, const char *name, char **out, struct err *e)
{
	return path_join(k->dir, name, out) == 0 ? 0 : err_nomem(e);
}

bool
kept_is_id(const char *text)
{
	size_t n = strlen(text);

	return n >= ID_DIGITS && n < HASH_HEX &&
	    strspn(text, "0123456789abcdef") == n;
}

/* --- making --------------------------------------------------------------- */

static int
write_in(const struct kept *k, const char *name, const char *text, size_t n,
    mode_t mode, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = kept_path(k, name, &path, e)) == 0)
		r = file_write(path, text, n, mode, 0, e);
	free(path);
	return r;
}

/* Where a name will be found from any directory. */
static int
absolute(const char *path, char **out, struct err *e)
{
	char cwd[PATH_MAX];
	int r;

	if (path == NULL)
		return 0;
	if (path[0] == '/')
		r = (*out = str_dup(path)) != NULL ? 0 : ERR_NOMEM;
	else if (getcwd(cwd, sizeof(cwd)) == NULL)
		return err_sys(e, "the current directory");
	else
		r = path_join(cwd, path, out);
	return r == 0 ? 0 : err_nomem(e);
}

static int
write_about(const struct kept *k, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	if (k->key_file != NULL)
		jw_str(&w, "key_file", k->key_file);
	if (k->out != NULL)
		jw_str(&w, "out", k->out);
	jw_end(&w, '}');
	r = str_check(&s) != 0 ? err_nomem(e)
			       : write_in(k, "about", s.p, s.n, 0600, e);
	str_clear(&s);
	return r;
}

static int
write_key(const struct kept *k, const struct key *key, struct err *e)
{
	struct str priv = STR_INIT, pub = STR_INIT;
	int r;

	pubkey_add_line(&pub, key_public(key), "writ");
	str_addc(&pub, '\n');
	if ((r = key_encode_openssh(key, "writ", NULL, 0, &priv, e)) == 0 &&
	    (r = write_in(k, "key", priv.p, priv.n, 0600, e)) == 0)
		r = write_in(k, "key.pub", pub.p, pub.n, 0644, e);
	str_clear(&priv);
	str_clear(&pub);
	return r;
}

int
kept_new(const struct profile *p, const char *text, const struct key *key,
    const char *key_file, const char *out, struct kept *k, struct err *e)
{
	int r;

	if ((r = statement_parse("request", slice_str(text), &k->statement,
		 e)) != 0)
		return r;
	hash_hex(&k->statement.hash, k->id);
	if (path_joinf(&k->dir, "%s/requests/%s", p->dir, k->id) != 0)
		return err_nomem(e);
	if ((r = absolute(key_file, &k->key_file, e)) != 0 ||
	    (r = absolute(out, &k->out, e)) != 0 ||
	    (r = file_mkdirs(k->dir, 0700, e)) != 0)
		return r;
	if ((key == NULL || (r = write_key(k, key, e)) == 0) &&
	    (r = write_about(k, e)) == 0)
		r = write_in(k, "statement", text, strlen(text), 0600, e);
	if (r != 0)
		kept_remove(k);
	return r;
}

/* --- finding -------------------------------------------------------------- */

static int
read_in(const struct kept *k, const char *name, size_t max, char **text,
    size_t *n, struct err *e)
{
	char *path = NULL;
	int r;

	if ((r = kept_path(k, name, &path, e)) == 0)
		r = file_read(path, max, text, n, e);
	free(path);
	return r;
}

static int
read_statement(struct kept *k, struct err *e)
{
	char *text = NULL;
	size_t n = 0;
	int r;

	if ((r = read_in(k, "statement", STATEMENT_MAX, &text, &n, e)) == 0)
		r = statement_parse(k->id, slice_of(text, n), &k->statement, e);
	free(text);
	return r;
}

static int
read_about(struct kept *k, struct err *e)
{
	char *text = NULL;
	json_t *o = NULL;
	size_t n = 0;
	int r;

	if ((r = read_in(k, "about", ABOUT_MAX, &text, &n, e)) == 0 &&
	    (r = json_read(slice_of(text, n), ABOUT_MAX, &o, e)) == 0 &&
	    (r = json_strdup(o, "key_file", JSON_OPTIONAL, PATH_MAX,
		 &k->key_file, e)) == 0)
		r = json_strdup(o, "out", JSON_OPTIONAL, PATH_MAX, &k->out, e);
	json_decref(o);
	free(text);
	return r;
}

/* Not there yet, most often; one that cannot be read is as good as none. */
static void
read_cert(struct kept *k)
{
	struct buf *blob = NULL;
	char *text = NULL;
	size_t n = 0;

	if (read_in(k, "key-cert.pub", CERT_LINE_MAX, &text, &n, NULL) == 0 &&
	    buf_new(&blob, CERT_MAX) == 0)
		k->has_cert = cert_parse_line(text, n, blob, NULL) == 0 &&
		    cert_parse(buf_slice(blob), &k->cert, NULL) == 0;
	buf_free(blob);
	free(text);
}

static int
load(const struct profile *p, const char *id, struct kept *k, struct err *e)
{
	int r;

	if (path_joinf(&k->dir, "%s/requests/%s", p->dir, id) != 0)
		return err_nomem(e);
	memcpy(k->id, id, HASH_HEX);
	if ((r = read_statement(k, e)) != 0 || (r = read_about(k, e)) != 0)
		return r;
	read_cert(k);
	return 0;
}

static int
list_ids(const struct profile *p, struct strs *out, struct err *e)
{
	struct dirent *entry;
	char *path = NULL;
	DIR *d;
	int r;

	if ((r = profile_path(p, "requests", &path, e)) != 0)
		return r;
	d = opendir(path);
	while (d != NULL && r == 0 && (entry = readdir(d)) != NULL)
		if (strlen(entry->d_name) == HASH_HEX - 1 &&
		    kept_is_id(entry->d_name))
			r = strs_add(out, entry->d_name);
	if (d != NULL)
		(void)closedir(d);
	free(path);
	strs_sort(out);
	return r == 0 ? 0 : err_nomem(e);
}

int
kept_find(const struct profile *p, const char *id, struct kept *k,
    struct err *e)
{
	const char *found = NULL;
	struct strs ids = {0};
	char quoted[QUOTE_MAX];
	int r;

	if (!kept_is_id(id))
		return err_set(e, ERR_USAGE,
		    "%s is no ID, expected 8 hex digits or more of a request's",
		    str_quote(quoted, id));
	if ((r = list_ids(p, &ids, e)) != 0)
		goto out;
	for (size_t i = 0; i < ids.n; i++) {
		if (strncmp(ids.v[i], id, strlen(id)) != 0)
			continue;
		if (found != NULL) {
			r = err_set(e, ERR_USAGE,
			    "several requests begin with %s", id);
			goto out;
		}
		found = ids.v[i];
	}
	if (found == NULL)
		r = err_set(e, ERR_NOTFOUND,
		    "no request %s was made from this machine", id);
	else
		r = load(p, found, k, e);
out:
	strs_clear(&ids);
	return r;
}

int
kept_each(const struct profile *p, int (*each)(void *ctx, struct kept *k),
    void *ctx, struct err *e)
{
	struct strs ids = {0};
	int r;

	r = list_ids(p, &ids, e);
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct kept k;

		kept_init(&k);
		if (load(p, ids.v[i], &k, NULL) == 0)
			r = each(ctx, &k);
		kept_clear(&k);
	}
	strs_clear(&ids);
	return r;
}

/* --- taking away ---------------------------------------------------------- */

void
kept_remove(const struct kept *k)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = NULL;

		if (path_join(k->dir, names[i], &path) == 0)
			(void)unlink(path);
		free(path);
	}
	(void)rmdir(k->dir);
}

static int
clean_one(void *ctx, struct kept *k)
{
	const int64_t *now = ctx;

	if (k->has_cert ? k->cert.valid_before <= (uint64_t)*now
			: k->statement.at + UNANSWERED < *now)
		kept_remove(k);
	return 0;
}

void
kept_clean(const struct profile *p)
{
	int64_t now = clock_now();

	/* What cannot be taken away now is taken away another time. */
	(void)!kept_each(p, clean_one, &now, NULL);
}
