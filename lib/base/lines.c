/* SPDX-License-Identifier: ISC */
#include "lib/base/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
lines_init(struct lines *l, int fd, size_t max, struct err *e)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->max = max;
	if ((l->buf = malloc(max + 1)) == NULL)
		return err_nomem(e);
	return 0;
}

void
lines_clear(struct lines *l)
{
	free(l->buf);
	memset(l, 0, sizeof(*l));
	l->fd = -1;
}

/* The next line of what is there, if one is whole. */
static bool
take(struct lines *l, struct slice *out)
{
	const uint8_t *from = l->buf + l->at;
	const uint8_t *lf = memchr(from, '\n', l->have - l->at);

	if (lf == NULL)
		return false;
	*out = slice_of(from, (size_t)(lf - from));
	l->at += out->n + 1;
	l->consumed += out->n + 1;
	return true;
}

/* Room for more: what was taken goes, and so does what is too long already. */
static void
make_room(struct lines *l)
{
	memmove(l->buf, l->buf + l->at, l->have - l->at);
	l->have -= l->at;
	l->at = 0;
	if (l->have <= l->max)
		return;
	l->consumed += l->have;
	l->have = 0;
	l->skipping = true;
}

int
lines_next(struct lines *l, struct slice *out, struct err *e)
{
	for (;;) {
		ssize_t n;

		if (take(l, out)) {
			if (!l->skipping)
				return 0;
			l->skipping = false; /* that was the end of it */
			l->too_long++;
			continue;
		}
		make_room(l);
		n = read(l->fd, l->buf + l->have, l->max + 1 - l->have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return LINES_WAIT;
		if (n == -1)
			return err_sys(e, "read lines");
		if (n == 0)
			return LINES_END;
		l->have += (size_t)n;
	}
}
