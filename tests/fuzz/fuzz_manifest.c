/* SPDX-License-Identifier: ISC */
/* MANIFEST: whatever is read stays below one directory, in one spelling. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_path(const char *path)
{
	struct str s = STR_INIT;

	/* With a slash at both ends each part is the same to look for. */
	str_addf(&s, "/%s/", path);
	if (strstr(s.p, "//") != NULL || strstr(s.p, "/./") != NULL ||
	    strstr(s.p, "/../") != NULL)
		abort();
	str_clear(&s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct manifest m = {0};
	struct str s = STR_INIT;
	struct err e = {0};

	if (manifest_parse(slice_of(data, n), &m, &e) != 0) {
		if (e.msg[0] == '\0' || m.n != 0)
			abort();
		return 0;
	}
	for (size_t i = 0; i < m.n; i++) {
		check_path(m.v[i].path);
		if (i > 0 && strcmp(m.v[i - 1].path, m.v[i].path) >= 0)
			abort();
		str_add_hex(&s, m.v[i].hash.b, HASH_LEN);
		str_addf(&s, " %llu %s\n", (unsigned long long)m.v[i].size,
		    m.v[i].path);
	}
	if (!slice_equal(slice_of(s.p, s.n), slice_of(data, n)))
		abort();
	str_clear(&s);
	manifest_clear(&m);
	return 0;
}
