/* SPDX-License-Identifier: ISC */
#include "agent/states/diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

static void
diffs_are_those_of_diff(void **state)
{
	static const struct {
		const char *from, *to, *want;
	} cases[] = {
	    {"a\n", "a\n", ""},
	    {"a\n", "b\n", "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n+b\n"},
	    {NULL, "a\nb\n", "--- /dev/null\n+++ f\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
	    {"a\n", NULL, "--- f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n"},
	    {"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
		"--- f\n+++ f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n"
		" 8\n"},
	    {"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "1\n2\n3\n4\n5\n6\n7\n",
		"--- f\n+++ f\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n"
		"@@ -6,4 +5,3 @@\n 5\n 6\n 7\n-b\n"},
	    {"a\nb\nc\n", "a\nc\n",
		"--- f\n+++ f\n@@ -1,3 +1,2 @@\n a\n-b\n c\n"},
	    {"a", "a\n",
		"--- f\n+++ f\n@@ -1,1 +1,1 @@\n-a\n"
		"\\ No newline at end of file\n+a\n"},
	    {"\x1b[2J\n", "x\n",
		"--- f\n+++ f\n@@ -1,1 +1,1 @@\n-\\x1b[2J\n+x\n"},
	    {"\xc2\x9b"
	     "2J\n",
		"x\n", "--- f\n+++ f\n@@ -1,1 +1,1 @@\n-\\xc2\\x9b2J\n+x\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *from = cases[i].from, *to = cases[i].to;
		struct str out = STR_INIT;

		assert_int_equal(diff_unified("f",
				     slice_of(from,
					 from != NULL ? strlen(from) : 0),
				     slice_of(to, to != NULL ? strlen(to) : 0),
				     &out),
		    0);
		assert_string_equal(out.p, cases[i].want);
		str_clear(&out);
	}
}

#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}
struct two {
	struct slice from, to;
	const char *whole; /* as with all its memory */
};

static int
diff_once(void *arg)
{
	const struct two *t = arg;
	struct str out = STR_INIT;
	int r = diff_unified("f", t->from, t->to, &out);

	if (r == 0 && (r = str_check(&out)) == 0)
		assert_string_equal(out.p, t->whole);
	str_clear(&out);
	return r;
}

/* Half a diff would look like a smaller change. */
static void
a_diff_is_whole_or_there_is_none(void **state)
{
	static const struct {
		struct slice from, to;
	} cases[] = {
	    {BYTES("a\n1\n2\n3\n4\n5\n6\n7\nb\n"),
		BYTES("1\n2\n3\n4\n5\n6\n7\nc\n")},
	    {{0}, BYTES("a\n")},
	    {BYTES("\x01\0x"), BYTES("x\n")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct two t = {cases[i].from, cases[i].to, NULL};
		struct str whole = STR_INIT;

		assert_int_equal(diff_unified("f", t.from, t.to, &whole), 0);
		t.whole = whole.p;
		assert_true(alloc_each(diff_once, &t) >= 1);
		str_clear(&whole);
	}
}

static void
secrets_and_bytes_are_named_by_hash(void **state)
{
	static const char key[] = "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n";
	struct str out = STR_INIT;

	(void)state;
	assert_int_equal(diff_unified("f", slice_of("a\0b", 3),
			     slice_of("a", 1), &out),
	    0);
	assert_non_null(strstr(out.p, "-3 bytes, SHA-256 "));
	str_reset(&out);
	assert_int_equal(diff_unified("f", slice_of(NULL, 0), slice_str(key),
			     &out),
	    0);
	assert_non_null(strstr(out.p, "-nothing\n+38 bytes, SHA-256 "));
	assert_null(strstr(out.p, "OPENSSH"));
	str_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(diffs_are_those_of_diff),
	    cmocka_unit_test(a_diff_is_whole_or_there_is_none),
	    cmocka_unit_test(secrets_and_bytes_are_named_by_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
