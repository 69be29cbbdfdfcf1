/* SPDX-License-Identifier: ISC */
#include "lib/proc/child_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/str.h"

/* How often we ask whether the child ended, where pidfd_open is missing. */
#define TICK_MS 20

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
	child_close(&c->in);
}

int
child_keep_tail(struct buf *b, const uint8_t *p, size_t n)
{
	uint8_t tail[CHILD_ERR_KEEP];
	struct slice have = buf_slice(b);
	size_t old = have.n;

	if (n >= CHILD_ERR_KEEP) {
		buf_reset(b);
		return buf_put(b, p + (n - CHILD_ERR_KEEP), CHILD_ERR_KEEP);
	}
	if (old + n > CHILD_ERR_KEEP) {
		old = CHILD_ERR_KEEP - n;
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
			child_close(fd);
			return 0;
		}
		if (b == NULL)
			continue;
		if (max == 0)
			r = child_keep_tail(b, chunk, (size_t)n);
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
		over = child_ended(c, WNOHANG);
		if (!over)
			r = wait_turn(c, e);
	}
	return r;
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
	struct child c = CHILD_INIT;
	char quoted[QUOTE_MAX];
	sigset_t old;
	bool was_pending;
	int r;

	if (run->out_max > SIZE_MAX / 2)
		return err_set(e, ERR_LIMIT, "output limit too large");
	if (run->timeout_ms > 0)
		c.deadline_ms = clock_mono_ms() + run->timeout_ms;
	was_pending = child_sigpipe_block(&old);
	if ((r = buf_new(&c.out_text, run->out_max + 1)) != 0 ||
	    (r = buf_new(&c.err_text, CHILD_ERR_KEEP + 1)) != 0) {
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
	child_sigpipe_restore(&old, was_pending);
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

int
child_env_with(const char *more, const char ***out)
{
	const char **env;
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	if ((env = calloc(n + 2, sizeof(*env))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		env[i] = environ[i];
	env[n] = more;
	*out = env;
	return 0;
}
