/* SPDX-License-Identifier: ISC */
/*
 * fstab and mountinfo: what was merged has what was asked for, and merging it
 * again changes nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
merge(struct slice options)
{
	static char noexec[] = "noexec", size[] = "size=2g";
	static char *words[] = {noexec, size};
	const struct strs want = {.v = words, .n = 2};
	struct str once = STR_INIT, twice = STR_INIT;

	if (fstab_merge(options, &want, &once) == 0) {
		struct slice s = {(const uint8_t *)once.p, once.n};

		if (!fstab_has_all(s, &want) ||
		    fstab_merge(s, &want, &twice) != 0 || twice.n != once.n ||
		    memcmp(twice.p, once.p, once.n) != 0)
			abort();
	}
	str_clear(&once);
	str_clear(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = {p, n};
	struct fstab_line l;
	struct mounted m;
	unsigned line = 0;

	if (mountinfo_find(text, "/tmp", &m))
		(void)(mounted_has(&m, "nodev") + mounted_attrs(&m));
	while (fstab_next(&text, &line, &l))
		merge(l.options);
	return 0;
}
