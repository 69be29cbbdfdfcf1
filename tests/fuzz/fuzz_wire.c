/* SPDX-License-Identifier: ISC */
/*
 * Calls and answers in the bytes of a channel: what is read is written the same
 * again, whatever the steps it came in.  The first byte says kind and step.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/net/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* All frames of the bytes, as wire_put() writes them; the last wire_next(). */
static int
copy(enum wire_kind kind, struct slice s, size_t step, struct buf *out)
{
	struct wire_reader *r = NULL;
	struct wire_frame f;
	struct err e = {0};
	size_t took = 0;
	int ret = WIRE_NONE;

	if (wire_reader_new(kind, &r) != 0)
		abort();
	while (s.n > 0 && ret == WIRE_NONE) {
		if (wire_feed(r, slice_of(s.p, step < s.n ? step : s.n),
			&took) != 0)
			abort();
		s = slice_of(s.p + took, s.n - took);
		while ((ret = wire_next(r, &f, &e)) == 0)
			if (f.id == 0 || wire_put(out, kind, &f) != 0)
				abort();
	}
	if (ret == ERR_PARSE && e.msg[0] == '\0')
		abort();
	wire_reader_free(r);
	return ret;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf *whole = NULL, *steps = NULL;
	enum wire_kind kind;
	struct slice s, copied;

	if (n == 0)
		return 0;
	kind = data[0] & 1 ? WIRE_ANSWER : WIRE_CALL;
	s = slice_of(data + 1, n - 1);
	if (buf_new(&whole, n) != 0 || buf_new(&steps, n) != 0)
		abort();
	if (copy(kind, s, s.n, whole) != copy(kind, s, 1 + data[0] / 2, steps))
		abort();
	copied = buf_slice(whole);
	if (!slice_equal(copied, buf_slice(steps)) ||
	    (copied.n > 0 && memcmp(copied.p, s.p, copied.n) != 0))
		abort();
	buf_free(steps);
	buf_free(whole);
	return 0;
}
