/* SPDX-License-Identifier: ISC */
/*
 * Unified diffs: the common ends are cut off, and what is left goes through the
 * longest common subsequence by its whole table.  Configuration is short, so
 * the table is small; a bound on it keeps the agent so.
 */
#include "agent/states/diff.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/crypto/hash.h"

#define CONTEXT    3
#define DIFF_CELLS (512 * 1024) /* of 2 bytes each */

struct lines {
	struct slice *v; /* each with its line end, but perhaps the last */
	size_t n, cap;
};

/* One line of the result: kept, gone or new. */
struct edit {
	char sign;
	struct slice line;
};
struct edits {
	struct edit *v;
	size_t n, cap;
};

static int
split(struct slice text, struct lines *out)
{
	const uint8_t *p = text.p, *end = text.p + text.n, *lf;
	int r;

	while (text.n > 0 && p < end) {
		lf = memchr(p, '\n', (size_t)(end - p));
		lf = lf != NULL ? lf + 1 : end;
		if ((r = vec_grow(&out->v, out->n, &out->cap, SIZE_MAX)) != 0)
			return r;
		out->v[out->n++] = slice_of(p, (size_t)(lf - p));
		p = lf;
	}
	return 0;
}

static int
add(struct edits *all, char sign, struct slice line)
{
	int r = vec_grow(&all->v, all->n, &all->cap, SIZE_MAX);

	if (r == 0)
		all->v[all->n++] = (struct edit){sign, line};
	return r;
}

static int
add_all(struct edits *all, char sign, const struct slice *v, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = add(all, sign, v[i]);
	return r;
}

/* Longest common subsequence of a and b; table is (n + 1) * (m + 1). */
static int
walk(const struct slice *a, size_t n, const struct slice *b, size_t m,
    uint16_t *table, struct edits *all)
{
	size_t w = m + 1, i, j;
	int r = 0;

	for (i = n; i-- > 0;)
		for (j = m; j-- > 0;) {
			uint16_t down = table[(i + 1) * w + j];
			uint16_t right = table[i * w + j + 1];

			table[i * w + j] = slice_equal(a[i], b[j])
			    ? (uint16_t)(table[(i + 1) * w + j + 1] + 1)
			    : down > right ? down
					   : right;
		}
	for (i = j = 0; r == 0 && i < n && j < m;) {
		if (slice_equal(a[i], b[j])) {
			r = add(all, ' ', a[i++]);
			j++;
		} else if (table[(i + 1) * w + j] >= table[i * w + j + 1]) {
			r = add(all, '-', a[i++]);
		} else {
			r = add(all, '+', b[j++]);
		}
	}
	if (r == 0)
		r = add_all(all, '-', a + i, n - i);
	if (r == 0)
		r = add_all(all, '+', b + j, m - j);
	return r;
}

static int
middle(const struct slice *a, size_t n, const struct slice *b, size_t m,
    struct edits *all)
{
	uint16_t *table;
	int r;

	if (n == 0 || m == 0 || n >= UINT16_MAX || m >= UINT16_MAX ||
	    (n + 1) * (m + 1) > DIFF_CELLS) {
		r = add_all(all, '-', a, n);
		return r == 0 ? add_all(all, '+', b, m) : r;
	}
	if ((table = calloc((n + 1) * (m + 1), sizeof(*table))) == NULL)
		return ERR_NOMEM;
	r = walk(a, n, b, m, table, all);
	free(table);
	return r;
}

static int
compare(const struct lines *a, const struct lines *b, struct edits *all)
{
	size_t head = 0, tail = 0, least = a->n < b->n ? a->n : b->n;
	int r;

	while (head < least && slice_equal(a->v[head], b->v[head]))
		head++;
	while (tail < least - head &&
	    slice_equal(a->v[a->n - 1 - tail], b->v[b->n - 1 - tail]))
		tail++;
	if ((r = add_all(all, ' ', a->v, head)) != 0 ||
	    (r = middle(a->v + head, a->n - head - tail, b->v + head,
		 b->n - head - tail, all)) != 0)
		return r;
	return tail > 0 ? add_all(all, ' ', a->v + a->n - tail, tail) : 0;
}

static void
put_line(struct str *out, const struct edit *x)
{
	size_t n = x->line.n;
	bool ended = n > 0 && x->line.p[n - 1] == '\n';

	str_addc(out, x->sign);
	str_add_shown(out, (const char *)x->line.p, n - (ended ? 1 : 0));
	str_add(out, ended ? "\n" : "\n\\ No newline at end of file\n");
}

/* From start, the edits of one hunk: it ends where more than two contexts of
 * kept lines follow. */
static size_t
hunk_end(const struct edits *all, size_t start)
{
	size_t i, kept = 0;

	for (i = start; i < all->n; i++) {
		kept = all->v[i].sign == ' ' ? kept + 1 : 0;
		if (kept > 2 * CONTEXT)
			return i + 1 - kept + CONTEXT;
	}
	return kept > CONTEXT ? i - kept + CONTEXT : i;
}

static void
put_hunk(struct str *out, const struct edits *all, size_t from, size_t to,
    size_t line_a, size_t line_b)
{
	size_t n_a = 0, n_b = 0;

	for (size_t i = from; i < to; i++) {
		n_a += all->v[i].sign != '+';
		n_b += all->v[i].sign != '-';
	}
	/* A side without lines is named by the line before it. */
	str_addf(out, "@@ -%zu,%zu +%zu,%zu @@\n", line_a + (n_a > 0), n_a,
	    line_b + (n_b > 0), n_b);
	for (size_t i = from; i < to; i++)
		put_line(out, &all->v[i]);
}

static void
put_hunks(struct str *out, const struct edits *all, size_t start)
{
	size_t line_a = 0, line_b = 0, i = 0, from, to;

	while (i < all->n) {
		for (from = i; from < all->n && all->v[from].sign == ' ';)
			from++;
		if (from == all->n)
			return;
		if (from - i > CONTEXT) {
			line_a += from - i - CONTEXT;
			line_b += from - i - CONTEXT;
			i = from - CONTEXT;
		}
		to = hunk_end(all, i + (from - i));
		if (out->n - start > DIFF_MAX) {
			str_add(out, "... and more\n");
			return;
		}
		put_hunk(out, all, i, to, line_a, line_b);
		for (; i < to; i++) {
			line_a += all->v[i].sign != '+';
			line_b += all->v[i].sign != '-';
		}
	}
}

static bool
is_text(struct slice s)
{
	return s.p == NULL ||
	    (memchr(s.p, 0, s.n) == NULL &&
		text_is_utf8((const char *)s.p, s.n, NULL));
}

static bool
is_secret(struct slice s)
{
	static const char mark[] = "PRIVATE KEY-----";

	return s.p != NULL && memmem(s.p, s.n, mark, sizeof(mark) - 1) != NULL;
}

static void
put_hash(struct str *out, char sign, struct slice s)
{
	char hex[HASH_HEX];
	struct hash hash;

	if (s.p == NULL) {
		str_addf(out, "%cnothing\n", sign);
		return;
	}
	hash_sha256(s.p, s.n, &hash);
	hash_hex(&hash, hex);
	str_addf(out, "%c%zu bytes, SHA-256 %s\n", sign, s.n, hex);
}

int
diff_unified(const char *path, struct slice from, struct slice to,
    struct str *out)
{
	struct lines a = {0}, b = {0};
	struct edits all = {0};
	size_t start = out->n;
	int r = 0;

	if (from.n == to.n && (from.p == NULL) == (to.p == NULL) &&
	    slice_equal(from, to))
		return 0;
	str_addf(out, "--- %s\n+++ %s\n", from.p != NULL ? path : "/dev/null",
	    to.p != NULL ? path : "/dev/null");
	if (!is_text(from) || !is_text(to) || is_secret(from) ||
	    is_secret(to)) {
		put_hash(out, '-', from);
		put_hash(out, '+', to);
		return str_check(out);
	}
	if ((r = split(from, &a)) == 0 && (r = split(to, &b)) == 0 &&
	    (r = compare(&a, &b, &all)) == 0)
		put_hunks(out, &all, start);
	free(a.v);
	free(b.v);
	free(all.v);
	return r == 0 ? str_check(out) : r;
}
