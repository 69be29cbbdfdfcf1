/* SPDX-License-Identifier: ISC */
#include "lib/net/wire.h"

#include <stdlib.h>

/* A reader that is empty gives back more than this. */
#define KEEP 4096

static const struct {
	const char *name;
	size_t max;  /* bytes of a body */
	size_t head; /* bytes of the head that n counts */
} kinds[] = {
    [WIRE_CALL] = {"call", WIRE_CALL_MAX, 4},
    [WIRE_ANSWER] = {"answer", WIRE_ANSWER_MAX, 6},
};

#define BODY_MIN 2 /* "{}" */
#define N_BYTES  4 /* of the count itself */

struct wire_reader {
	enum wire_kind kind;
	struct buf *held; /* NULL while nothing is */
	size_t done;      /* bytes of it that were read */
	bool broken;
};

int
wire_put_head(struct buf *b, enum wire_kind kind, const struct wire_frame *f)
{
	size_t start = buf_len(b);
	int r;

	if (f->id == 0 || f->body.n < BODY_MIN)
		return ERR_PARSE;
	if (f->body.n > kinds[kind].max)
		return ERR_LIMIT;
	if ((r = buf_put_u32(b, (uint32_t)(kinds[kind].head + f->body.n))) !=
		0 ||
	    (r = buf_put_u32(b, f->id)) != 0)
		goto out;
	if (kind == WIRE_ANSWER &&
	    ((r = buf_put_u8(b, f->last)) != 0 ||
		(r = buf_put_u8(b, f->status)) != 0))
		goto out;
	return 0;
out:
	buf_truncate(b, start);
	return r;
}

int
wire_put(struct buf *b, enum wire_kind kind, const struct wire_frame *f)
{
	size_t start = buf_len(b);
	int r;

	if ((r = wire_put_head(b, kind, f)) != 0)
		return r;
	if ((r = buf_put_slice(b, f->body)) != 0)
		buf_truncate(b, start);
	return r;
}

int
wire_reader_new(enum wire_kind kind, struct wire_reader **out)
{
	struct wire_reader *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return ERR_NOMEM;
	r->kind = kind;
	*out = r;
	return 0;
}

void
wire_reader_free(struct wire_reader *r)
{
	if (r == NULL)
		return;
	buf_free(r->held);
	free(r);
}

/* Put what is left to the front; what was read is never more than what is. */
static int
compact(struct wire_reader *r)
{
	struct buf *left = NULL;
	struct slice s;
	int ret;

	if (r->held == NULL || r->done == 0)
		return 0;
	s = buf_slice(r->held);
	if (s.n == r->done && s.n <= KEEP) {
		buf_reset(r->held);
		r->done = 0;
		return 0;
	}
	if (s.n > r->done) {
		if ((ret = buf_new(&left,
			 kinds[r->kind].max + WIRE_HEAD_MAX)) != 0)
			return ret;
		if ((ret = buf_put(left, s.p + r->done, s.n - r->done)) != 0) {
			buf_free(left);
			return ret;
		}
	}
	buf_free(r->held);
	r->held = left;
	r->done = 0;
	return 0;
}

int
wire_feed(struct wire_reader *r, struct slice bytes, size_t *took)
{
	size_t max = kinds[r->kind].max + WIRE_HEAD_MAX, n = bytes.n;
	int ret;

	if ((ret = compact(r)) != 0)
		return ret;
	if (n > 0 && r->held == NULL && (ret = buf_new(&r->held, max)) != 0)
		return ret;
	if (n > 0 && n > max - buf_len(r->held))
		n = max - buf_len(r->held);
	if (n > 0 && (ret = buf_put(r->held, bytes.p, n)) != 0)
		return ret;
	*took = n;
	return 0;
}

static int
broken(struct wire_reader *r, struct err *e, const char *what, uint32_t n)
{
	r->broken = true;
	return err_set(e, ERR_PARSE, "the frame of %s of %u bytes %s",
	    r->kind == WIRE_CALL ? "a call" : "an answer", n, what);
}

int
wire_next(struct wire_reader *r, struct wire_frame *out, struct err *e)
{
	struct wire_frame f = {0};
	size_t head = kinds[r->kind].head, max = kinds[r->kind].max;
	uint8_t last = 0;
	uint32_t n = 0;
	struct view v, body;
	struct slice s;

	if (r->broken)
		return err_set(e, ERR_PARSE, "the stream is broken");
	s = r->held != NULL ? buf_slice(r->held) : slice_of(NULL, 0);
	v = view_of(s.p != NULL ? s.p + r->done : NULL, s.n - r->done);
	if (view_get_u32(&v, &n) != 0)
		return WIRE_NONE;
	if (n > head + max)
		return broken(r, e, "is longer than one may be", n);
	if (n < head + BODY_MIN)
		return broken(r, e, "holds no object", n);
	if (view_get(&v, n, &s) != 0)
		return WIRE_NONE;
	body = view_slice(s);
	if (view_get_u32(&body, &f.id) != 0 || f.id == 0)
		return broken(r, e, "has the id 0", n);
	if (r->kind == WIRE_ANSWER &&
	    (view_get_u8(&body, &last) != 0 || last > 1 ||
		view_get_u8(&body, &f.status) != 0))
		return broken(r, e, "is neither news nor the last", n);
	f.last = last == 1;
	f.body = slice_of(body.p, body.n);
	r->done += N_BYTES + n;
	*out = f;
	return 0;
}

size_t
wire_pending(const struct wire_reader *r)
{
	return r->held != NULL ? buf_len(r->held) - r->done : 0;
}
