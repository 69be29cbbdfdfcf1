/* SPDX-License-Identifier: ISC */
/* Memory as the kernel counts it: what is given back, and comes again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/pages.h"

/* Read-only, and a file's. */
static const uint8_t table[256 * 1024] = {[0] = 1, [sizeof(table) - 1] = 2};
/* Of the program as well, but written to. */
static uint8_t written[64 * 1024] = {[0] = 1};

/* Of the mapping that holds p: kilobytes in memory; it has to be there. */
static unsigned long
resident_kb(const void *p)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	unsigned long kb = ULONG_MAX;
	bool inside = false;
	char line[512];
	char *end;

	assert_non_null(f);
	while (kb == ULONG_MAX && fgets(line, sizeof(line), f) != NULL) {
		unsigned long from = strtoul(line, &end, 16);

		if (*end == '-')
			inside = (uintptr_t)p >= from &&
			    (uintptr_t)p < strtoul(end + 1, NULL, 16);
		else if (inside && strncmp(line, "Rss:", 4) == 0)
			kb = strtoul(line + 4, NULL, 10);
	}
	assert_int_equal(fclose(f), 0);
	assert_true(kb != ULONG_MAX);
	return kb;
}

/* Each page is touched; the compiler may not know what is in them. */
static unsigned
sum(const volatile uint8_t *p, size_t n)
{
	unsigned s = 0;

	for (size_t i = 0; i < n; i++)
		s += p[i];
	return s;
}

/*
 * Which pages of the table are mapped, by fd of /proc/self/pagemap.  The kernel
 * maps what lies around a page that is touched, up to all that it has read at
 * once: so nothing that is read-only may be touched here, as a text would be.
 */
static size_t
mapped(int fd, uint64_t *entries, size_t n, size_t page)
{
	off_t first = (off_t)((uintptr_t)table / page + 1);
	size_t count = 0;

	if (pread(fd, entries, n * sizeof(*entries),
		first * (off_t)sizeof(*entries)) !=
	    (ssize_t)(n * sizeof(*entries)))
		return SIZE_MAX;
	for (size_t i = 0; i < n; i++)
		count += entries[i] >> 63;
	return count;
}

static void
what_files_hold_is_let_go_and_comes_again(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t n = sizeof(table) / page - 1; /* whole ones */
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t *entries = calloc(n, sizeof(*entries));
	size_t before, after, again;

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(entries);
	assert_int_equal(sum(table, sizeof(table)), 3);
	before = mapped(fd, entries, n, page);
	pages_give_back();
	after = mapped(fd, entries, n, page);
	assert_int_equal(sum(table, sizeof(table)), 3);
	again = mapped(fd, entries, n, page);
	assert_int_equal(before, n);
	assert_int_equal(after, 0);
	assert_int_equal(again, n);
	free(entries);
	assert_int_equal(close(fd), 0);
}

static void
what_was_written_stays(void **state)
{
	uint8_t *heap = malloc(sizeof(written));
	uint8_t stack[4096];

	(void)state;
	assert_non_null(heap);
	memset(heap, 7, sizeof(written));
	memset(written, 8, sizeof(written));
	memset(stack, 9, sizeof(stack));
	pages_give_back();
	assert_int_equal(sum(heap, sizeof(written)), 7 * sizeof(written));
	assert_int_equal(sum(written, sizeof(written)), 8 * sizeof(written));
	assert_int_equal(sum(stack, sizeof(stack)), 9 * sizeof(stack));
	free(heap);
}

static void
what_is_freed_goes_back(void **state)
{
	enum {
		N = 1000,
		SIZE = 4096,
	};
	uint8_t *pieces[N];
	uint8_t *last;
	unsigned long before;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* its heap is not the one that is trimmed */
#endif
	for (size_t i = 0; i < N; i++) {
		assert_non_null(pieces[i] = malloc(SIZE));
		memset(pieces[i], 1, SIZE);
	}
	/* Below it nothing goes back of itself. */
	assert_non_null(last = malloc(SIZE));
	before = resident_kb(last);
	for (size_t i = 0; i < N; i++)
		free(pieces[i]);
	pages_give_back();
	assert_true(resident_kb(last) <= before - N * SIZE / 2 / 1024);
	free(last);
}

static void
an_array_is_zeros_and_none_is_none(void **state)
{
	uint8_t *p = pages_calloc(100, 4096);

	(void)state;
	assert_non_null(p);
	assert_int_equal(sum(p, 409600), 0);
	free(p);
#ifndef __SANITIZE_ADDRESS__ /* which ends a program that asks for it */
	assert_null(pages_calloc(SIZE_MAX / 2, 4));
#endif
	pages_expect(NULL, 1 << 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_files_hold_is_let_go_and_comes_again),
	    cmocka_unit_test(what_was_written_stays),
	    cmocka_unit_test(what_is_freed_goes_back),
	    cmocka_unit_test(an_array_is_zeros_and_none_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
