/* SPDX-License-Identifier: ISC */
#include "lib/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static json_t *
object(const char *text)
{
	struct err e = {0};
	json_t *o = NULL;

	if (json_read(slice_str(text), 10000, &o, &e) != 0)
		fail_msg("%s: %s", text, e.msg);
	return o;
}

static void
malformed_texts_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    " ",
	    "[]",
	    "1",
	    "null",
	    "\"x\"",
	    "{",
	    "}",
	    "{}x",
	    "{}{}",
	    "{} null",
	    "\xef\xbb\xbf{}",
	    "{a:1}",
	    "{'a':1}",
	    "{\"a\"}",
	    "{\"a\":}",
	    "{\"a\":1,}",
	    "{,\"a\":1}",
	    "{\"a\":1 \"b\":2}",
	    "{\"a\":1,\"a\":1}",
	    "{\"a\":1,\"\\u0061\":1}",
	    "{\"a\":{\"b\":1,\"b\":2}}",
	    "{\"a\":[1,]}",
	    "{\"a\":[1 2]}",
	    "{\"a\":[}",
	    "{\"a\":[1}",
	    "{\"a\":tru}",
	    "{\"a\":True}",
	    "{\"a\":truex}",
	    "{\"a\":NaN}",
	    "{\"a\":1.0}",
	    "{\"a\":1e3}",
	    "{\"a\":1E3}",
	    "{\"a\":01}",
	    "{\"a\":-}",
	    "{\"a\":-0}",
	    "{\"a\":-01}",
	    "{\"a\":+1}",
	    "{\"a\":.5}",
	    "{\"a\":0x1}",
	    "{\"a\":9223372036854775808}",
	    "{\"a\":-9223372036854775809}",
	    "{\"a\":99999999999999999999999}",
	    "{\"a\":\"x}",
	    "{\"a\":\"\n\"}",
	    "{\"a\":\"\t\"}",
	    "{\"a\":\"\\\"}",
	    "{\"a\":\"\\x41\"}",
	    "{\"a\":\"\\u00\"}",
	    "{\"a\":\"\\u00g0\"}",
	    "{\"a\":\"\\u0000\"}",
	    "{\"a\":\"\\ud800\"}",
	    "{\"a\":\"\\ud800x\"}",
	    "{\"a\":\"\\ud800\\n\"}",
	    "{\"a\":\"\\ud800\\ud800\"}",
	    "{\"a\":\"\\udc00\"}",
	    "{\"a\":\"\xff\"}",
	    "{\"a\":\"\xc0\xaf\"}",
	    "{\"a\":\"\xed\xa0\x80\"}",
	    "{\"\xff\":1}",
	    "{\"a\":1/**/}",
	    "{\"a\":1}\f",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct err e = {0};
		json_t *o = NULL;

		if (json_read(slice_str(bad[i]), 1000, &o, &e) != ERR_PARSE)
			fail_msg("%s was read", bad[i]);
		assert_null(o);
		assert_int_equal(e.code, ERR_PARSE);
		assert_true(text_is_clean(e.msg, strlen(e.msg), NULL));
	}
	assert_int_equal(json_read(slice_of("{}\0", 3), 9, &(json_t *){0},
			     NULL),
	    ERR_PARSE);
	assert_int_equal(json_read(slice_of("{\"a\":\"\\\0\"}", 10), 99,
			     &(json_t *){0}, NULL),
	    ERR_PARSE);
	assert_int_equal(json_read(slice_of(NULL, 0), 9, &(json_t *){0}, NULL),
	    ERR_PARSE);
}

static void
a_list_is_read_where_one_is_expected(void **state)
{
	static const char *const bad[] = {
	    "", "{}", "[", "[1,]", "[1] 2", "[1]]", "[0.5]", "1"};
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read_list(slice_str(" [{\"a\":1},2]\n"), 99, &o,
			     NULL),
	    0);
	assert_int_equal(json_array_size(o), 2);
	json_decref(o);
	assert_int_equal(json_read_list(slice_str("[]"), 2, &o, NULL), 0);
	assert_int_equal(json_array_size(o), 0);
	json_decref(o);
	assert_int_equal(json_read_list(slice_str("[1]"), 2, &o, NULL),
	    ERR_LIMIT);
	assert_int_equal(json_read(slice_str("[1]"), 9, &o, NULL), ERR_PARSE);
	for (size_t i = 0; i < LEN(bad); i++)
		if (json_read_list(slice_str(bad[i]), 99, &o, NULL) !=
		    ERR_PARSE)
			fail_msg("%s was read", bad[i]);
}

static void
errors_say_line_and_column(void **state)
{
	struct err e = {0};
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(slice_str("{\n \"a\": x}"), 99, &o, &e),
	    ERR_PARSE);
	assert_string_equal(e.msg, "2:7: malformed JSON, expected a value");
	assert_int_equal(json_read(slice_str("{\"a\":1,\"a\":2}"), 99, &o, &e),
	    ERR_PARSE);
	assert_string_equal(e.msg, "field 'a' is there twice, expected once");
}

static void
size_is_limited(void **state)
{
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(slice_str("{}  "), 3, &o, NULL), ERR_LIMIT);
	assert_null(o);
	assert_int_equal(json_read(slice_str("{}  "), 4, &o, NULL), 0);
	json_decref(o);
}

static void
nesting_is_limited(void **state)
{
	char text[400];

	(void)state;
	for (unsigned depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1;
	     depth++) {
		json_t *o = NULL;
		size_t n = 0;
		int r;

		n += (size_t)snprintf(text, sizeof(text), "{\"a\":");
		for (unsigned i = 1; i < depth; i++)
			text[n++] = '[';
		for (unsigned i = 1; i < depth; i++)
			text[n++] = ']';
		text[n++] = '}';
		r = json_read(slice_of(text, n), 400, &o, NULL);
		assert_int_equal(r, depth > JSON_DEPTH_MAX ? ERR_PARSE : 0);
		json_decref(o);
	}
}

static void
field_names_are_limited(void **state)
{
	char name[JSON_KEY_MAX + 2], text[400];
	json_t *o = NULL;
	int n;

	(void)state;
	memset(name, 'k', sizeof(name));
	name[JSON_KEY_MAX] = '\0';
	n = snprintf(text, sizeof(text), "{\"%s\":7}", name);
	assert_int_equal(json_read(slice_of(text, (size_t)n), 400, &o, NULL),
	    0);
	assert_int_equal(json_integer_value(json_object_get(o, name)), 7);
	json_decref(o);
	o = NULL;
	name[JSON_KEY_MAX] = 'k';
	name[JSON_KEY_MAX + 1] = '\0';
	n = snprintf(text, sizeof(text), "{\"%s\":7}", name);
	assert_int_equal(json_read(slice_of(text, (size_t)n), 400, &o, NULL),
	    ERR_PARSE);
	assert_null(o);
}

static void
escapes_are_decoded(void **state)
{
	json_t *o = object("{\"a\":\"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\u00e9"
			   "\\u20ac\\ud83d\\uDE00y\",\"\\u006b\":\"\"}");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(o, "a")),
	    "x\"\\/\b\f\n\r\tA\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80y");
	assert_string_equal(json_string_value(json_object_get(o, "k")), "");
	json_decref(o);
}

static void
text_to_show_is_never_null(void **state)
{
	json_t *o = object("{\"a\":\"x\",\"n\":7,\"o\":{}}");

	(void)state;
	assert_string_equal(json_text(o, "a"), "x");
	assert_string_equal(json_text(o, "n"), "");
	assert_string_equal(json_text(o, "o"), "");
	assert_string_equal(json_text(o, "b"), "");
	assert_string_equal(json_text(json_object_get(o, "n"), "a"), "");
	assert_string_equal(json_text(NULL, "a"), "");
	json_decref(o);
}

/* jansson's own reader, which agrees while there is memory. */
static void
tree_is_the_one_that_jansson_reads(void **state)
{
	static const char *const texts[] = {
	    "{}",
	    " {\t\"a\" :\r\n[ ] , \"b\":{ }}\n",
	    "{\"n\":[0,-1,9223372036854775807,-9223372036854775808]}",
	    "{\"w\":[true,false,null]}",
	    "{\"\":\"\",\"\\n\":\"\\u0000x\"}",
	    "{\"d\":{\"d\":{\"d\":[[[\"\\\"\"]]]}}}",
	    "{\"long\":\"0123456789012345678901234567890123456789\\u00e9\"}",
	};

	(void)state;
	for (size_t i = 0; i < LEN(texts); i++) {
		json_t *want, *got = NULL;

		want = json_loads(texts[i], JSON_REJECT_DUPLICATES, NULL);
		(void)!json_read(slice_str(texts[i]), 999, &got, NULL);
		assert_int_equal(want == NULL, got == NULL);
		if (want != NULL)
			assert_true(json_equal(want, got));
		json_decref(want);
		json_decref(got);
	}
}

static void
unknown_fields_are_named(void **state)
{
	static const char *const names[] = {"a", "b"};
	json_t *o = object("{\"b\":1,\"a\":2}");
	json_t *x = object("{\"a\":1,\"c\\n\":2}");
	struct err e = {0};

	(void)state;
	assert_int_equal(json_known(o, names, 2, &e), 0);
	assert_int_equal(json_known(o, names, 1, &e), ERR_PARSE);
	assert_string_equal(e.msg, "unknown field 'b'");
	assert_int_equal(json_known(x, names, 2, &e), ERR_PARSE);
	assert_string_equal(e.msg, "unknown field 'c\\x0a'");
	json_decref(o);
	json_decref(x);
}

static void
strings_are_clean_bounded_and_not_empty(void **state)
{
	json_t *o = object("{\"s\":\"text\",\"e\":\"\",\"n\":1,"
			   "\"dirty\":\"ab\\u202e\",\"ctl\":\"a\\n\"}");
	const char *s = "old";
	struct err e = {0};
	char *copy = NULL;

	(void)state;
	assert_int_equal(json_str(o, "s", 0, 3, &s, &e), ERR_LIMIT);
	assert_int_equal(json_str(o, "e", 0, 9, &s, &e), ERR_PARSE);
	assert_int_equal(json_str(o, "n", 0, 9, &s, &e), ERR_PARSE);
	assert_string_equal(e.msg,
	    "field 'n' has the wrong type, expected a string");
	assert_int_equal(json_str(o, "dirty", 0, 9, &s, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "'dirty'"));
	assert_non_null(strstr(e.msg, "byte 2"));
	assert_int_equal(json_str(o, "ctl", 0, 9, &s, &e), ERR_PARSE);
	assert_int_equal(json_str(o, "none", 0, 9, &s, &e), ERR_PARSE);
	assert_string_equal(e.msg,
	    "field 'none' is missing, expected a string");
	assert_int_equal(json_str(o, "none", JSON_OPTIONAL, 9, &s, &e), 0);
	assert_string_equal(s, "old");
	/* Optional is not lenient. */
	assert_int_equal(json_str(o, "n", JSON_OPTIONAL, 9, &s, &e), ERR_PARSE);
	assert_int_equal(json_str(o, "s", 0, 4, &s, &e), 0);
	assert_string_equal(s, "text");
	assert_int_equal(json_str(o, "e", JSON_EMPTY_OK, 9, &s, &e), 0);
	assert_string_equal(s, "");
	assert_int_equal(json_strdup(o, "none", JSON_OPTIONAL, 9, &copy, &e),
	    0);
	assert_null(copy);
	assert_int_equal(json_strdup(o, "s", 0, 9, &copy, &e), 0);
	assert_string_equal(copy, "text");
	free(copy);
	json_decref(o);
}

static void
numbers_have_a_range(void **state)
{
	json_t *o =
	    object("{\"i\":-5,\"u\":\"18446744073709551615\",\"b\":true,"
		   "\"z\":\"007\",\"long\":\"184467440737095516150\"}");
	bool b = false;
	uint64_t u = 7;
	int64_t i = 7;

	(void)state;
	assert_int_equal(json_int(o, "i", 0, -4, 9, &i, NULL), ERR_LIMIT);
	assert_int_equal(json_int(o, "i", 0, -9, -6, &i, NULL), ERR_LIMIT);
	assert_int_equal(json_int(o, "u", 0, 0, 9, &i, NULL), ERR_PARSE);
	assert_int_equal(json_int(o, "none", 0, 0, 9, &i, NULL), ERR_PARSE);
	assert_int_equal(json_int(o, "none", JSON_OPTIONAL, 0, 9, &i, NULL), 0);
	assert_true(i == 7);
	assert_int_equal(json_int(o, "i", 0, -5, -5, &i, NULL), 0);
	assert_true(i == -5);

	assert_int_equal(json_u64(o, "u", 0, 0, 9, &u, NULL), ERR_LIMIT);
	assert_int_equal(json_u64(o, "i", 0, 0, 9, &u, NULL), ERR_PARSE);
	assert_int_equal(json_u64(o, "z", 0, 0, 9, &u, NULL), ERR_PARSE);
	assert_int_equal(json_u64(o, "long", 0, 0, UINT64_MAX, &u, NULL),
	    ERR_LIMIT);
	assert_int_equal(json_u64(o, "none", JSON_OPTIONAL, 0, 9, &u, NULL), 0);
	assert_true(u == 7);
	assert_int_equal(json_u64(o, "u", 0, 0, UINT64_MAX, &u, NULL), 0);
	assert_true(u == UINT64_MAX);

	assert_int_equal(json_bool(o, "i", 0, &b, NULL), ERR_PARSE);
	assert_int_equal(json_bool(o, "none", 0, &b, NULL), ERR_PARSE);
	assert_int_equal(json_bool(o, "b", 0, &b, NULL), 0);
	assert_true(b);
	json_decref(o);
	o = object("{\"b\":false}");
	assert_int_equal(json_bool(o, "b", 0, &b, NULL), 0);
	assert_false(b);
	json_decref(o);
}

static void
times_spans_and_hex_have_one_form(void **state)
{
	json_t *o =
	    object("{\"t\":\"2026-11-23T02:36:00Z\",\"d\":\"2026-11-23\","
		   "\"s\":\"8h\",\"m\":\"60s\",\"x\":\"00ff\","
		   "\"X\":\"00FF\",\"big\":\"100001d\"}");
	uint8_t two[2] = {1, 1}, one[1] = {1};
	int64_t v = 7;
	struct err e = {0};

	(void)state;
	assert_int_equal(json_time(o, "d", 0, &v, &e), ERR_PARSE);
	assert_int_equal(json_time(o, "s", 0, &v, &e), ERR_PARSE);
	assert_true(v == 7);
	assert_int_equal(json_time(o, "t", 0, &v, &e), 0);
	assert_true(v == 1795401360);
	assert_int_equal(json_span(o, "m", 0, &v, &e), ERR_PARSE);
	assert_string_equal(e.msg,
	    "field 'm' is not in its shortest form, expected 1m");
	assert_int_equal(json_span(o, "d", 0, &v, &e), ERR_PARSE);
	assert_int_equal(json_span(o, "big", 0, &v, &e), ERR_LIMIT);
	assert_true(v == 1795401360);
	assert_int_equal(json_span(o, "s", 0, &v, &e), 0);
	assert_true(v == 28800);
	assert_int_equal(json_hex(o, "X", 0, two, 2, &e), ERR_PARSE);
	assert_int_equal(json_hex(o, "s", 0, two, 2, &e), ERR_PARSE);
	assert_int_equal(json_hex(o, "x", 0, one, 1, &e), ERR_LIMIT);
	assert_int_equal(two[0], 1);
	assert_int_equal(one[0], 1);
	assert_int_equal(json_hex(o, "x", 0, two, 2, &e), 0);
	assert_memory_equal(two, "\x00\xff", 2);
	json_decref(o);
}

static void
lists_are_whole_or_not_taken(void **state)
{
	json_t *o = object("{\"l\":[\"a\",\"b\"],\"e\":[],\"mix\":[\"a\",1],"
			   "\"hole\":[\"a\",\"\"],\"bad\":[\"a\",\"\\u200b\"],"
			   "\"long\":[\"a\",\"bcd\"],\"o\":{}}");
	struct strs l = {0};
	const json_t *a = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(strs_add(&l, "first"), 0);
	assert_int_equal(json_strs(o, "e", 0, 9, 2, &l, &e), ERR_PARSE);
	assert_int_equal(json_strs(o, "mix", 0, 9, 2, &l, &e), ERR_PARSE);
	assert_int_equal(json_strs(o, "hole", JSON_EMPTY_OK, 9, 2, &l, &e),
	    ERR_PARSE);
	assert_int_equal(json_strs(o, "bad", 0, 9, 9, &l, &e), ERR_PARSE);
	assert_int_equal(json_strs(o, "long", 0, 9, 2, &l, &e), ERR_LIMIT);
	assert_int_equal(json_strs(o, "l", 0, 1, 2, &l, &e), ERR_LIMIT);
	assert_int_equal(json_strs(o, "o", 0, 9, 2, &l, &e), ERR_PARSE);
	assert_int_equal(json_strs(o, "none", 0, 9, 2, &l, &e), ERR_PARSE);
	assert_int_equal(l.n, 1);
	assert_int_equal(json_strs(o, "none", JSON_OPTIONAL, 9, 2, &l, &e), 0);
	assert_int_equal(json_strs(o, "e", JSON_EMPTY_OK, 9, 2, &l, &e), 0);
	assert_int_equal(json_strs(o, "l", 0, 2, 2, &l, &e), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(l.v[0], "first");
	assert_string_equal(l.v[2], "b");
	strs_clear(&l);

	assert_int_equal(json_array_of(o, "o", 0, 9, &a, &e), ERR_PARSE);
	assert_int_equal(json_array_of(o, "e", 0, 9, &a, &e), ERR_PARSE);
	assert_int_equal(json_array_of(o, "mix", 0, 1, &a, &e), ERR_LIMIT);
	assert_null(a);
	assert_int_equal(json_array_of(o, "mix", 0, 2, &a, &e), 0);
	assert_int_equal(json_array_size(a), 2);
	assert_int_equal(json_object_of(o, "l", 0, &a, &e), ERR_PARSE);
	assert_int_equal(json_object_of(o, "o", 0, &a, &e), 0);
	assert_true(json_is_object(a));
	json_decref(o);
}

/* One of each kind. */
static void
write_all(struct jw *w)
{
	struct strs l = {.v = (char *[]){str_empty}, .n = 1};

	jw_begin(w, NULL, '{');
	jw_str(w, "s", "a\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9");
	jw_strn(w, "n", "abc", 2);
	jw_begin(w, "i", '[');
	jw_int(w, NULL, 0);
	jw_int(w, NULL, INT64_MIN);
	jw_int(w, NULL, INT64_MAX);
	jw_end(w, ']');
	jw_u64(w, "u", UINT64_MAX);
	jw_bool(w, "t", true);
	jw_bool(w, "f", false);
	jw_null(w, "z");
	jw_time(w, "at", 0);
	jw_span(w, "for", 5400);
	jw_hex(w, "x", "\x00\xff", 2);
	jw_base64(w, "b", "foob", 4);
	jw_strs(w, "l", &l);
	jw_begin(w, "e", '{');
	jw_end(w, '}');
	jw_end(w, '}');
}

static void
writing_gives_these_bytes(void **state)
{
	struct str s = STR_INIT;
	json_t *o = NULL;
	struct jw w;

	(void)state;
	jw_init(&w, &s, false);
	write_all(&w);
	assert_string_equal(s.p,
	    "{\"s\":\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\","
	    "\"n\":\"ab\","
	    "\"i\":[0,-9223372036854775808,9223372036854775807],"
	    "\"u\":\"18446744073709551615\",\"t\":true,\"f\":false,\"z\":null,"
	    "\"at\":\"1970-01-01T00:00:00Z\",\"for\":\"90m\",\"x\":\"00ff\","
	    "\"b\":\"Zm9vYg==\",\"l\":[\"\"],\"e\":{}}");
	assert_int_equal(json_read(slice_str(s.p), 999, &o, NULL), 0);
	json_decref(o);
	str_clear(&s);
}

static void
pretty_writing_indents_by_two(void **state)
{
	struct str s = STR_INIT;
	struct jw w;

	(void)state;
	jw_init(&w, &s, true);
	jw_begin(&w, NULL, '{');
	jw_int(&w, "a", 1);
	jw_begin(&w, "b", '[');
	jw_int(&w, NULL, 2);
	jw_begin(&w, NULL, '{');
	jw_end(&w, '}');
	jw_end(&w, ']');
	jw_end(&w, '}');
	assert_string_equal(s.p,
	    "{\n  \"a\": 1,\n  \"b\": [\n    2,\n    {}\n  ]\n}");
	str_clear(&s);
}

static int
read_and_write(void *arg)
{
	static const char text[] =
	    "{\"a long key with \\u00e9 scape\":\"a string longer than any "
	    "first block of a lexer \\ud83d\\ude00 has room for\","
	    "\"n\":1234567890123456789,\"l\":[\"x\",\"y\",\"z\"],"
	    "\"o\":{\"a\":[[],{}],\"b\":true,\"s\":\"copy\"}}";
	struct strs l = {0};
	struct str s = STR_INIT;
	const json_t *sub = NULL;
	json_t *o = NULL;
	char *copy = NULL;
	struct jw w;
	int r;

	(void)arg;
	if ((r = json_read(slice_str(text), 999, &o, NULL)) != 0 ||
	    (r = json_strs(o, "l", 0, 9, 9, &l, NULL)) != 0 ||
	    (r = json_object_of(o, "o", 0, &sub, NULL)) != 0 ||
	    (r = json_strdup(sub, "s", 0, 9, &copy, NULL)) != 0)
		goto out;
	jw_init(&w, &s, false);
	write_all(&w);
	r = str_check(&s);
out:
	free(copy);
	strs_clear(&l);
	str_clear(&s);
	json_decref(o);
	return r;
}

static void
memory_running_out_is_reported(void **state)
{
	(void)state;
	assert_true(alloc_each(read_and_write, NULL) >= 20);
}

static const char near[] =
    "{\"a\":[1,-2,{\"b\":\"\\u00e9\\ud83d\\ude00\\n\"}],\"c\":null,\"d\":true,"
    "\"\xc3\xa9\":\"\xe2\x82\xac\"}";

/* Whatever is read is a tree that can be written and read again. */
static void
read_mutation(const uint8_t *p, size_t n, void *arg)
{
	size_t *refused = arg;
	json_t *o = NULL, *again = NULL;
	char *text;

	if (json_read(slice_of(p, n), 999, &o, NULL) != 0) {
		assert_null(o);
		++*refused;
		return;
	}
	assert_int_equal(n, sizeof(near) - 1);
	text = json_dumps(o, 0);
	assert_non_null(text);
	if (json_read(slice_str(text), 9999, &again, NULL) != 0 ||
	    !json_equal(o, again))
		fail_msg("%s: %s", mutate_what(), text);
	free(text);
	json_decref(o);
	json_decref(again);
}

static void
mutations_are_refused_or_read_whole(void **state)
{
	size_t refused = 0, n = sizeof(near) - 1;

	(void)state;
	assert_int_equal(mutate_each(near, n, read_mutation, &refused), 9 * n);
	/* Every cut, and most flips, but not all: letters stay letters. */
	assert_in_range(refused, 4 * n, 8 * n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(malformed_texts_are_refused),
	    cmocka_unit_test(a_list_is_read_where_one_is_expected),
	    cmocka_unit_test(errors_say_line_and_column),
	    cmocka_unit_test(size_is_limited),
	    cmocka_unit_test(nesting_is_limited),
	    cmocka_unit_test(field_names_are_limited),
	    cmocka_unit_test(escapes_are_decoded),
	    cmocka_unit_test(text_to_show_is_never_null),
	    cmocka_unit_test(tree_is_the_one_that_jansson_reads),
	    cmocka_unit_test(unknown_fields_are_named),
	    cmocka_unit_test(strings_are_clean_bounded_and_not_empty),
	    cmocka_unit_test(numbers_have_a_range),
	    cmocka_unit_test(times_spans_and_hex_have_one_form),
	    cmocka_unit_test(lists_are_whole_or_not_taken),
	    cmocka_unit_test(writing_gives_these_bytes),
	    cmocka_unit_test(pretty_writing_indents_by_two),
	    cmocka_unit_test(memory_running_out_is_reported),
	    cmocka_unit_test(mutations_are_refused_or_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
