/* SPDX-License-Identifier: ISC */
/* From page to page of a bucket's versions, whatever the server says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "lib/blob/s3.h"
#include "tests/unit/alloc.h"

static int
go_on(struct s3_pages *p, const char *key, const char *version,
    const char *last)
{
	struct s3_page next = {.truncated = true};
	int r;

	alloc_hold(true);
	next.key_marker = str_dup(key);
	next.version_marker = version != NULL ? str_dup(version) : NULL;
	alloc_hold(false);
	r = s3_pages_move(p, &next, last, "host", NULL);
	if (r == 0)
		assert_null(next.key_marker);
	s3_page_clear(&next);
	return r;
}

static void
pages_go_up(void **state)
{
	struct s3_pages p = {.n = 0};
	struct s3_page end = {.truncated = false};

	(void)state;
	assert_int_equal(go_on(&p, "b", "1", ""), 0);
	assert_int_equal(go_on(&p, "b", "2", "b"), 0);
	assert_int_equal(go_on(&p, "b", NULL, "b"), 0);
	assert_int_equal(go_on(&p, "c", "2", "b"), 0);
	/* Back to a key, before the last one listed; and nothing moved. */
	assert_int_equal(go_on(&p, "b", "3", "b"), ERR_PARSE);
	assert_int_equal(go_on(&p, "c", "3", "d"), ERR_PARSE);
	assert_string_equal(p.at.key_marker, "c");
	assert_string_equal(p.at.version_marker, "2");
	/* The same place; "" is no version. */
	assert_int_equal(go_on(&p, "c", "2", "c"), ERR_PARSE);
	assert_int_equal(go_on(&p, "c", NULL, "c"), 0);
	assert_int_equal(go_on(&p, "c", "", "c"), ERR_PARSE);
	assert_int_equal(s3_pages_move(&p, &end, "c", "host", NULL), 0);
	assert_false(p.at.truncated);
	s3_pages_clear(&p);
}

/* Within a key, of 2 to 40 versions, after some that are in no circle. */
static void
a_circle_of_any_length_ends(void **state)
{
	(void)state;
	for (unsigned round = 2; round <= 40; round++) {
		struct s3_pages p = {.n = 0};
		char version[16];
		unsigned i = 0;
		int r;

		do {
			(void)snprintf(version, sizeof(version), "%u",
			    i < 7 ? 100 + i : i % round);
			r = go_on(&p, "k", version, "k");
		} while (r == 0 && i++ < 1000);
		assert_int_equal(r, ERR_PARSE);
		assert_true(i > round && i < 7 + 3 * 40 + 8);
		s3_pages_clear(&p);
	}
}

static void
a_listing_has_a_limit(void **state)
{
	struct s3_pages p = {.n = 0};
	char version[16];
	unsigned n = 0;
	int r = 0;

	(void)state;
	while (n < S3_PAGES_MAX + 1 && r == 0) {
		(void)snprintf(version, sizeof(version), "%u", ++n);
		r = go_on(&p, "k", version, "k");
	}
	assert_int_equal(r, ERR_LIMIT);
	assert_int_equal(n, S3_PAGES_MAX);
	s3_pages_clear(&p);
}

static int
go_on_once(void *arg)
{
	struct s3_pages p = {.n = 0};
	int r = go_on(&p, "k", "1", "");

	(void)arg;
	s3_pages_clear(&p);
	return r;
}

static void
memory_that_runs_out_is_told(void **state)
{
	(void)state;
	assert_int_equal(alloc_each(go_on_once, NULL), 2);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pages_go_up),
	    cmocka_unit_test(a_circle_of_any_length_ends),
	    cmocka_unit_test(a_listing_has_a_limit),
	    cmocka_unit_test(memory_that_runs_out_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
