/* SPDX-License-Identifier: ISC */
#include "lib/base/err.h"

#include <errno.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
every_code_has_words(void **state)
{
	(void)state;
	assert_string_equal(err_text(ERR_OK), "success");
	for (int code = ERR_CORRUPT; code < 0; code++)
		assert_string_not_equal(err_text(code), "unknown error");
	assert_string_equal(err_text(ERR_CORRUPT - 1), "unknown error");
	assert_string_equal(err_text(1), "unknown error");
}

static void
a_code_says_whose_fault_it_is(void **state)
{
	static const int theirs[] = {ERR_PARSE, ERR_LIMIT, ERR_DENIED,
	    ERR_BADSIG, ERR_NOTFOUND, ERR_EXISTS, ERR_EXPIRED, ERR_ROLLBACK};

	(void)state;
	for (int code = ERR_CORRUPT - 1; code <= 1; code++) {
		bool want = false;

		for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++)
			want = want || theirs[i] == code;
		assert_int_equal(err_is_theirs(code), want);
	}
}

static void
setting_replaces_what_was_there(void **state)
{
	struct err e = {0};

	(void)state;
	errno = EPIPE;
	assert_int_equal(err_set(&e, ERR_NET, "peer '%s'", "x"), ERR_NET);
	err_hint(&e, "try %d", 1);
	assert_string_equal(e.msg, "peer 'x'");
	assert_string_equal(e.hint, "try 1");
	assert_int_equal(e.sys_errno, EPIPE);
	assert_int_equal(err_set(&e, ERR_PARSE, "in %s", e.msg), ERR_PARSE);
	assert_string_equal(e.msg, "in peer 'x'");
	assert_string_equal(e.hint, "");
	assert_int_equal(e.code, ERR_PARSE);
	assert_int_equal(e.sys_errno, 0);
}

static void
nobody_needs_to_want_the_words(void **state)
{
	(void)state;
	errno = EIO;
	assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	assert_int_equal(err_sys(NULL, "x"), ERR_SYS);
	assert_int_equal(errno, EIO);
	errno = ENOMEM;
	assert_int_equal(err_sys(NULL, "x"), ERR_NOMEM);
	assert_int_equal(err_nomem(NULL), ERR_NOMEM);
	err_prefix(NULL, "x");
	err_hint(NULL, "x");
}

static void
system_errors_say_why(void **state)
{
	struct err e = {0};

	(void)state;
	errno = ENOENT;
	assert_int_equal(err_sys(&e, "open %s", "/x"), ERR_SYS);
	assert_string_equal(e.msg, "open /x: No such file or directory");
	assert_int_equal(e.sys_errno, ENOENT);
	assert_int_equal(errno, ENOENT);
	errno = ENOMEM;
	assert_int_equal(err_sys(&e, "open %s", "/x"), ERR_NOMEM);
	assert_int_equal(e.code, ERR_NOMEM);
}

static void
prefix_comes_before_the_sentence(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_PARSE, "b");
	err_hint(&e, "h");
	err_prefix(&e, "a%d", 1);
	assert_string_equal(e.msg, "a1: b");
	assert_string_equal(e.hint, "h");
	assert_int_equal(e.code, ERR_PARSE);
	e = (struct err){0};
	err_prefix(&e, "alone");
	assert_string_equal(e.msg, "alone");
}

static void
long_messages_are_cut_with_dots(void **state)
{
	struct err e = {0};
	char text[2000];
	size_t max = sizeof(e.msg) - 1;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[max] = '\0';
	(void)err_set(&e, ERR_PARSE, "%s", text);
	assert_string_equal(e.msg, text);
	text[max] = 'x';
	text[max + 1] = '\0';
	(void)err_set(&e, ERR_PARSE, "%s", text);
	assert_int_equal(strlen(e.msg), max);
	assert_string_equal(e.msg + max - 4, "x...");
	err_prefix(&e, "%s", text);
	assert_string_equal(e.msg + max - 4, "x...");

	/* Never in the middle of a character. */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[sizeof(text) - 2] = '\0';
	(void)err_set(&e, ERR_PARSE, "%s", text);
	assert_null(strchr(e.msg, '?'));
	assert_string_equal(e.msg + strlen(e.msg) - 5, "\xc3\xa9...");
}

static void
no_message_carries_control_characters(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_PARSE, "a\n\x1b[31m\xff%s", "\xc2\x9b\xc3\xa9");
	assert_string_equal(e.msg, "a??[31m???\xc3\xa9");
	err_hint(&e, "x\ty");
	assert_string_equal(e.hint, "x?y");
	err_prefix(&e, "\r");
	assert_string_equal(e.msg, "?: a??[31m???\xc3\xa9");
}

static void
a_code_has_a_name_between_programs(void **state)
{
	char name[ERR_NAME], upper[ERR_NAME];

	(void)state;
	err_name(ERR_DENIED, name);
	assert_string_equal(name, "denied");
	for (int code = -1; code >= ERR_CORRUPT; code--) {
		err_name(code, name);
		assert_string_not_equal(name, "error");
		/* Cut, it would not be found again. */
		assert_int_equal(err_from_name(name), code);
		for (size_t i = 0; i < sizeof(name); i++)
			upper[i] = (char)toupper((unsigned char)name[i]);
		assert_int_equal(err_from_name(upper), code);
	}
	err_name(ERR_CORRUPT - 1, name);
	assert_string_equal(name, "error");
	assert_int_equal(err_from_name("error"), 0);
	assert_int_equal(err_from_name(""), 0);
	assert_int_equal(err_from_name("ERR_DENIED"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_code_has_words),
	    cmocka_unit_test(a_code_has_a_name_between_programs),
	    cmocka_unit_test(a_code_says_whose_fault_it_is),
	    cmocka_unit_test(setting_replaces_what_was_there),
	    cmocka_unit_test(nobody_needs_to_want_the_words),
	    cmocka_unit_test(system_errors_say_why),
	    cmocka_unit_test(prefix_comes_before_the_sentence),
	    cmocka_unit_test(long_messages_are_cut_with_dots),
	    cmocka_unit_test(no_message_carries_control_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
