/* SPDX-License-Identifier: ISC */
/*
 * writ-ca restore: a deployment of a backup, or nothing.
 *
 * All of it is written into DIR/restore.part first.  Then that is renamed to
 * DIR/restore.done, and what is in it moved to its places: whatever ends a
 * restore, what it leaves has one of these names, and by the name one knows
 * whether it is to be removed or to be moved on.  What was in DIR before is
 * never touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca/common/config.h"
#include "ca/daemon/admin.h"
#include "ca/daemon/backup.h"
#include "ca/daemon/tar.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"

#define PART "restore.part"
#define DONE "restore.done"

/* What a deployment has besides, empty. */
static const struct {
	const char *name;
	mode_t mode;
} rest[] = {{"keys", 0700}, {"signer", 0700}, {"log", 0755}};
#define N_REST (sizeof(rest) / sizeof(rest[0]))

/* --- the archive --- */

/* The place an archive's path belongs to; NULL: none. */
static const struct backup_place *
place_of(const char *path)
{
	for (size_t i = 0; i < BACKUP_PLACES; i++) {
		size_t n = strlen(backup_places[i].path);

		if (strncmp(path, backup_places[i].path, n) == 0 &&
		    path[n] == (backup_places[i].directory ? '/' : '\0'))
			return &backup_places[i];
	}
	return NULL;
}

/* Calls each() for every file, the mark apart, after it was checked. */
static int
each_file(struct slice archive, const char *dir,
    int (*each)(const char *dir, const struct tar_entry *t,
	const struct backup_place *p, struct err *e),
    size_t *n, struct err *e)
{
	struct view v = view_slice(archive);
	struct tar_entry t;
	int r;

	*n = 0;
	if ((r = tar_next(&v, &t, e)) < 0)
		return r;
	if (r == TAR_END || strcmp(t.path, BACKUP_MARK) != 0 ||
	    t.data.n < strlen(BACKUP_MARK_LINE) ||
	    memcmp(t.data.p, BACKUP_MARK_LINE, strlen(BACKUP_MARK_LINE)) != 0)
		return err_set(e, ERR_PARSE,
		    "an archive, but not one of writ-ca backup");
	while ((r = tar_next(&v, &t, e)) == 0) {
		const struct backup_place *p = place_of(t.path);

		if (p == NULL)
			return err_set(e, ERR_PARSE,
			    "'%s' is nothing that a backup has", t.path);
		if ((r = each(dir, &t, p, e)) != 0)
			return r;
		++*n;
	}
	return r == TAR_END ? 0 : r;
}

/* --- before anything is written --- */

static int
check_one(const char *dir, const struct tar_entry *t,
    const struct backup_place *p, struct err *e)
{
	char *path = NULL;
	struct stat st;
	int r = 0;

	/* The place as a whole: of two deployments nobody makes one. */
	(void)t;
	if (path_join(dir, p->path, &path) != 0)
		return err_nomem(e);
	if (lstat(path, &st) == 0)
		r = err_set(e, ERR_EXISTS,
		    "%s is there already; nothing was changed", path);
	else if (errno != ENOENT && errno != ENOTDIR)
		r = err_sys(e, "%s", path);
	free(path);
	return r;
}

/* A directory, or free. */
static int
check_rest(const char *dir, const char *name, struct err *e)
{
	char *path = NULL;
	struct stat st;
	int r = 0;

	if (path_join(dir, name, &path) != 0)
		return err_nomem(e);
	if (lstat(path, &st) == 0 &&
	    (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
		r = err_set(e, ERR_EXISTS,
		    "%s is there and no directory; nothing was changed", path);
	free(path);
	return r;
}

/* Nothing is there of a restore before. */
static int
check_left(const char *dir, struct err *e)
{
	static const char *const names[] = {PART, DONE};
	char *path = NULL;
	struct stat st;
	int r = 0;

	for (size_t i = 0; i < 2 && r == 0; i++) {
		if (path_join(dir, names[i], &path) != 0)
			return err_nomem(e);
		if (lstat(path, &st) == 0) {
			r = err_set(e, ERR_EXISTS,
			    "%s was left by a restore that did not end; "
			    "nothing was changed",
			    path);
			if (i == 0)
				err_hint(e, "rm -r %s", path);
			else
				err_hint(e,
				    "move what is in it to %s, as that restore "
				    "would have",
				    dir);
		}
		free(path);
		path = NULL;
	}
	return r;
}

/* --- writing, moving --- */

static int
write_one(const char *dir, const struct tar_entry *t,
    const struct backup_place *p, struct err *e)
{
	char *path = NULL, *slash;
	int r;

	if (path_join(dir, t->path, &path) != 0)
		return err_nomem(e);
	slash = strrchr(path, '/');
	*slash = '\0';
	r = file_mkdirs(path, p->directory && p->secret ? 0700 : 0755, e);
	*slash = '/';
	/* What was 0600 stays so; nothing else of a mode is taken. */
	if (r == 0)
		r = file_write(path, t->data.p, t->data.n,
		    p->secret || (t->mode & 077) == 0 ? 0600 : 0644, FILE_NEW,
		    e);
	free(path);
	return r;
}

/* In the part, where DIR has none. */
static int
make_rest(const char *dir, const char *part, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < N_REST && r == 0; i++) {
		char *there = NULL, *path = NULL;

		if (path_join(dir, rest[i].name, &there) != 0 ||
		    path_join(part, rest[i].name, &path) != 0)
			r = err_nomem(e);
		else if (!file_exists(there))
			r = file_mkdirs(path, rest[i].mode, e);
		free(there);
		free(path);
	}
	return r;
}

/* What is moved, writ.yaml last: without it there is no deployment. */
static const char *
name_of(size_t i)
{
	if (i < N_REST)
		return rest[i].name;
	i = BACKUP_PLACES + N_REST - 1 - i;
	return backup_places[i].path;
}

/* 0, or 1 where there is no such thing to move. */
static int
move_one(const char *from, const char *to, const char *name, struct err *e)
{
	char *a = NULL, *b = NULL;
	int r = 0;

	if (path_join(from, name, &a) != 0 || path_join(to, name, &b) != 0)
		r = err_nomem(e);
	else if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE) != 0)
		r = errno == ENOENT ? 1 : err_sys(e, "move %s to %s", a, b);
	free(a);
	free(b);
	return r;
}

/* On failure, *back: all of it is in `from` again. */
static int
move_all(const char *from, const char *dir, bool *back, struct err *e)
{
	bool moved[N_REST + BACKUP_PLACES] = {false};
	size_t i;
	int r = 0;

	for (i = 0; i < N_REST + BACKUP_PLACES && r >= 0; i++) {
		r = move_one(from, dir, name_of(i), e);
		moved[i] = r == 0;
	}
	if (r >= 0)
		return file_sync_dir(dir, e);
	while (i-- > 0 && *back)
		*back = !moved[i] || move_one(dir, from, name_of(i), NULL) == 0;
	return r;
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

/* A failure was told before: it remains the one that is. */
static void
remove_tree(const char *path, struct err *e)
{
	if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) != 0 &&
	    errno != ENOENT)
		err_hint(e, "rm -r %s", path);
}

/* Into `part`, and from there to where it belongs.  On failure nothing is left,
 * or a hint says what to do about it. */
static int
put_in_place(const char *dir, const char *part, const char *done,
    struct slice archive, size_t *n, struct err *e)
{
	bool back = true;
	int r;

	if (mkdir(part, 0700) != 0)
		return err_sys(e, "make %s", part);
	if ((r = each_file(archive, part, write_one, n, e)) == 0 &&
	    (r = make_rest(dir, part, e)) == 0) {
		if (rename(part, done) != 0)
			r = err_sys(e, "rename %s to %s", part, done);
		else if ((r = move_all(done, dir, &back, e)) == 0)
			return rmdir(done) == 0 ? 0
						: err_sys(e, "remove %s", done);
		else if (!back || rename(done, part) != 0) {
			err_hint(e, "move what is in %s to %s", done, dir);
			return r;
		}
	}
	remove_tree(part, e);
	return r;
}

static int
restore(const char *dir, struct slice archive, size_t *n, struct err *e)
{
	char *part = NULL, *done = NULL;
	struct stat st;
	bool made = lstat(dir, &st) != 0;
	int r;

	if (path_join(dir, PART, &part) != 0 ||
	    path_join(dir, DONE, &done) != 0) {
		r = err_nomem(e);
		goto out;
	}
	/* All of it is looked at before anything is written. */
	if ((r = check_left(dir, e)) != 0 ||
	    (r = each_file(archive, dir, check_one, n, e)) != 0)
		goto out;
	for (size_t i = 0; i < N_REST && r == 0; i++)
		r = check_rest(dir, rest[i].name, e);
	if (r == 0 && (r = file_mkdirs(dir, 0755, e)) == 0 &&
	    (r = put_in_place(dir, part, done, archive, n, e)) != 0 && made)
		(void)rmdir(dir);
out:
	free(part);
	free(done);
	return r;
}

/* Where the log is to come from, by the configuration that came back. */
static void
say_next(const char *dir)
{
	struct config c;
	struct err e = {0};

	config_init(&c);
	if (config_load(dir, &c, &e) != 0)
		printf("writ.yaml has to be mended first: %s\n", e.msg);
	else if (strncmp(c.home.log, "s3://", 5) == 0)
		printf("Next: writ-ca rebuild -C %s\n", dir);
	else if (c.home.copies.n > 0)
		printf("Next: writ-ca rebuild -C %s --from %s\n", dir,
		    c.home.copies.v[0]);
	else
		printf("Next: bring a copy of the log, then\n"
		       "  writ-ca rebuild -C %s --from dir:PATH-OF-THE-COPY\n",
		    dir);
	printf("Then: writ-ca check -C %s\n", dir);
	config_clear(&c);
}

static int
run_restore(struct cli_args *a, struct err *e)
{
	const char *dir = cli_dir(a), *from = cli_operand(a, 0);
	char *text = NULL;
	size_t len = 0, n = 0;
	int r;

	if ((r = file_read(from, BACKUP_MAX, &text, &len, e)) != 0)
		return r;
	if ((r = restore(dir, slice_of(text, len), &n, e)) == 0) {
		printf("%s: %zu %s restored.\n", dir, n,
		    text_plural(n, "file", "files"));
		say_next(dir);
	} else if (r == ERR_PARSE) {
		err_prefix(e, "%s", from);
	}
	mem_wipe(text, len);
	free(text);
	return r;
}

const struct cli_command cmd_restore = {.name = "restore",
    .operands = "FILE",
    .summary = "make a deployment of a backup",
    .min_operands = 1,
    .max_operands = 1,
    .run = run_restore};
