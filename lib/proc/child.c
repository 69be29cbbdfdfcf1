/* SPDX-License-Identifier: ISC */
#include "lib/proc/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

#define ERR_KEEP 4096
/* How often we ask whether the child ended, where pidfd_open is missing. */
#define TICK_MS 20

enum { RD, WR };

struct child {
	pid_t pid; /* 0: not started, or reaped */
	int pidfd; /* readable when the child ended; -1: not supported */
	int in, out, err, failed; /* our ends; -1: closed */
	size_t in_done;
	struct buf *out_text, *err_text;
	int status; /* as waitpid() gives it */
	int64_t deadline_ms;
};

/* All that the child closes on both ways out. */
struct pipes {
	int in[2], out[2], err[2], failed[2];
};

static void
fd_close(int *fd)
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
		fd_close(&all[i][RD]);
		fd_close(&all[i][WR]);
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
	int no;

	for (int sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);

	if (dup2(p->in[RD], 0) != -1 && dup2(p->out[WR], 1) != -1 &&
	    (run->err_through || dup2(p->err[WR], 2) != -1)) {
		close_others(p->failed[WR]);
		execvpe(run->argv[0], (char *const *)(uintptr_t)run->argv,
		    run->env != NULL ? (char *const *)(uintptr_t)run->env
				     : environ);
	}
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

static int
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

static void
feed(struct child *c, struct slice in)
{
	ssize_t n;

	while (c->in_done < in.n) {
		n = write(c->in, in.p + c->in_done, in.n - c->in_done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		/* A child need not read all of its input: no failure. */
		if (n == -1)
			break;
		c->in_done += (size_t)n;
	}
	fd_close(&c->in);
}

/* The last ERR_KEEP bytes are kept: where a program says why it gave up. */
static int
keep_tail(struct buf *b, const uint8_t *p, size_t n)
{
	uint8_t tail[ERR_KEEP];
	struct slice have = buf_slice(b);
	size_t old = have.n;

	if (n >= ERR_KEEP) {
		buf_reset(b);
		return buf_put(b, p + (n - ERR_KEEP), ERR_KEEP);
	}
	if (old + n > ERR_KEEP) {
		old = ERR_KEEP - n;
		memcpy(tail, have.p + (have.n - old), old);
		buf_reset(b);
		if (buf_put(b, tail, old) != 0)
			return ERR_NOMEM;
	}
	return buf_put(b, p, n);
}

/* Read what is there.  With max 0 only the tail is kept. */
static int
collect(int *fd, struct buf *b, size_t max, struct err *e)
{
	uint8_t chunk[16384];
	ssize_t n;
	int r;

	while (*fd != -1) {
		n = read(*fd, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return 0;
		if (n == -1)
			return err_sys(e, "read from the child");
		if (n == 0) {
			fd_close(fd);
			return 0;
		}
		if (b == NULL)
			continue;
		if (max == 0)
			r = keep_tail(b, chunk, (size_t)n);
		else if ((size_t)n > max - 1 - buf_len(b))
			return err_set(e, ERR_LIMIT,
			    "more than %zu bytes on standard output", max - 1);
		else
			r = buf_put(b, chunk, (size_t)n);
		mem_wipe(chunk, (size_t)n);
		if (r != 0)
			return err_nomem(e);
	}
	return 0;
}

/* Has it ended?  Reaps it. */
static bool
ended(struct child *c, int flags)
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

static int
wait_turn(struct child *c, struct err *e)
{
	struct pollfd fds[4] = {
	    {.fd = c->in, .events = POLLOUT},
	    {.fd = c->out, .events = POLLIN},
	    {.fd = c->err, .events = POLLIN},
	    {.fd = c->pidfd, .events = POLLIN},
	};
	int64_t left = -1;

	if (c->deadline_ms != 0) {
		left = c->deadline_ms - clock_mono_ms();
		if (left <= 0) {
			errno = 0;
			return err_set(e, ERR_NET, "timed out");
		}
	}
	if (c->pidfd == -1 && (left == -1 || left > TICK_MS))
		left = TICK_MS;
	if (left > 1000000)
		left = 1000000;
	if (poll(fds, 4, (int)left) == -1 && errno != EINTR)
		return err_sys(e, "wait for the child");
	return 0;
}

/*
 * Until the child itself has ended.  Something it left behind in the
 * background may hold the pipes for ever, so their end is not waited for.
 */
static int
converse(struct child *c, const struct child_run *run, struct err *e)
{
	size_t max = run->out_max + 1;
	bool over = false;
	int r = 0;

	while (r == 0) {
		if (c->in != -1)
			feed(c, run->in);
		if ((r = collect(&c->out, c->out_text, max, e)) != 0 ||
		    (r = collect(&c->err, c->err_text, 0, e)) != 0 || over)
			break;
		over = ended(c, WNOHANG);
		if (!over)
			r = wait_turn(c, e);
	}
	return r;
}

static void
child_stop(struct child *c)
{
	fd_close(&c->in);
	fd_close(&c->out);
	fd_close(&c->err);
	fd_close(&c->failed);
	if (c->pid > 0) {
		(void)kill(c->pid, SIGKILL);
		(void)ended(c, 0);
	}
	fd_close(&c->pidfd);
	buf_free(c->out_text);
	buf_free(c->err_text);
}

/* A program that does not read its input must not end us by SIGPIPE. */
static bool
sigpipe_block(sigset_t *old)
{
	sigset_t pipe_only, pending;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigemptyset(&pending);
	(void)sigpending(&pending);
	(void)pthread_sigmask(SIG_BLOCK, &pipe_only, old);
	return sigismember(&pending, SIGPIPE) == 1;
}

static void
sigpipe_restore(const sigset_t *old, bool was_pending)
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

static int
result_fill(struct child *c, struct child_result *out)
{
	uint8_t *text = NULL, *err_text = NULL;
	size_t n, err_n;
	int r;

	n = buf_len(c->out_text);
	if ((r = buf_put_u8(c->out_text, 0)) != 0 ||
	    (r = buf_put_u8(c->err_text, 0)) != 0)
		return r;
	buf_take(c->out_text, &text, &err_n);
	buf_take(c->err_text, &err_text, &err_n);
	out->out = (char *)text;
	out->out_len = n;
	out->err_text = (char *)err_text;
	out->status = WIFSIGNALED(c->status) ? 128 + WTERMSIG(c->status)
					     : WEXITSTATUS(c->status);
	return 0;
}

int
child_run(const struct child_run *run, struct child_result *out, struct err *e)
{
	struct child c = {
	    .pidfd = -1, .in = -1, .out = -1, .err = -1, .failed = -1};
	char quoted[QUOTE_MAX];
	sigset_t old;
	bool was_pending;
	int r;

	if (run->out_max > SIZE_MAX / 2)
		return err_set(e, ERR_LIMIT, "output limit too large");
	if (run->timeout_ms > 0)
		c.deadline_ms = clock_mono_ms() + run->timeout_ms;
	was_pending = sigpipe_block(&old);
	if ((r = buf_new(&c.out_text, run->out_max + 1)) != 0 ||
	    (r = buf_new(&c.err_text, ERR_KEEP + 1)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = child_start(&c, run, e)) != 0)
		goto out;
	if ((r = converse(&c, run, e)) != 0) {
		err_prefix(e, "%s", str_quote(quoted, run->argv[0]));
		goto out;
	}
	if ((r = result_fill(&c, out)) != 0)
		(void)err_nomem(e);
out:
	child_stop(&c);
	sigpipe_restore(&old, was_pending);
	return r;
}

void
child_result_clear(struct child_result *r)
{
	if (r->out != NULL)
		mem_wipe(r->out, r->out_len);
	free(r->out);
	free(r->err_text);
	*r = (struct child_result){0};
}
