/* SPDX-License-Identifier: ISC */
#include "lib/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

static struct buf *
buf_of(size_t max)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, max), 0);
	return b;
}

static void
assert_bytes(const struct buf *b, const char *want, size_t n)
{
	assert_int_equal(buf_len(b), n);
	assert_memory_equal(buf_slice(b).p, want, n);
}

static void
integers_are_big_endian(void **state)
{
	struct buf *b = buf_of(100);
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;
	struct view v;

	(void)state;
	assert_int_equal(buf_put_u8(b, 0xfe), 0);
	assert_int_equal(buf_put_u16(b, 0x0102), 0);
	assert_int_equal(buf_put_u32(b, 0xfffefdfc), 0);
	assert_int_equal(buf_put_u64(b, 0x8001020304050607), 0);
	assert_bytes(b,
	    "\xfe\x01\x02\xff\xfe\xfd\xfc\x80\x01\x02\x03\x04\x05\x06\x07", 15);
	v = view_slice(buf_slice(b));
	assert_int_equal(view_get_u8(&v, &v8), 0);
	assert_int_equal(view_get_u16(&v, &v16), 0);
	assert_int_equal(view_get_u32(&v, &v32), 0);
	assert_int_equal(view_end(&v), ERR_PARSE);
	assert_int_equal(view_get_u64(&v, &v64), 0);
	assert_int_equal(view_end(&v), 0);
	assert_int_equal(v8, 0xfe);
	assert_int_equal(v16, 0x0102);
	assert_int_equal(v32, 0xfffefdfc);
	assert_true(v64 == 0x8001020304050607);
	buf_free(b);
}

static void
maximum_is_reached_and_never_passed(void **state)
{
	struct buf *b = buf_of(10);

	(void)state;
	assert_int_equal(buf_put(b, "123456", 6), 0);
	assert_int_equal(buf_put_string(b, "x", 1), ERR_LIMIT);
	assert_int_equal(buf_put_u64(b, 1), ERR_LIMIT);
	assert_int_equal(buf_put(b, "", SIZE_MAX), ERR_LIMIT);
	assert_bytes(b, "123456", 6);
	assert_int_equal(buf_put_string(b, "", 0), 0);
	assert_int_equal(buf_len(b), 10);
	assert_int_equal(buf_put_u8(b, 0), ERR_LIMIT);
	assert_int_equal(buf_put(b, NULL, 0), 0);
	buf_free(b);

	b = buf_of(0);
	assert_int_equal(buf_put_u8(b, 0), ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

static void
string_longer_than_its_length_field_is_refused(void **state)
{
	struct buf *b = buf_of(SIZE_MAX);

	(void)state;
	assert_int_equal(buf_put_string(b, "x", (size_t)UINT32_MAX + 1),
	    ERR_LIMIT);
	assert_int_equal(buf_len(b), 0);
	buf_free(b);
}

static void
growing_keeps_what_was_there(void **state)
{
	struct buf *b = buf_of(100000);

	(void)state;
	for (uint32_t i = 0; i < 25000; i++)
		assert_int_equal(buf_put_u32(b, i), 0);
	assert_int_equal(buf_put_u8(b, 0), ERR_LIMIT);
	for (uint32_t i = 0; i < 25000; i++) {
		struct view v = view_of(buf_slice(b).p + 4 * i, 4);
		uint32_t x;

		assert_int_equal(view_get_u32(&v, &x), 0);
		assert_int_equal(x, i);
	}
	buf_free(b);
}

static void
mpint_is_minimal_and_positive(void **state)
{
	static const struct {
		const char *in;
		size_t in_len;
		const char *want;
		size_t want_len;
	} cases[] = {
	    {"", 0, "\0\0\0\0", 4},
	    {"\0\0", 2, "\0\0\0\0", 4},
	    {"\x7f", 1, "\0\0\0\1\x7f", 5},
	    {"\x80", 1, "\0\0\0\2\0\x80", 6},
	    {"\0\0\x80\1", 4, "\0\0\0\3\0\x80\1", 7},
	    {"\0\1\0", 3, "\0\0\0\2\1\0", 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf *b = buf_of(100);
		struct slice s;
		struct view v;

		assert_int_equal(buf_put_mpint(b, cases[i].in, cases[i].in_len),
		    0);
		assert_bytes(b, cases[i].want, cases[i].want_len);
		v = view_slice(buf_slice(b));
		assert_int_equal(view_get_mpint(&v, &s), 0);
		assert_int_equal(view_end(&v), 0);
		assert_true(s.n == 0 || s.p[0] != 0);
		buf_free(b);
	}
}

static void
mpint_that_is_negative_or_padded_is_refused(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bad[] = {
	    {"\0\0\0\1\x80", 5},
	    {"\0\0\0\1\0", 5},
	    {"\0\0\0\2\0\x7f", 6},
	    {"\0\0\0\3\0\0\x80", 7},
	    {"\0\0\0\2\1", 5},
	    {"\0\0\0", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct view v = view_of(bad[i].bytes, bad[i].n);
		struct slice s = {0};

		assert_int_equal(view_get_mpint(&v, &s), ERR_PARSE);
		assert_int_equal(v.n, bad[i].n);
		assert_ptr_equal(v.p, bad[i].bytes);
		assert_null(s.p);
	}
}

static void
failed_reads_leave_the_view_alone(void **state)
{
	static const char three[] = "\0\0\0";
	struct view v = view_of(three, 3), sub = {0};
	struct slice s = {0};
	char *text = NULL;
	uint64_t v64 = 7;
	uint32_t v32 = 7;

	(void)state;
	assert_int_equal(view_get(&v, 4, &s), ERR_PARSE);
	assert_int_equal(view_get(&v, SIZE_MAX, &s), ERR_PARSE);
	assert_int_equal(view_get_u32(&v, &v32), ERR_PARSE);
	assert_int_equal(view_get_u64(&v, &v64), ERR_PARSE);
	assert_int_equal(view_get_string(&v, &s), ERR_PARSE);
	assert_int_equal(view_get_view(&v, &sub), ERR_PARSE);
	assert_int_equal(view_get_cstring(&v, &text), ERR_PARSE);
	assert_int_equal(v.n, 3);
	assert_ptr_equal(v.p, three);
	assert_null(s.p);
	assert_null(sub.p);
	assert_null(text);
	assert_int_equal(v32, 7);
	assert_true(v64 == 7);

	/* A length that no input can have. */
	v = view_of("\xff\xff\xff\xff", 4);
	assert_int_equal(view_get_string(&v, &s), ERR_PARSE);
	assert_int_equal(v.n, 4);
}

static void
cstring_with_a_nul_is_refused(void **state)
{
	struct view v = view_of("\0\0\0\3a\0b", 7);
	char *text = NULL;

	(void)state;
	assert_int_equal(view_get_cstring(&v, &text), ERR_PARSE);
	assert_null(text);
	assert_int_equal(v.n, 7);
	v = view_of("\0\0\0\0\0\0\0\2ab", 10);
	assert_int_equal(view_get_cstring(&v, &text), 0);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(view_get_cstring(&v, &text), 0);
	assert_string_equal(text, "ab");
	free(text);
	assert_int_equal(view_end(&v), 0);
}

static void
empty_view_of_nothing_is_read_as_empty(void **state)
{
	struct view v = view_of(NULL, 0);
	struct slice s = slice_of("x", 1);

	(void)state;
	assert_int_equal(view_get(&v, 0, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(view_end(&v), 0);
	assert_true(slice_equal(s, slice_str("")));
}

static void
what_leaves_the_buffer_is_wiped(void **state)
{
	struct buf *b = buf_of(100);
	const uint8_t *p;

	(void)state;
	assert_int_equal(buf_put(b, "secret-tail", 11), 0);
	p = buf_slice(b).p;
	buf_truncate(b, 7);
	assert_bytes(b, "secret-", 7);
	assert_memory_equal(p + 7, "\0\0\0\0", 4);
	buf_truncate(b, 50); /* not shorter: nothing happens */
	assert_int_equal(buf_len(b), 7);
	buf_reset(b);
	assert_int_equal(buf_len(b), 0);
	assert_memory_equal(p, "\0\0\0\0\0\0\0", 7);
	buf_free(b);
	buf_free(NULL);
}

static void
reserved_bytes_are_zero_and_counted(void **state)
{
	struct buf *b = buf_of(8);
	uint8_t *p = NULL;

	(void)state;
	assert_int_equal(buf_put_u8(b, 1), 0);
	assert_int_equal(buf_reserve(b, 8, &p), ERR_LIMIT);
	assert_null(p);
	assert_int_equal(buf_reserve(b, 3, &p), 0);
	assert_bytes(b, "\1\0\0\0", 4);
	p[2] = 9;
	assert_bytes(b, "\1\0\0\11", 4);
	buf_free(b);
}

static void
what_is_expected_has_room(void **state)
{
	struct buf *b = buf_of(200000);
	const uint8_t *before;

	(void)state;
	assert_int_equal(buf_put(b, "abc", 3), 0);
	assert_int_equal(buf_expect(b, 199998), ERR_LIMIT);
	assert_int_equal(buf_expect(b, 199997), 0);
	assert_bytes(b, "abc", 3);
	before = buf_slice(b).p;
	for (size_t i = 0; i < 199997; i++)
		assert_int_equal(buf_put_u8(b, 'd'), 0);
	assert_ptr_equal(buf_slice(b).p, before);
	assert_int_equal(buf_expect(b, 0), 0);
	buf_free(b);
}

static void
taking_moves_the_bytes_out(void **state)
{
	struct buf *b = buf_of(8);
	uint8_t *p = NULL;
	size_t n = 7;

	(void)state;
	buf_take(b, &p, &n);
	assert_null(p);
	assert_int_equal(n, 0);
	assert_int_equal(buf_put(b, "abc", 3), 0);
	buf_take(b, &p, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "abc", 3);
	free(p);
	assert_int_equal(buf_len(b), 0);
	assert_int_equal(buf_put(b, "12345678", 8), 0);
	buf_free(b);
}

static void
comparison_sees_every_byte(void **state)
{
	static const char a[] = "0123456789abcdef";

	(void)state;
	for (size_t i = 0; i < sizeof(a); i++) {
		char b[sizeof(a)];

		memcpy(b, a, sizeof(a));
		assert_true(mem_equal_ct(a, b, sizeof(a)));
		b[i] = (char)(b[i] ^ 0x80);
		assert_false(mem_equal_ct(a, b, sizeof(a)));
		assert_false(slice_equal(slice_of(a, sizeof(a)),
		    slice_of(b, sizeof(a))));
	}
	assert_true(mem_equal_ct(NULL, NULL, 0));
	assert_true(slice_is(slice_of("abc", 3), "abc"));
	assert_false(slice_is(slice_of("abc", 3), "ab"));
	assert_false(slice_is(slice_of("abc", 2), "abc"));
}

/* All kinds of field, one after the other. */
static int
write_record(void *arg)
{
	struct buf *b = NULL, *inner = NULL;
	char *text = NULL;
	struct view v;
	int r;

	(void)arg;
	if ((r = buf_new(&b, 4096)) != 0 || (r = buf_new(&inner, 99)) != 0 ||
	    (r = buf_put_cstring(inner, "inside")) != 0 ||
	    (r = buf_put_buf(b, inner)) != 0 ||
	    (r = buf_put_string(b, "text", 4)) != 0)
		goto out;
	for (int i = 0; i < 100; i++)
		if ((r = buf_put_u64(b, 1)) != 0)
			goto out;
	v = view_slice(buf_slice(b));
	if ((r = view_get_view(&v, &(struct view){0})) != 0)
		goto out;
	r = view_get_cstring(&v, &text);
out:
	free(text);
	buf_free(inner);
	buf_free(b);
	return r;
}

static void
memory_running_out_is_reported(void **state)
{
	(void)state;
	assert_true(alloc_each(write_record, NULL) >= 5);
}

static void
count_strings(const uint8_t *p, size_t n, void *arg)
{
	struct view v = view_of(p, n);
	size_t *whole = arg, total = 0;
	struct slice s;

	while (view_get_string(&v, &s) == 0)
		total += 4 + s.n;
	assert_int_equal(total + v.n, n);
	if (view_end(&v) == 0 && n > 0)
		++*whole;
}

static void
no_mutation_is_read_past_its_end(void **state)
{
	static const char blob[] = "\0\0\0\3abc\0\0\0\0\0\0\0\5defgh";
	size_t whole = 0, n = sizeof(blob) - 1;

	(void)state;
	assert_int_equal(mutate_each(blob, n, count_strings, &whole), 9 * n);
	/* Flips of the text alone, and the cuts after the first and second. */
	assert_in_range(whole, 8 * 8 + 2, 8 * 8 + 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(integers_are_big_endian),
	    cmocka_unit_test(maximum_is_reached_and_never_passed),
	    cmocka_unit_test(string_longer_than_its_length_field_is_refused),
	    cmocka_unit_test(growing_keeps_what_was_there),
	    cmocka_unit_test(mpint_is_minimal_and_positive),
	    cmocka_unit_test(mpint_that_is_negative_or_padded_is_refused),
	    cmocka_unit_test(failed_reads_leave_the_view_alone),
	    cmocka_unit_test(cstring_with_a_nul_is_refused),
	    cmocka_unit_test(empty_view_of_nothing_is_read_as_empty),
	    cmocka_unit_test(what_leaves_the_buffer_is_wiped),
	    cmocka_unit_test(reserved_bytes_are_zero_and_counted),
	    cmocka_unit_test(what_is_expected_has_room),
	    cmocka_unit_test(taking_moves_the_bytes_out),
	    cmocka_unit_test(comparison_sees_every_byte),
	    cmocka_unit_test(memory_running_out_is_reported),
	    cmocka_unit_test(no_mutation_is_read_past_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
