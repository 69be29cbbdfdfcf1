/* SPDX-License-Identifier: ISC */
/* A directory as a store of objects. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/str.h"
#include "lib/blob/blob.h"
#include "lib/blob/dir.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

struct fixture {
	char dir[TMPDIR_MAX];
	struct blob_store *s;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char url[TMPDIR_MAX + 16];

	assert_non_null(f);
	tmpdir_make(f->dir, "blob");
	snprintf(url, sizeof(url), "dir:%s", f->dir);
	assert_int_equal(blob_open(url, NULL, &f->s, NULL), 0);
	*state = f;
	return 0;
}

/* The same store on a file system that has no files without a name. */
static int
setup_named(void **state)
{
	int r = setup(state);
	struct fixture *f = *state;

	((struct dir_store *)f->s)->no_tmpfile = true;
	return r;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	blob_close(f->s);
	assert_int_equal(tmpdir_remove(f->dir), 0);
	free(f);
	return 0;
}

static void
write_raw(const struct fixture *f, const char *name, const char *text)
{
	char path[256];
	FILE *fp;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_non_null(fp = fopen(path, "w"));
	assert_true(fputs(text, fp) >= 0);
	assert_int_equal(fclose(fp), 0);
}

static void
assert_object(struct fixture *f, const char *key, const char *want)
{
	struct err e = {0};
	uint8_t *p = NULL;
	size_t n = 0;

	if (blob_get(f->s, key, 4096, &p, &n, &e) != 0)
		fail_msg("%s: %s", key, e.msg);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(p, want, n);
	free(p);
}

static int
append(void *ctx, const struct blob_info *info)
{
	struct str *s = ctx;

	assert_string_equal(info->version, "");
	assert_true(info->latest);
	assert_false(info->deleted);
	str_addf(s, "%s:%d%s\n", info->key, (int)info->size,
	    info->other ? ":other" : "");
	return 0;
}

static void
assert_list(struct fixture *f, const char *prefix, const char *want)
{
	struct str s = STR_INIT;
	struct err e = {0};

	if (blob_list(f->s, prefix, append, &s, &e) != 0)
		fail_msg("list %s: %s", prefix, e.msg);
	assert_string_equal(s.p, want);
	str_clear(&s);
}

static void
keys_are_relative_paths_of_a_small_alphabet(void **state)
{
	static const char *const good[] = {"a", "a/b", "checkpoint",
	    "tile/0/x001/067.p/3", "A-Z_0.9", "...", ".a", "a..b"};
	static const char *const bad[] = {"", "/", "/a", "a/", "a//b", ".",
	    "..", "a/.", "a/../b", "./a", "a b", "a\nb", "a%2f", "caf\xc3\xa9"};
	char longest[BLOB_KEY_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (blob_key_check(good[i]) != 0)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (blob_key_check(bad[i]) != ERR_PARSE)
			fail_msg("taken: %s", bad[i]);
	memset(longest, 'a', sizeof(longest));
	longest[BLOB_KEY_MAX] = '\0';
	assert_int_equal(blob_key_check(longest), 0);
	longest[BLOB_KEY_MAX] = 'a';
	longest[BLOB_KEY_MAX + 1] = '\0';
	assert_int_equal(blob_key_check(longest), ERR_PARSE);
}

static void
what_is_no_store_is_refused(void **state)
{
	struct blob_store *s = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(blob_open("", NULL, &s, &e), ERR_PARSE);
	assert_int_equal(blob_open("http://x/", NULL, &s, &e), ERR_PARSE);
	assert_int_equal(blob_open("dir:/nonexistent", NULL, &s, &e),
	    ERR_NOTFOUND);
	assert_string_equal(e.msg, "no directory '/nonexistent'");
	assert_null(s);
}

static void
a_put_is_read_back(void **state)
{
	struct fixture *f = *state;
	uint8_t *p = NULL;
	size_t n;

	assert_int_equal(blob_put(f->s, "a/b/c", slice_str("hello"), 0, NULL),
	    0);
	assert_object(f, "a/b/c", "hello");
	assert_int_equal(blob_put(f->s, "empty", slice_of(NULL, 0), BLOB_NOSYNC,
			     NULL),
	    0);
	assert_object(f, "empty", "");
	assert_int_equal(blob_get(f->s, "a/b/c", 4, &p, &n, NULL), ERR_LIMIT);
	assert_int_equal(blob_get(f->s, "a/b", 9, &p, &n, NULL), ERR_CORRUPT);
	assert_int_equal(blob_get(f->s, "no", 9, &p, &n, NULL), ERR_NOTFOUND);
	assert_int_equal(blob_get_version(f->s, "a/b/c", "v", 9, &p, &n, NULL),
	    ERR_NOTFOUND);
	assert_null(p);
	assert_int_equal(blob_exists(f->s, "a/b/c", NULL), 0);
	assert_int_equal(blob_exists(f->s, "a/b", NULL), 1);
	assert_int_equal(blob_exists(f->s, "a/b/c/d", NULL), 1);
	assert_int_equal(blob_exists(f->s, "z", NULL), 1);
}

static void
the_same_bytes_again_are_a_success(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++)
		assert_int_equal(blob_put(f->s, "k", slice_str("same"), 0,
				     NULL),
		    0);
	assert_list(f, "", "k:4\n");
}

static void
foreign_bytes_are_put_aside(void **state)
{
	struct fixture *f = *state;

	write_raw(f, "k", "garbage");
	assert_int_equal(blob_put(f->s, "k", slice_str("right"), 0, NULL),
	    BLOB_FOREIGN);
	assert_object(f, "k", "right");
	assert_object(f, "k.foreign-795b6904", "garbage");
	assert_int_equal(blob_put(f->s, "k", slice_str("right"), 0, NULL), 0);
	assert_list(f, "", "k:5\nk.foreign-795b6904:7\n");
}

static void
longer_bytes_that_begin_alike_are_foreign(void **state)
{
	struct fixture *f = *state;

	write_raw(f, "k", "right and more");
	assert_int_equal(blob_put(f->s, "k", slice_str("right"), 0, NULL),
	    BLOB_FOREIGN);
	assert_object(f, "k", "right");
}

static void
what_a_power_loss_cut_short_is_made_whole(void **state)
{
	struct fixture *f = *state;

	write_raw(f, "k", "rig");
	write_raw(f, "l", "");
	assert_int_equal(blob_put(f->s, "k", slice_str("right"), 0, NULL), 0);
	assert_int_equal(blob_put(f->s, "l", slice_str("right"), 0, NULL), 0);
	assert_list(f, "", "k:5\nl:5\n");
}

static void
a_directory_or_link_under_the_key_is_put_aside(void **state)
{
	struct fixture *f = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/d", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/l", f->dir);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(blob_put(f->s, "d", slice_str("x"), 0, NULL),
	    BLOB_FOREIGN);
	assert_int_equal(blob_put(f->s, "l", slice_str("x"), 0, NULL),
	    BLOB_FOREIGN);
	assert_object(f, "d", "x");
	assert_object(f, "l", "x");
	assert_list(f, "", "d:1\nl:1\nl.foreign-e3b0c442:0:other\n");
}

static void
links_on_the_way_are_never_followed(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	char path[128];
	uint8_t *p = NULL;
	size_t n;

	snprintf(path, sizeof(path), "%s/up", f->dir);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_int_equal(blob_put(f->s, "up/x", slice_str("x"), 0, &e),
	    ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "symbolic link"));
	assert_int_equal(blob_get(f->s, "up/x", 9, &p, &n, &e), ERR_CORRUPT);
	assert_int_equal(blob_get(f->s, "up", 9, &p, &n, &e), ERR_CORRUPT);
	assert_list(f, "", "up:0:other\n");
}

static void
a_file_in_the_place_of_a_directory_is_named(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	write_raw(f, "tile", "x");
	assert_int_equal(blob_put(f->s, "tile/0", slice_str("x"), 0, &e),
	    ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "/tile is in the way"));
}

static void
a_mutable_object_is_replaced(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		char text[2] = {(char)('0' + i), '\0'};

		assert_int_equal(blob_put(f->s, "checkpoint", slice_str(text),
				     BLOB_MUTABLE, NULL),
		    0);
		assert_object(f, "checkpoint", text);
	}
	assert_list(f, "", "checkpoint:1\n");
}

#define MANY 300

static void
many_items_go_into_many_directories(void **state)
{
	struct fixture *f = *state;
	static struct blob_item items[MANY];
	static char keys[MANY][40];
	struct err e = {0};

	for (int i = 0; i < MANY; i++) {
		snprintf(keys[i], sizeof(keys[i]), "d%d/e%d/f%d", i % 7,
		    i % 100, i);
		items[i] = (struct blob_item){
		    .key = keys[i], .data = slice_str(keys[i])};
	}
	write_raw(f, "g", "garbage");
	items[200].key = "g";
	if (blob_put_many(f->s, items, MANY, &e) != 0)
		fail_msg("%s", e.msg);
	for (int i = 0; i < MANY; i++) {
		assert_object(f, items[i].key, keys[i]);
		assert_int_equal(items[i].result, i == 200 ? BLOB_FOREIGN : 0);
	}
}

static void
one_bad_key_stores_nothing(void **state)
{
	struct fixture *f = *state;
	struct blob_item items[] = {
	    {.key = "good", .data = slice_str("x")},
	    {.key = "../bad", .data = slice_str("x")},
	};
	struct err e = {0};

	assert_int_equal(blob_put_many(f->s, items, 2, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "'../bad' is not an object key"));
	items[1].key = "a/.tmp-1-2";
	assert_int_equal(blob_put_many(f->s, items, 2, &e), ERR_PARSE);
	assert_list(f, "", "");
}

static void
too_large_an_object_is_refused(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_int_equal(blob_put(f->s, "k",
			     slice_of("", (size_t)BLOB_OBJECT_MAX + 1), 0, &e),
	    ERR_LIMIT);
}

static void
a_listing_is_sorted_as_a_bucket_sorts(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = {"b", "a/z", "a-b", "a.b", "a/b/c",
	    "a0", "tile/1", "tile/0/2", "tilex"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		assert_int_equal(blob_put(f->s, keys[i], slice_str("x"),
				     BLOB_NOSYNC, NULL),
		    0);
	write_raw(f, ".tmp-1-2", "not an object");
	write_raw(f, "od d", "odd");
	assert_list(f, "",
	    "a-b:1\na.b:1\na/b/c:1\na/z:1\na0:1\nb:1\nod d:3\n"
	    "tile/0/2:1\ntile/1:1\ntilex:1\n");
	assert_list(f, "a/", "a/b/c:1\na/z:1\n");
	assert_list(f, "a", "a-b:1\na.b:1\na/b/c:1\na/z:1\na0:1\n");
	assert_list(f, "tile/0", "tile/0/2:1\n");
	assert_list(f, "a/b/", "a/b/c:1\n");
	assert_list(f, "nothing/here", "");
	assert_list(f, "b/", "");
	assert_int_equal(blob_list(f->s, "../", append, NULL, NULL), ERR_PARSE);
	assert_int_equal(blob_list(f->s, "a//", append, NULL, NULL), ERR_PARSE);
}

static int
stop(void *ctx, const struct blob_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 77;
}

static void
the_callback_ends_a_listing(void **state)
{
	struct fixture *f = *state;
	int calls = 0;

	assert_int_equal(blob_put(f->s, "a/1", slice_str("x"), 0, NULL), 0);
	assert_int_equal(blob_put(f->s, "a/2", slice_str("x"), 0, NULL), 0);
	assert_int_equal(blob_list(f->s, "", stop, &calls, NULL), 77);
	assert_int_equal(calls, 1);
}

static void
a_probe_tells_whether_it_can_be_written(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};

	assert_int_equal(blob_probe(f->s, &e), 0);
	assert_false(blob_is_remote(f->s));
	assert_int_equal(rmdir(f->dir), 0);
	assert_int_equal(blob_put(f->s, "k", slice_str("x"), 0, &e), ERR_SYS);
	assert_int_equal(mkdir(f->dir, 0700), 0);
}

static int
put_two_and_list(void *arg)
{
	struct fixture *f = arg;
	struct blob_item items[] = {
	    {.key = "a/b/c", .data = slice_str("x")},
	    {.key = "k", .data = slice_str("right")},
	};
	struct str s = STR_INIT;
	int r = blob_put_many(f->s, items, 2, NULL);

	if (r == 0)
		r = blob_list(f->s, "", append, &s, NULL);
	if (r == 0)
		r = str_check(&s);
	str_clear(&s);
	return r;
}

static void
memory_that_runs_out_is_told_and_loses_nothing(void **state)
{
	struct fixture *f = *state;

	write_raw(f, "k", "garbage");
	assert_true(alloc_each(put_two_and_list, f) > 5);
	assert_object(f, "a/b/c", "x");
	assert_object(f, "k", "right");
}

int
main(void)
{
#define T(name)                                                     \
	cmocka_unit_test_setup_teardown(name, setup, teardown),     \
	{                                                           \
#name " (named)", name, setup_named, teardown, NULL \
	}
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys_are_relative_paths_of_a_small_alphabet),
	    cmocka_unit_test(what_is_no_store_is_refused),
	    T(a_put_is_read_back),
	    T(the_same_bytes_again_are_a_success),
	    T(foreign_bytes_are_put_aside),
	    T(longer_bytes_that_begin_alike_are_foreign),
	    T(what_a_power_loss_cut_short_is_made_whole),
	    T(a_directory_or_link_under_the_key_is_put_aside),
	    T(links_on_the_way_are_never_followed),
	    T(a_file_in_the_place_of_a_directory_is_named),
	    T(a_mutable_object_is_replaced),
	    T(many_items_go_into_many_directories),
	    T(one_bad_key_stores_nothing),
	    T(too_large_an_object_is_refused),
	    T(a_listing_is_sorted_as_a_bucket_sorts),
	    T(the_callback_ends_a_listing),
	    T(a_probe_tells_whether_it_can_be_written),
	    T(memory_that_runs_out_is_told_and_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
