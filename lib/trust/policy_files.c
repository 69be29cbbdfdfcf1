/* SPDX-License-Identifier: ISC */
/* The files that a policy is written in, by path. */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/policy.h"

int
policy_files_add(struct policy_files *f, const char *path, const void *p,
    size_t n)
{
	struct policy_file file = {.n = n};
	int r;

	if (n > POLICY_FILE_MAX)
		return ERR_LIMIT;
	if ((r = vec_grow(&f->v, f->n, &f->cap, POLICY_FILES_MAX)) != 0)
		return r;
	file.path = str_dup(path);
	file.data = (uint8_t *)str_dupn(p, n);
	if (file.path == NULL || file.data == NULL) {
		free(file.path);
		free(file.data);
		return ERR_NOMEM;
	}
	f->v[f->n++] = file;
	return 0;
}

static int
by_path(const void *a, const void *b)
{
	const struct policy_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

void
policy_files_sort(struct policy_files *f)
{
	if (f->n > 1)
		qsort(f->v, f->n, sizeof(*f->v), by_path);
}

const struct policy_file *
policy_files_find(const struct policy_files *f, const char *path)
{
	size_t lo = 0, hi = f->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(path, f->v[mid].path);

		if (c == 0)
			return &f->v[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

void
policy_files_clear(struct policy_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->v[i].path);
		free(f->v[i].data);
	}
	free(f->v);
	*f = (struct policy_files){0};
}
