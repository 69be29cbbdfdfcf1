/* SPDX-License-Identifier: ISC */
#include "agent/states/host.h"

#include <fcntl.h>
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
read_is(struct fakehost *f, const char *path, int want, const char *text)
{
	struct err e = {0};
	char *got = NULL;
	size_t n = 0;
	int r = host_read(fakehost_host(f), path, 100, &got, &n, &e);

	if (r != want)
		fail_msg("%s: %d '%s', expected %d", path, r, e.msg, want);
	if (text != NULL) {
		assert_string_equal(got, text);
		assert_int_equal(n, strlen(text));
	}
	assert_true(r == 0 || e.msg[0] != '\0');
	free(got);
}

static void
a_file_is_read_whole_or_not(void **state)
{
	struct fakehost *f = *state;
	char big[102], *fifo;

	fakehost_file(f, "/etc/motd", 0644, "hello\n");
	fakehost_file(f, "/etc/empty", 0644, "");
	memset(big, 'x', sizeof(big));
	big[100] = '\0';
	fakehost_file(f, "/etc/hundred", 0644, big);
	big[100] = 'x';
	big[101] = '\0';
	fakehost_file(f, "/etc/more", 0644, big);
	fifo = on_disk(f, "/etc/fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	free(fifo);

	read_is(f, "/etc/motd", 0, "hello\n");
	read_is(f, "/etc/empty", 0, "");
	read_is(f, "/etc/hundred", 0, NULL);
	read_is(f, "/etc/more", ERR_LIMIT, NULL);
	read_is(f, "/etc/none", ERR_NOTFOUND, NULL);
	read_is(f, "/etc/motd/x", ERR_NOTFOUND, NULL);
	read_is(f, "/none/motd", ERR_NOTFOUND, NULL);
	read_is(f, "/etc", ERR_DENIED, NULL);
	read_is(f, "/etc/fifo", ERR_DENIED, NULL);
}

static void
paths_are_absolute_and_clean(void **state)
{
	static const char *const bad[] = {
	    "",
	    "etc/motd",
	    "/etc/../etc/motd",
	    "/etc/./motd",
	    "/etc//motd",
	    "/etc/motd/",
	    "//etc/motd",
	    "/..",
	    "/.",
	    "/etc/motd/..",
	};
	struct fakehost *f = *state;
	char lengthy[HOST_PATH_MAX + 2];

	fakehost_file(f, "/etc/motd", 0644, "hello\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		read_is(f, bad[i], ERR_USAGE, NULL);
	memset(lengthy, 'a', sizeof(lengthy));
	for (size_t i = 0; i < sizeof(lengthy); i += 100)
		lengthy[i] = '/';
	lengthy[HOST_PATH_MAX + 1] = '\0';
	read_is(f, lengthy, ERR_USAGE, NULL);
	lengthy[HOST_PATH_MAX] = '\0';
	read_is(f, lengthy, ERR_NOTFOUND, NULL);
	read_is(f, "/etc/..motd", ERR_NOTFOUND, NULL);
}

static void
links_of_root_on_the_way_are_followed_within_the_root(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/opt/ssh/config", 0644, "mine\n");
	fakehost_link(f, "/etc/ssh", "/opt/ssh");
	fakehost_link(f, "/etc/relative", "../opt/ssh");
	fakehost_link(f, "/etc/out", "../../../../../opt");
	fakehost_link(f, "/etc/twice", "relative");
	fakehost_link(f, "/etc/round", "round");
	fakehost_link(f, "/etc/last", "/opt/ssh/config");
	fakehost_link(f, "/etc/gone", "/nowhere");

	read_is(f, "/etc/ssh/config", 0, "mine\n");
	read_is(f, "/etc/relative/config", 0, "mine\n");
	read_is(f, "/etc/out/ssh/config", 0, "mine\n");
	read_is(f, "/etc/twice/config", 0, "mine\n");
	read_is(f, "/etc/round/config", ERR_DENIED, NULL);
	read_is(f, "/etc/gone/config", ERR_NOTFOUND, NULL);
	read_is(f, "/etc/last", ERR_DENIED, NULL);
}

/* Only root can give a link away. */
static void
links_of_others_are_not_followed(void **state)
{
	struct fakehost *f = *state;
	char *path;

	if (geteuid() != 0)
		skip();
	fakehost_file(f, "/opt/ssh/config", 0644, "mine\n");
	fakehost_link(f, "/etc/ssh", "/opt/ssh");
	fakehost_link(f, "/etc/first", "ssh");
	path = on_disk(f, "/etc/ssh");
	assert_int_equal(lchown(path, 4242, 4242), 0);
	free(path);
	read_is(f, "/etc/ssh/config", ERR_DENIED, NULL);
	read_is(f, "/etc/first/config", ERR_DENIED, NULL);
}

static void
stat_does_not_follow(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct host_stat st;

	fakehost_file(f, "/etc/motd", 0640, "hello\n");
	fakehost_link(f, "/etc/link", "motd");
	assert_int_equal(host_stat(h, "/etc/motd", &st, NULL), 0);
	assert_int_equal(st.mode, S_IFREG | 0640);
	assert_int_equal(st.size, 6);
	assert_int_equal(st.uid, 0); /* whoever runs this */
	assert_int_equal(st.gid, 0);
	assert_true(st.mtime_ns > 0 && st.ino != 0);
	assert_int_equal(host_stat(h, "/etc/link", &st, NULL), 0);
	assert_true(S_ISLNK(st.mode));
	assert_int_equal(host_stat(h, "/", &st, NULL), 0);
	assert_true(S_ISDIR(st.mode));
	assert_int_equal(host_stat(h, "/none", &st, NULL), ERR_NOTFOUND);
}

static void
list_is_sorted_and_appended(void **state)
{
	struct fakehost *f = *state;
	struct strs names = {0};

	fakehost_file(f, "/d/b", 0644, "");
	fakehost_file(f, "/d/a", 0644, "");
	fakehost_dir(f, "/d/.c", 0755);
	fakehost_link(f, "/e", "d");
	assert_int_equal(strs_add(&names, "z"), 0);
	assert_int_equal(host_list(fakehost_host(f), "/d", &names, NULL), 0);
	assert_int_equal(names.n, 4);
	assert_string_equal(names.v[0], "z");
	assert_string_equal(names.v[1], ".c");
	assert_string_equal(names.v[2], "a");
	assert_string_equal(names.v[3], "b");
	assert_int_equal(host_list(fakehost_host(f), "/none", &names, NULL),
	    ERR_NOTFOUND);
	assert_int_equal(host_list(fakehost_host(f), "/e", &names, NULL),
	    ERR_DENIED);
	assert_int_equal(host_list(fakehost_host(f), "/d/a", &names, NULL),
	    ERR_DENIED);
	assert_int_equal(names.n, 4);
	strs_clear(&names);
}

static void
list_has_a_limit(void **state)
{
	struct fakehost *f = *state;
	struct strs names = {0};
	char *dir;
	int fd;

	fakehost_dir(f, "/d", 0755);
	dir = on_disk(f, "/d");
	assert_int_equal(chdir(dir), 0);
	free(dir);
	for (int i = 0; i < HOST_LIST_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%d", i);
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		assert_true(fd != -1);
		(void)close(fd);
	}
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(host_list(fakehost_host(f), "/d", &names, NULL), 0);
	assert_int_equal(names.n, HOST_LIST_MAX);
	strs_clear(&names);
	fakehost_file(f, "/d/more", 0600, "");
	assert_int_equal(host_list(fakehost_host(f), "/d", &names, NULL),
	    ERR_LIMIT);
	assert_int_equal(names.n, 0);
	strs_clear(&names);
}

static void
programs_are_on_the_fixed_path_alone(void **state)
{
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);

	fakehost_file(f, "/usr/sbin/sshd", 0755, "");
	fakehost_file(f, "/usr/local/bin/mine", 0755, "");
	fakehost_file(f, "/usr/bin/text", 0644, "");
	fakehost_dir(f, "/usr/bin/dir", 0755);
	fakehost_link(f, "/usr/bin/iptables", "/etc/alternatives/iptables");
	fakehost_link(f, "/etc/alternatives/iptables", "/usr/sbin/sshd");
	assert_true(host_has(h, "sshd"));
	assert_true(host_has(h, "iptables"));
	assert_false(host_has(h, "mine"));
	assert_false(host_has(h, "text"));
	assert_false(host_has(h, "dir"));
	assert_false(host_has(h, ""));
	assert_false(host_has(h, "../sbin/sshd"));
}

static void
recorded_commands_are_answered(void **state)
{
	static const char *const good[] = {"sshd", "-t", NULL};
	static const char *const bad[] = {"sshd", "-T", NULL};
	static const char *const none[] = {"nothing", NULL};
	struct child_result out = {0};
	struct fakehost *f = *state;
	struct host *h = fakehost_host(f);
	struct err e = {0};

	fakehost_command(f, "sshd -t", 0, "fine\n", "");
	fakehost_command(f, "sshd -T", 255, "", "one\n/etc/x line 3: bad\n\n");
	assert_true(host_has(h, "sshd"));
	assert_int_equal(host_run(h, good, slice_str("input"), &out, &e), 0);
	assert_string_equal(out.out, "fine\n");
	assert_string_equal(fakehost_input(f), "input");
	child_result_clear(&out);
	assert_int_equal(host_run_ok(h, good, slice_str(""), NULL, &e), 0);
	assert_int_equal(host_run_ok(h, bad, slice_str(""), NULL, &e),
	    ERR_DENIED);
	assert_string_equal(e.msg,
	    "sshd ended with status 255: /etc/x line 3: bad");
	assert_int_equal(host_run(h, none, slice_str(""), &out, &e),
	    ERR_NOTFOUND);
	assert_int_equal(host_runs(h), 4);
	assert_true(fakehost_has_run(f, "sshd -T"));
	assert_int_equal(fakehost_ran(f)->n, 4);
	assert_int_equal(host_remount(h, "/tmp", 2, 4, &e), 0);
	assert_true(fakehost_has_run(f, "remount /tmp 2 4"));
	assert_int_equal(host_now(h), FAKEHOST_NOW);
}

static void
the_nth_call_fails_once(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/a", 0644, "");
	fakehost_fail_nth(f, 2);
	read_is(f, "/a", 0, "");
	assert_false(fakehost_failed(f));
	read_is(f, "/a", ERR_SYS, NULL);
	assert_true(fakehost_failed(f));
	read_is(f, "/a", 0, "");
	assert_int_equal(fakehost_calls(f), 3);
}

/* This machine: what it runs has a clean environment. */
static void
this_machine_runs_with_a_clean_environment(void **state)
{
	static const char *const argv[] = {"env", NULL};
	static const char *const missing[] = {"no-such-program", NULL};
	static const char *const slash[] = {"/usr/bin/env", NULL};
	struct child_result out = {0};
	struct host *h;
	struct err e = {0};

	(void)state;
	assert_int_equal(setenv("LD_PRELOAD_X", "evil", 1), 0);
	assert_int_equal(host_open(&h, &e), 0);
	assert_string_equal(host_root(h), "/");
	assert_int_equal(host_run(h, argv, slice_str(""), &out, &e), 0);
	assert_string_equal(out.out, "PATH=" HOST_PATH "\nLANG=C.UTF-8\n");
	child_result_clear(&out);
	assert_int_equal(host_run(h, missing, slice_str(""), &out, &e),
	    ERR_NOTFOUND);
	assert_int_equal(host_run(h, slash, slice_str(""), &out, &e),
	    ERR_NOTFOUND);
	host_close(h);
}

static void
a_program_that_does_not_end_is_ended(void **state)
{
	static const char *const argv[] = {"sleep", "600", NULL};
	struct child_result out = {0};
	struct host *h;
	struct err e = {0};

	(void)state;
	assert_int_equal(host_open(&h, &e), 0);
	assert_int_equal(host_run_for(h, 50, argv, slice_str(""), &out, &e),
	    ERR_NET);
	assert_int_equal(host_run_for(h, 0, argv, slice_str(""), &out, &e),
	    ERR_USAGE);
	assert_int_equal(host_run_for(h, HOST_RUN_MAX_MS + 1, argv,
			     slice_str(""), &out, &e),
	    ERR_USAGE);
	host_close(h);
}

static void
proc_is_read_on_this_machine(void **state)
{
	struct host *h;
	struct err e = {0};
	char *text;
	size_t n;

	(void)state;
	assert_int_equal(host_open(&h, &e), 0);
	assert_int_equal(host_read(h, "/proc/self/mountinfo", HOST_FILE_MAX,
			     &text, &n, &e),
	    0);
	assert_true(n > 0);
	free(text);
	host_close(h);
}

static void
a_root_that_is_not_there_is_an_error(void **state)
{
	struct host *h;
	struct err e = {0};

	(void)state;
	assert_int_equal(host_open_at("/nonexistent", NULL, NULL, &h, &e),
	    ERR_SYS);
}

static int
everything(void *arg)
{
	static const char *const argv[] = {"sshd", "-t", NULL};
	struct fakehost *f = arg;
	struct host *h = fakehost_host(f);
	struct strs names = {0};
	char *text = NULL;
	struct err e = {0};
	size_t n;
	int r;

	if ((r = host_read(h, "/etc/ssh/x", 100, &text, &n, &e)) == 0 &&
	    (r = host_list(h, "/etc", &names, &e)) == 0)
		r = host_run_ok(h, argv, slice_str(""), NULL, &e);
	free(text);
	strs_clear(&names);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	struct fakehost *f = *state;

	fakehost_file(f, "/opt/x", 0644, "text");
	fakehost_link(f, "/etc/ssh", "/opt");
	fakehost_command(f, "sshd -t", 0, "", "");
	assert_true(alloc_each(everything, f) > 3);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_file_is_read_whole_or_not),
	    T(paths_are_absolute_and_clean),
	    T(links_of_root_on_the_way_are_followed_within_the_root),
	    T(links_of_others_are_not_followed),
	    T(stat_does_not_follow),
	    T(list_is_sorted_and_appended),
	    T(list_has_a_limit),
	    T(programs_are_on_the_fixed_path_alone),
	    T(recorded_commands_are_answered),
	    T(the_nth_call_fails_once),
	    cmocka_unit_test(this_machine_runs_with_a_clean_environment),
	    cmocka_unit_test(a_program_that_does_not_end_is_ended),
	    cmocka_unit_test(proc_is_read_on_this_machine),
	    cmocka_unit_test(a_root_that_is_not_there_is_an_error),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
