/* SPDX-License-Identifier: ISC */
#include "lib/base/file.h"
#include "lib/proc/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16];
static struct err err;

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "sock");
	snprintf(path, sizeof(path), "%s/a.sock", dir);
	err = (struct err){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)chmod(dir, 0700);
	(void)unlink(path);
	return rmdir(dir);
}

static void
assert_flags(int fd)
{
	assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
two_meet_at_a_path(void **state)
{
	int at = -1, a = -1, b = -1, none = -1;
	struct stat st;
	char c = 0;

	(void)state;
	assert_int_equal(socket_listen(path, &at, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_flags(at);
	assert_int_equal(socket_accept(at, &none, &err), 1);
	assert_int_equal(none, -1);
	assert_int_equal(socket_connect(path, &a, &err), 0);
	assert_int_equal(socket_accept(at, &b, &err), 0);
	assert_flags(a);
	assert_flags(b);
	assert_int_equal(write(a, "x", 1), 1);
	assert_int_equal(read(b, &c, 1), 1);
	assert_int_equal(c, 'x');
	close(a);
	close(b);
	close(at);
}

static void
the_mode_does_not_hang_on_the_umask(void **state)
{
	mode_t was = umask(0);
	struct stat st;
	int at = -1;

	(void)state;
	assert_int_equal(socket_listen(path, &at, &err), 0);
	umask(was);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	close(at);
}

static void
one_listens_at_a_time(void **state)
{
	int a = -1, b = -1, c = -1;

	(void)state;
	assert_int_equal(socket_listen(path, &a, &err), 0);
	assert_int_equal(socket_listen(path, &b, &err), ERR_BUSY);
	assert_int_equal(b, -1);
	/* And the refused one did not take the name away. */
	assert_int_equal(socket_connect(path, &c, &err), 0);
	close(c);
	close(a);
	assert_int_equal(socket_connect(path, &c, &err), ERR_NET);
	assert_int_equal(socket_listen(path, &b, &err), 0);
	assert_int_equal(socket_connect(path, &c, &err), 0);
	close(c);
	close(b);
}

static void
what_is_not_a_socket_stays(void **state)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600), at = -1;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(socket_listen(path, &at, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "is not a socket"));
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(socket_connect(path, &at, &err), ERR_NET);
}

static void
a_directory_open_to_others_is_refused(void **state)
{
	static const mode_t modes[] = {0755, 0701, 0710, 0770, 0702};
	int at = -1;

	(void)state;
	for (size_t i = 0; i < LEN(modes); i++) {
		assert_int_equal(chmod(dir, modes[i]), 0);
		assert_int_equal(socket_listen(path, &at, &err), ERR_DENIED);
		assert_non_null(strstr(err.msg, "expected 0700"));
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(chmod(dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(dir, 65534, 0), 0);
		assert_int_equal(socket_listen(path, &at, &err), ERR_DENIED);
		assert_non_null(strstr(err.msg, "belongs to user 65534"));
	}
}

static void
paths_have_a_limit(void **state)
{
	char longer[200];
	int fd = -1;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[108] = '\0';
	assert_int_equal(socket_listen(longer, &fd, &err), ERR_LIMIT);
	assert_non_null(strstr(err.msg, "108 bytes, expected at most 107"));
	assert_int_equal(socket_connect(longer, &fd, &err), ERR_LIMIT);
	longer[107] = '\0';
	assert_int_equal(socket_connect(longer, &fd, &err), ERR_NET);
	assert_int_equal(socket_connect("/no/such/x", &fd, &err), ERR_NET);
	assert_int_equal(socket_listen("/no/such/x", &fd, &err), ERR_SYS);
}

static void
a_full_listener_refuses_and_blocks_nobody(void **state)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int at = socket(AF_UNIX, SOCK_STREAM, 0), fd[8], n = 0, r;

	(void)state;
	memcpy(to.sun_path, path, strlen(path));
	assert_int_equal(bind(at, (const struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(listen(at, 1), 0);
	while ((r = socket_connect(path, &fd[n], &err)) == 0)
		assert_true(++n < 8);
	assert_int_equal(r, ERR_NET);
	/* Full is not gone: its name is not taken over. */
	assert_int_equal(socket_listen(path, &r, &err), ERR_BUSY);
	while (n > 0)
		close(fd[--n]);
	close(at);
}

static void
a_peer_of_ours_passes(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(socket_check_peer(fd[0], geteuid(), &err), 0);
	assert_int_equal(socket_check_peer(fd[0], 4242, &err), 0);
	close(fd[0]);
	close(fd[1]);
	assert_int_equal(socket_check_peer(fd[0], 0, &err), ERR_SYS);
}

/* A stranger is somebody else who is not root, which root alone can play. */
static void
a_stranger_is_refused(void **state)
{
	int at = -1, s = -1, go[2];
	pid_t pid;
	char c;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(socket_listen(path, &at, &err), 0);
	assert_int_equal(chmod(dir, 0711), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(pipe(go), 0);
	if ((pid = fork()) == 0) {
		int fd = -1;

		close(go[1]);
		/* From inside: what lies above dir may let nobody through. */
		if (chdir(dir) != 0 || setresuid(4242, 4242, 4242) != 0 ||
		    socket_connect(path_base(path), &fd, NULL) != 0)
			_exit(1);
		_exit(read(go[0], &c, 1) == 0 ? 0 : 1);
	}
	close(go[0]);
	assert_int_equal(poll(&(struct pollfd){at, POLLIN, 0}, 1, 10000), 1);
	assert_int_equal(socket_accept(at, &s, &err), 0);
	assert_int_equal(socket_check_peer(s, 4242, &err), 0);
	assert_int_equal(socket_check_peer(s, 4243, &err), ERR_DENIED);
	assert_non_null(strstr(err.msg, "runs as user 4242, expected 4243"));
	close(go[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(s);
	close(at);
}

/* In a child with descriptors 3 and on laid out as systemd does. */
static int
passed_in_child(const char *pid, const char *count, const char *names,
    const char *name, int kind)
{
	int status, fd = -1, r;
	pid_t child = fork();
	char text[16];

	if (child == 0) {
		for (int i = 3; i < 5; i++) {
			int s = kind == 'p' ? open("/dev/null", O_RDONLY)
					    : socket(AF_INET, SOCK_STREAM, 0);

			if (s != i && (dup2(s, i) != i || close(s) != 0))
				_exit(99);
			if (kind == 'l' && listen(i, 1) != 0)
				_exit(99);
		}
		snprintf(text, sizeof(text), "%d", (int)getpid());
		setenv("LISTEN_PID", pid != NULL ? pid : text, 1);
		if (count != NULL)
			setenv("LISTEN_FDS", count, 1);
		if (names != NULL)
			setenv("LISTEN_FDNAMES", names, 1);
		r = socket_passed(name, &fd, NULL);
		if (r != 0)
			_exit(100 - r);
		if ((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0 ||
		    (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
			_exit(98);
		_exit(fd);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status) > 100 ? 100 - WEXITSTATUS(status)
					 : WEXITSTATUS(status);
}

static void
a_passed_socket_is_found_by_its_name(void **state)
{
	static const struct {
		const char *pid, *count, *names, *name;
		int kind, want;
	} cases[] = {
	    {NULL, "2", "keeper:control", "keeper", 'l', 3},
	    {NULL, "2", "keeper:control", "control", 'l', 4},
	    {NULL, "2", "keeper:keeper", "keeper", 'l', ERR_LIMIT},
	    {NULL, "1", "keeper:keeper", "keeper", 'l', 3},
	    {NULL, "2", "keeper:control", "contro", 'l', ERR_NOTFOUND},
	    {NULL, "2", "keeper:control", "keeper:control", 'l', ERR_NOTFOUND},
	    {NULL, "1", "keeper:control", "control", 'l', ERR_NOTFOUND},
	    {NULL, "2", "", "control", 'l', ERR_NOTFOUND},
	    {NULL, "2", NULL, "control", 'l', ERR_NOTFOUND},
	    {NULL, NULL, "keeper", "keeper", 'l', ERR_NOTFOUND},
	    {NULL, "x", "keeper", "keeper", 'l', ERR_NOTFOUND},
	    {NULL, "-1", "keeper", "keeper", 'l', ERR_NOTFOUND},
	    {"1", "2", "keeper:control", "keeper", 'l', ERR_NOTFOUND},
	    {"", "2", "keeper:control", "keeper", 'l', ERR_NOTFOUND},
	    {NULL, "2", "keeper:control", "keeper", 's', ERR_SYS},
	    {NULL, "2", "keeper:control", "keeper", 'p', ERR_SYS},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++)
		if (passed_in_child(cases[i].pid, cases[i].count,
			cases[i].names, cases[i].name,
			cases[i].kind) != cases[i].want)
			fail_msg("case %zu", i);
}

static void
systemd_is_told(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), status;
	char got[600];
	ssize_t n;
	pid_t pid;

	(void)state;
	memcpy(at.sun_path, path, strlen(path));
	assert_int_equal(bind(s, (const struct sockaddr *)&at, sizeof(at)), 0);
	/* A child, since a process looks for its socket once. */
	if ((pid = fork()) == 0) {
		setenv("NOTIFY_SOCKET", path, 1);
		service_notify_open();
		unsetenv("NOTIFY_SOCKET");
		service_notify("READY=1");
		service_notify("RELOADING=1");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	n = recv(s, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_int_equal(n, 7);
	assert_memory_equal(got, "READY=1", 7);
	n = recv(s, got, sizeof(got) - 1, MSG_DONTWAIT);
	assert_true(n > 0);
	got[n] = '\0';
	assert_int_equal(strncmp(got, "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
	assert_true(strtoull(got + 27, NULL, 10) > 0);
	close(s);
}

static void
nobody_told_is_no_failure(void **state)
{
	static const char *const paths[] = {
	    "", "/", "relative", "/no/such/socket", "@no-such-writ-test"};

	(void)state;
	for (size_t i = 0; i < LEN(paths); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			setenv("NOTIFY_SOCKET", paths[i], 1);
			errno = 77;
			service_notify("READY=1");
			_exit(errno == 77 ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static int
listen_once(void *arg)
{
	int fd, r = socket_listen(path, &fd, NULL);

	(void)arg;
	if (r == 0) {
		close(fd);
		unlink(path);
	}
	return r;
}

static void
failing_allocations_are_told(void **state)
{
	(void)state;
	assert_true(alloc_each(listen_once, NULL) >= 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(two_meet_at_a_path),
	    TEST(the_mode_does_not_hang_on_the_umask),
	    TEST(one_listens_at_a_time),
	    TEST(what_is_not_a_socket_stays),
	    TEST(a_directory_open_to_others_is_refused),
	    TEST(paths_have_a_limit),
	    TEST(a_full_listener_refuses_and_blocks_nobody),
	    TEST(a_peer_of_ours_passes),
	    TEST(a_stranger_is_refused),
	    TEST(a_passed_socket_is_found_by_its_name),
	    TEST(systemd_is_told),
	    TEST(nobody_told_is_no_failure),
	    TEST(failing_allocations_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
