/* SPDX-License-Identifier: ISC */
/* Start a child with pipes, and its end. */
#include "lib/proc/child_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/str.h"

enum { RD, WR };

/* All that the child closes on both ways out. */
struct pipes {
	int in[2], out[2], err[2], failed[2];
};

void
child_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/*
 * A pipe of which neither end is 0, 1 or 2: a caller that runs with one of
 * those closed would else see its pipe overwritten by dup2() in the child.
 */
static int
pipe_above(int p[2], struct err *e)
{
	int low[2], i;

	if (pipe2(low, O_CLOEXEC) != 0)
		return err_sys(e, "make a pipe");
	for (i = 0; i < 2; i++) {
		p[i] = fcntl(low[i], F_DUPFD_CLOEXEC, 3);
		if (p[i] == -1)
			break;
	}
	close(low[0]);
	close(low[1]);
	return i == 2 ? 0 : err_sys(e, "make a pipe");
}

static void
pipes_close(struct pipes *p)
{
	int *all[] = {p->in, p->out, p->err, p->failed};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		child_close(&all[i][RD]);
		child_close(&all[i][WR]);
	}
}

static int
pipes_open(struct pipes *p, bool with_err, struct err *e)
{
	int r;

	memset(p, -1, sizeof(*p));
	if ((r = pipe_above(p->in, e)) != 0 ||
	    (r = pipe_above(p->out, e)) != 0 ||
	    (r = pipe_above(p->failed, e)) != 0 ||
	    (with_err && (r = pipe_above(p->err, e)) != 0))
		pipes_close(p);
	return r;
}

/* Close what is above 2, but for the one that tells of a failed exec. */
static void
close_others(int keep)
{
	long max = sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if (keep > 3)
		(void)syscall(SYS_close_range, 3U, (unsigned)keep - 1, 0U);
	if (syscall(SYS_close_range, (unsigned)keep + 1, ~0U, 0U) == 0)
		return;
#endif
	for (int fd = 3; fd < (max < 0 ? 65536 : max); fd++)
		if (fd != keep)
			close(fd);
}

/*
 * In the child.  Only what is safe after fork() in a program with threads.
 * Dispositions of signals outlive exec when they are SIG_IGN, and so does the
 * mask; the program starts with neither.
 */
static void __attribute__((noreturn))
child_main(const struct child_run *run, const struct pipes *p)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t none;
	int no = 0;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);

	if (dup2(p->in[RD], 0) != -1 && dup2(p->out[WR], 1) != -1 &&
	    (run->err_through || dup2(p->err[WR], 2) != -1)) {
		close_others(p->failed[WR]);
		if (run->before_exec != NULL)
			no = run->before_exec(run->before_exec_arg);
		if (no == 0)
			execvpe(run->argv[0],
			    (char *const *)(uintptr_t)run->argv,
			    run->env != NULL
				? (char *const *)(uintptr_t)run->env
				: environ);
	}
	if (no == 0)
		no = errno;
	if (write(p->failed[WR], &no, sizeof(no)) != (ssize_t)sizeof(no))
		_exit(126);
	_exit(127);
}

static int
take_end(int *from, int *to, struct err *e)
{
	*to = *from;
	*from = -1;
	if (*to != -1 && fcntl(*to, F_SETFL, O_NONBLOCK) == -1)
		return err_sys(e, "make a pipe");
	return 0;
}

/*
 * execvp() says EACCES for a directory of PATH that it may not search as it
 * does for a program that it may not run.  Of the latter there is something to
 * be seen.
 */
static bool
is_on_path(const char *name)
{
	const char *dir = getenv("PATH"), *end;
	char path[PATH_MAX];
	struct stat st;

	for (dir = dir != NULL ? dir : "/bin:/usr/bin";; dir = end + 1) {
		int n, len;

		end = strchrnul(dir, ':');
		len = (int)(end - dir);
		n = snprintf(path, sizeof(path), "%.*s%s%s", len, dir,
		    len > 0 ? "/" : "", name);
		if (n > 0 && (size_t)n < sizeof(path) && stat(path, &st) == 0)
			return true;
		if (*end == '\0')
			return false;
	}
}

/* Waits until exec took place, or says why it did not. */
static int
wait_exec(struct child *c, const char *name, struct err *e)
{
	char quoted[QUOTE_MAX];
	int no = 0;
	ssize_t n;

	do
		n = read(c->failed, &no, sizeof(no));
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n == (ssize_t)sizeof(no) && no == EACCES &&
	    strchr(name, '/') == NULL && !is_on_path(name))
		no = ENOENT;
	if (n == (ssize_t)sizeof(no) && no == ENOENT)
		return err_set(e, ERR_NOTFOUND, "no program %s on PATH",
		    str_quote(quoted, name));
	errno = n == (ssize_t)sizeof(no) ? no : EIO;
	return err_sys(e, "start %s", str_quote(quoted, name));
}

int
child_start(struct child *c, const struct child_run *run, struct err *e)
{
	struct pipes p;
	int r;

	if ((r = pipes_open(&p, !run->err_through, e)) != 0)
		return r;
	c->pid = fork();
	if (c->pid == -1) {
		c->pid = 0;
		r = err_sys(e, "fork");
		goto out;
	}
	if (c->pid == 0)
		child_main(run, &p);
	c->failed = p.failed[RD];
	p.failed[RD] = -1;
	if ((r = take_end(&p.in[WR], &c->in, e)) != 0 ||
	    (r = take_end(&p.out[RD], &c->out, e)) != 0 ||
	    (r = take_end(&p.err[RD], &c->err, e)) != 0)
		goto out;
	pipes_close(&p);
	r = wait_exec(c, run->argv[0], e);
#ifdef SYS_pidfd_open
	if (r == 0)
		c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0U);
#endif
out:
	pipes_close(&p);
	return r;
}

bool
child_ended(struct child *c, int flags)
{
	pid_t p;

	do
		p = waitpid(c->pid, &c->status, flags);
	while (p == -1 && errno == EINTR);
	/* With SIGCHLD ignored the kernel reaps, and no status is to be had. */
	if (p == -1)
		c->status = 0x7f00;
	if (p != 0)
		c->pid = 0;
	return p != 0;
}

void
child_stop(struct child *c)
{
	child_close(&c->in);
	child_close(&c->out);
	child_close(&c->err);
	child_close(&c->failed);
	if (c->pid > 0) {
		(void)kill(c->pid, SIGKILL);
		(void)child_ended(c, 0);
	}
	child_close(&c->pidfd);
	buf_free(c->out_text);
	buf_free(c->err_text);
}

bool
child_sigpipe_block(sigset_t *old)
{
	sigset_t pipe_only, pending;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigemptyset(&pending);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, old);
	return sigismember(&pending, SIGPIPE) == 1;
}

void
child_sigpipe_restore(const sigset_t *old, bool was_pending)
{
	const struct timespec at_once = {0, 0};
	sigset_t pipe_only;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (!was_pending)
		while (sigtimedwait(&pipe_only, NULL, &at_once) == -1 &&
		    errno == EINTR)
			continue;
	(void)pthread_sigmask(SIG_SETMASK, old, NULL);
}
