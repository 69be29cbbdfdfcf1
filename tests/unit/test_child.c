/* SPDX-License-Identifier: ISC */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/str.h"
#include "lib/proc/child.h"
#include "tests/unit/alloc.h"
#include "tests/unit/env.h"
#include "tests/unit/tmpdir.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct child_result res;
static struct err err;

static int
teardown(void **state)
{
	(void)state;
	child_result_clear(&res);
	err = (struct err){0};
	return 0;
}

static int
sh(const char *script, size_t out_max, int timeout_ms)
{
	struct child_run run = {.argv = ARGV("sh", "-c", script),
	    .out_max = out_max,
	    .timeout_ms = timeout_ms};

	return child_run(&run, &res, &err);
}

static void
output_errors_and_status_come_back(void **state)
{
	(void)state;
	assert_int_equal(sh("echo out; echo bad >&2; exit 3", 100, 0), 0);
	assert_string_equal(res.out, "out\n");
	assert_int_equal(res.out_len, 4);
	assert_string_equal(res.err_text, "bad\n");
	assert_int_equal(res.status, 3);
}

static void
a_signal_is_128_and_its_number(void **state)
{
	(void)state;
	assert_int_equal(sh("kill -9 $$", 100, 0), 0);
	assert_int_equal(res.status, 128 + SIGKILL);
	assert_string_equal(res.out, "");
}

/* As somebody whom modes stop: root is stopped by none. */
static int
as_nobody(const struct child_run *run)
{
	uid_t was = geteuid();
	int r;

	if (was == 0)
		assert_int_equal(seteuid(65534), 0);
	r = child_run(run, &res, &err);
	if (was == 0)
		assert_int_equal(seteuid(0), 0);
	child_result_clear(&res);
	return r;
}

static void
a_missing_program_is_named(void **state)
{
	struct child_run run = {.argv = ARGV("no-such-program-here")};

	(void)state;
	assert_int_equal(child_run(&run, &res, &err), ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "'no-such-program-here'"));
	assert_null(res.out);
}

/* Nobody enters the first by our leave, and the second is not a directory. */
static void
what_cannot_be_searched_is_passed_over(void **state)
{
	struct child_run run = {.argv = ARGV("no-such-program-here")};
	char dir[TMPDIR_MAX], path[2 * TMPDIR_MAX];
	char *old = env_copy("PATH");

	(void)state;
	tmpdir_make(dir, "child");
	assert_int_equal(chmod(dir, 0), 0);
	(void)snprintf(path, sizeof(path), "%s:/etc/passwd:/bin", dir);
	setenv("PATH", path, 1);
	assert_int_equal(as_nobody(&run), ERR_NOTFOUND);
	run.argv = ARGV("true");
	assert_int_equal(as_nobody(&run), 0);
	setenv("PATH", old, 1);
	free(old);
	assert_int_equal(rmdir(dir), 0);
}

static void
a_program_found_that_cannot_be_run_is_a_system_error(void **state)
{
	struct child_run run = {.argv = ARGV("passwd")};
	char *old = env_copy("PATH");

	(void)state;
	setenv("PATH", "/nonexistent:/etc", 1);
	assert_int_equal(child_run(&run, &res, &err), ERR_SYS);
	setenv("PATH", old, 1);
	free(old);
}

static void
a_file_that_cannot_be_run_is_a_system_error(void **state)
{
	struct child_run run = {.argv = ARGV("/etc/passwd")};

	(void)state;
	assert_int_equal(child_run(&run, &res, &err), ERR_SYS);
}

static void
a_large_input_comes_back_whole(void **state)
{
	size_t n = 3 * 1000 * 1000;
	char *in = malloc(n);
	struct child_run run = {.argv = ARGV("cat"), .out_max = n};

	(void)state;
	for (size_t i = 0; i < n; i++)
		in[i] = (char)(i * 7 + i / 251);
	run.in = slice_of(in, n);
	assert_int_equal(child_run(&run, &res, &err), 0);
	assert_int_equal(res.out_len, n);
	assert_memory_equal(res.out, in, n);
	assert_int_equal(res.out[n], 0);
	free(in);
}

static void
a_child_that_does_not_read_does_not_kill_us(void **state)
{
	static const char big[1 << 20];
	struct child_run run = {
	    .argv = ARGV("true"), .in = {(const uint8_t *)big, sizeof(big)}};
	sigset_t pending, mask;

	(void)state;
	assert_int_equal(child_run(&run, &res, &err), 0);
	assert_int_equal(res.status, 0);
	sigpending(&pending);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	assert_int_equal(sigismember(&mask, SIGPIPE), 0);
}

static void
output_may_reach_the_limit_and_not_pass_it(void **state)
{
	(void)state;
	assert_int_equal(sh("printf 12345", 5, 0), 0);
	assert_string_equal(res.out, "12345");
	child_result_clear(&res);
	assert_int_equal(sh("printf 123456", 5, 0), ERR_LIMIT);
	assert_null(res.out);
	assert_int_equal(sh("yes", 100000, 0), ERR_LIMIT);
	assert_int_equal(sh("true", 0, 0), 0);
	child_result_clear(&res);
	assert_int_equal(sh("printf 1", 0, 0), ERR_LIMIT);
}

static void
of_many_errors_the_last_4_kib_are_kept(void **state)
{
	(void)state;
	assert_int_equal(sh("i=0; while [ $i -lt 3000 ]; do echo line$i >&2; "
			    "i=$((i+1)); done; printf end >&2",
			     0, 0),
	    0);
	assert_int_equal(strlen(res.err_text), 4096);
	assert_string_equal(res.err_text + 4096 - 12, "line2999\nend");
	child_result_clear(&res);
	assert_int_equal(sh("head -c 100000 /dev/zero | tr '\\0' x >&2", 0, 0),
	    0);
	assert_int_equal(strlen(res.err_text), 4096);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
a_child_that_takes_too_long_is_killed(void **state)
{
	int64_t start = now_ms();

	(void)state;
	assert_int_equal(sh("exec sleep 30", 10, 100), ERR_NET);
	assert_non_null(strstr(err.msg, "timed out"));
	assert_true(now_ms() - start < 10000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
something_left_in_the_background_is_not_waited_for(void **state)
{
	int64_t start = now_ms();
	uint64_t pid;

	(void)state;
	assert_int_equal(sh("sleep 20 & printf %s $!", 100, 0), 0);
	assert_true(now_ms() - start < 10000);
	assert_int_equal(parse_u64(res.out, 2, INT32_MAX, &pid), 0);
	kill((pid_t)pid, SIGKILL);
}

static void
only_descriptors_0_to_2_are_passed_on(void **state)
{
	int fds[20];

	(void)state;
	for (int i = 0; i < 20; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	assert_int_equal(sh("i=0; while [ $i -lt 64 ]; do "
			    "[ ! -e /proc/$$/fd/$i ] || echo $i; "
			    "i=$((i + 1)); done",
			     1000, 0),
	    0);
	assert_string_equal(res.out, "0\n1\n2\n");
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

static void
it_works_with_standard_descriptors_closed(void **state)
{
	struct child_run run = {
	    .argv = ARGV("cat"), .in = slice_str("through"), .out_max = 100};
	int saved0 = fcntl(0, F_DUPFD_CLOEXEC, 50);
	int saved1 = fcntl(1, F_DUPFD_CLOEXEC, 50);
	int r;

	(void)state;
	close(0);
	close(1);
	r = child_run(&run, &res, &err);
	if (saved0 != -1)
		dup2(saved0, 0);
	dup2(saved1, 1);
	close(saved0);
	close(saved1);
	assert_int_equal(r, 0);
	assert_string_equal(res.out, "through");
}

static void
ignored_signals_and_masks_are_not_inherited(void **state)
{
	sigset_t all, old;

	(void)state;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(sh("kill -TERM $$; echo alive", 100, 5000), 0);
	signal(SIGTERM, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	assert_int_equal(res.status, 128 + SIGTERM);
}

static void
an_environment_given_is_the_whole_of_it(void **state)
{
	struct child_run run = {
	    .argv = ARGV("env"), .env = ARGV("ONLY=this"), .out_max = 1000};

	(void)state;
	assert_int_equal(child_run(&run, &res, &err), 0);
	assert_string_equal(res.out, "ONLY=this\n");
}

/* What env says with one variable more than ours. */
static char *
env_says(const char *more)
{
	struct child_run run = {.argv = ARGV("env"), .out_max = 1 << 20};
	const char **env = NULL;

	assert_int_equal(child_env_with(more, &env), 0);
	run.env = env;
	assert_int_equal(child_run(&run, &res, &err), 0);
	free(env);
	return res.out;
}

static void
ours_goes_along_with_one_more(void **state)
{
	(void)state;
	assert_int_equal(setenv("WRIT_TEST_OURS", "a b", 1), 0);
	assert_non_null(strstr(env_says("WRIT_TEST_MORE=c"),
	    "\nWRIT_TEST_MORE=c\n"));
	assert_non_null(strstr(res.out, "WRIT_TEST_OURS=a b\n"));
	child_result_clear(&res);
	assert_null(strstr(env_says(NULL), "WRIT_TEST_MORE"));
	assert_non_null(strstr(res.out, "WRIT_TEST_OURS=a b\n"));
	assert_int_equal(unsetenv("WRIT_TEST_OURS"), 0);
}

static int
env_once(void *arg)
{
	const char **env = NULL;
	int r = child_env_with("A=b", &env);

	(void)arg;
	free(env);
	return r;
}

static int
run_once(void *arg)
{
	int r = sh("echo out; echo err >&2", 100, 0);

	(void)arg;
	child_result_clear(&res);
	return r;
}

static void
every_failing_allocation_is_reported(void **state)
{
	(void)state;
	assert_true(alloc_each(run_once, NULL) >= 3);
	assert_int_equal(alloc_each(env_once, NULL), 1);
}

#define T(f) cmocka_unit_test_teardown(f, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(output_errors_and_status_come_back),
	    T(a_signal_is_128_and_its_number),
	    T(a_missing_program_is_named),
	    T(what_cannot_be_searched_is_passed_over),
	    T(a_program_found_that_cannot_be_run_is_a_system_error),
	    T(a_file_that_cannot_be_run_is_a_system_error),
	    T(a_large_input_comes_back_whole),
	    T(a_child_that_does_not_read_does_not_kill_us),
	    T(output_may_reach_the_limit_and_not_pass_it),
	    T(of_many_errors_the_last_4_kib_are_kept),
	    T(a_child_that_takes_too_long_is_killed),
	    T(something_left_in_the_background_is_not_waited_for),
	    T(only_descriptors_0_to_2_are_passed_on),
	    T(it_works_with_standard_descriptors_closed),
	    T(ignored_signals_and_masks_are_not_inherited),
	    T(an_environment_given_is_the_whole_of_it),
	    T(ours_goes_along_with_one_more),
	    T(every_failing_allocation_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
