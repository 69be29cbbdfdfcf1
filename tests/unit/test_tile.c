/* SPDX-License-Identifier: ISC */
/* Paths and widths of tiles, entry bundles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/tlog/tile.h"

static void
tiles_have_one_path_and_paths_one_tile(void **state)
{
	static const struct {
		struct tile t;
		const char *path;
	} cases[] = {
	    {{0, 0, 256}, "tile/0/000"},
	    {{0, 0, 1}, "tile/0/000.p/1"},
	    {{0, 999, 256}, "tile/0/999"},
	    {{0, 1000, 256}, "tile/0/x001/000"},
	    {{0, 1234067, 8}, "tile/0/x001/x234/067.p/8"},
	    {{1, 67, 255}, "tile/1/067.p/255"},
	    {{63, 5, 256}, "tile/63/005"},
	    {{TILE_ENTRIES, 0, 256}, "tile/entries/000"},
	    {{TILE_ENTRIES, 1000000, 17}, "tile/entries/x001/x000/000.p/17"},
	    {{TILE_ENTRIES, UINT64_MAX, 255},
		"tile/entries/x018/x446/x744/x073/x709/x551/615.p/255"},
	};
	char path[TILE_PATH_MAX];
	struct tile t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tile_path(&cases[i].t, path);
		assert_string_equal(path, cases[i].path);
		assert_int_equal(tile_parse_path(path, &t), 0);
		assert_int_equal(t.level, cases[i].t.level);
		assert_true(t.index == cases[i].t.index);
		assert_int_equal(t.width, cases[i].t.width);
	}
}

static void
other_spellings_of_paths_are_refused(void **state)
{
	static const char *const cases[] = {
	    "",
	    "tile",
	    "tile/",
	    "tile/0",
	    "tile/0/",
	    "tile/0/00",
	    "tile/0/0000",
	    "tile/0/000/",
	    "tile/0/x000",
	    "tile/0/x000/000",
	    "tile/0/001/000",
	    "tile/0/x001000",
	    "tile/0/x001/00",
	    "tile/00/000",
	    "tile/64/000",
	    "tile/100/000",
	    "tile/-1/000",
	    "tile//000",
	    "Tile/0/000",
	    "/tile/0/000",
	    "tile/0/000.p",
	    "tile/0/000.p/",
	    "tile/0/000.p/0",
	    "tile/0/000.p/01",
	    "tile/0/000.p/256",
	    "tile/0/000.p/999",
	    "tile/0/000.p/1000",
	    "tile/0/000.p/1/",
	    "tile/0/000.p/1 ",
	    "tile/0/000.q/1",
	    "tile/8/0/000",
	    "tile/entries",
	    "tile/entries/",
	    "tile/data/000",
	    "tile/entries/000.p/256",
	    "tile/0/x018/x446/x744/x073/x709/x551/616",
	    "tile/0/x999/x999/x999/x999/x999/x999/999",
	    "tile/0/x001/x000/x000/x000/x000/x000/x000/000",
	};
	struct tile t;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (tile_parse_path(cases[i], &t) != ERR_PARSE)
			fail_msg("'%s' was accepted", cases[i]);
}

static void
a_tree_has_the_tiles_of_its_size(void **state)
{
	static const struct {
		uint64_t size;
		unsigned level;
		uint64_t index;
		unsigned want;
	} cases[] = {
	    {0, 0, 0, 0},
	    {1, 0, 0, 1},
	    {1, 1, 0, 0},
	    {255, 0, 0, 255},
	    {256, 0, 0, 256},
	    {256, 0, 1, 0},
	    {256, 1, 0, 1},
	    {257, 0, 1, 1},
	    {65535, 1, 0, 255},
	    {65536, 1, 0, 256},
	    {65536, 1, 1, 0},
	    {65536, 2, 0, 1},
	    {70000, 0, 272, 256},
	    {70000, 0, 273, 112},
	    {70000, 0, 274, 0},
	    {70000, 1, 0, 256},
	    {70000, 1, 1, 17},
	    {70000, 2, 0, 1},
	    {70000, 3, 0, 0},
	    {70000, TILE_ENTRIES, 273, 112},
	    {UINT64_MAX, 7, 0, 255},
	    {UINT64_MAX, 8, 0, 0},
	    {UINT64_MAX, 63, 0, 0},
	};
	static const struct {
		uint64_t size;
		unsigned levels;
	} levels[] = {{0, 0}, {1, 1}, {255, 1}, {256, 2}, {65535, 2},
	    {65536, 3}, {70000, 3}, {UINT64_MAX, 8}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned got =
		    tile_width(cases[i].level, cases[i].index, cases[i].size);

		if (got != cases[i].want)
			fail_msg("case %zu: %u, not %u", i, got, cases[i].want);
	}
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		assert_int_equal(tile_levels(levels[i].size), levels[i].levels);
}

static void
entries_come_back_as_they_went_in(void **state)
{
	uint8_t *big = calloc(1, 65536);
	struct buf *b = NULL;
	struct slice s;
	struct view v;

	(void)state;
	assert_non_null(big);
	assert_int_equal(buf_new(&b, 200000), 0);
	assert_int_equal(entries_put(b, slice_str("one")), 0);
	assert_int_equal(entries_put(b, slice_of(NULL, 0)), 0);
	assert_int_equal(entries_put(b, slice_of(big, 65535)), 0);
	assert_int_equal(entries_put(b, slice_of(big, 65536)), ERR_LIMIT);
	assert_memory_equal(buf_slice(b).p, "\0\3one\0\0\xff\xff", 9);
	v = view_slice(buf_slice(b));
	assert_int_equal(entries_get(&v, &s), 0);
	assert_true(slice_is(s, "one"));
	assert_int_equal(entries_get(&v, &s), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(entries_get(&v, &s), 0);
	assert_int_equal(s.n, 65535);
	assert_int_equal(view_end(&v), 0);
	assert_int_equal(entries_get(&v, &s), ERR_PARSE);
	buf_free(b);
	free(big);
}

static void
an_entry_that_does_not_fit_leaves_no_trace(void **state)
{
	struct buf *b = NULL;

	(void)state;
	assert_int_equal(buf_new(&b, 8), 0);
	assert_int_equal(entries_put(b, slice_str("abc")), 0);
	assert_int_equal(entries_put(b, slice_str("de")), ERR_LIMIT);
	assert_int_equal(buf_len(b), 5);
	buf_free(b);
}

static void
a_cut_bundle_is_refused_where_it_is_cut(void **state)
{
	static const uint8_t bundle[] = {0, 2, 'a', 'b', 0, 1, 'c'};
	struct slice s;

	(void)state;
	for (size_t n = 0; n < sizeof(bundle); n++) {
		struct view v = view_of(bundle, n);
		size_t whole = 0, left;

		while (entries_get(&v, &s) == 0)
			whole++;
		left = v.n;
		assert_int_equal(whole, n >= 4 ? 1 : 0);
		assert_int_equal(left, n >= 4 ? n - 4 : n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tiles_have_one_path_and_paths_one_tile),
	    cmocka_unit_test(other_spellings_of_paths_are_refused),
	    cmocka_unit_test(a_tree_has_the_tiles_of_its_size),
	    cmocka_unit_test(entries_come_back_as_they_went_in),
	    cmocka_unit_test(an_entry_that_does_not_fit_leaves_no_trace),
	    cmocka_unit_test(a_cut_bundle_is_refused_where_it_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
