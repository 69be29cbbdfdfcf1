/* SPDX-License-Identifier: ISC */
/* Ranges of serials and sets of byte strings. */
#include <stdlib.h>
#include <string.h>

#include "lib/ssh/krl_impl.h"

/* How many may wait unsorted: as many as are sorted, or a few. */
static bool
is_time_to_sort(size_t n, size_t sorted)
{
	return n > 2 * sorted + 64;
}

static int
compare_ranges(const void *a, const void *b)
{
	const struct krl_range *x = a, *y = b;

	return x->lo < y->lo ? -1 : x->lo > y->lo;
}

void
krl_ranges_compact(struct krl_ranges *r)
{
	size_t kept = 0;

	if (r->sorted == r->n)
		return;
	qsort(r->v, r->n, sizeof(*r->v), compare_ranges);
	for (size_t i = 1; i < r->n; i++) {
		struct krl_range *last = &r->v[kept];
		const struct krl_range *next = &r->v[i];

		/* Touching is enough; nothing comes after the last serial. */
		if (last->hi == UINT64_MAX || next->lo <= last->hi + 1) {
			if (next->hi > last->hi)
				last->hi = next->hi;
		} else {
			r->v[++kept] = *next;
		}
	}
	r->n = r->sorted = kept + 1;
}

int
krl_ranges_add(struct krl_ranges *r, uint64_t lo, uint64_t hi)
{
	int rc;

	if ((rc = vec_grow(&r->v, r->n, &r->cap, KRL_ENTRIES_MAX)) != 0)
		return rc;
	r->v[r->n++] = (struct krl_range){lo, hi};
	if (is_time_to_sort(r->n, r->sorted))
		krl_ranges_compact(r);
	return 0;
}

/* The last sorted range that starts at or before serial, or NULL. */
static const struct krl_range *
find_range(const struct krl_ranges *r, uint64_t serial)
{
	size_t lo = 0, hi = r->sorted;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (r->v[mid].lo <= serial)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? &r->v[lo - 1] : NULL;
}

bool
krl_ranges_cover(const struct krl_ranges *r, uint64_t lo, uint64_t hi)
{
	const struct krl_range *found = find_range(r, lo);

	return found != NULL && hi <= found->hi;
}

bool
krl_ranges_has(const struct krl_ranges *r, uint64_t serial)
{
	if (krl_ranges_cover(r, serial, serial))
		return true;
	for (size_t i = r->sorted; i < r->n; i++)
		if (r->v[i].lo <= serial && serial <= r->v[i].hi)
			return true;
	return false;
}

int
krl_ranges_copy(const struct krl_ranges *r, struct krl_ranges *out)
{
	struct krl_ranges copy = {.n = r->n, .cap = r->n, .sorted = r->sorted};

	if (r->n == 0) {
		*out = copy;
		return 0;
	}
	if ((copy.v = malloc(r->n * sizeof(*copy.v))) == NULL)
		return ERR_NOMEM;
	memcpy(copy.v, r->v, r->n * sizeof(*copy.v));
	*out = copy;
	return 0;
}

void
krl_ranges_clear(struct krl_ranges *r)
{
	free(r->v);
	memset(r, 0, sizeof(*r));
}

/* Bytewise, a prefix first: hashes are so in the order that PROTOCOL.krl asks
 * for. */
static int
compare_bytes(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	const size_t n = a_len < b_len ? a_len : b_len;
	const int r = n > 0 ? memcmp(a, b, n) : 0;

	if (r != 0)
		return r;
	return a_len < b_len ? -1 : a_len > b_len;
}

static int
compare_items(const void *a, const void *b)
{
	const struct krl_item *x = a, *y = b;

	return compare_bytes(x->p, x->n, y->p, y->n);
}

static int
compare_slices(const void *a, const void *b)
{
	const struct slice *x = a, *y = b;

	return compare_bytes(x->p, x->n, y->p, y->n);
}

void
krl_set_compact(struct krl_set *s)
{
	size_t kept = 0;

	if (s->sorted == s->n)
		return;
	qsort(s->v, s->n, sizeof(*s->v), compare_items);
	for (size_t i = 1; i < s->n; i++) {
		if (compare_items(&s->v[kept], &s->v[i]) == 0)
			free(s->v[i].p);
		else
			s->v[++kept] = s->v[i];
	}
	s->n = s->sorted = kept + 1;
}

int
krl_set_add(struct krl_set *s, struct slice bytes)
{
	struct krl_item new = {.n = bytes.n};
	int r;

	if ((r = vec_grow(&s->v, s->n, &s->cap, KRL_ENTRIES_MAX)) != 0)
		return r;
	if ((new.p = (uint8_t *)str_dupn(bytes.p, bytes.n)) == NULL)
		return ERR_NOMEM;
	s->v[s->n++] = new;
	if (is_time_to_sort(s->n, s->sorted))
		krl_set_compact(s);
	return 0;
}

bool
krl_set_has_sorted(const struct krl_set *s, struct slice bytes)
{
	size_t lo = 0, hi = s->sorted, mid;
	int r;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		r = compare_bytes(s->v[mid].p, s->v[mid].n, bytes.p, bytes.n);
		if (r == 0)
			return true;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool
krl_set_has(const struct krl_set *s, struct slice bytes)
{
	if (krl_set_has_sorted(s, bytes))
		return true;
	for (size_t i = s->sorted; i < s->n; i++)
		if (slice_equal(slice_of(s->v[i].p, s->v[i].n), bytes))
			return true;
	return false;
}

int
krl_set_sorted(const struct krl_set *s, struct slice **out, size_t *n)
{
	struct slice *v;
	size_t kept = 0;

	if ((v = malloc((s->n > 0 ? s->n : 1) * sizeof(*v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < s->n; i++)
		v[i] = slice_of(s->v[i].p, s->v[i].n);
	if (s->sorted != s->n)
		qsort(v, s->n, sizeof(*v), compare_slices);
	for (size_t i = 0; i < s->n; i++)
		if (i == 0 || !slice_equal(v[kept - 1], v[i]))
			v[kept++] = v[i];
	*out = v;
	*n = kept;
	return 0;
}

void
krl_set_clear(struct krl_set *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].p);
	free(s->v);
	memset(s, 0, sizeof(*s));
}
