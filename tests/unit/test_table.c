/* SPDX-License-Identifier: ISC */
#include "lib/cli/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const char *const columns[] = {"person", "valid_before", "why"};

static void
fill(struct table *t)
{
	table_init(t, columns, LEN(columns));
	table_add(t, "alice");
	table_addf(t, "%d h", 12);
	table_add(t, "a, b");
	/* Six characters in nine bytes. */
	table_add(t,
	    "\xc5\xaf\xc5\xbe"
	    "a\xc5\xa1"
	    "ka");
	table_add(t, NULL);
	table_add(t, "x");
}

static void
expect(struct table *t, enum table_format f, const char *want)
{
	struct str s = STR_INIT;

	assert_int_equal(table_print(t, f, &s), 0);
	assert_string_equal(s.p, want);
	str_clear(&s);
}

static void
text_lines_up_by_characters(void **state)
{
	struct table t;

	(void)state;
	fill(&t);
	assert_int_equal(table_rows(&t), 2);
	expect(&t, TABLE_TEXT,
	    "PERSON  VALID BEFORE  WHY\n"
	    "alice   12 h          a, b\n"
	    "\xc5\xaf\xc5\xbe"
	    "a\xc5\xa1"
	    "ka                x\n");
	table_clear(&t);
	assert_int_equal(table_rows(&t), 0);
}

static void
a_cell_wider_than_its_head_widens_the_column(void **state)
{
	static const char *const two[] = {"a", "b"};
	struct table t;

	(void)state;
	table_init(&t, two, 2);
	table_add(&t, "123456");
	table_add(&t, "1234567890");
	table_add(&t, "1");
	table_add(&t, "2");
	/* Nothing is padded behind the last column. */
	expect(&t, TABLE_TEXT,
	    "A       B\n"
	    "123456  1234567890\n"
	    "1       2\n");
	table_clear(&t);
}

/* A row of three in a terminal that wide. */
static const struct {
	size_t width;
	const char *cells[3], *want;
} rows[] = {
    {0, {"12:00", "olga", "a text"},
	"AT     APPROVED BY  WHAT\n"
	"12:00  olga         a text\n"},
    /* It fits, to the last character; and one less. */
    {26, {"12:00", "olga", "a text"},
	"AT     APPROVED BY  WHAT\n"
	"12:00  olga         a text\n"},
    {25, {"12:00", "olga", "a text"},
	"AT     APPROVED    WHAT\n"
	"       BY\n"
	"12:00  olga        a text\n"},
    /* The widest gives way alone, and what is left over is used. */
    {32, {"12:00", "olga", "roll out it all"},
	"AT     APPROVED BY  WHAT\n"
	"12:00  olga         roll out it\n"
	"                    all\n"},
    /* At a blank first, else behind what divides, else anywhere. */
    {28, {"x", "y", "2026-11-30 09:19:19"},
	"AT  APPROVED BY  WHAT\n"
	"x   y            2026-11-30\n"
	"                 09:19:19\n"},
    {28, {"x", "y", "olga@example.com"},
	"AT  APPROVED BY  WHAT\n"
	"x   y            olga@\n"
	"                 example.com\n"},
    {28, {"x", "y", "abcdefghijklmnopqrstuvwxyz"},
	"AT  APPROVED BY  WHAT\n"
	"x   y            abcdefghijk\n"
	"                 lmnopqrstuv\n"
	"                 wxyz\n"},
    /* Two at once, of which the last is done first. */
    {25, {"x", "alice and bob and tom", "one two three"},
	"AT  APPROVED    WHAT\n"
	"    BY\n"
	"x   alice and   one two\n"
	"    bob and     three\n"
	"    tom\n"},
    /* Characters are counted, and stay whole. */
    {28,
	{"x", "y",
	    "\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf"
	    "\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xbe"},
	"AT  APPROVED BY  WHAT\n"
	"x   y            \xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf"
	"\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\xc5\xaf\n"
	"                 \xc5\xbe\n"},
    /* A wide one takes two columns, and one that is left over stays empty. */
    {27,
	{"\xe4\xb8\xad\xe6\x96\x87", "y",
	    "\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87"
	    "\xe4\xb8\xad\xe6\x96\x87"},
	"AT    APPROVED    WHAT\n"
	"      BY\n"
	"\xe4\xb8\xad\xe6\x96\x87  y           "
	"\xe4\xb8\xad\xe6\x96\x87\xe4\xb8\xad\xe6\x96\x87\n"
	"                  \xe4\xb8\xad\xe6\x96\x87\n"},
    {0, {"\xf0\x9f\x98\x80", "y", "z"},
	"AT  APPROVED BY  WHAT\n"
	"\xf0\x9f\x98\x80  y            z\n"},
    /* A mark over a character takes none, and stays with it. */
    {28,
	{"a\xcc\x81"
	 "e\xcc\x81",
	    "y",
	    "abcdefghijk\xcc\x81"
	    "l"},
	"AT  APPROVED BY  WHAT\n"
	"a\xcc\x81"
	"e\xcc\x81  y            abcdefghijk\xcc\x81\n"
	"                 l\n"},
    /* What is no UTF-8 is not looked into. */
    {0, {"\xe4\xb8", "\xff", "z"},
	"AT  APPROVED BY  WHAT\n"
	"\xe4\xb8  \xff            z\n"},
    /* None is narrower than eight, whatever that takes. */
    {1, {"x", "123456789", "12345678"},
	"AT  APPROVED  WHAT\n"
	"    BY\n"
	"x   12345678  12345678\n"
	"    9\n"},
};

static void
a_line_that_is_too_long_goes_on_below(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(rows); i++) {
		static const char *const three[] = {
		    "at", "approved_by", "what"};
		struct table t;

		table_init(&t, three, LEN(three));
		for (size_t c = 0; c < LEN(three); c++)
			table_add(&t, rows[i].cells[c]);
		t.width = rows[i].width;
		expect(&t, TABLE_TEXT, rows[i].want);
		table_clear(&t);
	}
}

static void
words_that_are_copied_stay_whole(void **state)
{
	static const char *const two[] = {"what", "serial"};
	struct table t;

	(void)state;
	table_init(&t, two, LEN(two));
	table_add(&t, "roll out it all");
	table_add(&t, "1234567890123 (a_log)");
	t.width = 24;
	expect(&t, TABLE_TEXT,
	    "WHAT         SERIAL\n"
	    "roll out it  12345678901\n"
	    "all          23 (a_log)\n");
	t.whole = "serial";
	expect(&t, TABLE_TEXT,
	    "WHAT       SERIAL\n"
	    "roll out   1234567890123\n"
	    "it all     (a_log)\n");
	t.width = 1;
	expect(&t, TABLE_TEXT,
	    "WHAT      SERIAL\n"
	    "roll out  1234567890123\n"
	    "it all    (a_log)\n");
	table_clear(&t);
}

static void
an_empty_table_keeps_its_head(void **state)
{
	struct table t;

	(void)state;
	table_init(&t, columns, LEN(columns));
	expect(&t, TABLE_TEXT, "PERSON  VALID BEFORE  WHY\n");
	expect(&t, TABLE_CSV, "person,valid_before,why\r\n");
	table_clear(&t);
}

static void
cells_of_numbers_keys_and_lists(void **state)
{
	static const char *const names[] = {
	    "n", "none", "key", "no_key", "list", "no_list"};
	static const struct hash h;
	struct strs l = {0}, empty = {0};
	struct table t;

	(void)state;
	assert_int_equal(strs_add(&l, "web"), 0);
	assert_int_equal(strs_add(&l, "db"), 0);
	table_init(&t, names, LEN(names));
	table_add_number(&t, true, UINT64_MAX);
	table_add_number(&t, false, 7);
	table_add_fingerprint(&t, true, &h);
	table_add_fingerprint(&t, false, &h);
	table_add_list(&t, &l);
	table_add_list(&t, &empty);
	expect(&t, TABLE_CSV,
	    "n,none,key,no_key,list,no_list\r\n"
	    "18446744073709551615,,"
	    "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA,,"
	    "\"web,db\",\r\n");
	table_clear(&t);
	strs_clear(&l);
}

static void
csv_quotes_what_needs_it(void **state)
{
	static const struct {
		const char *cell, *want;
	} cases[] = {
	    {"", ""},
	    {"plain text", "plain text"},
	    {"a'b", "a'b"},
	    {"a,b", "\"a,b\""},
	    {"say \"x\"", "\"say \"\"x\"\"\""},
	    {"\"", "\"\"\"\""},
	    {"one\ntwo", "\"one\ntwo\""},
	    {"one\rtwo", "\"one\rtwo\""},
	    {"\xc5\xaf", "\xc5\xaf"},
	    /* What a spreadsheet would compute, and its neighbours. */
	    {"=1+2", "\"'=1+2\""},
	    {"+1", "\"'+1\""},
	    {"-1", "\"'-1\""},
	    {"@SUM(A1)", "\"'@SUM(A1)\""},
	    {"\tx", "\"'\tx\""},
	    {"\rx", "\"'\rx\""},
	    {"=\"x\"", "\"'=\"\"x\"\"\""},
	    {"1-2", "1-2"},
	    {"a=b", "a=b"},
	    {" =1", " =1"},
	    {"x@y", "x@y"},
	};
	static const char *const one[] = {"c"};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str want = STR_INIT;
		struct table t;

		str_addf(&want, "c\r\n%s\r\n", cases[i].want);
		table_init(&t, one, 1);
		table_add(&t, cases[i].cell);
		expect(&t, TABLE_CSV, want.p);
		table_clear(&t);
		str_clear(&want);
	}
}

static void
csv_has_a_line_for_each_row(void **state)
{
	struct table t;

	(void)state;
	fill(&t);
	expect(&t, TABLE_CSV,
	    "person,valid_before,why\r\n"
	    "alice,12 h,\"a, b\"\r\n"
	    "\xc5\xaf\xc5\xbe"
	    "a\xc5\xa1"
	    "ka,,x\r\n");
	table_clear(&t);
}

static void
json_is_an_array_of_objects(void **state)
{
	struct str s = STR_INIT;
	struct table t;
	json_t *o = NULL;

	(void)state;
	fill(&t);
	table_add(&t, "q\"\\");
	table_add(&t, "=1");
	table_add(&t, "<a>");
	assert_int_equal(table_print(&t, TABLE_JSON, &s), 0);
	o = json_loads(s.p, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(o);
	assert_int_equal(json_array_size(o), 3);
	for (size_t r = 0; r < 3; r++) {
		const json_t *row = json_array_get(o, r);

		assert_int_equal(json_object_size(row), LEN(columns));
		for (size_t c = 0; c < LEN(columns); c++)
			assert_string_equal(
			    json_string_value(json_object_get(row, columns[c])),
			    t.cells.v[r * LEN(columns) + c]);
	}
	json_decref(o);
	str_clear(&s);
	table_clear(&t);

	table_init(&t, columns, LEN(columns));
	assert_int_equal(table_print(&t, TABLE_JSON, &s), 0);
	o = json_loads(s.p, 0, NULL);
	assert_non_null(o);
	assert_true(json_is_array(o));
	assert_int_equal(json_array_size(o), 0);
	json_decref(o);
	str_clear(&s);
	table_clear(&t);
}

/* A row that is not whole must not make it into the output of a script. */
static int
fill_and_print(void *arg)
{
	enum table_format *f = arg;
	struct str s = STR_INIT;
	struct table t;
	int r;

	fill(&t);
	r = table_print(&t, *f, &s);
	str_clear(&s);
	table_clear(&t);
	return r;
}

static void
a_table_that_lost_a_cell_is_not_printed(void **state)
{
	(void)state;
	for (enum table_format f = TABLE_TEXT; f <= TABLE_CSV; f++)
		assert_true(alloc_each(fill_and_print, &f) >= 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(text_lines_up_by_characters),
	    cmocka_unit_test(a_cell_wider_than_its_head_widens_the_column),
	    cmocka_unit_test(a_line_that_is_too_long_goes_on_below),
	    cmocka_unit_test(words_that_are_copied_stay_whole),
	    cmocka_unit_test(an_empty_table_keeps_its_head),
	    cmocka_unit_test(cells_of_numbers_keys_and_lists),
	    cmocka_unit_test(csv_quotes_what_needs_it),
	    cmocka_unit_test(csv_has_a_line_for_each_row),
	    cmocka_unit_test(json_is_an_array_of_objects),
	    cmocka_unit_test(a_table_that_lost_a_cell_is_not_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
