/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
text_grows_piece_by_piece(void **state)
{
	struct str s = STR_INIT;
	char *text = NULL;

	(void)state;
	assert_string_equal(s.p, "");
	str_add(&s, "a");
	str_addc(&s, 'b');
	str_addn(&s, "cdX", 2);
	str_addn(&s, NULL, 0);
	str_addf(&s, "-%d-%s", 7, "x");
	str_add_hex(&s, "\x00\xff", 2);
	assert_string_equal(s.p, "abcd-7-x00ff");
	assert_int_equal(s.n, strlen(s.p));
	assert_int_equal(str_check(&s), 0);
	assert_int_equal(str_take(&s, &text), 0);
	assert_string_equal(text, "abcd-7-x00ff");
	free(text);
	assert_ptr_equal(s.p, str_empty);
	assert_int_equal(s.n, 0);
}

static void
formatted_text_of_any_length_fits(void **state)
{
	(void)state;
	/* Around each size that a first allocation might have. */
	for (int n = 0; n < 600; n++) {
		struct str s = STR_INIT;

		str_add(&s, "<");
		str_addf(&s, "%*s", n, "");
		str_addf(&s, "%s", ">");
		assert_int_equal(s.n, n + 2);
		assert_int_equal(strlen(s.p), n + 2);
		assert_int_equal(s.p[0], '<');
		assert_int_equal(s.p[n + 1], '>');
		str_clear(&s);
	}
}

static void
nothing_is_taken_as_an_empty_text(void **state)
{
	struct str s = STR_INIT;
	char *text = NULL;

	(void)state;
	assert_int_equal(str_take(&s, &text), 0);
	assert_string_equal(text, "");
	free(text);
}

static void
reset_and_clear_wipe(void **state)
{
	struct str s = STR_INIT;
	const char *p;

	(void)state;
	str_add(&s, "secret");
	p = s.p;
	str_reset(&s);
	assert_ptr_equal(s.p, p);
	assert_memory_equal(p, "\0\0\0\0\0\0", 6);
	str_add(&s, "x");
	assert_string_equal(s.p, "x");
	str_clear(&s);
	assert_ptr_equal(s.p, str_empty);
	str_clear(&s);
	str_reset(&s);
	assert_string_equal(s.p, "");
}

static void
failure_is_remembered_and_nothing_added_after_it(void **state)
{
	struct str s = STR_INIT;
	char *text = NULL;

	(void)state;
	str_add(&s, "kept");
	alloc_fail_nth(1);
	str_addf(&s, "%500s", "");
	alloc_fail_nth(0);
	assert_int_equal(str_check(&s), ERR_NOMEM);
	str_add(&s, "lost");
	str_addc(&s, 'x');
	str_addf(&s, "%d", 1);
	assert_string_equal(s.p, "kept");
	assert_int_equal(str_take(&s, &text), ERR_NOMEM);
	assert_null(text);
	assert_int_equal(str_check(&s), 0);
	assert_ptr_equal(s.p, str_empty);
}

static void
quoted_text_is_printable_and_bounded(void **state)
{
	char q[QUOTE_MAX], wild[200];
	struct str s = STR_INIT;

	(void)state;
	assert_string_equal(str_quote(q, ""), "''");
	assert_string_equal(str_quote(q, "web-1"), "'web-1'");
	assert_string_equal(str_quote(q, "it's \\"), "'it\\'s \\\\'");
	assert_string_equal(str_quoten(q, "\0\n\x1b\x7f\xc3\xa9", 6),
	    "'\\x00\\x0a\\x1b\\x7f\\xc3\\xa9'");
	memset(wild, 0xff, sizeof(wild));
	assert_int_equal(strlen(str_quoten(q, wild, 60)), 242);
	assert_int_equal(strlen(str_quoten(q, wild, 61)), 245);
	assert_string_equal(q + 241, "'...");
	str_add_quoted(&s, "a\tb", 3);
	assert_string_equal(s.p, "'a\\x09b'");
	str_clear(&s);
}

static void
numbers_are_digits_alone(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int r;
		uint64_t v;
	} cases[] = {
	    {"0", 0, 0, 0, 0},
	    {"7", 1, 9, 0, 7},
	    {"10", 1, 10, 0, 10},
	    {"11", 1, 10, ERR_LIMIT, 0},
	    {"0", 1, 10, ERR_LIMIT, 0},
	    {"18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX},
	    {"18446744073709551616", 0, UINT64_MAX, ERR_LIMIT, 0},
	    {"99999999999999999999999", 0, UINT64_MAX, ERR_LIMIT, 0},
	    {"9999999999999999999999x", 0, UINT64_MAX, ERR_PARSE, 0},
	    {"", 0, 9, ERR_PARSE, 0},
	    {"00", 0, 9, ERR_PARSE, 0},
	    {"01", 0, 9, ERR_PARSE, 0},
	    {"+1", 0, 9, ERR_PARSE, 0},
	    {"-1", 0, 9, ERR_PARSE, 0},
	    {" 1", 0, 9, ERR_PARSE, 0},
	    {"1 ", 0, 9, ERR_PARSE, 0},
	    {"1\n", 0, 9, ERR_PARSE, 0},
	    {"0x1", 0, 9, ERR_PARSE, 0},
	    {"1e1", 0, 99, ERR_PARSE, 0},
	    {"\xd9\xa1", 0, 9, ERR_PARSE, 0},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		uint64_t v = 42;
		int r =
		    parse_u64(cases[i].text, cases[i].min, cases[i].max, &v);

		if (r != cases[i].r)
			fail_msg("'%s' gave %d", cases[i].text, r);
		assert_true(v == (r == 0 ? cases[i].v : 42));
	}
}

static void
hex_is_lower_case_and_of_the_right_length(void **state)
{
	static const char *const bad[] = {
	    "00f", "00f", "00ff0", "00ff00", "", "00Ff", "00fg", "0 ff"};
	uint8_t out[2] = {0};
	char text[5];

	(void)state;
	assert_int_equal(hex_decode("00ff", 4, out, 2), 0);
	assert_memory_equal(out, "\x00\xff", 2);
	hex_encode("\x9a\x0b", 2, text);
	assert_string_equal(text, "9a0b");
	assert_int_equal(hex_decode("", 0, out, 0), 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		memset(out, 0x55, 2);
		assert_int_equal(hex_decode(bad[i], strlen(bad[i]), out, 2),
		    ERR_PARSE);
		assert_memory_equal(out, "\x55\x55", 2);
	}
}

static void
every_byte_survives_hex(void **state)
{
	struct str s = STR_INIT;
	uint8_t in[256], out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)i;
	str_add_hex(&s, in, sizeof(in));
	assert_int_equal(s.n, 512);
	assert_int_equal(hex_decode(s.p, s.n, out, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	str_clear(&s);
}

static void
base64_of_any_length_is_read_back(void **state)
{
	/* RFC 4648 section 10 */
	static const char *const vectors[] = {
	    "", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
	struct str s = STR_INIT;
	struct buf *b = NULL;
	uint8_t in[700];

	(void)state;
	for (size_t i = 0; i < LEN(vectors); i++) {
		str_reset(&s);
		str_add_base64(&s, "foobar", i);
		assert_string_equal(s.p, vectors[i]);
	}
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 167 + i / 256);
	assert_int_equal(buf_new(&b, 1000), 0);
	for (size_t n = 0; n <= sizeof(in); n++) {
		str_reset(&s);
		str_add_base64(&s, in, n);
		buf_reset(b);
		assert_int_equal(base64_decode(s.p, s.n, b), 0);
		assert_int_equal(buf_len(b), n);
		assert_true(slice_equal(buf_slice(b), slice_of(in, n)));
	}
	buf_free(b);
	str_clear(&s);
}

static void
base64_that_is_not_canonical_is_refused(void **state)
{
	static const char *const bad[] = {
	    "Z",
	    "Zg",
	    "Zg=",
	    "Zh==", /* trailing bits */
	    "Zm9=",
	    "Zm8",
	    "Zm8==",
	    "Zg==Zg==",
	    "Z===",
	    "====",
	    "=m8=",
	    "Z=8=",
	    "Zm9\n",
	    "Zm\n9v\n\n\n",
	    "Zm 9",
	    "Zm-_",
	    "Zm9vZm9*",
	    "Zm9v====",
	    "Zm\xc3\xa9",
	};
	struct buf *b = NULL;

	(void)state;
	assert_int_equal(buf_new(&b, 10), 0);
	assert_int_equal(buf_put(b, "old", 3), 0);
	for (size_t i = 0; i < LEN(bad); i++) {
		if (base64_decode(bad[i], strlen(bad[i]), b) != ERR_PARSE)
			fail_msg("'%s' was read", bad[i]);
		assert_true(slice_is(buf_slice(b), "old"));
	}
	assert_int_equal(base64_decode("Zm9vYmFyZm8=", 12, b), ERR_LIMIT);
	assert_true(slice_is(buf_slice(b), "old"));
	assert_int_equal(base64_decode("Zm9vYmFyZg==", 12, b), 0);
	assert_true(slice_is(buf_slice(b), "oldfoobarf"));
	buf_free(b);
}

static void
lists_own_sort_and_compare(void **state)
{
	struct strs a = {0}, b = {0};
	struct str s = STR_INIT;

	(void)state;
	strs_sort(&a);
	assert_true(strs_equal(&a, &b));
	strs_join(&a, ", ", &s);
	assert_string_equal(s.p, "");
	assert_int_equal(strs_add(&a, "b"), 0);
	strs_join(&a, ", ", &s);
	assert_string_equal(s.p, "b");
	assert_int_equal(strs_add(&a, "\xc3\xa9"), 0);
	assert_int_equal(strs_addn(&a, "aXX", 1), 0);
	assert_int_equal(strs_add(&a, "B"), 0);
	assert_int_equal(strs_dup(&a, &b), 0);
	assert_true(strs_equal(&a, &b));
	assert_ptr_not_equal(a.v[0], b.v[0]);
	strs_sort(&b);
	assert_false(strs_equal(&a, &b));
	assert_string_equal(b.v[0], "B");
	assert_string_equal(b.v[1], "a");
	assert_string_equal(b.v[2], "b");
	assert_string_equal(b.v[3], "\xc3\xa9");
	strs_join(&b, ", ", &s); /* behind what is there */
	assert_string_equal(s.p, "bB, a, b, \xc3\xa9");
	str_clear(&s);
	assert_true(strs_has(&b, "a"));
	assert_false(strs_has(&b, "aX"));
	strs_clear(&a);
	assert_int_equal(a.n, 0);
	strs_clear(&a);
	strs_clear(&b);
}

static void
arrays_grow_to_their_maximum_and_no_further(void **state)
{
	uint32_t *v = NULL;
	size_t n = 0, cap = 0;

	(void)state;
	for (; n < 100; n++) {
		assert_int_equal(vec_grow(&v, n, &cap, 100), 0);
		assert_in_range(cap, n + 1, 100);
		v[n] = (uint32_t)n;
	}
	assert_int_equal(vec_grow(&v, n, &cap, 100), ERR_LIMIT);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	free(v);

	v = NULL;
	cap = 0;
	assert_int_equal(vec_grow(&v, 0, &cap, 3), 0);
	assert_int_equal(cap, 3);
	free(v);
	v = NULL;
	cap = 0;
	assert_int_equal(vec_grow(&v, 0, &cap, 0), ERR_LIMIT);
	assert_null(v);
}

static void
arrays_have_room_before_it_is_needed(void **state)
{
	uint32_t *v = NULL;
	size_t n = 0, cap = 0, was;

	(void)state;
	assert_int_equal(vec_reserve(&v, n, 0, &cap), 0);
	assert_null(v);
	for (size_t more = 1; more < 1000; more *= 3) {
		assert_int_equal(vec_reserve(&v, n, more, &cap), 0);
		assert_true(cap >= n + more);
		for (size_t i = 0; i < more; i++, n++)
			v[n] = (uint32_t)n;
		was = cap;
		assert_int_equal(vec_reserve(&v, n, cap - n, &cap), 0);
		assert_int_equal(cap, was);
	}
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i], i);
	/* One at a time it is not made anew each time. */
	was = cap;
	assert_int_equal(vec_reserve(&v, was, 1, &cap), 0);
	assert_true(cap >= 2 * was);
	was = cap;
	assert_int_equal(vec_reserve(&v, n, SIZE_MAX - n, &cap), ERR_NOMEM);
	assert_int_equal(vec_reserve(&v, n, SIZE_MAX, &cap), ERR_NOMEM);
	assert_int_equal(cap, was);
	assert_int_equal(v[n - 1], n - 1);
	free(v);
}

static void
numbers_sort_over_their_whole_range(void **state)
{
	uint64_t v[] = {UINT64_MAX, 1, UINT64_C(1) << 63, 0, 1, UINT32_MAX};
	static const uint64_t want[] = {
	    0, 1, 1, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};

	(void)state;
	qsort(v, sizeof(v) / sizeof(v[0]), sizeof(v[0]), u64_compare);
	assert_memory_equal(v, want, sizeof(want));
	assert_int_equal(u64_compare(&want[1], &want[2]), 0);
}

static int
build_lists(void *arg)
{
	struct strs a = {0}, b = {0};
	struct str s = STR_INIT;
	struct buf *buf = NULL;
	char *text = NULL;
	int r;

	(void)arg;
	for (int i = 0; i < 10; i++)
		if ((r = strs_add(&a, "x")) != 0)
			goto out;
	if ((r = strs_dup(&a, &b)) != 0 || (r = buf_new(&buf, 500)) != 0 ||
	    (r = base64_decode("Zm9v", 4, buf)) != 0)
		goto out;
	for (int i = 0; i < 50; i++)
		str_addf(&s, "%20d", i);
	r = str_take(&s, &text);
out:
	strs_clear(&a);
	strs_clear(&b);
	str_clear(&s);
	buf_free(buf);
	free(text);
	return r;
}

static int PRINTF_LIKE(2, 3) set(char **out, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = str_vset(out, fmt, ap);
	va_end(ap);
	return r;
}

static int
set_anew(void *arg)
{
	char **p = arg;
	int r = set(p, "%s, and %d", *p, 7);

	/* What it was may be among what is printed, and stays on failure. */
	assert_string_equal(*p, r == 0 ? "before, and 7" : "before");
	return r;
}

static void
a_text_is_set_anew_or_stays(void **state)
{
	char *text = NULL;

	(void)state;
	assert_int_equal(set(&text, "before"), 0);
	assert_true(alloc_each(set_anew, &text) >= 1);
	assert_string_equal(text, "before, and 7");
	free(text);
}

static void
memory_running_out_is_reported(void **state)
{
	(void)state;
	assert_true(alloc_each(build_lists, NULL) >= 28);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_grows_piece_by_piece),
	    cmocka_unit_test(formatted_text_of_any_length_fits),
	    cmocka_unit_test(nothing_is_taken_as_an_empty_text),
	    cmocka_unit_test(reset_and_clear_wipe),
	    cmocka_unit_test(failure_is_remembered_and_nothing_added_after_it),
	    cmocka_unit_test(quoted_text_is_printable_and_bounded),
	    cmocka_unit_test(numbers_are_digits_alone),
	    cmocka_unit_test(hex_is_lower_case_and_of_the_right_length),
	    cmocka_unit_test(every_byte_survives_hex),
	    cmocka_unit_test(base64_of_any_length_is_read_back),
	    cmocka_unit_test(base64_that_is_not_canonical_is_refused),
	    cmocka_unit_test(lists_own_sort_and_compare),
	    cmocka_unit_test(arrays_grow_to_their_maximum_and_no_further),
	    cmocka_unit_test(arrays_have_room_before_it_is_needed),
	    cmocka_unit_test(numbers_sort_over_their_whole_range),
	    cmocka_unit_test(a_text_is_set_anew_or_stays),
	    cmocka_unit_test(memory_running_out_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
