/* SPDX-License-Identifier: ISC */
#include "tests/unit/tmpdir.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void
tmpdir_make(char out[TMPDIR_MAX], const char *name)
{
	const char *top = getenv("TMPDIR");
	int n;

	if (top == NULL || top[0] == '\0')
		top = "/tmp";
	n = snprintf(out, TMPDIR_MAX, "%s/writ-%s-XXXXXX", top, name);
	if (n < 0 || n >= TMPDIR_MAX)
		fail_msg("TMPDIR '%s' is too long, expected at most %d bytes",
		    top, TMPDIR_MAX - 30);
	if (mkdtemp(out) == NULL)
		fail_msg("%s: %s", out, strerror(errno));
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

int
tmpdir_remove(const char *path)
{
	return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
