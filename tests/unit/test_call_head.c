/* SPDX-License-Identifier: ISC */
#include "lib/keeper/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cli/cli.h"
#include "lib/front/front.h"
#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct err err;

/* A call of olga's, as a front sends it. */
static struct buf *
good(uint8_t form)
{
	static const char json[] = "{\"call\":\"hello\"}";
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 4096), 0);
	assert_int_equal(buf_put_cstring(b, "olga@example.com"), 0);
	assert_int_equal(buf_put_cstring(b, "SHA256:abc"), 0);
	assert_int_equal(buf_put_cstring(b, "192.0.2.1"), 0);
	assert_int_equal(buf_put_u8(b, form), 0);
	assert_int_equal(buf_put_string(b, json, strlen(json)), 0);
	return b;
}

static void
assert_empty(const struct call_head *h)
{
	assert_null(h->name);
	assert_null(h->address);
	assert_null(h->json.p);
}

static void
a_call_is_read(void **state)
{
	struct buf *b = good(FORM_TEXT);
	struct call_head h;

	(void)state;
	assert_int_equal(call_head_read(buf_slice(b), &h, &err), 0);
	assert_string_equal(h.name, "olga@example.com");
	assert_string_equal(h.address, "192.0.2.1");
	assert_int_equal(h.form, FORM_TEXT);
	assert_int_equal(h.json.n, strlen("{\"call\":\"hello\"}"));
	call_head_clear(&h);
	assert_empty(&h);
	buf_free(b);
}

static void
every_truncation_and_one_byte_more_are_refused(void **state)
{
	struct buf *b = good(FORM_JSON);
	struct slice all = buf_slice(b);
	struct call_head h;

	(void)state;
	for (size_t n = 0; n < all.n; n++) {
		/* Of its own size, so that a byte read beyond is seen. */
		uint8_t *p = malloc(n + 1);

		memcpy(p, all.p, n);
		assert_true(call_head_read(slice_of(p, n), &h, &err) < 0);
		assert_string_equal(err.msg, "a call that cannot be read");
		assert_empty(&h);
		free(p);
	}
	assert_int_equal(buf_put_u8(b, 0), 0);
	assert_true(call_head_read(buf_slice(b), &h, &err) < 0);
	assert_empty(&h);
	buf_free(b);
}

static void
a_form_that_nobody_knows_is_refused(void **state)
{
	struct buf *b = good(FORM_TEXT + 1);
	struct call_head h;

	(void)state;
	assert_int_equal(call_head_read(buf_slice(b), &h, &err), ERR_PARSE);
	assert_string_equal(err.msg, "a call of form 2");
	assert_empty(&h);
	buf_free(b);
}

static void
a_name_with_a_null_byte_is_refused(void **state)
{
	struct buf *b = NULL;
	struct call_head h;

	(void)state;
	assert_int_equal(buf_new(&b, 4096), 0);
	assert_int_equal(buf_put_string(b, "olga\0x", 6), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(buf_put_cstring(b, ""), 0);
	assert_int_equal(buf_put_u8(b, FORM_JSON), 0);
	assert_int_equal(buf_put_cstring(b, "{}"), 0);
	assert_true(call_head_read(buf_slice(b), &h, &err) < 0);
	assert_empty(&h);
	buf_free(b);
}

static int
read_one(void *arg)
{
	struct buf *b = arg;
	struct call_head h;
	int r = call_head_read(buf_slice(b), &h, &err);

	if (r != 0)
		assert_empty(&h);
	call_head_clear(&h);
	return r;
}

static void
memory_may_run_out(void **state)
{
	struct buf *b = good(FORM_JSON);

	(void)state;
	assert_true(alloc_each(read_one, b) >= 3);
	buf_free(b);
}

static void
a_failure_is_said_in_the_form_that_was_asked_for(void **state)
{
	static const struct {
		enum call_form form;
		const char *hint, *want;
	} cases[] = {
	    {FORM_TEXT, "", "no such request\n"},
	    {FORM_TEXT, "see writ pending",
		"no such request\n"
		"  see writ pending\n"},
	    {FORM_JSON, "",
		"{\"error\":\"no such request\",\"code\":\"notfound\"}"},
	    {FORM_JSON, "see writ pending",
		"{\"error\":\"no such request\",\"hint\":\"see writ "
		"pending\",\"code\":\"notfound\"}"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct err e = {0};
		struct str s = STR_INIT;

		(void)err_set(&e, ERR_NOTFOUND, "no such request");
		(void)snprintf(e.hint, sizeof(e.hint), "%s", cases[i].hint);
		front_failure(NULL, cases[i].form, &e, &s);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
	}
}

static void
what_is_not_there_is_refused_and_no_fault(void **state)
{
	struct err e = {0};

	(void)state;
	(void)err_set(&e, ERR_NOTFOUND, "x");
	assert_int_equal(call_status(&e), EXIT_REFUSED);
	(void)err_set(&e, ERR_DENIED, "x");
	assert_int_equal(call_status(&e), cli_exit_status(ERR_DENIED));
	(void)err_set(&e, ERR_NOMEM, "x");
	assert_int_equal(call_status(&e), cli_exit_status(ERR_NOMEM));
	assert_int_not_equal(cli_exit_status(ERR_NOMEM), EXIT_REFUSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_call_is_read),
	    cmocka_unit_test(every_truncation_and_one_byte_more_are_refused),
	    cmocka_unit_test(a_form_that_nobody_knows_is_refused),
	    cmocka_unit_test(a_name_with_a_null_byte_is_refused),
	    cmocka_unit_test(memory_may_run_out),
	    cmocka_unit_test(a_failure_is_said_in_the_form_that_was_asked_for),
	    cmocka_unit_test(what_is_not_there_is_refused_and_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
