/* SPDX-License-Identifier: ISC */
/*
 * A main() for a fuzz target where there is no fuzzer: each file named, and
 * each file in a directory named, is one input.  Says how many there were.
 * What goes wrong is a crash, as under the fuzzer.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"

#define INPUT_MAX (64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t n_inputs;

static int
run_file(const char *path)
{
	struct err e = {0};
	uint8_t *exact;
	char *text;
	size_t n;

	if (file_read(path, INPUT_MAX, &text, &n, &e) != 0) {
		fprintf(stderr, "%s\n", e.msg);
		return -1;
	}
	/* Without the NUL behind it, which would hide a read past the end. */
	if ((exact = malloc(n > 0 ? n : 1)) == NULL) {
		free(text);
		fprintf(stderr, "%s: out of memory\n", path);
		return -1;
	}
	memcpy(exact, text, n);
	free(text);
	/* So that the last line tells which input it was. */
	printf("%s\n", path);
	fflush(stdout);
	(void)LLVMFuzzerTestOneInput(exact, n); /* always 0 */
	free(exact);
	n_inputs++;
	return 0;
}

static int
run_directory(const char *path)
{
	struct dirent **names = NULL;
	char *file;
	int n, r = 0;

	if ((n = scandir(path, &names, NULL, alphasort)) < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && r == 0) {
			r = path_join(path, names[i]->d_name, &file);
			if (r == 0) {
				r = run_file(file);
				free(file);
			}
		}
		free(names[i]);
	}
	free(names);
	return r;
}

int
main(int argc, char *argv[])
{
	struct stat st;
	int r;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &st) != 0) {
			perror(argv[i]);
			return 1;
		}
		r = S_ISDIR(st.st_mode) ? run_directory(argv[i])
					: run_file(argv[i]);
		if (r != 0)
			return 1;
	}
	printf("%zu inputs\n", n_inputs);
	return 0;
}
