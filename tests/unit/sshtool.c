/* SPDX-License-Identifier: ISC */
#include "tests/unit/sshtool.h"
#include "tests/unit/tmpdir.h"

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
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "lib/proc/child.h"

static char dir[TMPDIR_MAX];

int
sshtool_setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "test");
	return 0;
}

int
sshtool_teardown(void **state)
{
	(void)state;
	sshtool_run("rm", "-rf", dir, NULL);
	return 0;
}

const char *
sshtool_path(const char *name)
{
	static char ring[8][256];
	static size_t at;
	char *p = ring[at++ % 8];

	snprintf(p, sizeof(ring[0]), "%s/%s", dir, name);
	return p;
}

void
sshtool_run(const char *prog, ...)
{
	const char *argv[32] = {prog};
	struct child_run run = {.argv = argv, .out_max = 65536};
	struct child_result res = {0};
	struct err e = {0};
	va_list ap;
	size_t n = 1;

	va_start(ap, prog);
	while (n < 31 && (argv[n] = va_arg(ap, const char *)) != NULL)
		n++;
	va_end(ap);
	run.timeout_ms = 60000;
	if (child_run(&run, &res, &e) != 0)
		fail_msg("%s: %s", prog, e.msg);
	if (res.status != 0)
		fail_msg("%s: status %d: %s", prog, res.status, res.err_text);
	child_result_clear(&res);
}

char *
sshtool_read(const char *name, size_t *n)
{
	char *out = NULL;

	assert_int_equal(file_read(sshtool_path(name), 1 << 20, &out, n, NULL),
	    0);
	return out;
}

void
sshtool_write(const char *name, const void *p, size_t n)
{
	assert_int_equal(file_write(sshtool_path(name), p, n, 0600, FILE_NOSYNC,
			     NULL),
	    0);
}

pid_t
sshtool_agent_start(const char *name)
{
	const char *sock = sshtool_path(name);
	struct stat st;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 1);
		dup2(null, 2);
		execlp("ssh-agent", "ssh-agent", "-D", "-a", sock, NULL);
		_exit(127);
	}
	for (int i = 0; stat(sock, &st) != 0; i++) {
		if (i == 500)
			fail_msg("ssh-agent did not start");
		usleep(10000);
	}
	return pid;
}

void
sshtool_agent_stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}
