/* SPDX-License-Identifier: ISC */
#include "agent/states/sshd_tree.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "lib/base/file.h"

void
sshd_tree_clear(struct sshd_tree *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].name);
		free(t->v[i].rest);
		strs_clear(&t->v[i].args);
	}
	for (size_t i = 0; i < t->n_matches; i++)
		strs_clear(&t->matches[i].when);
	free(t->v);
	free(t->matches);
	strs_clear(&t->files);
	strs_clear(&t->linked);
	strs_clear(&t->unread);
	free(t->text);
	free(t->odd);
	*t = (struct sshd_tree){0};
}

/* Where the reader is. */
struct reader {
	struct host *h;
	struct sshd_tree *t;
	struct err *e;
	const char *own;
	unsigned depth;
};

static int read_file(struct reader *rd, const char *path, size_t match);

static int
unread(struct reader *rd, const char *path, const char *why)
{
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "%s: %s", path, why);
	if ((r = str_check(&s)) == 0)
		r = strs_add(&rd->t->unread, s.p);
	str_clear(&s);
	return r;
}

static int read_matching(struct reader *rd, const char *dir,
    const char *pattern, size_t match);

/* One name of dir that fits the first part of a pattern; rest is the others. */
static int
read_name(struct reader *rd, const char *dir, const char *name,
    const char *rest, size_t match)
{
	char *path;
	int r;

	if (path_join(dir, name, &path) != 0)
		return ERR_NOMEM;
	r = rest[0] == '\0' ? read_file(rd, path, match)
			    : read_matching(rd, path, rest, match);
	free(path);
	return r;
}

/* The drop-in is among the names of its directory even while it is not. */
static int
add_own(struct reader *rd, const char *dir, struct strs *names)
{
	size_t n = strlen(dir);
	int r;

	if (strncmp(rd->own, dir, n) != 0 || rd->own[n] != '/' ||
	    strchr(rd->own + n + 1, '/') != NULL ||
	    strs_has(names, rd->own + n + 1))
		return 0;
	if ((r = strs_add(names, rd->own + n + 1)) == 0)
		strs_sort(names);
	return r;
}

/* As glob(3), in order of bytes, as sshd does it.  pattern is below dir. */
static int
read_matching(struct reader *rd, const char *dir, const char *pattern,
    size_t match)
{
	size_t n = strcspn(pattern, "/");
	const char *rest = pattern + n + strspn(pattern + n, "/");
	struct strs names = {0};
	char *part;
	int r;

	if ((part = str_dupn(pattern, n)) == NULL)
		return ERR_NOMEM;
	if (strpbrk(part, "*?[") == NULL) {
		r = read_name(rd, dir, part, rest, match);
		free(part);
		return r;
	}
	r = host_list(rd->h, dir, &names, NULL);
	if (r == ERR_NOTFOUND)
		r = 0;
	else if (r == ERR_DENIED || r == ERR_SYS)
		r = unread(rd, dir, "cannot be listed");
	if (r == 0)
		r = add_own(rd, dir, &names);
	for (size_t i = 0; r == 0 && i < names.n; i++)
		if (fnmatch(part, names.v[i], FNM_PERIOD) == 0)
			r = read_name(rd, dir, names.v[i], rest, match);
	strs_clear(&names);
	free(part);
	return r;
}

static int
read_include(struct reader *rd, const char *pattern, size_t match)
{
	struct str s = STR_INIT;
	int r;

	if (*pattern != '/')
		str_add(&s, "/etc/ssh/");
	str_add(&s, pattern);
	if ((r = str_check(&s)) == 0)
		r = read_matching(rd, "/", s.p + strspn(s.p, "/"), match);
	str_clear(&s);
	return r;
}

/* l's memory moves to the entry. */
static int
add_entry(struct reader *rd, const char *file, struct sshd_config_line *l,
    size_t match)
{
	struct sshd_tree *t = rd->t;
	int r;

	if ((r = vec_grow(&t->v, t->n, &t->cap, SSHD_ENTRIES_MAX)) != 0)
		return r;
	t->v[t->n++] = (struct sshd_entry){
	    .file = file,
	    .line = l->line,
	    .word = sshd_word(l->word),
	    .name = l->word,
	    .args = l->args,
	    .rest = l->rest,
	    .match = match,
	};
	l->word = l->rest = NULL;
	l->args = (struct strs){0};
	return 0;
}

static int
add_match(struct reader *rd, const char *file, struct sshd_config_line *l,
    size_t outer, size_t *out)
{
	struct sshd_tree *t = rd->t;
	int r;

	if ((r = vec_grow(&t->matches, t->n_matches, &t->cap_matches,
		 SSHD_MATCHES_MAX)) != 0)
		return r;
	t->matches[t->n_matches++] = (struct sshd_match){
	    .file = file,
	    .line = l->line,
	    .when = l->args,
	    .outer = outer,
	};
	l->args = (struct strs){0};
	*out = t->n_matches;
	return 0;
}

static int
read_lines(struct reader *rd, const char *file, struct sshd_lines *lines,
    size_t outer)
{
	size_t match = outer;
	int r = 0;

	for (size_t i = 0; r == 0 && i < lines->n; i++) {
		struct sshd_config_line *l = &lines->v[i];

		if (strcasecmp(l->word, "Match") == 0)
			r = add_match(rd, file, l, outer, &match);
		else if (strcasecmp(l->word, "Include") != 0)
			r = add_entry(rd, file, l, match);
		else
			for (size_t j = 0; r == 0 && j < l->args.n; j++)
				r = read_include(rd, l->args.v[j], match);
	}
	return r;
}

static int
keep_main(struct reader *rd, char **text, size_t n,
    const struct sshd_lines *lines)
{
	rd->t->text = *text;
	rd->t->text_n = n;
	rd->t->first = lines->n > 0 ? lines->v[0].offset : n;
	*text = NULL;
	return 0;
}

/*
 * What an Include leads to, as host_read(): sshd follows a link, and so do we where
 * it is root's; a directory has no line for it.  The main file is the one we may
 * have to change, so it has to be where it is said to be.
 */
static int
read_text(struct reader *rd, const char *path, char **text, size_t *n,
    struct err *why)
{
	char real[HOST_PATH_MAX + 1];
	struct host_stat st;
	int r = host_read(rd->h, path, HOST_FILE_MAX, text, n, why);

	if (r != ERR_DENIED || rd->depth == 0 ||
	    host_resolve(rd->h, path, true, real, NULL) != 0 ||
	    host_stat(rd->h, real, &st, NULL) != 0)
		return r;
	if (S_ISDIR(st.mode))
		return ERR_NOTFOUND;
	if (strcmp(real, path) == 0)
		return r;
	if ((r = host_read(rd->h, real, HOST_FILE_MAX, text, n, why)) != 0 ||
	    (r = strs_add(&rd->t->linked, real)) == 0)
		return r;
	free(*text);
	*text = NULL;
	return err_nomem(why);
}

static int
read_file(struct reader *rd, const char *path, size_t match)
{
	struct sshd_lines lines = {0};
	struct err why = {0};
	char *text = NULL;
	size_t n;
	int r;

	if (rd->depth >= SSHD_DEPTH_MAX || rd->t->files.n >= SSHD_FILES_MAX)
		return err_set(rd->e, ERR_LIMIT,
		    "%s: expected at most %d files, included %d deep", path,
		    SSHD_FILES_MAX, SSHD_DEPTH_MAX);
	if (strcmp(path, rd->own) == 0 && match != 0)
		rd->t->own_nested = match;
	if (strcmp(path, rd->own) == 0 && match == 0 &&
	    rd->t->own_times++ == 0) {
		rd->t->own_entries = rd->t->n;
		rd->t->own_matches = rd->t->n_matches;
	}
	r = read_text(rd, path, &text, &n, &why);
	if (r == ERR_NOTFOUND && strcmp(path, SSHD_MAIN) == 0)
		rd->t->absent = true;
	if (r == ERR_NOTFOUND)
		return 0;
	if ((r == ERR_DENIED || r == ERR_LIMIT) && rd->depth == 0)
		return (rd->t->odd = str_dup(why.msg)) != NULL ? 0 : ERR_NOMEM;
	if (r == ERR_DENIED || r == ERR_LIMIT)
		return unread(rd, path, why.msg);
	if (r != 0)
		return err_set(rd->e, r, "%s", why.msg);
	if ((r = strs_add(&rd->t->files, path)) == 0 &&
	    (r = sshd_lines_parse(path, slice_of(text, n), &lines, rd->e)) ==
		0) {
		const char *file = rd->t->files.v[rd->t->files.n - 1];

		if (rd->depth == 0)
			r = keep_main(rd, &text, n, &lines);
		rd->depth++;
		if (r == 0)
			r = read_lines(rd, file, &lines, match);
		rd->depth--;
	}
	sshd_lines_clear(&lines);
	free(text);
	return r;
}

int
sshd_tree_read(struct host *h, const char *own, struct sshd_tree *out,
    struct err *e)
{
	struct sshd_tree t = {0};
	struct err why = {0};
	struct reader rd = {.h = h, .t = &t, .e = &why, .own = own};
	int r;

	if ((r = read_file(&rd, SSHD_MAIN, 0)) != 0) {
		sshd_tree_clear(&t);
		if (why.code == r)
			return err_set(e, r, "%s", why.msg);
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, r,
			  "%s: more than %d lines or %d Match blocks in all",
			  SSHD_MAIN, SSHD_ENTRIES_MAX, SSHD_MATCHES_MAX);
	}
	*out = t;
	return 0;
}
