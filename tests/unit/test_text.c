/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"
#include "lib/base/plural.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The plain encoding, also of what must not be encoded. */
static size_t
encode(uint32_t cp, char out[4])
{
	if (cp < 0x80) {
		out[0] = (char)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return 4;
}

static bool
is_clean(uint32_t cp)
{
	char text[6] = "a";
	size_t n = encode(cp, text + 1), bad = 99;
	bool clean;

	text[1 + n] = 'b';
	clean = text_is_clean(text, n + 2, &bad);
	assert_int_equal(bad, clean ? 99 : 1);
	return clean;
}

static void
each_invisible_character_is_refused(void **state)
{
	static const struct {
		uint32_t lo, hi;
	} bad[] = {
	    {0x0000, 0x001f},
	    {0x007f, 0x009f},
	    {0x00ad, 0x00ad},
	    {0x061c, 0x061c},
	    {0x180e, 0x180e},
	    {0x200b, 0x200f},
	    {0x2028, 0x202e},
	    {0x2060, 0x2064},
	    {0x2066, 0x2069},
	    {0xfdd0, 0xfdef},
	    {0xfe00, 0xfe0f},
	    {0xfeff, 0xfeff},
	    {0xfff9, 0xfffb},
	    {0xd800, 0xdfff},
	    {0xe0000, 0xe01ef},
	    {0x110000, 0x13ffff},
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		for (uint32_t cp = bad[i].lo; cp <= bad[i].hi; cp++)
			if (is_clean(cp))
				fail_msg("U+%04X was let through", cp);
	for (uint32_t plane = 0; plane <= 16; plane++) {
		assert_false(is_clean(plane << 16 | 0xfffe));
		assert_false(is_clean(plane << 16 | 0xffff));
	}
}

static void
letters_of_all_scripts_are_let_through(void **state)
{
	static const uint32_t good[] = {' ', '~', 0xa0, 0xac, 0xae, 0xe9,
	    0x034e, 0x0350, 0x061b, 0x0628, 0x05d0, 0x0915, 0x180d - 0x10,
	    0x1810, 0x200a, 0x2010, 0x2027, 0x202f, 0x205f, 0x2070, 0x20ac,
	    0x4e2d, 0xac00, 0xd7ff, 0xe000, 0xfdcf, 0xfdf0, 0xfe10, 0xfffc,
	    0xfffd, 0x10000, 0x1f600, 0xdffff - 2, 0xe1000, 0x10fffd};

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		if (!is_clean(good[i]))
			fail_msg("U+%04X was refused", good[i]);
}

static void
malformed_utf8_is_refused_at_its_first_byte(void **state)
{
	static const char *const bad[] = {
	    "ok\x80",
	    "ok\xc3",
	    "ok\xc3(",
	    "ok\xc0\xaf",
	    "ok\xc1\xbf",
	    "ok\xe0\x9f\xbf",
	    "ok\xe2\x82",
	    "ok\xe2\x82(",
	    "ok\xed\xa0\x80",
	    "ok\xf0\x8f\xbf\xbf",
	    "ok\xf0\x9f\x98",
	    "ok\xf4\x90\x80\x80",
	    "ok\xf5\x80\x80\x80",
	    "ok\xf8\x88\x80\x80\x80",
	    "ok\xfe",
	    "ok\xff",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		size_t at = 0;

		assert_false(text_is_clean(bad[i], strlen(bad[i]), &at));
		assert_int_equal(at, 2);
		at = 0;
		assert_false(text_is_utf8(bad[i], strlen(bad[i]), &at));
		assert_int_equal(at, 2);
	}
	assert_false(text_is_clean("\xff", 1, NULL));
	assert_false(text_is_utf8("\xff", 1, NULL));
	assert_true(text_is_utf8("a\0\n\xe2\x80\x8b", 6, NULL));
	assert_true(text_is_clean("", 0, NULL));
}

static void
text_ends_where_its_length_says(void **state)
{
	(void)state;
	assert_true(text_is_clean("\xc3\xa9\n", 2, NULL));
	assert_false(text_is_clean("\xc3\xa9", 1, NULL));
	assert_false(text_is_clean("a\0b", 3, NULL));
}

/* Whole words are looked at where they can be: no byte hides in one. */
static void
each_byte_is_judged_alike_wherever_it_stands(void **state)
{
	char text[24];
	size_t at;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		for (unsigned c = 0; c < 256; c++) {
			memset(text, c % 2 == 0 ? '~' : ' ', sizeof(text));
			text[i] = (char)c;
			at = sizeof(text);
			assert_int_equal(text_is_utf8(text, sizeof(text), &at),
			    c < 0x80);
			assert_int_equal(at, c < 0x80 ? sizeof(text) : i);
			at = sizeof(text);
			assert_int_equal(text_is_clean(text, sizeof(text), &at),
			    c >= 0x20 && c < 0x7f);
			assert_int_equal(at,
			    c >= 0x20 && c < 0x7f ? sizeof(text) : i);
		}
}

static void
what_people_look_at_moves_no_cursor(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *want;
	} cases[] = {
	    {"", 0, ""},
	    {"a\tb\n\nc", 6, "a\tb\n\nc"},
	    {"\xc3\xa9\n", 3, "\xc3\xa9\n"},
	    {"x: 1\rx: 2\n", 10, "x: 1\\x0dx: 2\n"},
	    {"\x1b[2J\x7f", 5, "\\x1b[2J\\x7f"},
	    {"a\0b", 3, "a\\x00b"},
	    {"\xc2\x9b", 2, "\\xc2\\x9b"},
	    {"a\xe2\x80\xaez", 5, "a\\xe2\\x80\\xaez"},
	    {"\xff", 1, "\\xff"},
	    {"\xc3\xa9", 1, "\\xc3"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;

		str_add(&s, ">");
		str_add_shown(&s, cases[i].text, cases[i].n);
		assert_int_equal(str_check(&s), 0);
		assert_string_equal(s.p + 1, cases[i].want);
		str_clear(&s);
	}
}

static void
length_counts_characters(void **state)
{
	(void)state;
	assert_int_equal(text_length("", 0), 0);
	assert_int_equal(text_length("abc", 3), 3);
	assert_int_equal(text_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
			     10),
	    4);
}

static void
one_is_called_as_one(void **state)
{
	(void)state;
	assert_string_equal(text_plural(0, "leaf", "leaves"), "leaves");
	assert_string_equal(text_plural(1, "leaf", "leaves"), "leaf");
	assert_string_equal(text_plural(2, "leaf", "leaves"), "leaves");
	assert_string_equal(text_plural(UINT64_MAX, "leaf", "leaves"),
	    "leaves");
}

static void
ids_are_short_and_plain(void **state)
{
	static const char *const good[] = {
	    "a", "0", "web-1.example.org", "a_b@c+d.e-f", "-", "."};
	static const char *const bad[] = {"", "A", "a b", "a/b", "a:b", "a,b",
	    "a*", "a\n", "\xc3\xa9", "a\x7f", "a`", "a{"};
	char longest[ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		assert_true(id_is_valid(good[i]));
	for (size_t i = 0; i < LEN(bad); i++)
		assert_false(id_is_valid(bad[i]));
	memset(longest, 'a', sizeof(longest));
	longest[ID_MAX] = '\0';
	assert_true(id_is_valid(longest));
	longest[ID_MAX] = 'a';
	longest[ID_MAX + 1] = '\0';
	assert_false(id_is_valid(longest));
}

static void
patterns_are_ids_with_stars(void **state)
{
	static const char *const good[] = {
	    "a", "*", "?", "web-*.example.com", "db-?.x", "a_b@c+d.e-f"};
	static const char *const bad[] = {
	    "", "A*", "a *", "a/*", "[ab]", "a\n", "\xc3\xa9*"};
	char longest[ID_MAX + 1];

	(void)state;
	for (size_t i = 0; i < LEN(good); i++)
		assert_true(id_glob_is_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < LEN(bad); i++)
		assert_false(id_glob_is_valid(bad[i], strlen(bad[i])));
	assert_false(id_glob_is_valid("a\0b", 3));
	memset(longest, '*', sizeof(longest));
	assert_true(id_glob_is_valid(longest, ID_MAX));
	assert_false(id_glob_is_valid(longest, ID_MAX + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_invisible_character_is_refused),
	    cmocka_unit_test(letters_of_all_scripts_are_let_through),
	    cmocka_unit_test(malformed_utf8_is_refused_at_its_first_byte),
	    cmocka_unit_test(text_ends_where_its_length_says),
	    cmocka_unit_test(each_byte_is_judged_alike_wherever_it_stands),
	    cmocka_unit_test(what_people_look_at_moves_no_cursor),
	    cmocka_unit_test(length_counts_characters),
	    cmocka_unit_test(one_is_called_as_one),
	    cmocka_unit_test(ids_are_short_and_plain),
	    cmocka_unit_test(patterns_are_ids_with_stars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
