/* SPDX-License-Identifier: ISC */
#include "ca/common/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ca/common/messages.h"
#include "lib/base/json.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
each_call_has_one_row(void **state)
{
	(void)state;
	assert_int_equal(ca_calls.n, CALL_HELP);
	for (size_t i = 0; i < ca_calls.n; i++) {
		assert_int_equal(ca_calls.v[i].call, i + 1);
		assert_ptr_equal(call_find(&ca_calls, ca_calls.v[i].name),
		    &ca_calls.v[i]);
		assert_true(ca_calls.v[i].help[0] != '\0');
	}
	assert_null(call_find(&ca_calls, "hell"));
	assert_null(call_find(&ca_calls, ""));
	assert_ptr_equal(call_of_words(&ca_calls, "  pending  all"),
	    call_find(&ca_calls, "pending"));
	assert_null(call_of_words(&ca_calls, "pendin"));
	assert_null(call_of_words(&ca_calls, "  "));
}

static void
words_become_arguments(void **state)
{
	static const struct {
		const char *words, *want;
	} cases[] = {
	    {"hello", "{\"call\":\"hello\"}"},
	    {"  hello ", "{\"call\":\"hello\"}"},
	    {"help", "{\"call\":\"help\"}"},
	    {"status", "{\"call\":\"status\"}"},
	    {"show a b  c", "{\"call\":\"show\",\"ids\":[\"a\",\"b\",\"c\"]}"},
	    {"fetch 12345678", "{\"call\":\"fetch\",\"id\":\"12345678\"}"},
	    {"wait 12345678",
		"{\"call\":\"wait\",\"id\":\"12345678\",\"seconds\":43200}"},
	    {"pending", "{\"call\":\"pending\"}"},
	    {"pending watch all",
		"{\"call\":\"pending\",\"all\":true,\"watch\":true}"},
	    {"decision aa bb approve",
		"{\"call\":\"decision\",\"ids\":[\"aa\","
		"\"bb\"],\"approve\":true}"},
	    {"decision aa deny  not  today ",
		"{\"call\":\"decision\",\"ids\":[\"aa\"],\"approve\":false,"
		"\"comment\":\"not  today\"}"},
	    {"decision aa deny approve",
		"{\"call\":\"decision\",\"ids\":[\"aa\"],\"approve\":false,"
		"\"comment\":\"approve\"}"},
	    {"why", "{\"call\":\"why\"}"},
	    {"why db1", "{\"call\":\"why\",\"host\":\"db1\"}"},
	    {"why root@db1",
		"{\"call\":\"why\",\"account\":\"root\",\"host\":\"db1\"}"},
	    {"why a@b@db1",
		"{\"call\":\"why\",\"account\":\"a@b\",\"host\":\"db1\"}"},
	    /* What looks like JSON is a string like any other. */
	    {"fetch x\",\"call\":\"push",
		"{\"call\":\"fetch\",\"id\":"
		"\"x\\\",\\\"call\\\":\\\"push\"}"},
	    {"show ],\"x\":[\\",
		"{\"call\":\"show\",\"ids\":[\"],\\\"x\\\":[\\\\\"]}"},
	};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;
		json_t *o = NULL;

		if (call_from_words(&ca_calls, cases[i].words, slice_str(""),
			&s, &e) != 0)
			fail_msg("%s: %s", cases[i].words, e.msg);
		assert_string_equal(s.p, cases[i].want);
		assert_int_equal(json_read(slice_str(s.p), 1000, &o, &e), 0);
		json_decref(o);
		str_clear(&s);
	}
}

static void
other_words_are_refused(void **state)
{
	static const struct {
		const char *words;
		int code;
		const char *part;
	} cases[] = {
	    {"", ERR_USAGE, "no call was named"},
	    {"   ", ERR_USAGE, "no call was named"},
	    {"ls -l", ERR_USAGE, "'ls'"},
	    {"hello you", ERR_USAGE, "usage: hello"},
	    {"show", ERR_USAGE, "usage: show ID..."},
	    {"wait", ERR_USAGE, "usage: wait ID"},
	    {"fetch a b", ERR_USAGE, "usage: fetch ID"},
	    {"pending everything", ERR_USAGE, "[all] [watch]"},
	    {"decision", ERR_USAGE, "approve|deny"},
	    {"decision aa", ERR_USAGE, "approve|deny"},
	    {"decision approve", ERR_USAGE, "approve|deny"},
	    {"why a b", ERR_USAGE, "usage: why"},
	    {"why @db1", ERR_USAGE, "usage: why"},
	    {"why root@", ERR_USAGE, "usage: why"},
	    {"why @", ERR_USAGE, "usage: why"},
	    {"push", ERR_USAGE, "subsystem"},
	    {"krl", ERR_USAGE, "subsystem"},
	    {"submit", ERR_USAGE, "standard input"},
	    {"fetch a\tb", ERR_PARSE, "clean text at byte 8"},
	    {"fetch \xff", ERR_PARSE, "clean text"},
	    {"fetch \xe2\x80\xae", ERR_PARSE, "clean text"},
	    {"hello\n", ERR_PARSE, "clean text"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;
		struct err e = {0};
		int r;

		r = call_from_words(&ca_calls, cases[i].words, slice_str(""),
		    &s, &e);
		if (r != cases[i].code || strstr(e.msg, cases[i].part) == NULL)
			fail_msg("'%s': %d %s", cases[i].words, r, e.msg);
		assert_int_equal(s.n, 0);
		str_clear(&s);
	}
}

#define BLOCK                                                    \
	"-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH " \
	"SIGNATURE-----\n"

static void
statements_are_told_apart(void **state)
{
	static const char two[] = "{\"v\":1}\n" BLOCK BLOCK "{\"v\":2}\n" BLOCK;
	struct str s = STR_INIT;
	struct err e = {0};
	json_t *o = NULL, *l;

	(void)state;
	assert_int_equal(call_from_words(&ca_calls, "submit", slice_str(two),
			     &s, &e),
	    0);
	assert_int_equal(json_read(slice_str(s.p), 1000, &o, &e), 0);
	l = json_object_get(o, "statements");
	assert_int_equal(json_array_size(l), 2);
	assert_string_equal(json_string_value(json_array_get(l, 0)),
	    "{\"v\":1}\n" BLOCK BLOCK);
	assert_string_equal(json_string_value(json_array_get(l, 1)),
	    "{\"v\":2}\n" BLOCK);
	json_decref(o);
	str_clear(&s);

	/* Nothing is mended: what has no last LF goes on without. */
	assert_int_equal(call_from_words(&ca_calls, "submit", slice_str("{}"),
			     &s, &e),
	    0);
	assert_string_equal(s.p,
	    "{\"call\":\"submit\",\"statements\":[\"{}\"]}");
	str_clear(&s);
}

static void
bad_input_is_refused(void **state)
{
	static const struct {
		const char *input;
		const char *part;
	} cases[] = {
	    {BLOCK "{}\n", "does not begin"},
	    {"\n{}\n", "does not begin"},
	    {"{}\r\n", "line 1"},
	    {"{}\n" BLOCK "{\"a\":\"\x1b[2J\"}\n", "line 5"},
	    {"{}\nx\xff\n", "line 2"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct str s = STR_INIT;
		struct err e = {0};
		int r;

		r = call_from_words(&ca_calls, "submit",
		    slice_str(cases[i].input), &s, &e);
		if (r != ERR_PARSE || strstr(e.msg, cases[i].part) == NULL)
			fail_msg("%zu: %d %s", i, r, e.msg);
		assert_int_equal(s.n, 0);
		str_clear(&s);
	}
}

static void
no_call_is_longer_than_it_may_be(void **state)
{
	struct str in = STR_INIT, s = STR_INIT;
	struct err e = {0};

	(void)state;
	for (int i = 0; i < 201; i++)
		str_add(&in, "{}\n");
	assert_int_equal(call_from_words(&ca_calls, "submit",
			     slice_of(in.p, in.n - 3), &s, &e),
	    0);
	str_reset(&s);
	assert_int_equal(call_from_words(&ca_calls, "submit",
			     slice_of(in.p, in.n), &s, &e),
	    ERR_LIMIT);
	str_reset(&in);
	str_addc(&in, '{');
	while (in.n < CALL_MAX - 20)
		str_add(&in, "xxxxxxxxxxxxxxxx");
	assert_int_equal(call_from_words(&ca_calls, "submit",
			     slice_of(in.p, in.n), &s, &e),
	    ERR_LIMIT);
	str_reset(&in);
	str_add(&in, "show");
	while (in.n < 40000)
		str_add(&in, " abcdefgh");
	assert_int_equal(call_from_words(&ca_calls, in.p, slice_str(""), &s,
			     &e),
	    ERR_LIMIT);
	str_clear(&in);
	str_clear(&s);
}

static int
run_words(void *arg)
{
	struct str s = STR_INIT;
	int r;

	(void)arg;
	r = call_from_words(&ca_calls, "submit", slice_str("{}\n{}\n"), &s,
	    NULL);
	str_clear(&s);
	return r;
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_true(alloc_each(run_words, NULL) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_call_has_one_row),
	    cmocka_unit_test(words_become_arguments),
	    cmocka_unit_test(other_words_are_refused),
	    cmocka_unit_test(statements_are_told_apart),
	    cmocka_unit_test(bad_input_is_refused),
	    cmocka_unit_test(no_call_is_longer_than_it_may_be),
	    cmocka_unit_test(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
