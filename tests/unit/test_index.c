/* SPDX-License-Identifier: ISC */
/* The index of a log: finds what was added, and knows when it cannot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/resource.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ledger/index.h"
#include "tests/unit/alloc.h"
#include "tests/unit/tmpdir.h"

#define LISTED (1U << 3 | 1U << 31)

static char dir[TMPDIR_MAX];
static char path[TMPDIR_MAX + 16];

static int
make_dir(void **state)
{
	(void)state;
	tmpdir_make(dir, "index");
	snprintf(path, sizeof(path), "%s/index", dir);
	return 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

static int
clean(void **state)
{
	char tmp[TMPDIR_MAX + 32];

	(void)state;
	(void)unlink(path);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	(void)unlink(tmp);
	return 0;
}

static struct index *
open_at(const char *name, uint32_t listed, bool read_only)
{
	struct index *x = NULL;
	struct err e = {0};

	if (index_open(name, listed, read_only, &x, &e) != 0)
		fail_msg("%s", e.msg);
	return x;
}

static void
name_of(uint64_t i, struct hash *out)
{
	hash_sha256(&i, sizeof(i), out);
}

/* Leaf i has tag i % 4. */
static void
add(struct index *x, uint64_t n)
{
	struct hash name;

	while (index_count(x) < n) {
		assert_int_equal(index_reserve(x, 1, NULL), 0);
		name_of(index_count(x), &name);
		index_add(x, (uint8_t)(index_count(x) % 4), &name, &name);
	}
}

struct found {
	uint64_t v[8];
	size_t n;
};

static int
note_it(void *ctx, uint64_t index)
{
	struct found *f = ctx;

	assert_true(f->n < 8);
	f->v[f->n++] = index;
	return 0;
}

static void
check(struct index *x, uint64_t n)
{
	const uint64_t *listed;
	struct hash name;
	size_t n_listed;

	assert_int_equal(index_count(x), n);
	for (uint64_t i = 0; i < n + 10; i++) {
		struct found f = {.n = 0};

		name_of(i, &name);
		assert_int_equal(index_find(x, (uint8_t)(i % 4), &name, note_it,
				     &f),
		    0);
		assert_int_equal(f.n, i < n ? 1 : 0);
		if (i < n)
			assert_int_equal(f.v[0], i);
		f.n = 0;
		assert_int_equal(index_find(x, (uint8_t)((i + 1) % 4), &name,
				     note_it, &f),
		    0);
		assert_int_equal(f.n, 0);
	}
	assert_int_equal(index_listed(x, 3, &listed, &n_listed), 0);
	assert_int_equal(n_listed, n / 4);
	for (size_t i = 0; i < n_listed; i++)
		assert_int_equal(listed[i], 4 * i + 3);
	assert_int_equal(index_listed(x, 31, &listed, &n_listed), 0);
	assert_int_equal(n_listed, 0);
}

static void
leaves_are_found_through_growth_and_reopening(void **state)
{
	static const uint64_t sizes[] = {0, 1, 500, 513, 1025, 5000};
	struct hash last;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct index *x = open_at(path, LISTED, false);

		add(x, sizes[i]);
		check(x, sizes[i]);
		index_settle(x, sizes[i] / 2);
		index_close(x);
		x = open_at(path, LISTED, false);
		check(x, sizes[i]);
		assert_int_equal(index_settled(x), sizes[i] / 2);
		name_of(sizes[i] - 1, &last);
		assert_true(sizes[i] == 0 || index_last_is(x, &last));
		last.b[0] ^= 1;
		assert_false(index_last_is(x, &last));
		index_close(x);
	}
}

static void
a_list_that_was_read_grows_with_the_log(void **state)
{
	struct index *x = open_at(NULL, LISTED, false);

	(void)state;
	add(x, 10);
	check(x, 10);
	add(x, 3000);
	check(x, 3000);
	assert_int_equal(index_reset(x, NULL), 0);
	check(x, 0);
	add(x, 20);
	check(x, 20);
	index_close(x);
}

static void
one_name_twice_is_found_twice(void **state)
{
	struct index *x = open_at(path, LISTED, false);
	struct found f = {.n = 0};
	struct hash name;

	(void)state;
	add(x, 5);
	name_of(1, &name);
	index_add(x, 1, &name, &name);
	assert_int_equal(index_find(x, 1, &name, note_it, &f), 0);
	assert_int_equal(f.n, 2);
	assert_int_equal(f.v[0] + f.v[1], 1 + 5);
	index_close(x);
}

static void
a_reader_adds_for_itself_alone(void **state)
{
	struct index *x = open_at(path, LISTED, false), *reader;

	(void)state;
	add(x, 100);
	index_close(x);
	reader = open_at(path, LISTED, true);
	add(reader, 3000);
	check(reader, 3000);
	index_close(reader);
	x = open_at(path, LISTED, false);
	check(x, 100);
	index_close(x);
}

static void
a_changed_header_is_an_empty_index(void **state)
{
	struct index *x = open_at(path, LISTED, false);
	char *p;
	size_t n;

	(void)state;
	add(x, 100);
	index_close(x);
	assert_int_equal(file_read(path, 1 << 20, &p, &n, NULL), 0);
	/* The magic, the boot id, how many slots there are. */
	for (size_t i = 0; i < 80; i++) {
		if (i == 14 || i == 15 || (i >= 56 && i < 72))
			continue; /* padding; the key, which any may be */
		p[i] ^= 1;
		assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
		p[i] ^= 1;
		x = open_at(path, LISTED, false);
		if (index_count(x) != 0)
			fail_msg("byte %zu", i);
		index_close(x);
	}
	assert_int_equal(file_write(path, p, n - 16, 0600, 0, NULL), 0);
	x = open_at(path, LISTED, false);
	assert_int_equal(index_count(x), 0);
	index_close(x);
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	x = open_at(path, LISTED | 1, false); /* other lists */
	assert_int_equal(index_count(x), 0);
	index_close(x);
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	x = open_at(path, LISTED, false);
	check(x, 100);
	index_close(x);
	free(p);
}

/* What a process leaves that was killed between list and count. */
static void
a_leaf_that_was_added_in_part_is_added_once(void **state)
{
	struct index *x = open_at(path, LISTED, false);
	uint64_t count = 99;
	char *p;
	size_t n;

	(void)state;
	add(x, 100); /* leaf 99 has tag 3 */
	index_close(x);
	assert_int_equal(file_read(path, 1 << 20, &p, &n, NULL), 0);
	memcpy(p + 88, &count, sizeof(count));
	assert_int_equal(file_write(path, p, n, 0600, 0, NULL), 0);
	free(p);
	x = open_at(path, LISTED, false);
	assert_int_equal(index_count(x), 99);
	add(x, 100);
	check(x, 100);
	index_close(x);
}

static void
a_full_disk_is_said_before_anything_changes(void **state)
{
	struct index *x = open_at(path, LISTED, false);
	struct rlimit was, now;
	struct err e = {0};

	(void)state;
	add(x, 100);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	now = was;
	now.rlim_cur = 30000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
	assert_int_equal(index_reserve(x, 4096, &e), ERR_SYS);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	check(x, 100);
	add(x, 4096);
	check(x, 4096);
	index_close(x);
}

static int
everything(void *arg)
{
	struct index *x = NULL;
	const uint64_t *v;
	struct hash name;
	size_t n;
	int r;

	(void)arg;
	if ((r = index_open(path, LISTED, false, &x, NULL)) != 0)
		return r;
	r = index_listed(x, 3, &v, &n);
	if (r == 0)
		r = index_reserve(x, 600, NULL);
	for (uint64_t i = 0; r == 0 && i < 600; i++) {
		name_of(i, &name);
		index_add(x, 3, &name, &name);
	}
	if (r == 0)
		r = index_listed(x, 3, &v, &n);
	if (r == 0)
		r = index_reset(x, NULL);
	index_close(x);
	return r;
}

static void
memory_that_runs_out_is_said(void **state)
{
	(void)state;
	assert_true(alloc_each(everything, NULL) >= 4);
}

#define T(f) cmocka_unit_test_teardown(f, clean)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(leaves_are_found_through_growth_and_reopening),
	    T(a_list_that_was_read_grows_with_the_log),
	    T(one_name_twice_is_found_twice),
	    T(a_reader_adds_for_itself_alone),
	    T(a_changed_header_is_an_empty_index),
	    T(a_leaf_that_was_added_in_part_is_added_once),
	    T(a_full_disk_is_said_before_anything_changes),
	    T(memory_that_runs_out_is_said),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
