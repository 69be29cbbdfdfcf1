/* SPDX-License-Identifier: ISC */
#include "lib/proc/child_pipe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/proc/child_impl.h"

#define TICK_MS 20

struct child_pipe {
	struct child c;
	bool ended;
	int status;
};

int
child_pipe_start(const struct child_run *run, struct child_pipe **out,
    struct err *e)
{
	struct child_pipe *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL)
		return err_nomem(e);
	p->c = (struct child)CHILD_INIT;
	if (buf_new(&p->c.err_text, CHILD_ERR_KEEP + 1) != 0)
		r = err_nomem(e);
	else
		r = child_start(&p->c, run, e);
	if (r != 0) {
		child_pipe_free(p);
		return r;
	}
	*out = p;
	return 0;
}

void
child_pipe_free(struct child_pipe *p)
{
	if (p == NULL)
		return;
	child_stop(&p->c);
	free(p);
}

int
child_pipe_send(struct child_pipe *p, struct slice s, size_t *n, struct err *e)
{
	sigset_t old;
	bool was_pending = child_sigpipe_block(&old);
	int r = 0;

	*n = 0;
	while (r == 0 && *n < s.n) {
		ssize_t got = write(p->c.in, s.p + *n, s.n - *n);

		if (got >= 0)
			*n += (size_t)got;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			r = err_set(e, ERR_NET, "the program reads no more");
	}
	child_sigpipe_restore(&old, was_pending);
	return r;
}

int
child_pipe_recv(struct child_pipe *p, struct buf *b, size_t max, struct err *e)
{
	uint8_t chunk[16384];
	size_t want = max < sizeof(chunk) ? max : sizeof(chunk);
	ssize_t n;
	int r;

	do
		n = read(p->c.out, chunk, want);
	while (n == -1 && errno == EINTR);
	if (n == 0)
		return CHILD_PIPE_END;
	if (n == -1)
		return errno == EAGAIN ? 0 : err_sys(e, "read from the child");
	if ((r = buf_put(b, chunk, (size_t)n)) != 0)
		return err_set(e, r, "read from the child: %s", err_text(r));
	return 0;
}

/* What it complains about is the caller's to see, at once. */
static void
pass_on(struct child_pipe *p)
{
	uint8_t chunk[1024];
	ssize_t n;

	while (p->c.err != -1) {
		n = read(p->c.err, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return;
		if (n <= 0) {
			child_close(&p->c.err);
			return;
		}
		(void)!fd_write_all(STDERR_FILENO, chunk, (size_t)n, NULL);
		(void)!child_keep_tail(p->c.err_text, chunk, (size_t)n);
	}
}

int
child_pipe_wait(struct child_pipe *p, bool sending, int other, int ms,
    struct err *e)
{
	int64_t deadline = clock_mono_ms() + ms;

	for (;;) {
		struct pollfd fds[4] = {
		    {.fd = p->c.out, .events = POLLIN},
		    {.fd = sending ? p->c.in : -1, .events = POLLOUT},
		    {.fd = other, .events = POLLIN},
		    {.fd = p->c.err, .events = POLLIN},
		};
		int64_t left = ms < 0 ? -1 : deadline - clock_mono_ms();
		int n;

		if (ms >= 0 && left < 0)
			left = 0;
		n = poll(fds, 4, (int)left);
		if (n == -1 && errno != EINTR)
			return err_sys(e, "wait for the child");
		if (n == 0)
			return CHILD_PIPE_LATE;
		if (n == -1)
			continue;
		if (fds[3].revents != 0)
			pass_on(p);
		if (fds[2].revents != 0)
			return CHILD_PIPE_OTHER;
		if (fds[0].revents != 0 || fds[1].revents != 0)
			return 0;
	}
}

int
child_pipe_finish(struct child_pipe *p, int ms)
{
	int64_t deadline = clock_mono_ms() + ms;
	uint8_t rest[4096];

	if (p->ended)
		return p->status;
	child_close(&p->c.in);
	for (;;) {
		struct pollfd fds[3] = {
		    {.fd = p->c.pidfd, .events = POLLIN},
		    {.fd = p->c.err, .events = POLLIN},
		    {.fd = p->c.out, .events = POLLIN},
		};
		int64_t left = deadline - clock_mono_ms();

		pass_on(p);
		/* Whatever it still writes must not keep it from ending. */
		while (p->c.out != -1 && read(p->c.out, rest, sizeof(rest)) > 0)
			continue;
		if (child_ended(&p->c, WNOHANG) || left <= 0)
			break;
		if (p->c.pidfd == -1 && left > TICK_MS)
			left = TICK_MS;
		if (fds[2].fd != -1 && poll(&fds[2], 1, 0) == 1)
			child_close(&p->c.out); /* its end was reached */
		fds[2].fd = p->c.out;
		(void)poll(fds, 3, (int)left);
	}
	if (p->c.pid > 0) {
		(void)kill(p->c.pid, SIGKILL);
		(void)child_ended(&p->c, 0);
	}
	pass_on(p);
	p->ended = true;
	p->status = WIFSIGNALED(p->c.status) ? 128 + WTERMSIG(p->c.status)
					     : WEXITSTATUS(p->c.status);
	return p->status;
}

const char *
child_pipe_said(struct child_pipe *p)
{
	struct slice s = buf_slice(p->c.err_text);

	if (s.n == 0 || s.p[s.n - 1] != '\0') {
		if (buf_put_u8(p->c.err_text, 0) != 0)
			return "";
		s = buf_slice(p->c.err_text);
	}
	return (const char *)s.p;
}
