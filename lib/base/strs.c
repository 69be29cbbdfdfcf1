/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"

#include <stdlib.h>
#include <string.h>

#define VEC_FIRST 8 /* elements of the first allocation */

/* *v is a pointer to something else than void: only its bytes count. */
static int
resize(void **v, size_t want, size_t *cap, size_t elem)
{
	void *p;

	memcpy(&p, v, sizeof(p));
	if ((p = reallocarray(p, want, elem)) == NULL)
		return ERR_NOMEM;
	memcpy(v, &p, sizeof(p));
	*cap = want;
	return 0;
}

int
vec_grow_(void **v, size_t n, size_t *cap, size_t max, size_t elem)
{
	size_t want;

	if (n >= max)
		return ERR_LIMIT;
	if (n < *cap)
		return 0;
	want = *cap > max / 2 ? max : *cap * 2;
	if (want < VEC_FIRST)
		want = max < VEC_FIRST ? max : VEC_FIRST;
	return resize(v, want, cap, elem);
}

int
vec_reserve_(void **v, size_t n, size_t more, size_t *cap, size_t elem)
{
	size_t want = *cap > SIZE_MAX / 2 ? SIZE_MAX : *cap * 2;

	if (n <= *cap && more <= *cap - n)
		return 0;
	if (n > SIZE_MAX / elem || more > SIZE_MAX / elem - n)
		return ERR_NOMEM;
	if (want < n + more)
		want = n + more;
	return resize(v, want < VEC_FIRST ? VEC_FIRST : want, cap, elem);
}

int
u64_compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

int
strs_add(struct strs *l, const char *s)
{
	return strs_addn(l, s, strlen(s));
}

int
strs_addn(struct strs *l, const void *p, size_t n)
{
	char *copy;
	int r;

	if ((r = vec_grow(&l->v, l->n, &l->cap, STRS_MAX)) != 0)
		return r;
	if ((copy = str_dupn(p, n)) == NULL)
		return ERR_NOMEM;
	l->v[l->n++] = copy;
	return 0;
}

int
strs_dup(const struct strs *from, struct strs *out)
{
	struct strs to = {0};
	int r;

	for (size_t i = 0; i < from->n; i++) {
		if ((r = strs_add(&to, from->v[i])) != 0) {
			strs_clear(&to);
			return r;
		}
	}
	*out = to;
	return 0;
}

bool
strs_has(const struct strs *l, const char *s)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i], s) == 0)
			return true;
	return false;
}

bool
strs_equal(const struct strs *a, const struct strs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

static int
by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void
strs_sort(struct strs *l)
{
	if (l->n > 1)
		qsort(l->v, l->n, sizeof(*l->v), by_bytes);
}

void
strs_join(const struct strs *l, const char *between, struct str *s)
{
	for (size_t i = 0; i < l->n; i++)
		str_addf(s, "%s%s", i > 0 ? between : "", l->v[i]);
}

void
strs_clear(struct strs *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct strs){0};
}
