/* SPDX-License-Identifier: ISC */
/* The CA's own calls, and exec words at length: test_calls.c. */
#include "lib/front/calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct call_row rows[] = {
    {1, "hello", call_words_none, false, true, "", "who is there"},
    {2, "enrol", NULL, false, true, "", "become a host"},
    {3, "enrolled", NULL, false, false, "", "what guests may not ask"},
    {4, "submit", call_words_none, true, false, "<STATEMENTS", "hand in"},
};
static const struct call_table table = {rows, LEN(rows)};

static void
strangers_say_what_their_rows_allow(void **state)
{
	static const struct {
		const char *json, *want; /* NULL: not his */
	} cases[] = {
	    {"{\"call\":\"hello\"}", "hello"},
	    {"{\"call\":\"enrol\",\"statement\":\"x\"}", "enrol"},
	    {"{\"call\":\"enrol\"",
		"enrol"}, /* whoever reads JSON finds that */
	    {"{\"call\":\"enrolled\"}", NULL},
	    {"{\"call\":\"enro\"}", NULL},
	    {"{\"call\":\"submit\"}", NULL},
	    {"{\"call\":\"submit\",\"call\":\"enrol\"}", NULL},
	    {"{\"call\":\"\"}", NULL},
	    {"{\"call\": \"enrol\"}", NULL},
	    {" {\"call\":\"enrol\"}", NULL},
	    {"{\"statement\":\"x\",\"call\":\"enrol\"}", NULL},
	    {"{\"call\":\"enr\\u006fl\"}", NULL},
	    {"{\"call\":\"enrol", NULL},
	    {"{\"call\":\"", NULL},
	    {"{}", NULL},
	    {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct call_row *r =
		    call_of_guest(&table, slice_str(cases[i].json));

		if (strcmp(r != NULL ? r->name : "-",
			cases[i].want != NULL ? cases[i].want : "-") != 0)
			fail_msg("%s", cases[i].json);
	}
	assert_null(call_of_guest(&table, slice_of(NULL, 0)));
}

static void
each_call_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < table.n; i++)
		assert_ptr_equal(call_find(&table, rows[i].name), &rows[i]);
	assert_null(call_find(&table, "enro"));
	assert_ptr_equal(call_of_words(&table, " submit x"), &rows[3]);
	assert_null(call_of_words(&table, "submi x"));
}

static void
messages_name_the_call(void **state)
{
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	assert_int_equal(call_from_words(&table, "enrol", slice_str(""), &s,
			     &e),
	    ERR_USAGE);
	assert_string_equal(e.msg,
	    "'enrol' is for programs, by the subsystem writ");
	assert_int_equal(call_from_words(&table, "submit", slice_str(""), &s,
			     &e),
	    ERR_USAGE);
	assert_string_equal(e.msg,
	    "submit reads statements from standard input, and none came");
	assert_int_equal(s.n, 0);
	str_clear(&s);
}

static void
help_lists_what_words_make(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	call_help(&table, &s);
	assert_string_equal(s.p,
	    "hello \n    who is there\nsubmit <STATEMENTS\n    hand in\n");
	str_clear(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strangers_say_what_their_rows_allow),
	    cmocka_unit_test(each_call_is_found_by_its_name),
	    cmocka_unit_test(messages_name_the_call),
	    cmocka_unit_test(help_lists_what_words_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
