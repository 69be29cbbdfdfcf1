/* SPDX-License-Identifier: ISC */
#include "lib/base/parallel.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ITEMS_MAX 5000

struct tally {
	atomic_uint calls[ITEMS_MAX];
	atomic_uint outside; /* an index past n */
	atomic_uint others;  /* calls not from the caller's thread */
	pthread_t caller;
	size_t n;
};
static struct tally tally;

static void
count(void *ctx, size_t i)
{
	struct tally *t = ctx;

	if (i < t->n)
		atomic_fetch_add(&t->calls[i], 1);
	else
		atomic_fetch_add(&t->outside, 1);
	if (!pthread_equal(pthread_self(), t->caller))
		atomic_fetch_add(&t->others, 1);
}

/* Whether each index below n, and nothing else, was asked for once. */
static bool
each_once(size_t n)
{
	memset(&tally, 0, sizeof(tally));
	tally.n = n;
	tally.caller = pthread_self();
	parallel_for(n, count, &tally);
	for (size_t i = 0; i < ITEMS_MAX; i++)
		if (atomic_load(&tally.calls[i]) != (i < n ? 1u : 0u))
			return false;
	return atomic_load(&tally.outside) == 0;
}

static int
fail_some(void *ctx, size_t i, struct err *e)
{
	count(ctx, i);
	if (i % 100 != 37)
		return 0;
	return err_set(e, ERR_PARSE - (i > 100), "item %zu", i);
}

static void
the_first_failure_is_told(void **state)
{
	struct err e = {0};

	(void)state;
	memset(&tally, 0, sizeof(tally));
	tally.n = 1000;
	tally.caller = pthread_self();
	assert_int_equal(parallel_try(37, fail_some, &tally, &e), 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(parallel_try(1000, fail_some, &tally, &e), ERR_PARSE);
	assert_string_equal(e.msg, "item 37");
	assert_int_equal(parallel_try(38, fail_some, &tally, NULL), ERR_PARSE);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(atomic_load(&tally.calls[i]),
		    i < 37        ? 3
			: i == 37 ? 2
				  : 1);
}

static void
each_index_is_worked_on_once(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 70; n++)
		if (!each_once(n))
			fail_msg("%zu items", n);
	assert_true(each_once(ITEMS_MAX - 1));
	assert_true(each_once(ITEMS_MAX));
}

static void
few_items_stay_with_the_caller(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 3; n++) {
		assert_true(each_once(n));
		assert_int_equal(atomic_load(&tally.others), 0);
	}
}

/* The return is a barrier: plain memory written by the work is seen. */
static void
add_square(void *ctx, size_t i)
{
	((size_t *)ctx)[i] = i * i;
}

static void
results_are_there_on_return(void **state)
{
	size_t *squares = calloc(ITEMS_MAX, sizeof(*squares));

	(void)state;
	assert_non_null(squares);
	parallel_for(ITEMS_MAX, add_square, squares);
	for (size_t i = 0; i < ITEMS_MAX; i++)
		assert_int_equal(squares[i], i * i);
	free(squares);
}

static void
without_threads_the_caller_does_it_all(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid != -1);
	if (pid == 0) {
		struct rlimit none = {0, 0};

		/* Root is not held to a number of processes; nobody is. */
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		if (setrlimit(RLIMIT_NPROC, &none) != 0)
			_exit(2);
		if (!each_once(ITEMS_MAX))
			_exit(1);
		_exit(atomic_load(&tally.others) == 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* Work that has work for many cores itself, as a thread that stays finds all
 * others busy then. */
static atomic_uint inner[64 * 16];

static void
inner_nth(void *ctx, size_t i)
{
	atomic_fetch_add(&inner[*(size_t *)ctx * 16 + i], 1);
}

static void
outer_nth(void *ctx, size_t i)
{
	size_t at = i;

	(void)ctx;
	parallel_for(16, inner_nth, &at);
}

static void *
many_times(void *ctx)
{
	struct tally *t = ctx;

	for (int i = 0; i < 300; i++)
		parallel_for(100, count, t);
	return NULL;
}

/* The last of the tests: threads that stay do so for good. */
static void
threads_that_stay_do_the_same(void **state)
{
	static struct tally t[4];
	pthread_t threads[4];

	(void)state;
	parallel_keep();
	for (size_t i = 0; i < 200; i++)
		assert_true(each_once(i * 7));
	parallel_for(64, outer_nth, NULL);
	for (size_t i = 0; i < 64 * 16; i++)
		assert_int_equal(atomic_load(&inner[i]), 1);
	for (size_t i = 0; i < 4; i++) {
		t[i].n = 100;
		assert_int_equal(pthread_create(&threads[i], NULL, many_times,
				     &t[i]),
		    0);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 100; k++)
			assert_int_equal(atomic_load(&t[i].calls[k]), 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_index_is_worked_on_once),
	    cmocka_unit_test(the_first_failure_is_told),
	    cmocka_unit_test(few_items_stay_with_the_caller),
	    cmocka_unit_test(results_are_there_on_return),
	    cmocka_unit_test(without_threads_the_caller_does_it_all),
	    cmocka_unit_test(threads_that_stay_do_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
