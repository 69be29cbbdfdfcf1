/* SPDX-License-Identifier: ISC */
/* MANIFEST: which files a bundle holds. */
#include "lib/trust/bundle.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_LEN (2 * HASH_LEN + 1 + 20 + 1 + MANIFEST_PATH_MAX)

static bool
is_path_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("._@+/-", c) != NULL);
}

/* Parts of clean bytes, none of them empty, "." or "..". */
static bool
is_path(const char *s)
{
	size_t n = 0, part = 0;

	for (; s[n] != '\0'; n++) {
		if (n == MANIFEST_PATH_MAX || !is_path_char(s[n]))
			return false;
		if (s[n] != '/')
			continue;
		if (n == part || (n == part + 1 && s[part] == '.') ||
		    (n == part + 2 && memcmp(s + part, "..", 2) == 0))
			return false;
		part = n + 1;
	}
	return n > part && strcmp(s + part, ".") != 0 &&
	    strcmp(s + part, "..") != 0;
}

int
manifest_of(const struct policy_files *files, struct str *out)
{
	struct str text = STR_INIT;
	struct hash h;
	int r = 0;

	if (files->n == 0)
		return ERR_PARSE;
	for (size_t i = 0; i < files->n && r == 0; i++) {
		const struct policy_file *f = &files->v[i];

		if (!is_path(f->path) ||
		    (i > 0 && strcmp(files->v[i - 1].path, f->path) >= 0))
			r = ERR_PARSE;
		hash_sha256(f->data, f->n, &h);
		str_add_hex(&text, h.b, sizeof(h.b));
		str_addf(&text, " %zu %s\n", f->n, f->path);
	}
	if (r == 0)
		r = str_check(&text);
	if (r == 0 && text.n > BUNDLE_MANIFEST_MAX)
		r = ERR_LIMIT;
	if (r == 0) {
		str_addn(out, text.p, text.n);
		r = str_check(out);
	}
	str_clear(&text);
	return r;
}

/* "<sha256 hex> <size> <path>", terminated; eats line. */
static int
parse_line(char *line, struct manifest_entry *out)
{
	char *size, *path;

	size = strchr(line, ' ');
	path = size != NULL ? strchr(size + 1, ' ') : NULL;
	if (path == NULL)
		return ERR_PARSE;
	*size++ = '\0';
	*path++ = '\0';
	if (hash_from_hex(line, &out->hash) != 0 ||
	    parse_u64(size, 0, POLICY_FILE_MAX, &out->size) != 0 ||
	    !is_path(path))
		return ERR_PARSE;
	out->path = str_dup(path);
	return out->path == NULL ? ERR_NOMEM : 0;
}

/* The next line, copied so that it ends in NUL.  rest moves past it. */
static int
next_line(struct slice *rest, char line[LINE_MAX_LEN + 1])
{
	const uint8_t *lf = memchr(rest->p, '\n', rest->n);
	size_t n;

	if (lf == NULL || (n = (size_t)(lf - rest->p)) > LINE_MAX_LEN ||
	    memchr(rest->p, '\0', n) != NULL)
		return ERR_PARSE;
	memcpy(line, rest->p, n);
	line[n] = '\0';
	*rest = slice_of(lf + 1, rest->n - n - 1);
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	const struct manifest_entry *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/* ERR_PARSE when a file is also a directory: "a" and "a/b". */
static int
check_directories(const struct manifest *m, struct err *e)
{
	char dir[MANIFEST_PATH_MAX + 1];
	struct manifest_entry key = {.path = dir};

	for (size_t i = 0; i < m->n; i++) {
		const char *path = m->v[i].path;

		for (const char *s = strchr(path, '/'); s != NULL;
		     s = strchr(s + 1, '/')) {
			memcpy(dir, path, (size_t)(s - path));
			dir[s - path] = '\0';
			if (bsearch(&key, m->v, m->n, sizeof(*m->v), by_path) !=
			    NULL)
				return err_set(e, ERR_PARSE,
				    "MANIFEST names %s and %s, expected a file "
				    "or a directory of that name",
				    dir, path);
		}
	}
	return 0;
}

int
manifest_parse(struct slice text, struct manifest *out, struct err *e)
{
	char line[LINE_MAX_LEN + 1];
	struct manifest m = {0};
	struct slice rest = text;
	int r = 0;

	if (text.n > BUNDLE_MANIFEST_MAX)
		return err_set(e, ERR_LIMIT,
		    "MANIFEST of %zu bytes, expected at most %d", text.n,
		    BUNDLE_MANIFEST_MAX);
	if (text.n == 0)
		return err_set(e, ERR_PARSE,
		    "MANIFEST is empty, expected at least one file");
	while (rest.n > 0 && r == 0) {
		if ((r = vec_grow(&m.v, m.n, &m.cap, POLICY_FILES_MAX)) != 0) {
			(void)err_set(e, r, "MANIFEST of %zu files: %s", m.n,
			    err_text(r));
			break;
		}
		m.v[m.n] = (struct manifest_entry){0};
		if ((r = next_line(&rest, line)) != 0 ||
		    (r = parse_line(line, &m.v[m.n])) != 0) {
			(void)err_set(e, r,
			    "MANIFEST:%zu: malformed line, expected HASH SIZE "
			    "PATH",
			    m.n + 1);
			break;
		}
		m.n++;
		if (m.n > 1 && by_path(&m.v[m.n - 2], &m.v[m.n - 1]) >= 0)
			r = err_set(e, ERR_PARSE,
			    "MANIFEST:%zu: not in order, expected paths sorted "
			    "and each once",
			    m.n);
	}
	if (r == 0)
		r = check_directories(&m, e);
	if (r != 0) {
		manifest_clear(&m);
		return r;
	}
	*out = m;
	return 0;
}

bool
manifest_fits(const struct manifest_entry *x, const struct policy_file *f)
{
	struct hash h;

	if (f->n != x->size)
		return false;
	hash_sha256(f->data, f->n, &h);
	return hash_equal(&h, &x->hash);
}

void
manifest_clear(struct manifest *m)
{
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].path);
	free(m->v);
	*m = (struct manifest){0};
}
