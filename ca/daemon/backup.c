/* SPDX-License-Identifier: ISC */
/*
 * writ-ca backup: what cannot be made again.
 *
 * Keys, configuration and policy are; journals and store are not, ever: an old
 * journal that comes back would sign what the log has already.  They are made
 * anew from the published log (writ-ca rebuild).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ca/daemon/admin.h"
#include "ca/daemon/backup.h"
#include "ca/common/config.h"
#include "ca/daemon/tar.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"

#define FILES_MAX 20000

const struct backup_place backup_places[BACKUP_PLACES] = {
    {"writ.yaml", false, false, true},
    {"notify.yaml", false, true, false},
    {"keys", true, true, false},
    {"policy", true, false, true},
    {"bundle", true, false, false},
    {"fleet", true, false, false},
};

struct backup {
	const char *dir;
	int64_t now;
	struct buf *b;
	size_t n;
};

/* Why a file is not in the archive, with what to do about it. */
static int
not_added(int r, const char *path, struct err *e)
{
	char quoted[QUOTE_MAX];

	if (r != ERR_PARSE)
		return err_set(e, r, "%s: %s", path, err_text(r));
	return err_set(e, ERR_DENIED,
	    "%s has a name that no backup can have, expected printable ASCII "
	    "without blanks",
	    str_quote(quoted, path));
}

static int
add_file(struct backup *w, const char *rel, bool secret, struct err *e)
{
	char *path = NULL, *text = NULL;
	size_t n = 0;
	int r;

	if (path_join(w->dir, rel, &path) != 0)
		return err_nomem(e);
	if (w->n++ >= FILES_MAX)
		r = err_set(e, ERR_LIMIT, "more than %d files", FILES_MAX);
	else if ((r = file_read(path, BACKUP_MAX, &text, &n, e)) == 0 &&
	    (r = tar_add(w->b, rel, secret ? 0600 : 0644, w->now,
		 slice_of(text, n))) != 0)
		r = not_added(r, path, e);
	if (text != NULL)
		mem_wipe(text, n);
	free(text);
	free(path);
	return r;
}

static int
by_name(const void *a, const void *b)
{
	char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Names in a directory, sorted, without temporaries and locks. */
static int
list(const char *path, struct strs *out, struct err *e)
{
	struct dirent *d;
	DIR *dir = opendir(path);
	int r = 0;

	if (dir == NULL)
		return err_sys(e, "%s", path);
	while (r == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && strcmp(d->d_name, "lock") != 0 &&
		    strs_add(out, d->d_name) != 0)
			r = err_nomem(e);
	closedir(dir);
	if (out->n > 1)
		qsort(out->v, out->n, sizeof(*out->v), by_name);
	return r;
}

static int
add_dir(struct backup *w, const char *rel, bool secret, unsigned depth,
    struct err *e)
{
	struct strs names = {0};
	char *path = NULL;
	int r;

	if (path_join(w->dir, rel, &path) != 0)
		return err_nomem(e);
	r = list(path, &names, e);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		char *below = NULL, *full = NULL;
		struct stat st;

		if (path_join(rel, names.v[i], &below) != 0 ||
		    path_join(w->dir, below, &full) != 0)
			r = err_nomem(e);
		else if (lstat(full, &st) != 0)
			r = err_sys(e, "%s", full);
		else if (S_ISREG(st.st_mode))
			r = add_file(w, below, secret, e);
		else if (S_ISDIR(st.st_mode) && depth < 8)
			r = add_dir(w, below, secret, depth + 1, e);
		else
			r = err_set(e, ERR_DENIED,
			    "%s is neither a file nor a directory: a backup "
			    "cannot have it",
			    full);
		free(below);
		free(full);
	}
	free(path);
	strs_clear(&names);
	return r;
}

static int
add_place(struct backup *w, const struct backup_place *p, struct err *e)
{
	char *path = NULL;
	bool there;

	if (path_join(w->dir, p->path, &path) != 0)
		return err_nomem(e);
	there = file_exists(path);
	free(path);
	if (!there && !p->needed)
		return 0;
	return p->directory ? add_dir(w, p->path, p->secret, 0, e)
			    : add_file(w, p->path, p->secret, e);
}

/* Below DIR, and so in one of the places? */
static bool
is_inside(const char *dir, const char *path)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/' &&
	    strncmp(path + n + 1, "keys/", 5) == 0;
}

static void
say_missing(const struct config *c)
{
	printf("Not in it: the log, the signer's journal, the store (made anew "
	       "by writ-ca rebuild)");
	for (size_t i = 0; i < c->n_keys; i++)
		if (c->keys[i].from[0] == '/' ||
		    strncmp(c->keys[i].from, "agent", 5) == 0)
			printf(";\nthe key of %s, which is in %s",
			    c->keys[i].name, c->keys[i].from);
	if (!is_inside(c->dir, c->service.transport) &&
	    file_exists(c->service.transport))
		printf(";\nthe transport key, which is %s",
		    c->service.transport);
	printf(";\nemergency/, which is a backup of its own.\n"
	       "It has private keys: keep it as you keep those.\n");
}

static int
write_backup(struct backup *w, const char *to, struct err *e)
{
	char when[CLOCK_TEXT];
	struct str mark = STR_INIT;
	int r;

	clock_format(w->now, when);
	str_addf(&mark,
	    BACKUP_MARK_LINE "made %s\nrestore: writ-ca restore FILE "
			     "-C DIR, then writ-ca rebuild -C DIR\n",
	    when);
	if (str_check(&mark) != 0 ||
	    tar_add(w->b, BACKUP_MARK, 0644, w->now,
		slice_of(mark.p, mark.n)) != 0)
		r = err_nomem(e);
	else
		r = 0;
	str_clear(&mark);
	for (size_t i = 0; i < BACKUP_PLACES && r == 0; i++)
		r = add_place(w, &backup_places[i], e);
	if (r == 0 && tar_end(w->b) != 0)
		r = err_nomem(e);
	if (r == 0)
		r = file_write(to, buf_slice(w->b).p, buf_len(w->b), 0600,
		    FILE_NEW, e);
	return r;
}

static int
run_backup(struct cli_args *a, struct err *e)
{
	struct backup w = {.dir = cli_dir(a), .now = clock_now()};
	struct config c;
	int r;

	config_init(&c);
	if ((r = config_load(w.dir, &c, e)) != 0)
		goto out;
	if (buf_new(&w.b, BACKUP_MAX) != 0) {
		r = err_nomem(e);
		goto out;
	}
	if ((r = write_backup(&w, cli_operand(a, 0), e)) == 0) {
		printf("%s: %zu %s of %s.\n", cli_operand(a, 0), w.n,
		    text_plural(w.n, "file", "files"), w.dir);
		say_missing(&c);
	}
out:
	buf_free(w.b);
	config_clear(&c);
	return r;
}

const struct cli_command cmd_backup = {.name = "backup",
    .operands = "FILE",
    .summary = "write keys, configuration and policy to a new archive",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_backup};
