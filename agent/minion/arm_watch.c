/* SPDX-License-Identifier: ISC */
/* The process that undoes a run in time, and who sees to it that there is one. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/minion/arm.h"
#include "lib/proc/self.h"

#define GONE " (deleted)" /* of a program that was replaced */

/* --- nobody's child ------------------------------------------------------- */

/* In the grandchild: nobody's child, in no session of anybody, with nothing
 * open but the pipe that tells of a failed exec. */
static void __attribute__((noreturn))
become_watcher(const char *const *argv, int failed)
{
	static const char *const env[] = {
	    "PATH=" HOST_PATH, "LANG=C.UTF-8", NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), no;

	if (null != -1 && dup2(null, 0) != -1 && dup2(null, 1) != -1 &&
	    dup2(null, 2) != -1 && chdir("/") == 0) {
		(void)syscall(SYS_close_range, 3U, (unsigned)failed - 1, 0U);
		(void)syscall(SYS_close_range, (unsigned)failed + 1, ~0U, 0U);
		execve("/proc/self/exe", (char *const *)(uintptr_t)argv,
		    (char *const *)(uintptr_t)env);
	}
	no = errno;
	(void)!write(failed, &no, sizeof(no));
	_exit(127);
}

/* The pipe's write end closes by itself at exec. */
static int
start(const char *const *argv, struct err *e)
{
	int p[2], high[2], no = 0, status;
	ssize_t n;
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) != 0)
		return err_sys(e, "make a pipe");
	/* Above 10, so that closing what lies below it is never nothing. */
	high[0] = fcntl(p[0], F_DUPFD_CLOEXEC, 10);
	high[1] = fcntl(p[1], F_DUPFD_CLOEXEC, 11);
	(void)close(p[0]);
	(void)close(p[1]);
	if (high[0] == -1 || high[1] == -1 || (pid = fork()) == -1)
		return err_sys(e, "start the process that would undo");
	if (pid == 0) {
		if (setsid() == -1 || (pid = fork()) == -1)
			_exit(1);
		if (pid > 0)
			_exit(0);
		become_watcher(argv, high[1]);
	}
	(void)close(high[1]);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	do
		n = read(high[0], &no, sizeof(no));
	while (n == -1 && errno == EINTR);
	(void)close(high[0]);
	if (n == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	errno = n == (ssize_t)sizeof(no) ? no : EAGAIN;
	return err_sys(e, "start the process that would undo");
}

/* --- a unit of its own ---------------------------------------------------- */

/* This program by its name, under which a newer one may stand by now. */
static int
own_path(char **out, struct err *e)
{
	size_t n, gone = strlen(GONE);
	char *self;
	int r;

	if ((r = self_path(&self, e)) != 0)
		return r;
	n = strlen(self);
	if (n > gone && strcmp(self + n - gone, GONE) == 0)
		self[n - gone] = '\0';
	*out = self;
	return 0;
}

/*
 * By systemd, which starts it again however it ends but well, and which neither
 * the end of the agent nor that of its unit reaches.  One that stands still is
 * killed first: nothing but SIGKILL reaches who was stopped.
 */
static int
start_unit(struct host *h, const char *const *watch, const char *number,
    struct err *e)
{
	static const char watchdog[] = "--property=WatchdogSec=" ARM_LOOK_S;
	char *self = NULL, unit[80];
	const char *argv[32] = {"systemd-run", "--quiet", "--collect", unit,
	    "--description=Writ agent: undo what nobody confirms in time",
	    "--property=Type=exec", "--property=Restart=always",
	    "--property=RestartPreventExitStatus=0", "--property=RestartSec=1",
	    "--property=StartLimitIntervalSec=0", watchdog,
	    "--property=WatchdogSignal=SIGKILL",
	    "--property=OOMScoreAdjust=-1000", "--"};
	size_t n = 0;
	int r;

	if ((r = own_path(&self, e)) != 0)
		goto out;
	while (argv[n] != NULL)
		n++;
	argv[n++] = self;
	for (size_t i = 1; watch[i] != NULL; i++)
		argv[n++] = watch[i];
	/* Numbers begin anew where the state was removed. */
	(void)snprintf(unit, sizeof(unit), "--unit=" ARM_WATCH_UNIT "-%s-%d",
	    number, (int)getpid());
	r = host_run_ok(h, argv, (struct slice){0}, NULL, e);
out:
	free(self);
	if (r != 0)
		err_prefix(e,
		    "this would touch a way in, and what would undo it does "
		    "not start");
	return r;
}

int
arm_watch(struct host *h, const char *state_dir, uint64_t number, bool guarded,
    struct err *e)
{
	char text[24], *dir = realpath(state_dir, NULL);
	const char *argv[] = {"writ-agent", "undo", "--watch", "--run", text,
	    "--state", dir, NULL};
	int r;

	if (dir == NULL)
		return err_sys(e, "%s", state_dir);
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	r = guarded ? start_unit(h, argv, text, e) : start(argv, e);
	free(dir);
	return r;
}
