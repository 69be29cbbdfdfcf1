/* SPDX-License-Identifier: ISC */
/*
 * Frames: what comes out is what was in the stream, in any pieces.
 *
 * The first byte says how large the pieces are that a peer sends; the rest is
 * the stream.  The frames read are sent again, which must give its bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/proc/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct chan *
one_end(int *raw)
{
	struct chan *c;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 ||
	    chan_new(fd[0], &c, NULL) != 0)
		abort();
	*raw = fd[1];
	return c;
}

/* The frame as bytes must be where it was read from. */
static void
same_again(const struct frame *f, const uint8_t *at, size_t left)
{
	size_t whole = FRAME_HEADER + f->payload.n;
	uint8_t *got = malloc(whole);
	struct chan *c;
	int raw;

	c = one_end(&raw);
	if (got == NULL || whole > left ||
	    chan_send(c, f->type, f->id, f->payload, NULL) != 0 ||
	    chan_wants_write(c) ||
	    recv(raw, got, whole, MSG_WAITALL) != (ssize_t)whole ||
	    memcmp(got, at, whole) != 0)
		abort();
	free(got);
	chan_free(c);
	close(raw);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t piece, done = 0, at = 0;
	struct frame f;
	struct chan *c;
	int raw, r = CHAN_NONE;

	if (n < 1 || n > 65536)
		return 0;
	piece = p[0] == 0 ? n : p[0];
	p++;
	n--;
	c = one_end(&raw);
	while (done < n && r != ERR_PARSE) {
		size_t part = n - done < piece ? n - done : piece;

		if (send(raw, p + done, part, MSG_NOSIGNAL) != (ssize_t)part ||
		    chan_read(c, NULL) != 0)
			abort();
		done += part;
		while ((r = chan_next(c, &f, NULL)) == 0) {
			same_again(&f, p + at, done - at);
			at += FRAME_HEADER + f.payload.n;
		}
		if (r != CHAN_NONE && r != ERR_PARSE)
			abort();
	}
	close(raw);
	if (r != ERR_PARSE &&
	    (chan_read(c, NULL) != CHAN_CLOSED ||
		chan_wait(c, -1, &f, NULL) != ERR_NET))
		abort();
	chan_free(c);
	return 0;
}
