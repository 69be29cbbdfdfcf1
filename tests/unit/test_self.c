/* SPDX-License-Identifier: ISC */
#include "lib/proc/self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
a_program_knows_where_it_is(void **state)
{
	char *self = NULL, *dir = NULL;

	(void)state;
	assert_int_equal(self_path(&self, NULL), 0);
	assert_int_equal(self_dir(&dir, NULL), 0);
	assert_int_equal(self[0], '/');
	assert_string_equal(strrchr(self, '/'), "/test_self");
	assert_memory_equal(self, dir, strlen(dir));
	assert_string_equal(self + strlen(dir), "/test_self");
	free(self);
	free(dir);
}

static void
a_program_beside_it_is_found(void **state)
{
	char *self = NULL, *found = NULL;

	(void)state;
	assert_int_equal(self_path(&self, NULL), 0);
	assert_int_equal(self_find("test_self", &found, NULL), 0);
	assert_string_equal(found, self);
	free(found);
	free(self);
}

static void
a_program_that_is_nowhere_is_told_with_both_places(void **state)
{
	char *dir = NULL, *found = NULL, want[2 * 4096 + 100];
	struct err e = {0};

	(void)state;
	assert_int_equal(self_dir(&dir, NULL), 0);
	assert_int_equal(self_find("no-such-program", &found, &e),
	    ERR_NOTFOUND);
	assert_null(found);
	(void)snprintf(want, sizeof(want),
	    "no-such-program is neither in %s nor in %s/../libexec/writ", dir,
	    dir);
	/* Long messages are cut. */
	assert_memory_equal(e.msg, want,
	    strlen(want) < 700 ? strlen(want) : 700);
	free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_program_knows_where_it_is),
	    cmocka_unit_test(a_program_beside_it_is_found),
	    cmocka_unit_test(
		a_program_that_is_nowhere_is_told_with_both_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
