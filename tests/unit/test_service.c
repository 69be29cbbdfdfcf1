/* SPDX-License-Identifier: ISC */
#include "lib/proc/service.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/clock.h"
#include "lib/proc/socket.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct err err;

static void
a_user_is_who_the_configuration_says(void **state)
{
	static const struct {
		const char *name;
		int r;
		bool own;
	} cases[] = {
	    {NULL, 0, true},
	    {"", 0, true},
	    {"root", 0, false},
	    {"no-such-user", ERR_NOTFOUND, true},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uid_t uid = 12345;

		assert_int_equal(service_user("writ.yaml", cases[i].name, &uid,
				     &err),
		    cases[i].r);
		if (cases[i].r == 0)
			assert_int_equal(uid, cases[i].own ? getuid() : 0);
	}
	assert_string_equal(err.msg,
	    "writ.yaml: there is no user 'no-such-user' on this machine");
}

static void
it_listens_below_its_directory(void **state)
{
	char dir[TMPDIR_MAX], run[TMPDIR_MAX + 8], path[TMPDIR_MAX + 16];
	int fd = -1, twice = -1, peer = -1;
	struct stat st;

	(void)state;
	tmpdir_make(dir, "service");
	(void)snprintf(run, sizeof(run), "%s/run", dir);
	(void)snprintf(path, sizeof(path), "%s/a.sock", run);
	assert_int_equal(service_listen(run, "a", &fd, &err), 0);
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(socket_connect(path, &peer, &err), 0);
	assert_int_equal(service_listen(run, "a", &twice, &err), ERR_BUSY);
	(void)close(peer);
	(void)close(fd);
	assert_int_equal(chmod(run, 0755), 0);
	assert_int_equal(service_listen(run, "a", &fd, &err), ERR_DENIED);
	(void)unlink(path);
	assert_int_equal(rmdir(run), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void
what_was_passed_and_is_no_socket_is_not_passed_over(void **state)
{
	char pid[16];
	int fd = -1, had = dup(3), file;

	(void)state;
	file = open("/dev/null", O_RDONLY);
	assert_int_equal(dup2(file, 3), 3);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(setenv("LISTEN_PID", pid, 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", "1", 1), 0);
	assert_int_equal(setenv("LISTEN_FDNAMES", "a", 1), 0);
	assert_int_equal(service_listen("/nonexistent", "a", &fd, &err),
	    ERR_SYS);
	assert_int_equal(unsetenv("LISTEN_PID"), 0);
	assert_int_equal(unsetenv("LISTEN_FDS"), 0);
	assert_int_equal(unsetenv("LISTEN_FDNAMES"), 0);
	if (file != 3)
		(void)close(file);
	if (had != -1) {
		assert_int_equal(dup2(had, 3), 3);
		(void)close(had);
	} else {
		(void)close(3);
	}
}

/* The next signal of fd, or 0. */
static unsigned
next(int fd)
{
	struct signalfd_siginfo si;

	return read(fd, &si, sizeof(si)) == (ssize_t)sizeof(si) ? si.ssi_signo
								: 0;
}

static void
it_takes_signals_by_a_descriptor(void **state)
{
	int fd = -1;

	(void)state;
	assert_int_equal(service_signals(false, &fd, &err), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	assert_int_equal(next(fd), 0);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(next(fd), SIGTERM);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(next(fd), SIGINT);
	(void)close(fd);

	assert_int_equal(service_signals(true, &fd, &err), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(next(fd), SIGHUP);
	assert_int_equal(next(fd), 0);
	(void)close(fd);
}

static void
threads_wake_it(void **state)
{
	uint64_t n = 0, two = 2;
	int fd = -1;

	(void)state;
	assert_int_equal(service_wake(&fd, &err), 0);
	assert_int_equal(read(fd, &n, sizeof(n)), -1);
	assert_int_equal(write(fd, &two, sizeof(two)), sizeof(two));
	assert_int_equal(read(fd, &n, sizeof(n)), sizeof(n));
	assert_int_equal(n, 2);
	(void)close(fd);
}

/* How a process ends that fails at that age, with SIGTERM for it already: the
 * signal comes where it stands, and else not at all. */
static int
end_of_one_that_fails(bool of_systemd, int64_t age_ms)
{
	char text[24];
	sigset_t set;
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)sigemptyset(&set);
		(void)sigaddset(&set, SIGTERM);
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
		(void)kill(getpid(), SIGTERM);
		(void)snprintf(text, sizeof(text), "%d",
		    (int)(of_systemd ? getpid() : getppid()));
		(void)setenv("SYSTEMD_EXEC_PID", text, 1);
		service_stand(clock_mono_ms() - age_ms);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
who_fails_young_is_not_started_again_at_once(void **state)
{
	(void)state;
	assert_int_equal(end_of_one_that_fails(true, 0), -SIGTERM);
	assert_int_equal(end_of_one_that_fails(true, SERVICE_STAND_MS), 7);
	assert_int_equal(end_of_one_that_fails(false, 0), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_user_is_who_the_configuration_says),
	    cmocka_unit_test(it_listens_below_its_directory),
	    cmocka_unit_test(
		what_was_passed_and_is_no_socket_is_not_passed_over),
	    cmocka_unit_test(it_takes_signals_by_a_descriptor),
	    cmocka_unit_test(threads_wake_it),
	    cmocka_unit_test(who_fails_young_is_not_started_again_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
