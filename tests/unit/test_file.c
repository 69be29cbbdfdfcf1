/* SPDX-License-Identifier: ISC */
#include "lib/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

/* Each test runs in a new directory, which is its working directory. */
static int
enter_new_directory(void **state)
{
	char dir[TMPDIR_MAX];

	tmpdir_make(dir, "file");
	if (chdir(dir) != 0)
		return -1;
	*state = strdup(dir);
	return *state != NULL ? 0 : -1;
}

static void
remove_all(const char *path)
{
	struct dirent *d;
	struct stat st;
	char *sub;
	DIR *dir;

	if (lstat(path, &st) != 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		(void)unlink(path);
		return;
	}
	if ((dir = opendir(path)) == NULL)
		return;
	while ((d = readdir(dir)) != NULL) {
		if (strcmp(d->d_name, ".") == 0 ||
		    strcmp(d->d_name, "..") == 0 ||
		    path_join(path, d->d_name, &sub) != 0)
			continue;
		remove_all(sub);
		free(sub);
	}
	(void)closedir(dir);
	(void)rmdir(path);
}

static int
leave_directory(void **state)
{
	if (chdir("/") != 0)
		return -1;
	remove_all(*state);
	free(*state);
	return 0;
}

static void
assert_content(const char *path, const char *want)
{
	char *text = NULL;
	size_t n;

	assert_int_equal(file_read(path, 100000, &text, &n, NULL), 0);
	assert_int_equal(n, strlen(want));
	assert_string_equal(text, want);
	free(text);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* Names in the working directory, but for "." and "..". */
static size_t
count_names(void)
{
	struct dirent *d;
	DIR *dir = opendir(".");
	size_t n = 0;

	assert_non_null(dir);
	while ((d = readdir(dir)) != NULL)
		n++;
	(void)closedir(dir);
	return n - 2;
}

static void
written_file_is_read_back_with_its_mode(void **state)
{
	mode_t old = umask(077);

	(void)state;
	assert_int_equal(file_write("f", "one", 3, 0644, 0, NULL), 0);
	assert_content("f", "one");
	assert_int_equal(mode_of("f"), 0644);
	(void)umask(0);
	assert_int_equal(file_write("./f", "", 0, 0600, 0, NULL), 0);
	assert_content("f", "");
	assert_int_equal(mode_of("f"), 0600);
	assert_int_equal(file_write("f", "two", 3, 0640, FILE_NOSYNC, NULL), 0);
	assert_content("f", "two");
	assert_int_equal(mode_of("f"), 0640);
	assert_int_equal(count_names(), 1);
	(void)umask(old);
}

static void
file_made_at_once_has_its_mode_and_replaces_another(void **state)
{
	const unsigned flags = FILE_NOSYNC | FILE_AT_ONCE;
	mode_t old = umask(077);
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write("f", "one", 3, 0644, flags, &e), 0);
	assert_content("f", "one");
	assert_int_equal(mode_of("f"), 0644);
	(void)umask(0);
	assert_int_equal(file_write("f", "2", 1, 0600, flags, &e), 0);
	assert_content("f", "2");
	assert_int_equal(mode_of("f"), 0600);
	assert_int_equal(file_write("g", "3", 1, 0640, FILE_AT_ONCE, &e), 0);
	assert_int_equal(mode_of("g"), 0640);
	(void)umask(old);
	/* A link is replaced, and nothing is made where it points. */
	assert_int_equal(symlink("nowhere", "l"), 0);
	assert_int_equal(file_write("l", "4", 1, 0600, flags, &e), 0);
	assert_false(file_exists("nowhere"));
	assert_content("l", "4");
	assert_int_equal(file_write("f", "5", 1, 0600, flags | FILE_NEW, &e),
	    ERR_EXISTS);
	assert_int_equal(count_names(), 3);
	assert_int_equal(file_write("no/f", "6", 1, 0600, flags, &e), ERR_SYS);
}

/* As on a full disk: a file of one byte is the largest that may be. */
static void
file_not_made_whole_at_once_is_taken_away(void **state)
{
	struct rlimit was, one;
	struct err e = {0};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	one = was;
	one.rlim_cur = 1;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &one), 0);
	assert_int_equal(file_write("f", "one", 3, 0600,
			     FILE_NOSYNC | FILE_AT_ONCE, &e),
	    ERR_SYS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_false(file_exists("f"));
	assert_int_equal(count_names(), 0);
}

static void
new_file_never_replaces_another(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write("f", "one", 3, 0600, FILE_NEW, &e), 0);
	assert_int_equal(file_write("f", "two", 3, 0600, FILE_NEW, &e),
	    ERR_EXISTS);
	assert_string_equal(e.msg, "write f: exists already");
	assert_content("f", "one");
	assert_int_equal(symlink("nowhere", "l"), 0);
	assert_int_equal(file_write("l", "two", 3, 0600, FILE_NEW, NULL),
	    ERR_EXISTS);
	assert_false(file_exists("nowhere"));
	assert_int_equal(count_names(), 2);
}

static void
link_is_replaced_and_its_target_left_alone(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_write("target", "old", 3, 0600, 0, NULL), 0);
	assert_int_equal(symlink("target", "l"), 0);
	assert_int_equal(file_write("l", "new", 3, 0600, 0, NULL), 0);
	assert_content("target", "old");
	assert_content("l", "new");
	assert_int_equal(lstat("l", &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void
file_gets_a_second_name_in_the_place_of_another(void **state)
{
	struct stat a, b;

	(void)state;
	assert_int_equal(file_write("a", "new", 3, 0640, 0, NULL), 0);
	assert_int_equal(file_link("a", "free", 0, NULL), 0);
	assert_int_equal(file_write("b", "old", 3, 0600, 0, NULL), 0);
	assert_int_equal(file_link("a", "./b", 0, NULL), 0);
	/* What is one file already stays so. */
	assert_int_equal(file_link("a", "b", FILE_NOSYNC, NULL), 0);
	assert_int_equal(stat("a", &a), 0);
	assert_int_equal(stat("b", &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_nlink, 3);
	/* And what is written to one name is not seen under the others. */
	assert_int_equal(file_write("b", "other", 5, 0600, 0, NULL), 0);
	assert_content("a", "new");
	assert_content("free", "new");
	assert_int_equal(count_names(), 3);
}

static void
file_that_cannot_have_that_name_is_left_alone(void **state)
{
	struct err e = {0};
	struct stat here, shm;
	char far[64];

	(void)state;
	assert_int_equal(file_write("a", "text", 4, 0600, 0, NULL), 0);
	snprintf(far, sizeof(far), "/dev/shm/writ-test-%ld", (long)getpid());
	if (stat(".", &here) == 0 && stat("/dev/shm", &shm) == 0 &&
	    here.st_dev != shm.st_dev)
		assert_int_equal(file_link("a", far, 0, &e), 1);
	assert_false(file_exists(far));
	assert_int_equal(file_link("none", "b", 0, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(file_link("a", "none/b", 0, &e), ERR_SYS);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(file_link("a", "d", 0, &e), ERR_SYS);
	assert_non_null(strstr(e.msg, "write d"));
	assert_int_equal(count_names(), 2);
}

static void
open_readers_keep_the_old_file(void **state)
{
	char text[8] = "";
	int fd;

	(void)state;
	assert_int_equal(file_write("f", "old", 3, 0600, 0, NULL), 0);
	fd = open("f", O_RDONLY);
	assert_int_equal(file_write("f", "newer", 5, 0600, 0, NULL), 0);
	assert_int_equal(read(fd, text, sizeof(text)), 3);
	assert_memory_equal(text, "old", 3);
	(void)close(fd);
	assert_content("f", "newer");
}

static void
failed_write_leaves_nothing_behind(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write("no/such/f", "x", 1, 0600, 0, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ENOENT);
	/* A directory cannot be replaced by a file. */
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(file_write("d", "x", 1, 0600, 0, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, EISDIR);
	assert_int_equal(count_names(), 1);
}

static void
reading_stops_at_the_maximum(void **state)
{
	struct err e = {0};
	char *text = NULL;
	size_t n = 7;

	(void)state;
	assert_int_equal(file_write("f", "12345", 5, 0600, 0, NULL), 0);
	assert_int_equal(file_read("f", 4, &text, &n, &e), ERR_LIMIT);
	assert_string_equal(e.msg, "f is too large, expected at most 4 bytes");
	assert_null(text);
	assert_int_equal(n, 7);
	assert_int_equal(file_read("f", 0, &text, &n, &e), ERR_LIMIT);
	assert_int_equal(file_read("f", 5, &text, &n, &e), 0);
	assert_int_equal(n, 5);
	assert_string_equal(text, "12345");
	free(text);
	assert_int_equal(file_read("f", SIZE_MAX, &text, &n, &e), 0);
	free(text);
}

static void
only_regular_files_are_read(void **state)
{
	struct err e = {0};
	char *text = NULL;
	size_t n;

	(void)state;
	assert_int_equal(file_read("none", 9, &text, &n, &e), ERR_NOTFOUND);
	assert_string_equal(e.msg, "none: no such file");
	assert_int_equal(file_read(".", 9, &text, &n, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, EISDIR);
	/* Nobody writes to it: the open alone would wait for ever. */
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(file_read("fifo", 9, &text, &n, &e), ERR_SYS);
	assert_string_equal(e.msg, "fifo is not a regular file");
	assert_int_equal(file_read("/dev/null", 9, &text, &n, &e), ERR_SYS);
	assert_null(text);
}

static void
link_is_followed_by_path_but_not_below_a_directory(void **state)
{
	struct err e = {0};
	char *text = NULL;
	size_t n;
	int dir;

	(void)state;
	assert_int_equal(file_write("f", "x", 1, 0600, 0, NULL), 0);
	assert_int_equal(symlink("f", "l"), 0);
	assert_content("l", "x");
	dir = open(".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_read_at(dir, "l", 9, &text, &n, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, ELOOP);
	assert_int_equal(file_read_at(AT_FDCWD, "l", 9, &text, &n, &e),
	    ERR_SYS);
	assert_int_equal(file_read_at(dir, "none", 9, &text, &n, &e),
	    ERR_NOTFOUND);
	assert_int_equal(file_read_at(dir, "f", 9, &text, &n, &e), 0);
	assert_string_equal(text, "x");
	free(text);
	(void)close(dir);
}

/* A child that writes n bytes to a pipe, a few at a time. */
static int
slow_pipe(size_t n, pid_t *pid)
{
	int p[2];

	assert_int_equal(pipe(p), 0);
	*pid = fork();
	assert_int_not_equal(*pid, -1);
	if (*pid == 0) {
		(void)close(p[0]);
		for (size_t i = 0; i < n; i += 1000)
			if (write(p[1], memset((char[1000]){0}, 'p', 1000),
				n - i < 1000 ? n - i : 1000) < 0)
				_exit(1);
		_exit(0);
	}
	(void)close(p[1]);
	return p[0];
}

static void
pipe_is_read_to_its_end(void **state)
{
	char *text = NULL;
	size_t n = 0;
	pid_t pid;
	int fd;

	(void)state;
	fd = slow_pipe(123456, &pid);
	/* One that does not wait, too. */
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(file_read_fd(fd, "pipe", 123456, &text, &n, NULL), 0);
	assert_int_equal(n, 123456);
	assert_int_equal(strspn(text, "p"), n);
	free(text);
	(void)close(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);

	text = NULL;
	fd = slow_pipe(10001, &pid);
	assert_int_equal(file_read_fd(fd, "pipe", 10000, &text, &n, NULL),
	    ERR_LIMIT);
	assert_null(text);
	(void)close(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
file_without_a_size_is_read_whole(void **state)
{
	char *text = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(file_read("/proc/self/status", 100000, &text, &n,
			     NULL),
	    0);
	assert_true(n > 100);
	assert_int_equal(strlen(text), n);
	free(text);
}

static void
directories_are_made_with_their_mode(void **state)
{
	mode_t old = umask(077);
	struct err e = {0};

	(void)state;
	assert_int_equal(file_mkdirs("a//b/c/", 0755, &e), 0);
	assert_int_equal(mode_of("a"), 0755);
	assert_int_equal(mode_of("a/b/c"), 0755);
	(void)umask(old);
	/* What is there keeps its mode. */
	assert_int_equal(file_mkdirs("a/b/c/d", 0700, &e), 0);
	assert_int_equal(mode_of("a/b"), 0755);
	assert_int_equal(mode_of("a/b/c/d"), 0700);
	assert_int_equal(file_mkdirs(*state, 0700, &e), 0);
	assert_int_equal(file_mkdirs("/", 0700, &e), 0);
	assert_int_equal(file_mkdirs("", 0700, &e), 0);
	assert_int_equal(file_write("a/f", "x", 1, 0600, 0, NULL), 0);
	assert_int_equal(file_mkdirs("a/f/g", 0700, &e), ERR_SYS);
	assert_string_equal(e.msg, "a/f is not a directory");
	assert_int_equal(symlink("b", "a/l"), 0);
	assert_int_equal(file_mkdirs("a/l/m", 0700, &e), 0);
	assert_true(file_exists("a/b/m"));
}

static void
directories_can_be_synced(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(file_write("f", "x", 1, 0600, 0, NULL), 0);
	assert_int_equal(file_sync_dir(".", &e), 0);
	assert_int_equal(file_sync_parent("f", &e), 0);
	assert_int_equal(file_sync_parent("/tmp", &e), 0);
	assert_int_equal(file_sync_dir("f", &e), ERR_SYS);
	assert_int_equal(file_sync_dir("none", &e), ERR_SYS);
	assert_int_equal(file_sync_parent("none/f", &e), ERR_SYS);
	assert_true(file_exists("f"));
	assert_false(file_exists("none"));
	assert_int_equal(symlink("none", "dangling"), 0);
	assert_false(file_exists("dangling"));
}

static void
lock_is_held_by_one_and_says_by_whom(void **state)
{
	struct err e = {0};
	char want[100];
	int a = -1, b = -1;

	(void)state;
	assert_int_equal(file_lock("lock", &a, &e), 0);
	assert_int_equal(mode_of("lock"), 0600);
	assert_int_equal(file_lock("lock", &b, &e), ERR_BUSY);
	assert_int_equal(b, -1);
	(void)snprintf(want, sizeof(want), "lock is in use by process %ld",
	    (long)getpid());
	assert_string_equal(e.msg, want);
	(void)close(a);
	assert_int_equal(file_lock("lock", &b, &e), 0);
	assert_int_not_equal(fcntl(b, F_GETFD) & FD_CLOEXEC, 0);
	(void)close(b);
}

static void
lock_ends_with_its_process(void **state)
{
	struct err e = {0};
	int status, fd = -1;
	pid_t pid;

	(void)state;
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(file_lock("lock", &fd, NULL) == 0 ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(file_lock("lock", &fd, &e), 0);
	(void)close(fd);
}

static void
locking_never_overwrites_other_content(void **state)
{
	static const char *const contents[] = {
	    "data", "12345", "123\nx", "\n", "1234567890123456789012\n"};
	struct err e = {0};

	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		int a = -1, b = -1;

		assert_int_equal(file_write("f", contents[i],
				     strlen(contents[i]), 0600, 0, NULL),
		    0);
		assert_int_equal(file_lock("f", &a, &e), 0);
		assert_content("f", contents[i]);
		assert_int_equal(file_lock("f", &b, &e), ERR_BUSY);
		assert_string_equal(e.msg, "f is in use by another process");
		(void)close(a);
	}
	assert_int_equal(symlink("f", "l"), 0);
	assert_int_equal(file_lock("l", &(int){0}, &e), ERR_SYS);
	assert_int_equal(file_lock("no/f", &(int){0}, &e), ERR_SYS);
	(void)state;
}

static void
paths_are_joined_with_one_slash(void **state)
{
	static const struct {
		const char *a, *b, *want;
	} cases[] = {
	    {"a", "b", "a/b"},
	    {"a/", "b", "a/b"},
	    {"/", "b", "/b"},
	    {"", "b", "b"},
	    {"a", "", "a/"},
	};
	char *path;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		path = NULL;
		assert_int_equal(path_join(cases[i].a, cases[i].b, &path), 0);
		assert_string_equal(path, cases[i].want);
		free(path);
	}
	assert_int_equal(path_joinf(&path, "%s/%03d", "x", 7), 0);
	assert_string_equal(path, "x/007");
	free(path);
	assert_string_equal(path_base("/a/b"), "b");
	assert_string_equal(path_base("b"), "b");
	assert_string_equal(path_base("a/"), "");
}

static void
writing_to_a_closed_pipe_fails(void **state)
{
	struct err e = {0};
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(fd_write_all(p[1], "", 0, &e), 0);
	assert_int_equal(fd_write_all(p[1], "abc", 3, &e), 0);
	(void)close(p[0]);
	assert_int_equal(fd_write_all(p[0], "x", 1, &e), ERR_SYS);
	assert_int_equal(e.sys_errno, EBADF);
	(void)close(p[1]);
}

/* In a child: what is there stays, what is not gets a place that no use of it
 * reaches anything by. */
static int
with_standard_closed(int closed)
{
	struct stat was, is;
	int kept = closed == 1 ? 2 : 1, fd;
	char c;

	if (fstat(kept, &was) != 0 || close(closed) != 0 ||
	    fd_keep_standard(NULL) != 0 || fstat(kept, &is) != 0)
		return 1;
	if (was.st_ino != is.st_ino || was.st_dev != is.st_dev)
		return 2;
	if ((fd = open("f", O_CREAT | O_RDWR, 0600)) <= STDERR_FILENO)
		return 3;
	errno = 0;
	if ((closed == 0 ? read(0, &c, 1) : write(closed, "x", 1)) != -1 ||
	    errno != EBADF)
		return 4;
	return 0;
}

static void
no_file_takes_the_place_of_standard_output(void **state)
{
	(void)state;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		pid_t pid = fork();
		int status = -1;

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(with_standard_closed(fd));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static int
use_files(void *arg)
{
	char *text = NULL;
	size_t n;
	int r;

	(void)arg;
	if ((r = file_mkdirs("x/y", 0700, NULL)) == 0 &&
	    (r = file_write("x/y/f", "text", 4, 0600, 0, NULL)) == 0 &&
	    (r = file_link("x/y/f", "x/y/g", 0, NULL)) == 0 &&
	    (r = file_link("x/y/f", "x/y/g", 0, NULL)) == 0)
		r = file_read("x/y/f", 9, &text, &n, NULL);
	free(text);
	return r;
}

static void
memory_running_out_is_reported(void **state)
{
	(void)state;
	assert_true(alloc_each(use_files, NULL) >= 4);
}

#define IN_DIRECTORY(test)                                         \
	cmocka_unit_test_setup_teardown(test, enter_new_directory, \
	    leave_directory)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    IN_DIRECTORY(written_file_is_read_back_with_its_mode),
	    IN_DIRECTORY(file_made_at_once_has_its_mode_and_replaces_another),
	    IN_DIRECTORY(file_not_made_whole_at_once_is_taken_away),
	    IN_DIRECTORY(new_file_never_replaces_another),
	    IN_DIRECTORY(link_is_replaced_and_its_target_left_alone),
	    IN_DIRECTORY(file_gets_a_second_name_in_the_place_of_another),
	    IN_DIRECTORY(file_that_cannot_have_that_name_is_left_alone),
	    IN_DIRECTORY(open_readers_keep_the_old_file),
	    IN_DIRECTORY(failed_write_leaves_nothing_behind),
	    IN_DIRECTORY(reading_stops_at_the_maximum),
	    IN_DIRECTORY(only_regular_files_are_read),
	    IN_DIRECTORY(link_is_followed_by_path_but_not_below_a_directory),
	    IN_DIRECTORY(pipe_is_read_to_its_end),
	    IN_DIRECTORY(file_without_a_size_is_read_whole),
	    IN_DIRECTORY(directories_are_made_with_their_mode),
	    IN_DIRECTORY(directories_can_be_synced),
	    IN_DIRECTORY(lock_is_held_by_one_and_says_by_whom),
	    IN_DIRECTORY(lock_ends_with_its_process),
	    IN_DIRECTORY(locking_never_overwrites_other_content),
	    cmocka_unit_test(paths_are_joined_with_one_slash),
	    cmocka_unit_test(writing_to_a_closed_pipe_fails),
	    IN_DIRECTORY(no_file_takes_the_place_of_standard_output),
	    IN_DIRECTORY(memory_running_out_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
