/* SPDX-License-Identifier: ISC */
#include "agent/states/host_write.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/states/host_view.h"
#include "lib/base/file.h"
#include "tests/unit/fakehost.h"

static int
setup(void **state)
{
	*state = fakehost_new();
	return 0;
}

static int
teardown(void **state)
{
	fakehost_free(*state);
	return 0;
}

static char *
on_disk(struct fakehost *f, const char *path)
{
	char *out;

	assert_int_equal(path_joinf(&out, "%s%s", host_root(fakehost_host(f)),
			     path),
	    0);
	return out;
}

static void
write_ok(struct fakehost *f, const char *path, const char *text, mode_t mode)
{
	const struct host_file file = {.data = slice_str(text), .mode = mode};
	struct err e = {0};

	if (host_put(fakehost_host(f), path, &file, &e) != 0 ||
	    host_commit(fakehost_host(f), path, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
a_file_is_live_when_it_is_whole(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	const struct host_file file = {.data = slice_str("new"), .mode = 04751};
	struct strs names = {0};
	struct host_stat st;
	mode_t old = umask(077);

	fakehost_file(f, "/etc/x", 0600, "old");
	assert_int_equal(host_put(h, "/etc/x", &file, NULL), 0);
	assert_string_equal(fakehost_text(f, "/etc/x"), "old");
	assert_int_equal(host_commit(h, "/etc/x", NULL), 0);
	(void)umask(old);
	assert_string_equal(fakehost_text(f, "/etc/x"), "new");
	assert_int_equal(host_stat(h, "/etc/x", &st, NULL), 0);
	assert_int_equal(st.mode, S_IFREG | 04751);
	assert_int_equal(host_forget(h, "/etc/x", NULL), 0);
	assert_int_equal(host_list(h, "/etc", &names, NULL), 0);
	assert_int_equal(names.n, 1); /* nothing beside it */
	strs_clear(&names);
}

static void
the_old_file_comes_back_as_it_was(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct host_stat was, is;
	struct err e = {0};

	fakehost_file(f, "/etc/x", 0600, "old");
	assert_int_equal(host_stat(h, "/etc/x", &was, NULL), 0);
	write_ok(f, "/etc/x", "new", 0644);
	assert_int_equal(host_revert(h, "/etc/x", &e), 0);
	assert_int_equal(host_stat(h, "/etc/x", &is, NULL), 0);
	assert_int_equal(was.ino, is.ino);
	assert_string_equal(fakehost_text(f, "/etc/x"), "old");
	assert_int_equal(host_revert(h, "/etc/x", &e), ERR_NOTFOUND);

	assert_int_equal(host_unlink(h, "/etc/x", &e), 0);
	assert_null(fakehost_text(f, "/etc/x"));
	assert_int_equal(host_revert(h, "/etc/x", &e), 0);
	assert_string_equal(fakehost_text(f, "/etc/x"), "old");
}

static void
what_is_no_file_is_not_written(void **state)
{
	static const char *const bad[] = {
	    "/etc/link", "/etc/dir", "/etc/dangling", "/foreign/x"};
	const struct host_file file = {.data = slice_str("x"), .mode = 0644};
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	char *before, *after, *path;
	struct err e = {0};

	fakehost_file(f, "/etc/target", 0644, "target");
	fakehost_link(f, "/etc/link", "target");
	fakehost_link(f, "/etc/dangling", "nothing");
	fakehost_dir(f, "/etc/dir", 0755);
	fakehost_dir(f, "/elsewhere", 0755);
	fakehost_link(f, "/foreign", "elsewhere");
	path = on_disk(f, "/foreign");
	if (geteuid() == 0)
		assert_int_equal(lchown(path, 4242, 4242), 0);
	free(path);
	before = fakehost_dump(f);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (geteuid() != 0 && i == 3)
			continue;
		assert_int_equal(host_writable(h, bad[i], 1, &e), ERR_DENIED);
		if (host_put(h, bad[i], &file, &e) == 0) {
			assert_int_equal(host_commit(h, bad[i], &e),
			    ERR_DENIED);
			assert_int_equal(host_unlink(h, bad[i], &e),
			    ERR_DENIED);
		}
		assert_int_equal(i == 3 ? 0 : host_unput(h, bad[i], &e), 0);
	}
	after = fakehost_dump(f);
	assert_string_equal(before, after);
	free(before);
	free(after);
}

/* An attribute of the kind that file systems let users have. */
static void
attributes_follow_the_rules(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct host_xattrs x = {0}, none = {0};
	struct host_file file = {.data = slice_str("new"), .mode = 0644};
	char *path;

	fakehost_file(f, "/etc/x", 0600, "old");
	path = on_disk(f, "/etc/x");
	if (setxattr(path, "user.note", "kept", 4, 0) != 0) {
		free(path);
		skip();
		return;
	}
	assert_int_equal(host_xattrs(h, "/etc/x", &x, NULL), 0);
	assert_int_equal(x.n, 1);
	assert_string_equal(x.v[0].name, "user.note");
	/* A policy's file is what the policy says; an undo brings all back. */
	write_ok(f, "/etc/x", "new", 0644);
	assert_int_equal(host_xattrs(h, "/etc/x", &none, NULL), 0);
	assert_int_equal(none.n, 0);
	file.xattrs = &x;
	assert_int_equal(host_put(h, "/etc/x", &file, NULL), 0);
	assert_int_equal(host_commit(h, "/etc/x", NULL), 0);
	assert_int_equal(getxattr(path, "user.note", NULL, 0), 4);
	free(path);
	host_xattrs_clear(&x);
	host_xattrs_clear(&none);
}

static void
what_stands_in_the_way_is_named(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct err e = {0};
	char *path;
	int fd, flags = FS_IMMUTABLE_FL, no = 0;

	fakehost_file(f, "/etc/x", 0600, "old");
	assert_int_equal(host_writable(h, "/etc/x", 100, &e), 0);
	assert_int_equal(host_writable(h, "/none/at/all", 100, &e), 0);
	assert_int_equal(host_writable(h, "/etc/x", UINT64_C(1) << 60, &e),
	    ERR_LIMIT);
	assert_non_null(strstr(e.msg, "no room"));
	path = on_disk(f, "/etc/x");
	fd = open(path, O_RDONLY);
	free(path);
	assert_true(fd != -1);
	if (geteuid() != 0 || ioctl(fd, FS_IOC_SETFLAGS, &flags) != 0) {
		(void)close(fd);
		skip();
		return;
	}
	assert_int_equal(host_writable(h, "/etc/x", 100, &e), ERR_DENIED);
	assert_int_equal(ioctl(fd, FS_IOC_SETFLAGS, &no), 0);
	(void)close(fd);
	assert_non_null(strstr(e.msg, "/etc/x is immutable"));
	assert_non_null(strstr(e.hint, "chattr -i"));
}

static void
directories_are_roots_and_go_when_empty(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct host_stat st;
	mode_t old = umask(077);

	assert_int_equal(host_mkdir(h, "/d", NULL), 0);
	(void)umask(old);
	assert_int_equal(host_mkdir(h, "/d", NULL), ERR_EXISTS);
	assert_int_equal(host_stat(h, "/d", &st, NULL), 0);
	assert_int_equal(st.mode, S_IFDIR | 0755);
	fakehost_file(f, "/d/x", 0600, "");
	assert_int_equal(host_rmdir(h, "/d", NULL), 0);
	assert_int_equal(host_stat(h, "/d", &st, NULL), 0);
	fakehost_remove(f, "/d/x");
	assert_int_equal(host_rmdir(h, "/d", NULL), 0);
	assert_int_equal(host_stat(h, "/d", &st, NULL), ERR_NOTFOUND);
	assert_int_equal(host_rmdir(h, "/d", NULL), 0);
}

static void
a_view_reads_what_would_be(void **state)
{
	struct fakehost *f = *state;
	struct host *v;
	struct host_stat st;
	struct strs names = {0};
	char *text;
	size_t n;

	fakehost_file(f, "/etc/d/a", 0644, "a");
	fakehost_file(f, "/etc/d/b", 0644, "b");
	fakehost_link(f, "/link", "etc");
	assert_int_equal(host_view_open(fakehost_host(f), "/nowhere", &v, NULL),
	    0);
	assert_int_equal(host_view_put(v, "/link/d/a", slice_str("new"), 0600,
			     0, 0, NULL),
	    0);
	assert_int_equal(host_view_remove(v, "/etc/d/b", NULL), 0);
	assert_int_equal(host_view_put(v, "/etc/d/sub/c", slice_str("c"), 0644,
			     0, 0, NULL),
	    0);
	assert_int_equal(host_read(v, "/etc/d/a", 10, &text, &n, NULL), 0);
	assert_string_equal(text, "new");
	free(text);
	assert_int_equal(host_read(v, "/etc/d/a", 2, &text, &n, NULL),
	    ERR_LIMIT);
	assert_int_equal(host_read(v, "/link/d/b", 10, &text, &n, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(host_stat(v, "/etc/d/b", &st, NULL), ERR_NOTFOUND);
	assert_int_equal(host_stat(v, "/etc/d/a", &st, NULL), 0);
	assert_int_equal(st.mode, S_IFREG | 0600);
	assert_int_equal(host_stat(v, "/etc/d/sub", &st, NULL), 0);
	assert_true(S_ISDIR(st.mode));
	assert_int_equal(host_list(v, "/etc/d", &names, NULL), 0);
	assert_int_equal(names.n, 2);
	assert_string_equal(names.v[0], "a");
	assert_string_equal(names.v[1], "sub");
	strs_clear(&names);
	assert_int_equal(host_list(v, "/etc/d/sub", &names, NULL), 0);
	assert_int_equal(names.n, 1);
	strs_clear(&names);
	host_close(v);
	/* And the host is as it was. */
	assert_string_equal(fakehost_text(f, "/etc/d/a"), "a");
}

/* On this machine: what a program sees, and that nobody else sees it. */
static void
a_program_sees_what_would_be(void **state)
{
	struct fakehost *f = *state;
	struct child_result out = {0};
	struct host *here, *v;
	struct err e = {0};
	char *dir, *stage, *a, *b, *c, *s;

	if (geteuid() != 0)
		skip();
	fakehost_file(f, "/etc/d/a", 0644, "a");
	fakehost_file(f, "/etc/d/b", 0600, "b");
	fakehost_file(f, "/etc/d/stays/x", 0644, "x");
	fakehost_link(f, "/etc/d/link", "a");
	fakehost_file(f, "/etc/alone", 0644, "alone");
	dir = on_disk(f, "/etc/d");
	stage = on_disk(f, "/stage/1");
	a = on_disk(f, "/etc/d/a");
	b = on_disk(f, "/etc/d/b");
	c = on_disk(f, "/etc/d/new/c");
	s = on_disk(f, "/etc/alone");
	assert_int_equal(host_open(&here, &e), 0);
	assert_int_equal(host_view_open(here, stage, &v, &e), 0);
	assert_int_equal(host_view_put(v, a, slice_str("A\n"), 0640, 0, 42, &e),
	    0);
	assert_int_equal(host_view_remove(v, b, &e), 0);
	assert_int_equal(host_view_put(v, c, slice_str("C\n"), 0644, 0, 0, &e),
	    0);
	assert_int_equal(host_view_put(v, s, slice_str("S\n"), 0600, 0, 0, &e),
	    0);
	{
		const char *ls[] = {"ls", dir, NULL};
		const char *cat[] = {"cat", a, c, s, NULL};
		const char *stat_a[] = {"stat", "-c", "%a %g", a, NULL};
		const char *spoil[] = {"rm", c, NULL};

		if (host_run_ok(v, ls, slice_str(""), &out, &e) != 0)
			fail_msg("%s", e.msg);
		assert_string_equal(out.out, "a\nlink\nnew\nstays\n");
		child_result_clear(&out);
		if (host_run_ok(v, cat, slice_str(""), &out, &e) != 0)
			fail_msg("%s", e.msg);
		assert_string_equal(out.out, "A\nC\nS\n");
		child_result_clear(&out);
		assert_int_equal(host_run_ok(v, stat_a, slice_str(""), &out,
				     &e),
		    0);
		assert_string_equal(out.out, "640 42\n");
		child_result_clear(&out);
		/* What a checker does to the view it does to the view. */
		assert_int_equal(host_run_ok(v, spoil, slice_str(""), NULL, &e),
		    0);
		assert_int_equal(host_run_ok(here, ls, slice_str(""), &out, &e),
		    0);
		assert_string_equal(out.out, "a\nb\nlink\nstays\n");
		child_result_clear(&out);
	}
	host_close(v);
	host_close(here);
	assert_false(file_exists(stage));
	assert_string_equal(fakehost_text(f, "/etc/d/a"), "a");
	assert_string_equal(fakehost_text(f, "/etc/alone"), "alone");
	free(dir);
	free(stage);
	free(a);
	free(b);
	free(c);
	free(s);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_file_is_live_when_it_is_whole),
	    T(the_old_file_comes_back_as_it_was),
	    T(what_is_no_file_is_not_written),
	    T(attributes_follow_the_rules),
	    T(what_stands_in_the_way_is_named),
	    T(directories_are_roots_and_go_when_empty),
	    T(a_view_reads_what_would_be),
	    T(a_program_sees_what_would_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
