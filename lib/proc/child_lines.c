/* SPDX-License-Identifier: ISC */
/* A child of whose output nobody wants to hold all. */
#include <poll.h>
#include <sys/wait.h>

#include "lib/base/clock.h"
#include "lib/base/lines.h"
#include "lib/proc/child_impl.h"

#define TICK_MS 20 /* between looks, where nothing can be waited for */

/* Until fd has something to say (-1: for a moment).  ERR_NET: not in time. */
static int
wait_for(int fd, const struct child *c, const struct child_run *run,
    struct err *e)
{
	struct pollfd p = {fd, POLLIN, 0};
	int64_t left = c->deadline_ms - clock_mono_ms();

	if (run->timeout_ms == 0)
		left = -1;
	else if (left <= 0)
		return err_set(e, ERR_NET,
		    "%s took longer than %d ms and was killed", run->argv[0],
		    run->timeout_ms);
	if (fd == -1 && (left < 0 || left > TICK_MS))
		left = TICK_MS;
	(void)poll(&p, 1, (int)left);
	return 0;
}

static int
take_all(struct child *c, const struct child_run *run,
    struct child_lines *lines, struct lines *l, struct err *e)
{
	struct slice line;
	int r;

	for (;;) {
		r = lines_next(l, &line, e);
		lines->too_long = l->too_long;
		if (r == LINES_WAIT)
			r = wait_for(c->out, c, run, e);
		else if (r == 0)
			r = lines->take(lines->arg, line, e);
		if (r != 0)
			return r;
	}
}

/* It has closed its output; now for its end. */
static int
reap(struct child *c, const struct child_run *run, struct child_lines *lines,
    struct err *e)
{
	int r;

	while (!child_ended(c, WNOHANG))
		if ((r = wait_for(c->pidfd, c, run, e)) != 0)
			return r;
	lines->status = WIFEXITED(c->status) ? WEXITSTATUS(c->status)
					     : 128 + WTERMSIG(c->status);
	return 0;
}

int
child_lines(const struct child_run *run, struct child_lines *lines,
    struct err *e)
{
	struct child c = CHILD_INIT;
	struct lines l = {0};
	int r;

	lines->status = -1;
	lines->too_long = 0;
	c.deadline_ms = clock_mono_ms() + run->timeout_ms;
	if ((r = child_start(&c, run, e)) != 0 ||
	    (r = lines_init(&l, c.out, run->out_max, e)) != 0)
		goto out;
	child_close(&c.in);
	r = take_all(&c, run, lines, &l, e);
	if (r == LINES_END)
		r = reap(&c, run, lines, e);
	if (r == CHILD_ENOUGH)
		r = 0;
out:
	lines_clear(&l);
	child_stop(&c);
	return r;
}
