/* SPDX-License-Identifier: ISC */
#include "tests/fuzz/files.h"

#include <string.h>

static const char mark[] = "==> ";
#define MARK (sizeof(mark) - 1)

/* Where the next file starts, or end. */
static const char *
next_file(const char *p, const char *end)
{
	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if ((size_t)(end - p) >= MARK && memcmp(p, mark, MARK) == 0)
			return p;
		p = eol != NULL ? eol + 1 : end;
	}
	return end;
}

void
files_split(const uint8_t *input, size_t size, struct policy_files *f)
{
	const char *p, *end;
	char path[128];

	if (size == 0)
		return;
	end = (const char *)input + size;
	for (p = next_file((const char *)input, end); p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *next;
		size_t n;

		if (eol == NULL)
			return;
		n = (size_t)(eol - p) - MARK;
		next = next_file(eol + 1, end);
		if (n < sizeof(path)) {
			memcpy(path, p + MARK, n);
			path[n] = '\0';
			if (policy_files_add(f, path, eol + 1,
				(size_t)(next - eol - 1)) != 0)
				return;
		}
		p = next;
	}
}
