/* SPDX-License-Identifier: ISC */
#include "lib/base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/pages.h"

#define BUF_FIRST 128 /* bytes of the first allocation */

struct buf {
	uint8_t *p; /* NULL while cap is 0 */
	size_t n;   /* bytes in use; what lies behind was wiped */
	size_t cap;
	size_t max;
};

struct slice
slice_of(const void *p, size_t n)
{
	return (struct slice){.p = p, .n = n};
}

struct slice
slice_str(const char *s)
{
	return slice_of(s, strlen(s));
}

bool
slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
slice_is(struct slice a, const char *s)
{
	return slice_equal(a, slice_str(s));
}

bool
mem_equal_ct(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	unsigned diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= (unsigned)(x[i] ^ y[i]);
	return diff == 0;
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

int
buf_new(struct buf **out, size_t max)
{
	struct buf *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return ERR_NOMEM;
	b->max = max;
	*out = b;
	return 0;
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	mem_wipe(b->p, b->n);
	free(b->p);
	free(b);
}

void
buf_reset(struct buf *b)
{
	buf_truncate(b, 0);
}

size_t
buf_len(const struct buf *b)
{
	return b->n;
}

struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->n);
}

/* Not by realloc(), which would leave a copy of what was here in freed
 * memory. */
static int
move(struct buf *b, size_t cap)
{
	uint8_t *p;

	if ((p = malloc(cap)) == NULL)
		return ERR_NOMEM;
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	mem_wipe(b->p, b->n);
	free(b->p);
	b->p = p;
	b->cap = cap;
	return 0;
}

/* Room for n more bytes. */
static int
grow(struct buf *b, size_t n)
{
	size_t cap = b->cap;

	if (n > b->max - b->n)
		return ERR_LIMIT;
	if (n <= cap - b->n)
		return 0;
	if (cap < BUF_FIRST)
		cap = BUF_FIRST;
	while (cap < b->n + n && cap <= b->max / 2)
		cap *= 2;
	if (cap < b->n + n || cap > b->max)
		cap = b->max;
	return move(b, cap);
}

int
buf_expect(struct buf *b, size_t n)
{
	int r;

	if (n > b->max - b->n)
		return ERR_LIMIT;
	if (n > b->cap - b->n && (r = move(b, b->n + n)) != 0)
		return r;
	if (n > 0)
		pages_expect(b->p + b->n, n);
	return 0;
}

/* Room for n bytes, counted as used; the caller fills them in at once. */
static int
extend(struct buf *b, size_t n, uint8_t **out)
{
	int r;

	if ((r = grow(b, n)) != 0)
		return r;
	*out = b->p + b->n;
	b->n += n;
	return 0;
}

int
buf_put(struct buf *b, const void *p, size_t n)
{
	uint8_t *to;
	int r;

	if (n == 0)
		return 0;
	if ((r = extend(b, n, &to)) != 0)
		return r;
	memcpy(to, p, n);
	return 0;
}

int
buf_put_slice(struct buf *b, struct slice s)
{
	return buf_put(b, s.p, s.n);
}

static void
store_be(uint8_t *to, uint64_t v, size_t n)
{
	while (n-- > 0) {
		to[n] = (uint8_t)v;
		v >>= 8;
	}
}

static int
put_be(struct buf *b, uint64_t v, size_t n)
{
	uint8_t *to;
	int r;

	if ((r = extend(b, n, &to)) != 0)
		return r;
	store_be(to, v, n);
	return 0;
}

int
buf_put_u8(struct buf *b, uint8_t v)
{
	return put_be(b, v, 1);
}

int
buf_put_u16(struct buf *b, uint16_t v)
{
	return put_be(b, v, 2);
}

int
buf_put_u32(struct buf *b, uint32_t v)
{
	return put_be(b, v, 4);
}

int
buf_put_u64(struct buf *b, uint64_t v)
{
	return put_be(b, v, 8);
}

/* A string of `zeros` zero bytes and then n bytes at p. */
static int
put_string(struct buf *b, size_t zeros, const void *p, size_t n)
{
	uint8_t *to;
	int r;

	if (n > UINT32_MAX - 8)
		return ERR_LIMIT;
	if ((r = extend(b, 4 + zeros + n, &to)) != 0)
		return r;
	store_be(to, zeros + n, 4);
	memset(to + 4, 0, zeros);
	if (n > 0)
		memcpy(to + 4 + zeros, p, n);
	return 0;
}

int
buf_put_string(struct buf *b, const void *p, size_t n)
{
	return put_string(b, 0, p, n);
}

int
buf_put_cstring(struct buf *b, const char *s)
{
	return put_string(b, 0, s, strlen(s));
}

int
buf_put_buf(struct buf *b, const struct buf *s)
{
	return put_string(b, 0, s->p, s->n);
}

int
buf_put_mpint(struct buf *b, const void *p, size_t n)
{
	const uint8_t *d = p;

	while (n > 0 && *d == 0) {
		d++;
		n--;
	}
	return put_string(b, n > 0 && (*d & 0x80) != 0 ? 1 : 0, d, n);
}

int
buf_reserve(struct buf *b, size_t n, uint8_t **out)
{
	uint8_t *to;
	int r;

	if ((r = extend(b, n, &to)) != 0)
		return r;
	if (n > 0)
		memset(to, 0, n);
	*out = to;
	return 0;
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len >= b->n)
		return;
	mem_wipe(b->p + len, b->n - len);
	b->n = len;
}

void
buf_take(struct buf *b, uint8_t **p, size_t *n)
{
	*p = b->p;
	*n = b->n;
	b->p = NULL;
	b->n = b->cap = 0;
}
