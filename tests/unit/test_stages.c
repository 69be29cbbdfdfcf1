/* SPDX-License-Identifier: ISC */
#include "lib/keeper/stages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/alloc.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    INT64_C(1800000000)

/* Two owners at once, of three files and ten bytes each. */
static struct stages stages;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	stages_init(&stages, 2, 3, 10);
	err = (struct err){0};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	stages_clear(&stages);
	return 0;
}

/* data NULL: a call without any. */
static int
put(const char *owner, const char *data, int64_t now, struct hash *h)
{
	json_t *args = json_object();
	int r;

	if (data != NULL)
		json_object_set_new(args, "data", json_string(data));
	r = stages_put(&stages, owner, args, now, h, &err);
	json_decref(args);
	return r;
}

static void
assert_found(const char *owner, const struct hash *h, const char *want)
{
	struct slice got = stages_find(&stages, owner, h);

	if (want == NULL) {
		assert_null(got.p);
		return;
	}
	assert_int_equal(got.n, strlen(want));
	assert_memory_equal(got.p, want, got.n);
}

static void
a_file_is_found_by_its_hash_and_owner(void **state)
{
	struct hash want, one, two;

	(void)state;
	hash_sha256("abc", 3, &want);
	assert_int_equal(put("olga", "YWJj", NOW, &one), 0);
	assert_true(hash_equal(&one, &want));
	assert_int_equal(put("olga", "ZGVm", NOW, &two), 0);
	assert_found("olga", &one, "abc");
	assert_found("olga", &two, "def");
	assert_found("ivan", &one, NULL);
	hash_sha256("ghi", 3, &want);
	assert_found("olga", &want, NULL);
}

static void
the_same_file_twice_is_there_once(void **state)
{
	struct hash h;

	(void)state;
	for (int i = 0; i < 5; i++)
		assert_int_equal(put("olga", "YWJj", NOW, &h), 0);
	assert_int_equal(stages.v[0].n, 1);
	assert_int_equal(stages.v[0].bytes, 3);
}

static void
an_empty_file_is_a_file(void **state)
{
	struct hash want, h;

	(void)state;
	hash_sha256("", 0, &want);
	assert_int_equal(put("olga", "", NOW, &h), 0);
	assert_true(hash_equal(&h, &want));
	assert_int_equal(stages.v[0].n, 1);
}

static void
what_is_no_file_is_refused(void **state)
{
	static const struct {
		const char *data, *says;
		int r;
	} cases[] = {
	    {NULL, "'data' is missing, or no text", ERR_PARSE},
	    {"YWJ", "'data' is not base64", ERR_PARSE},
	    {"YW Jj", "'data' is not base64", ERR_PARSE},
	    {"YWJj!", "'data' is not base64", ERR_PARSE},
	};
	struct hash h;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		assert_int_equal(put("olga", cases[i].data, NOW, &h),
		    cases[i].r);
		assert_string_equal(err.msg, cases[i].says);
		/* Nor does it take anybody's place. */
		assert_null(stages.v[0].owner);
	}
}

static void
an_owner_has_so_many_files_and_bytes(void **state)
{
	struct hash h, one;

	(void)state;
	assert_int_equal(put("olga", "YQ==", NOW, &one), 0);
	assert_int_equal(put("olga", "Yg==", NOW, &h), 0);
	assert_int_equal(put("olga", "Yw==", NOW, &h), 0);
	assert_int_equal(put("olga", "ZA==", NOW, &h), ERR_LIMIT);
	assert_string_equal(err.msg,
	    "more than 3 files or 10 bytes put for one push");
	assert_found("olga", &one, "a");

	/* 10 bytes, and one more. */
	assert_int_equal(put("ivan", "MDEyMzQ1Njc4OQ==", NOW, &one), 0);
	assert_int_equal(put("ivan", "YQ==", NOW, &h), ERR_LIMIT);
	assert_found("ivan", &one, "0123456789");
	stages_drop(&stages, "ivan");
	assert_int_equal(put("ivan", "MDEyMzQ1Njc4OTA=", NOW, &h), ERR_LIMIT);
}

static void
there_are_so_many_owners(void **state)
{
	struct hash h;

	(void)state;
	assert_int_equal(put("olga", "YQ==", NOW, &h), 0);
	assert_int_equal(put("ivan", "YQ==", NOW + 1, &h), 0);
	assert_int_equal(put("dora", "YQ==", NOW + STAGES_SECS, &h), ERR_BUSY);
	assert_string_equal(err.msg,
	    "2 others put files for a push, try again later");
	/* Whoever is there goes on. */
	assert_int_equal(put("olga", "Yg==", NOW + 1, &h), 0);
}

static void
what_nobody_pushed_goes_after_a_while(void **state)
{
	struct hash h;

	(void)state;
	assert_int_equal(put("olga", "YQ==", NOW, &h), 0);
	assert_int_equal(put("ivan", "YQ==", NOW + 60, &h), 0);
	assert_int_equal(put("dora", "Yg==", NOW + STAGES_SECS + 1, &h), 0);
	assert_found("dora", &h, "b");
	hash_sha256("a", 1, &h);
	assert_found("olga", &h, NULL);
	assert_found("ivan", &h, "a");
}

static void
what_was_pushed_is_dropped(void **state)
{
	struct hash h;

	(void)state;
	stages_drop(&stages, "olga");
	assert_int_equal(put("olga", "YQ==", NOW, &h), 0);
	assert_int_equal(put("ivan", "YQ==", NOW, &h), 0);
	stages_drop(&stages, "olga");
	assert_found("olga", &h, NULL);
	assert_found("ivan", &h, "a");
	assert_int_equal(put("dora", "YQ==", NOW, &h), 0);
}

static int
put_two(void *arg)
{
	struct hash h;
	int r;

	(void)arg;
	stages_clear(&stages);
	alloc_hold(true);
	json_t *a = json_pack("{ss}", "data", "YWJj");
	json_t *b = json_pack("{ss}", "data", "ZGVm");
	alloc_hold(false);
	if ((r = stages_put(&stages, "olga", a, NOW, &h, &err)) == 0)
		r = stages_put(&stages, "olga", b, NOW, &h, &err);
	json_decref(a);
	json_decref(b);
	return r;
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_true(alloc_each(put_two, NULL) >= 4);
	assert_int_equal(stages.v[0].n, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_file_is_found_by_its_hash_and_owner),
	    T(the_same_file_twice_is_there_once),
	    T(an_empty_file_is_a_file),
	    T(what_is_no_file_is_refused),
	    T(an_owner_has_so_many_files_and_bytes),
	    T(there_are_so_many_owners),
	    T(what_nobody_pushed_goes_after_a_while),
	    T(what_was_pushed_is_dropped),
	    T(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
