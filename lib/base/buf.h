/* SPDX-License-Identifier: ISC */
/*
 * The bounded buffer: every byte from outside is read, and every wire format
 * written, through here.
 *
 * A buf grows up to the maximum said at creation and never past it; memory
 * that it leaves is wiped, so it may hold secrets.  A view is a borrowed
 * window that a parser eats from the front; it never allocates, never reads
 * past its end, and is a plain value to copy for looking ahead.  Integers are
 * big-endian, `string` and `mpint` as in RFC 4251 section 5.
 */
#ifndef LIB_BASE_BUF_H
#define LIB_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"

struct slice { /* borrowed bytes; p may be NULL when n is 0 */
	const uint8_t *p;
	size_t n;
};

struct slice slice_of(const void *p, size_t n);
struct slice slice_str(const char *s);            /* without the NUL */
bool slice_equal(struct slice a, struct slice b); /* not constant time */
bool slice_is(struct slice a, const char *s);

/* Compare secrets: time depends on n alone. */
bool mem_equal_ct(const void *a, const void *b, size_t n);
/* Overwrite in a way the compiler keeps. */
void mem_wipe(void *p, size_t n);

struct buf; /* opaque */

/* An empty buffer of at most max bytes.  ERR_NOMEM. */
int buf_new(struct buf **out, size_t max) MUST_CHECK;
void buf_free(struct buf *b);  /* NULL allowed; wiped */
void buf_reset(struct buf *b); /* length 0, memory kept and wiped */

size_t buf_len(const struct buf *b);
struct slice buf_slice(const struct buf *b); /* valid until the next change */

/*
 * Append.  ERR_LIMIT: would pass the maximum; ERR_NOMEM.  On failure nothing
 * was appended.  What is appended must not lie in b itself.
 */
int buf_put(struct buf *b, const void *p, size_t n) MUST_CHECK;
int buf_put_slice(struct buf *b, struct slice s) MUST_CHECK;
int buf_put_u8(struct buf *b, uint8_t v) MUST_CHECK;
int buf_put_u16(struct buf *b, uint16_t v) MUST_CHECK;
int buf_put_u32(struct buf *b, uint32_t v) MUST_CHECK;
int buf_put_u64(struct buf *b, uint64_t v) MUST_CHECK;
int buf_put_string(struct buf *b, const void *p, size_t n) MUST_CHECK;
int buf_put_cstring(struct buf *b, const char *s) MUST_CHECK;
int buf_put_buf(struct buf *b, const struct buf *s) MUST_CHECK; /* as string */
/* An unsigned big-endian number as an mpint: leading zeros dropped. */
int buf_put_mpint(struct buf *b, const void *p, size_t n) MUST_CHECK;

/*
 * Room for n bytes more, all of which will be put soon: so that nothing moves
 * meanwhile.  ERR_LIMIT, ERR_NOMEM as of buf_put().
 */
int buf_expect(struct buf *b, size_t n) MUST_CHECK;
/*
 * Reserve n bytes at the end and return where they are in *out, for a library
 * that writes in place; the length grows by n, the bytes are 0.  The pointer
 * is valid until the next change.
 */
int buf_reserve(struct buf *b, size_t n, uint8_t **out) MUST_CHECK;
void buf_truncate(struct buf *b, size_t len); /* len <= buf_len(b) */

/*
 * Move the bytes out: the caller frees *p, which is NULL where nothing was ever
 * appended; the buffer is empty afterwards.
 */
void buf_take(struct buf *b, uint8_t **p, size_t *n);

struct view {
	const uint8_t *p;
	size_t n;
};

struct view view_of(const void *p, size_t n);
struct view view_slice(struct slice s);

/*
 * Eat from the front.  ERR_PARSE: fewer bytes are left than that, or the
 * bytes are not of that form; the view is unchanged then.  Slices and
 * sub-views borrow from the bytes of the view.
 */
int view_get(struct view *v, size_t n, struct slice *out) MUST_CHECK;
int view_get_u8(struct view *v, uint8_t *out) MUST_CHECK;
int view_get_u16(struct view *v, uint16_t *out) MUST_CHECK;
int view_get_u32(struct view *v, uint32_t *out) MUST_CHECK;
int view_get_u64(struct view *v, uint64_t *out) MUST_CHECK;
int view_get_string(struct view *v, struct slice *out) MUST_CHECK;
int view_get_view(struct view *v, struct view *out) MUST_CHECK;
/* A string without NUL; *out is a new, terminated copy.  Also ERR_NOMEM. */
int view_get_cstring(struct view *v, char **out) MUST_CHECK;
/* A non-negative, minimally encoded mpint; *out is without the sign byte. */
int view_get_mpint(struct view *v, struct slice *out) MUST_CHECK;
/* ERR_PARSE unless everything was eaten. */
int view_end(const struct view *v) MUST_CHECK;

#endif
