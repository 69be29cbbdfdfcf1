/* SPDX-License-Identifier: ISC */
/* MANIFEST: a path is a name below one directory and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/bundle.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mutate.h"

#define H "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static int
parse(const char *text, struct manifest *m, struct err *e)
{
	return manifest_parse(slice_str(text), m, e);
}

static void
good_text_is_read(void **state)
{
	struct manifest m = {0};

	(void)state;
	assert_int_equal(parse(H " 0 authorities/user_ca.pub\n" H
				 " 1048576 ca.yaml\n" H
				 " 7 people/b@c.d+e.yaml\n",
			     &m, NULL),
	    0);
	assert_int_equal(m.n, 3);
	assert_string_equal(m.v[0].path, "authorities/user_ca.pub");
	assert_int_equal(m.v[1].size, POLICY_FILE_MAX);
	assert_int_equal(m.v[2].hash.b[31], 0xaa);
	manifest_clear(&m);
	assert_int_equal(m.n, 0);
}

static void
bad_text_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
	    {"nothing", ""},
	    {"no end of line", H " 1 a"},
	    {"an empty line", "\n"},
	    {"an empty line at the end", H " 1 a\n\n"},
	    {"a short hash", "aaaa 1 a\n"},
	    {"a hash in capitals", "A" H " 1 a\n"},
	    {"two blanks", H "  1 a\n"},
	    {"a tab", H "\t1\ta\n"},
	    {"no size", H " a\n"},
	    {"a negative size", H " -1 a\n"},
	    {"a leading zero", H " 01 a\n"},
	    {"a file too large", H " 1048577 a\n"},
	    {"a size past 64 bits", H " 18446744073709551617 a\n"},
	    {"no path", H " 1 \n"},
	    {"an absolute path", H " 1 /etc/passwd\n"},
	    {"a path out of it", H " 1 ../a\n"},
	    {"a path out of it, inside", H " 1 a/../../b\n"},
	    {"a path that ends in two dots", H " 1 a/..\n"},
	    {"two dots alone", H " 1 ..\n"},
	    {"one dot", H " 1 .\n"},
	    {"one dot inside", H " 1 a/./b\n"},
	    {"one dot at the end", H " 1 a/.\n"},
	    {"two slashes", H " 1 a//b\n"},
	    {"a slash at the end", H " 1 a/\n"},
	    {"a backslash", H " 1 a\\b\n"},
	    {"a blank in a path", H " 1 a b\n"},
	    {"a percent sign", H " 1 a%2fb\n"},
	    {"a tilde", H " 1 ~root\n"},
	    {"a carriage return", H " 1 a\r\n"},
	    {"a letter beyond ASCII", H " 1 \xc3\xa4\n"},
	    {"a path twice", H " 1 a\n" H " 1 a\n"},
	    {"not sorted", H " 1 b\n" H " 1 a\n"},
	    {"a file that is a directory",
		H " 1 a\n" H " 1 a-b\n" H " 1 a/b\n"},
	    {"one deeper", H " 1 x/a\n" H " 1 x/a/b/c\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct manifest m = {0};
		struct err e = {0};
		int r = parse(cases[i].text, &m, &e);

		if (r != ERR_PARSE)
			fail_msg("%s: %d", cases[i].name, r);
		if (strncmp(e.msg, "MANIFEST", 8) != 0)
			fail_msg("%s: '%s'", cases[i].name, e.msg);
		assert_int_equal(m.n, 0);
	}
}

static void
a_nul_does_not_end_a_line(void **state)
{
	static const char text[] = H " 1 a\0b\n";
	struct manifest m = {0};

	(void)state;
	assert_int_equal(manifest_parse(slice_of(text, sizeof(text) - 1), &m,
			     NULL),
	    ERR_PARSE);
}

static void
names_that_only_look_odd_are_fine(void **state)
{
	static const char *const paths[] = {
	    "...", ".a", "a.", "a/...", "..a", "-", "@", "a/.b/c"};

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct str s = STR_INIT;
		struct manifest m = {0};

		str_addf(&s, H " 1 %s\n", paths[i]);
		if (parse(s.p, &m, NULL) != 0)
			fail_msg("%s", paths[i]);
		manifest_clear(&m);
		str_clear(&s);
	}
}

static void
a_path_ends_at_255_bytes(void **state)
{
	char path[MANIFEST_PATH_MAX + 2];
	struct str s = STR_INIT;
	struct manifest m = {0};

	(void)state;
	memset(path, 'a', sizeof(path));
	path[MANIFEST_PATH_MAX] = '\0';
	str_addf(&s, H " 1 %s\n", path);
	assert_int_equal(parse(s.p, &m, NULL), 0);
	manifest_clear(&m);
	str_reset(&s);
	str_addf(&s, H " 1 %sa\n", path);
	assert_int_equal(parse(s.p, &m, NULL), ERR_PARSE);
	str_clear(&s);
}

static void
files_and_text_end_at_their_limits(void **state)
{
	struct str s = STR_INIT;
	struct manifest m = {0};

	(void)state;
	for (size_t i = 0; i < POLICY_FILES_MAX; i++)
		str_addf(&s, H " 1 f%05zu\n", i);
	assert_int_equal(parse(s.p, &m, NULL), 0);
	assert_int_equal(m.n, POLICY_FILES_MAX);
	manifest_clear(&m);
	str_add(&s, H " 1 g\n");
	assert_int_equal(parse(s.p, &m, NULL), ERR_LIMIT);
	while (s.n <= BUNDLE_MANIFEST_MAX)
		str_add(&s, H " 1 z\n");
	assert_int_equal(parse(s.p, &m, NULL), ERR_LIMIT);
	str_clear(&s);
}

static void
what_is_made_of_files_is_read_back(void **state)
{
	struct policy_files f = {0};
	struct manifest m = {0};
	struct str s = STR_INIT;
	struct hash h;

	(void)state;
	assert_int_equal(manifest_of(&f, &s), ERR_PARSE);
	assert_int_equal(policy_files_add(&f, "b/c", "hello", 5), 0);
	assert_int_equal(policy_files_add(&f, "a", "", 0), 0);
	assert_int_equal(manifest_of(&f, &s), ERR_PARSE);
	policy_files_sort(&f);
	assert_int_equal(manifest_of(&f, &s), 0);
	assert_int_equal(parse(s.p, &m, NULL), 0);
	assert_int_equal(m.n, 2);
	assert_string_equal(m.v[1].path, "b/c");
	assert_int_equal(m.v[1].size, 5);
	hash_sha256("hello", 5, &h);
	assert_memory_equal(&m.v[1].hash, &h, sizeof(h));
	manifest_clear(&m);
	str_reset(&s);
	assert_int_equal(policy_files_add(&f, "c/../d", "", 0), 0);
	assert_int_equal(manifest_of(&f, &s), ERR_PARSE);
	assert_int_equal(s.n, 0);
	policy_files_clear(&f);
	str_clear(&s);
}

static void
parses_or_not(const uint8_t *p, size_t n, void *arg)
{
	struct manifest m = {0};

	(void)arg;
	if (manifest_parse(slice_of(p, n), &m, NULL) == 0)
		for (size_t i = 0; i < m.n; i++)
			assert_null(strstr(m.v[i].path, "/../"));
	manifest_clear(&m);
}

static void
no_flip_and_no_cut_is_read_past_its_end(void **state)
{
	static const char text[] = H " 1 a/b\n" H " 22 b\n";

	(void)state;
	mutate_each(text, sizeof(text) - 1, parses_or_not, NULL);
}

static int
parse_once(void *arg)
{
	struct manifest m = {0};
	int r = parse(arg, &m, NULL);

	manifest_clear(&m);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	char text[] = H " 1 a\n" H " 22 b\n";

	(void)state;
	assert_int_equal(alloc_each(parse_once, text), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_text_is_read),
	    cmocka_unit_test(bad_text_is_refused),
	    cmocka_unit_test(a_nul_does_not_end_a_line),
	    cmocka_unit_test(names_that_only_look_odd_are_fine),
	    cmocka_unit_test(a_path_ends_at_255_bytes),
	    cmocka_unit_test(files_and_text_end_at_their_limits),
	    cmocka_unit_test(what_is_made_of_files_is_read_back),
	    cmocka_unit_test(no_flip_and_no_cut_is_read_past_its_end),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
