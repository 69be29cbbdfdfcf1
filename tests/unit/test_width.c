/* SPDX-License-Identifier: ISC */
#include "lib/cli/width.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *text;
	size_t columns;
} widths[] = {
    {"", 0},
    {"abc", 3},
    /* e acute in one character, and in two; the euro sign. */
    {"\xc3\xa9", 1},
    {"e\xcc\x81", 1},
    {"\xe2\x82\xac", 1},
    /* Chinese, Hangul, full-width Latin, an emoji. */
    {"\xe4\xb8\xad\xe6\x96\x87", 4},
    {"\xed\x95\x9c", 2},
    {"\xef\xbc\xa1", 2},
    {"\xf0\x9f\x98\x80", 2},
    /* Thai, with a vowel above. */
    {"\xe0\xb8\x81\xe0\xb8\xb4", 1},
    /* No character of Unicode's is there, a half one, none at all. */
    {"\xf3\x80\x80\x80", 1},
    {"\xe4\xb8", 2},
    {"\xff\xfe", 2},
};

static void
columns_are_those_of_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(widths); i++)
		assert_int_equal(width_of(widths[i].text,
				     strlen(widths[i].text)),
		    widths[i].columns);
	/* Of the bytes that are asked for, and no more. */
	assert_int_equal(width_of("\xe4\xb8\xad\xe6\x96\x87", 3), 2);
	assert_int_equal(width_of("abc", 2), 2);
}

static const struct {
	const char *text;
	size_t columns, bytes;
} cuts[] = {
    {"", 3, 0},
    {"abc", 0, 0},
    {"abc", 2, 2},
    {"abc", 3, 3},
    {"abc", SIZE_MAX, 3},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 1, 2},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 2, 5},
    /* The emoji needs two. */
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 3, 5},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 4, 9},
    {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z", 5, 10},
    /* A mark goes with its character. */
    {"ae\xcc\x81z", 2, 4},
    {"ae\xcc\x81z", 1, 1},
};

static void
a_cut_leaves_characters_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(cuts); i++)
		assert_int_equal(width_cut(cuts[i].text, cuts[i].columns),
		    cuts[i].bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(columns_are_those_of_a_terminal),
	    cmocka_unit_test(a_cut_leaves_characters_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
