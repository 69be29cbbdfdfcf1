/* SPDX-License-Identifier: ISC */
/*
 * Journals: a file that opens gives the same records again, and takes more.
 *
 * The input is what follows a good header; its first byte says whether one of
 * the records a real journal has at the beginning is put in front.
 */
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/ledger/journal.h"

#define FIRST 512

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

struct seen {
	uint64_t n;
	size_t bytes;
};

static int
see(void *ctx, uint64_t base, uint64_t nth, struct slice record)
{
	struct seen *s = ctx;

	(void)base;
	if (nth != s->n++ || record.n == 0 || record.n > JOURNAL_RECORD_MAX)
		abort();
	s->bytes += record.n;
	return 0;
}

/* The header and first record of a journal that was made here, once. */
static size_t
beginning(const char *path, uint8_t out[FIRST + 48])
{
	static uint8_t kept[FIRST + 48];
	const struct slice rec = slice_str("first");
	struct journal *j = NULL;
	char *text;
	size_t n;

	if (kept[0] == 0) {
		(void)unlink(path);
		if (journal_open(path, 1024, false, NULL, NULL, &j, NULL) !=
			0 ||
		    journal_append(j, &rec, 1, NULL) != 0 ||
		    file_read(path, 4096, &text, &n, NULL) != 0)
			abort();
		journal_close(j);
		memcpy(kept, text, sizeof(kept));
		free(text);
	}
	memcpy(out, kept, sizeof(kept));
	return sizeof(kept);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct slice rec = slice_str("more");
	struct seen a = {0, 0}, b = {0, 0};
	struct journal *j = NULL;
	const char *top = getenv("TMPDIR");
	char path[PATH_MAX];
	uint8_t *file;
	size_t at;

	if (n == 0 || n > 8192)
		return 0;
	/* Where fdatasync costs nothing, if there is such a place. */
	if (access("/dev/shm", W_OK) == 0)
		top = "/dev/shm";
	else if (top == NULL || top[0] == '\0')
		top = "/tmp";
	snprintf(path, sizeof(path), "%s/fuzz-journal-%d", top, (int)getpid());
	if ((file = malloc(FIRST + 48 + n)) == NULL)
		return 0;
	at = beginning(path, file);
	if (p[0] % 4 == 0)
		at = 0; /* all of it is the input's */
	else if (p[0] % 4 == 1)
		at = FIRST;
	memcpy(file + at, p + 1, n - 1);
	if (file_write(path, file, at + n - 1, 0600, FILE_NOSYNC, NULL) != 0)
		abort();
	free(file);
	if (journal_open(path, 1024, false, see, &a, &j, NULL) == 0) {
		if (journal_append(j, &rec, 1, NULL) != 0)
			abort();
		journal_close(j);
		if (journal_open(path, 1024, false, see, &b, &j, NULL) != 0 ||
		    b.n != a.n + 1 || b.bytes != a.bytes + 4)
			abort();
		journal_close(j);
	}
	(void)unlink(path);
	return 0;
}
