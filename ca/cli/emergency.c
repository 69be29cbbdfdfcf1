/* SPDX-License-Identifier: ISC */
/*
 * The emergency directory is a second way in, so each use of it is told again
 * and again until its log lies beside the other one.  DIR/merged there says how
 * many of its leaves do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/cli.h"
#include "lib/base/file.h"
#include "lib/base/plural.h"

#define MERGED_MAX 32

/* The size a checkpoint states; 0 when there is none to be read.  Not verified:
 * this is for a warning, and merging checks everything. */
static uint64_t
stated_size(const char *emergency)
{
	char *path = NULL, *text = NULL, *line;
	uint64_t size = 0;
	size_t n;

	if (path_joinf(&path, "%s/log/checkpoint", emergency) == 0 &&
	    file_read(path, NOTE_MAX, &text, &n, NULL) == 0 &&
	    (line = strchr(text, '\n')) != NULL) {
		line[1 + strcspn(line + 1, "\n")] = '\0';
		if (parse_u64(line + 1, 1, UINT64_MAX, &size) != 0)
			size = 0;
	}
	free(text);
	free(path);
	return size;
}

static uint64_t
merged_size(const char *emergency)
{
	char *path = NULL, *text = NULL;
	uint64_t size = 0;
	size_t n;

	if (path_join(emergency, "merged", &path) == 0 &&
	    file_read(path, MERGED_MAX, &text, &n, NULL) == 0 && n > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (parse_u64(text, 1, UINT64_MAX, &size) != 0)
			size = 0;
	}
	free(text);
	free(path);
	return size;
}

void
cli_warn_emergency(const char *dir)
{
	char *emergency = NULL;
	uint64_t size, merged;

	if (path_join(dir, "emergency", &emergency) != 0)
		return;
	size = stated_size(emergency);
	merged = merged_size(emergency);
	if (size > merged)
		cli_warn("%s was used and %llu %s of its log %s not "
			 "merged: writ audit merge %s",
		    emergency, (unsigned long long)(size - merged),
		    text_plural(size - merged, "leaf", "leaves"),
		    text_plural(size - merged, "is", "are"), emergency);
	free(emergency);
}

int
cli_note_merged(const char *emergency, struct err *e)
{
	char *path = NULL, text[MERGED_MAX];
	uint64_t size = stated_size(emergency);
	int n, r;

	if (path_join(emergency, "merged", &path) != 0)
		return err_nomem(e);
	n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)size);
	r = file_write(path, text, (size_t)n, 0644, 0, e);
	free(path);
	return r;
}
