/* SPDX-License-Identifier: ISC */
/* A backup: refused with words, or files whose paths stay below a directory. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/daemon/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct view v = view_of(p, n);
	struct tar_entry t;
	struct err e = {0};
	int r;

	while ((r = tar_next(&v, &t, &e)) == 0)
		if (t.path[0] == '\0' || t.path[0] == '/' ||
		    strstr(t.path, "//") != NULL ||
		    strncmp(t.path, "../", 3) == 0 ||
		    strstr(t.path, "/../") != NULL || t.data.n > n)
			abort();
	if (r != TAR_END && e.msg[0] == '\0')
		abort();
	return 0;
}
