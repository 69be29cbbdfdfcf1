/* SPDX-License-Identifier: ISC */
/*
 * What programs cost: run a command N times, one after the other, and print the
 * CPU seconds (user and system) and the wall seconds of one run, and the most
 * memory that any of them had resident, in MiB.
 *
 *	bench_run N COMMAND [ARGUMENT ...]
 *
 * "{}" in an argument is the number of the run, from 0 (or from $FIRST).  It
 * reads $INPUT from its start, or nothing, and writes to /dev/null; a command
 * that fails ends it all, as it would be cheap to fail.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "tests/bench/bench.h"

extern char **environ;

static char *
with_number(const char *arg, long n)
{
	struct str s = STR_INIT;
	const char *at;
	char *out;

	for (; (at = strstr(arg, "{}")) != NULL; arg = at + 2)
		str_addf(&s, "%.*s%ld", (int)(at - arg), arg, n);
	str_add(&s, arg);
	if (str_take(&s, &out) != 0)
		abort();
	return out;
}

static double
seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

/* CPU seconds of one run; *kib is the most it had resident, if that is more. */
static double
run(char **argv, const posix_spawn_file_actions_t *quiet, long *kib)
{
	struct rusage use;
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], quiet, NULL, argv, environ) != 0) {
		fprintf(stderr, "bench_run: cannot run %s\n", argv[0]);
		exit(1);
	}
	if (wait4(pid, &status, 0, &use) != pid)
		abort();
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		fprintf(stderr, "bench_run: %s failed\n", argv[0]);
		exit(1);
	}
	if (use.ru_maxrss > *kib)
		*kib = use.ru_maxrss;
	return seconds(&use.ru_utime) + seconds(&use.ru_stime);
}

int
main(int argc, char **argv)
{
	const char *first = getenv("FIRST");
	const char *input = getenv("INPUT");
	const long from = first != NULL ? strtol(first, NULL, 10) : 0;
	const long n = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	posix_spawn_file_actions_t quiet;
	double cpu = 0, wall = 0;
	long kib = 0;
	char **args;

	if (n <= 0) {
		fprintf(stderr, "usage: bench_run N COMMAND [ARGUMENT ...]\n");
		return 2;
	}
	args = calloc((size_t)argc, sizeof(*args));
	if (args == NULL || posix_spawn_file_actions_init(&quiet) != 0 ||
	    posix_spawn_file_actions_addopen(&quiet, STDIN_FILENO,
		input != NULL ? input : "/dev/null", O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null",
		O_WRONLY, 0) != 0)
		abort();
	for (long i = from; i < from + n; i++) {
		double start;

		for (int k = 2; k < argc; k++)
			args[k - 2] = with_number(argv[k], i);
		start = bench_clock(CLOCK_MONOTONIC);
		cpu += run(args, &quiet, &kib);
		wall += bench_clock(CLOCK_MONOTONIC) - start;
		for (int k = 0; k < argc - 2; k++)
			free(args[k]);
	}
	printf("%.6f %.6f %.2f\n", cpu / (double)n, wall / (double)n,
	    (double)kib / 1024);
	(void)posix_spawn_file_actions_destroy(&quiet);
	free(args);
	return 0;
}
