/* SPDX-License-Identifier: ISC */
#include "tests/unit/fakehost.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define RECORDS_MAX 512

struct record {
	char *command; /* NULL: handler, of program */
	char *program;
	int status;
	char *out, *err_text;
	fakehost_handler *handler;
	void *arg;
};

struct fakehost {
	char root[TMPDIR_MAX];
	struct host *host;
	struct record records[RECORDS_MAX];
	size_t n_records;
	struct strs ran;
	char *input, *text;
	int64_t now;
	unsigned calls, fail_at;
	bool die, failed;
};

static char *
at(const struct fakehost *f, const char *path)
{
	char *out;

	if (path[0] != '/')
		fail_msg("fakehost: %s is not absolute", path);
	assert_int_equal(path_joinf(&out, "%s%s", f->root, path), 0);
	return out;
}

/* The directories that lead to path, which is on disk. */
static void
make_parents(const struct fakehost *f, char *path)
{
	for (char *p = path + strlen(f->root) + 1; (p = strchr(p, '/')) != NULL;
	     p++) {
		*p = '\0';
		if (mkdir(path, 0755) == 0)
			assert_int_equal(chmod(path, 0755), 0);
		else if (errno != EEXIST)
			fail_msg("fakehost: %s: %s", path, strerror(errno));
		*p = '/';
	}
}

void
fakehost_file(struct fakehost *f, const char *path, mode_t mode,
    const char *text)
{
	char *p = at(f, path);
	struct err e = {0};

	make_parents(f, p);
	if (file_write(p, text, strlen(text), mode, FILE_NOSYNC, &e) != 0)
		fail_msg("fakehost: %s", e.msg);
	free(p);
}

void
fakehost_dir(struct fakehost *f, const char *path, mode_t mode)
{
	char *p = at(f, path);

	make_parents(f, p);
	if ((mkdir(p, mode) != 0 && errno != EEXIST) || chmod(p, mode) != 0)
		fail_msg("fakehost: %s: %s", p, strerror(errno));
	free(p);
}

void
fakehost_link(struct fakehost *f, const char *path, const char *target)
{
	char *p = at(f, path);

	make_parents(f, p);
	if (symlink(target, p) != 0)
		fail_msg("fakehost: %s: %s", p, strerror(errno));
	free(p);
}

void
fakehost_remove(struct fakehost *f, const char *path)
{
	char *p = at(f, path);

	(void)tmpdir_remove(p);
	free(p);
}

const char *
fakehost_text(struct fakehost *f, const char *path)
{
	char *p = at(f, path);
	struct err e = {0};
	size_t n;
	int r;

	free(f->text);
	f->text = NULL;
	r = file_read(p, HOST_FILE_MAX, &f->text, &n, &e);
	if (r != 0 && r != ERR_NOTFOUND)
		fail_msg("fakehost: %s", e.msg);
	free(p);
	return f->text;
}

static void dump_tree(const char *root, const char *path, struct str *out);

static void
dump_one(const char *root, const char *path, struct str *out)
{
	char target[HOST_PATH_MAX + 1], *text;
	struct stat st;
	ssize_t n;
	size_t len;

	assert_int_equal(lstat(path, &st), 0);
	str_addf(out, "%06o %u:%u %s", (unsigned)st.st_mode,
	    (unsigned)st.st_uid, (unsigned)st.st_gid, path + strlen(root));
	if (S_ISLNK(st.st_mode)) {
		n = readlink(path, target, sizeof(target) - 1);
		assert_true(n >= 0);
		str_addf(out, " -> %.*s", (int)n, target);
	} else if (S_ISREG(st.st_mode)) {
		assert_int_equal(file_read(path, HOST_FILE_MAX * 2, &text, &len,
				     NULL),
		    0);
		str_addf(out, " %zu:", len);
		str_addn(out, text, len);
		free(text);
	}
	str_addc(out, '\n');
	if (S_ISDIR(st.st_mode))
		dump_tree(root, path, out);
}

static void
dump_tree(const char *root, const char *path, struct str *out)
{
	struct strs names = {0};
	struct dirent *d;
	char *sub;
	DIR *dir;

	assert_non_null(path);
	if ((dir = opendir(path)) == NULL) {
		fail();
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			assert_int_equal(strs_add(&names, d->d_name), 0);
	(void)closedir(dir);
	strs_sort(&names);
	for (size_t i = 0; i < names.n; i++) {
		assert_int_equal(path_join(path, names.v[i], &sub), 0);
		dump_one(root, sub, out);
		free(sub);
	}
	strs_clear(&names);
}

char *
fakehost_dump(struct fakehost *f)
{
	struct str s = STR_INIT;
	char *out;

	dump_tree(f->root, f->root, &s);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static int
before(void *ctx, const char *call, const char *what, struct err *e)
{
	struct fakehost *f = ctx;

	f->calls++;
	if (f->fail_at == 0 || f->calls != f->fail_at)
		return 0;
	if (f->die)
		_exit(97);
	f->failed = true;
	return err_set(e, ERR_SYS, "%s %s: a fault of the test", call, what);
}

/* What follows is also called with allocations failing: no assertions. */
static int
joined(const char *const *argv, char **out)
{
	struct str s = STR_INIT;

	for (size_t i = 0; argv[i] != NULL; i++)
		str_addf(&s, "%s%s", i > 0 ? " " : "", argv[i]);
	return str_take(&s, out);
}

static int
note_run(struct fakehost *f, const char *command, struct slice in)
{
	free(f->input);
	f->input = str_dupn(in.p, in.n);
	return f->input != NULL ? strs_add(&f->ran, command) : ERR_NOMEM;
}

/* The latest record of the command, else the latest handler of the program;
 * *known: there is one of the program. */
static const struct record *
find(const struct fakehost *f, const char *command, const char *program,
    bool *known)
{
	const struct record *handler = NULL;

	*known = false;
	for (size_t i = f->n_records; i-- > 0;) {
		const struct record *r = &f->records[i];

		if (strcmp(r->program, program) != 0)
			continue;
		*known = true;
		if (r->command != NULL && strcmp(r->command, command) == 0)
			return r;
		if (r->handler != NULL && handler == NULL)
			handler = r;
	}
	return handler;
}

static int
answer(struct fakehost_answer *a, struct child_result *out)
{
	char *text = NULL, *err_text = NULL;
	size_t n = a->out.n;

	if (str_take(&a->out, &text) != 0 ||
	    str_take(&a->err_text, &err_text) != 0) {
		free(text);
		str_clear(&a->err_text);
		return ERR_NOMEM;
	}
	out->status = a->status;
	out->out = text;
	out->out_len = n;
	out->err_text = err_text;
	return 0;
}

static int
run(void *ctx, const struct child_run *how, struct child_result *out,
    struct err *e)
{
	struct fakehost_answer a = {0, STR_INIT, STR_INIT};
	struct fakehost *f = ctx;
	const struct record *r;
	char *command = NULL;
	bool known;
	int res;

	if ((res = joined(how->argv, &command)) != 0 ||
	    (res = note_run(f, command, how->in)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	r = find(f, command, how->argv[0], &known);
	if (r == NULL && known)
		fail_msg("fakehost: no record of \"%s\"", command);
	if (r == NULL) {
		res = err_set(e, ERR_NOTFOUND, "no program '%s'", how->argv[0]);
		goto out;
	}
	if (r->handler != NULL) {
		alloc_hold(true);
		r->handler(f, command, how->in, &a, r->arg);
		alloc_hold(false);
	} else {
		a.status = r->status;
		str_add(&a.out, r->out);
		str_add(&a.err_text, r->err_text);
	}
	if ((res = answer(&a, out)) != 0)
		(void)err_nomem(e);
out:
	free(command);
	return res;
}

static int
remount(void *ctx, const char *path, uint64_t set, uint64_t clear,
    struct err *e)
{
	struct fakehost *f = ctx;
	char *line = NULL;
	int r;

	if ((r = path_joinf(&line, "remount %s %" PRIx64 " %" PRIx64, path, set,
		 clear)) != 0 ||
	    (r = strs_add(&f->ran, line)) != 0)
		(void)err_nomem(e);
	free(line);
	return r;
}

static int64_t
now(void *ctx)
{
	return ((struct fakehost *)ctx)->now;
}

static const struct host_ops ops = {
    .run = run,
    .remount = remount,
    .now = now,
    .before = before,
};

struct fakehost *
fakehost_new(void)
{
	struct fakehost *f = calloc(1, sizeof(*f));
	struct err e = {0};

	assert_non_null(f);
	tmpdir_make(f->root, "host");
	assert_int_equal(chmod(f->root, 0755), 0);
	f->now = FAKEHOST_NOW;
	if (host_open_at(f->root, &ops, f, &f->host, &e) != 0)
		fail_msg("fakehost: %s", e.msg);
	return f;
}

void
fakehost_free(struct fakehost *f)
{
	if (f == NULL)
		return;
	host_close(f->host);
	(void)tmpdir_remove(f->root);
	for (size_t i = 0; i < f->n_records; i++) {
		free(f->records[i].command);
		free(f->records[i].program);
		free(f->records[i].out);
		free(f->records[i].err_text);
	}
	strs_clear(&f->ran);
	free(f->input);
	free(f->text);
	free(f);
}

struct host *
fakehost_host(struct fakehost *f)
{
	return f->host;
}

/* A new record of a program, which is there from now on. */
static struct record *
record(struct fakehost *f, const char *program, size_t n)
{
	struct record *r = &f->records[f->n_records];
	char *path;

	if (f->n_records == RECORDS_MAX)
		fail_msg("fakehost: more than %d records", RECORDS_MAX);
	f->n_records++;
	r->program = str_dupn(program, n);
	assert_non_null(r->program);
	assert_int_equal(path_joinf(&path, "/usr/sbin/%s", r->program), 0);
	if (!host_has(f->host, r->program))
		fakehost_file(f, path, 0755, "");
	free(path);
	return r;
}

void
fakehost_command(struct fakehost *f, const char *command, int status,
    const char *out, const char *err_text)
{
	struct record *r = record(f, command, strcspn(command, " "));

	r->command = str_dup(command);
	r->status = status;
	r->out = str_dup(out);
	r->err_text = str_dup(err_text);
	assert_true(r->command != NULL && r->out != NULL &&
	    r->err_text != NULL);
}

void
fakehost_on(struct fakehost *f, const char *program, fakehost_handler *handler,
    void *arg)
{
	struct record *r = record(f, program, strlen(program));

	r->handler = handler;
	r->arg = arg;
}

const struct strs *
fakehost_ran(const struct fakehost *f)
{
	return &f->ran;
}

bool
fakehost_has_run(const struct fakehost *f, const char *command)
{
	return strs_has(&f->ran, command);
}

const char *
fakehost_input(const struct fakehost *f)
{
	return f->input != NULL ? f->input : "";
}

void
fakehost_forget_ran(struct fakehost *f)
{
	strs_clear(&f->ran);
}

void
fakehost_time(struct fakehost *f, int64_t now_)
{
	f->now = now_;
}

static void
arm(struct fakehost *f, unsigned n, bool die)
{
	f->calls = 0;
	f->fail_at = n;
	f->die = die;
	f->failed = false;
}

void
fakehost_fail_nth(struct fakehost *f, unsigned n)
{
	arm(f, n, false);
}

void
fakehost_die_nth(struct fakehost *f, unsigned n)
{
	arm(f, n, true);
}

unsigned
fakehost_calls(const struct fakehost *f)
{
	return f->calls;
}

bool
fakehost_failed(const struct fakehost *f)
{
	return f->failed;
}
