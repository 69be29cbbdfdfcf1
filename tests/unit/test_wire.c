/* SPDX-License-Identifier: ISC */
#include "lib/net/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

static struct buf *
three(enum wire_kind kind)
{
	static const struct wire_frame frames[] = {
	    {1, false, 0, {(const uint8_t *)"{\"call\":\"hello\"}", 16}},
	    {0xfffffffe, true, 6, {(const uint8_t *)"{}", 2}},
	    {7, true, 255, {(const uint8_t *)"{\"a\":\"\"}", 8}},
	};
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 1000), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(wire_put(b, kind, &frames[i]), 0);
	return b;
}

/* Feed the bytes step by step; the frames read, or the code of a failure. */
static int
drink(enum wire_kind kind, struct slice s, size_t step, struct wire_frame *last)
{
	struct wire_reader *r = NULL;
	struct err e = {0};
	size_t took = 0, n;
	int ret = 0, frames = 0;

	assert_int_equal(wire_reader_new(kind, &r), 0);
	while (s.n > 0 && ret >= 0) {
		n = step < s.n ? step : s.n;
		assert_int_equal(wire_feed(r, slice_of(s.p, n), &took), 0);
		assert_true(took > 0);
		s = slice_of(s.p + took, s.n - took);
		while ((ret = wire_next(r, last, &e)) == 0)
			frames++;
	}
	if (ret < 0)
		assert_true(e.msg[0] != '\0');
	wire_reader_free(r);
	return ret < 0 ? ret : frames;
}

static void
frames_come_out_as_they_went_in(void **state)
{
	struct wire_frame f = {0};
	struct buf *b;

	(void)state;
	for (int kind = WIRE_CALL; kind <= WIRE_ANSWER; kind++) {
		b = three((enum wire_kind)kind);
		for (size_t step = 1; step <= buf_len(b); step++) {
			assert_int_equal(drink((enum wire_kind)kind,
					     buf_slice(b), step, &f),
			    3);
			assert_int_equal(f.id, 7);
			assert_int_equal(f.body.n, 8);
			assert_int_equal(f.last, kind == WIRE_ANSWER);
			assert_int_equal(f.status,
			    kind == WIRE_ANSWER ? 255 : 0);
		}
		buf_free(b);
	}
}

static void
a_frame_stands_as_the_text_says(void **state)
{
	static const uint8_t call[] = {0, 0, 0, 6, 0, 0, 1, 2, '{', '}'};
	static const uint8_t answer[] = {
	    0, 0, 0, 8, 0, 0, 1, 2, 1, 3, '{', '}'};
	struct wire_frame f = {0x102, true, 3, {(const uint8_t *)"{}", 2}};
	struct buf *b = NULL;

	(void)state;
	assert_int_equal(buf_new(&b, 100), 0);
	assert_int_equal(wire_put(b, WIRE_CALL, &f), 0);
	assert_true(slice_equal(buf_slice(b), slice_of(call, sizeof(call))));
	buf_reset(b);
	assert_int_equal(wire_put(b, WIRE_ANSWER, &f), 0);
	assert_true(slice_equal(buf_slice(b),
	    slice_of(answer, sizeof(answer))));
	buf_free(b);
}

static void
bad_frames_end_the_stream(void **state)
{
	static const struct {
		const char *name;
		enum wire_kind kind;
		uint8_t bytes[16];
		size_t n;
		int want;
	} cases[] = {
	    {"n 0", WIRE_CALL, {0, 0, 0, 0}, 4, ERR_PARSE},
	    {"no body", WIRE_CALL, {0, 0, 0, 4, 0, 0, 0, 1}, 8, ERR_PARSE},
	    {"one byte of body", WIRE_CALL, {0, 0, 0, 5}, 4, ERR_PARSE},
	    {"id 0", WIRE_CALL, {0, 0, 0, 6, 0, 0, 0, 0, '{', '}'}, 10,
		ERR_PARSE},
	    {"longest call, not whole", WIRE_CALL, {0, 0x10, 0, 4}, 4, 0},
	    {"one more", WIRE_CALL, {0, 0x10, 0, 5}, 4, ERR_PARSE},
	    {"all ones", WIRE_CALL, {0xff, 0xff, 0xff, 0xff}, 4, ERR_PARSE},
	    {"longest answer", WIRE_ANSWER, {0, 0x80, 0, 6}, 4, 0},
	    {"one more answer", WIRE_ANSWER, {0, 0x80, 0, 7}, 4, ERR_PARSE},
	    {"answer of a call's length", WIRE_ANSWER, {0, 0, 0, 7}, 4,
		ERR_PARSE},
	    {"last 2", WIRE_ANSWER, {0, 0, 0, 8, 0, 0, 0, 1, 2, 0, '{', '}'},
		12, ERR_PARSE},
	};
	struct wire_frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice s = slice_of(cases[i].bytes, cases[i].n);
		int got = drink(cases[i].kind, s, s.n, &f);

		if (got != cases[i].want)
			fail_msg("%s: %d", cases[i].name, got);
	}
}

static void
nothing_is_read_after_a_bad_frame(void **state)
{
	static const uint8_t bytes[] = {
	    0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 1, '{', '}'};
	struct wire_reader *r = NULL;
	struct wire_frame f;
	struct err e = {0};
	size_t took;

	(void)state;
	assert_int_equal(wire_reader_new(WIRE_CALL, &r), 0);
	assert_int_equal(wire_feed(r, slice_of(bytes, sizeof(bytes)), &took),
	    0);
	assert_int_equal(wire_next(r, &f, &e), ERR_PARSE);
	assert_int_equal(wire_next(r, &f, &e), ERR_PARSE);
	wire_reader_free(r);
}

static void
what_may_not_be_said_is_not_written(void **state)
{
	static const uint8_t big[WIRE_CALL_MAX + 1];
	struct wire_frame f = {1, true, 0, {big, sizeof(big)}};
	struct buf *b = NULL;

	(void)state;
	assert_int_equal(buf_new(&b, 2 * sizeof(big)), 0);
	assert_int_equal(wire_put(b, WIRE_CALL, &f), ERR_LIMIT);
	assert_int_equal(wire_put(b, WIRE_ANSWER, &f), 0);
	buf_reset(b);
	f.body.n = 1;
	assert_int_equal(wire_put(b, WIRE_CALL, &f), ERR_PARSE);
	f.body.n = 2;
	f.id = 0;
	assert_int_equal(wire_put(b, WIRE_CALL, &f), ERR_PARSE);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);

	/* No half a frame in a buffer that is full. */
	assert_int_equal(buf_new(&b, 9), 0);
	f.id = 1;
	assert_int_equal(wire_put(b, WIRE_CALL, &f), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(wire_put(b, WIRE_ANSWER, &f), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

/* The longest call, and one after it that came in the same bytes. */
static void
a_reader_holds_one_longest_frame(void **state)
{
	size_t body = WIRE_CALL_MAX, took = 0, n;
	struct wire_frame f = {3, false, 0, {NULL, body}}, got = {0};
	struct wire_reader *r = NULL;
	struct buf *b = NULL;
	struct err e = {0};
	uint8_t *p;
	struct slice s;

	(void)state;
	assert_int_equal(buf_new(&b, 2 * body), 0);
	assert_int_equal(wire_put_head(b, WIRE_CALL, &f), 0);
	assert_int_equal(buf_reserve(b, body, &p), 0);
	memset(p, 'x', body);
	f.id = 4;
	f.body = slice_str("{}");
	assert_int_equal(wire_put(b, WIRE_CALL, &f), 0);

	s = buf_slice(b);
	assert_int_equal(wire_reader_new(WIRE_CALL, &r), 0);
	assert_int_equal(wire_feed(r, s, &took), 0);
	assert_true(took >= body + 8);
	assert_true(took < s.n);
	assert_int_equal(wire_feed(r, slice_of(s.p + took, s.n - took), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(wire_next(r, &got, &e), 0);
	assert_int_equal(got.id, 3);
	assert_int_equal(got.body.n, body);
	assert_int_equal(wire_next(r, &got, &e), WIRE_NONE);
	assert_int_equal(wire_pending(r), took - body - 8);
	assert_int_equal(wire_feed(r, slice_of(s.p + took, s.n - took), &n), 0);
	assert_int_equal(n, s.n - took);
	assert_int_equal(wire_next(r, &got, &e), 0);
	assert_int_equal(got.id, 4);
	assert_int_equal(wire_pending(r), 0);
	wire_reader_free(r);
	buf_free(b);
}

static void
check_mutated(const uint8_t *p, size_t n, void *arg)
{
	struct wire_frame f;
	int got = drink(*(enum wire_kind *)arg, slice_of(p, n), 5, &f);

	if (got > 3)
		fail_msg("%s: %d frames", mutate_what(), got);
}

static void
near_misses_read_no_more_than_was_there(void **state)
{
	enum wire_kind kind;
	struct buf *b;

	(void)state;
	for (kind = WIRE_CALL; kind <= WIRE_ANSWER; kind++) {
		b = three(kind);
		assert_int_equal(mutate_each(buf_slice(b).p, buf_len(b),
				     check_mutated, &kind),
		    9 * buf_len(b));
		buf_free(b);
	}
}

static int
run_feed(void *arg)
{
	struct wire_reader *r = NULL;
	struct wire_frame f;
	struct err e = {0};
	struct buf *b = arg;
	struct slice s = buf_slice(b);
	size_t took = 0, half = s.n / 2;
	int ret;

	if ((ret = wire_reader_new(WIRE_CALL, &r)) != 0 ||
	    (ret = wire_feed(r, slice_of(s.p, half), &took)) != 0)
		goto out;
	while (wire_next(r, &f, &e) == 0)
		;
	ret = wire_feed(r, slice_of(s.p + half, s.n - half), &took);
out:
	wire_reader_free(r);
	return ret;
}

static void
memory_may_run_out(void **state)
{
	struct buf *b = three(WIRE_CALL);

	(void)state;
	assert_true(alloc_each(run_feed, b) >= 3);
	buf_free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frames_come_out_as_they_went_in),
	    cmocka_unit_test(a_frame_stands_as_the_text_says),
	    cmocka_unit_test(bad_frames_end_the_stream),
	    cmocka_unit_test(nothing_is_read_after_a_bad_frame),
	    cmocka_unit_test(what_may_not_be_said_is_not_written),
	    cmocka_unit_test(a_reader_holds_one_longest_frame),
	    cmocka_unit_test(near_misses_read_no_more_than_was_there),
	    cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
