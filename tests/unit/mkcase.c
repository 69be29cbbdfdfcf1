/* SPDX-License-Identifier: ISC */
#include "tests/unit/mkcase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/store.h"
#include "tests/unit/tmpdir.h"

static char dir[TMPDIR_MAX];

void
mkcase_open(struct mk *mk)
{
	char path[TMPDIR_MAX + 16];
	struct err e = {0};

	tmpdir_make(dir, "mk");
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	memset(mk, 0, sizeof(*mk));
	if (rows_open(path, MKCASE_ORIGIN, &mk->rows, &e) != 0)
		fail_msg("%s", e.msg);
}

int
mkcase_close(struct mk *mk)
{
	char path[TMPDIR_MAX + 16];

	board_clear(&mk->board);
	rows_close(mk->rows);
	/* By name: nothing else may be there. */
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	assert_int_equal(store_remove(path, NULL), 0);
	return rmdir(dir);
}
