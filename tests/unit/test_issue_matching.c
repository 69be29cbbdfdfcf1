/* SPDX-License-Identifier: ISC */
/* Who stands for which term, so that as many terms as can be are met. */
#include "ca/issue/issue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static bool
fits(void *ctx, size_t person, size_t term)
{
	const char *const *rows = ctx;

	return rows[person][term] == 'x';
}

static void
matching_is_as_large_as_can_be(void **state)
{
	static const struct {
		const char *name;
		const char *rows[8]; /* a person: an x for each term */
		unsigned need[4], have[4];
		size_t n_terms;
		bool any; /* have[] is not unique: the sum counts */
	} cases[] = {
	    {"nobody", {NULL}, {1}, {0}, 1, false},
	    {"no term", {"", NULL}, {0}, {0}, 0, false},
	    {"one for one", {"x", NULL}, {1}, {1}, 1, false},
	    {"one who does not fit", {".", NULL}, {1}, {0}, 1, false},
	    {"one more than needed", {"x", "x", NULL}, {1}, {1}, 1, false},
	    {"one cannot stand twice", {"xx", NULL}, {1, 1}, {1, 0}, 2, true},
	    {"greedy takes the wrong one", {"xx", "x.", NULL}, {1, 1}, {1, 1},
		2, false},
	    {"a path of three", {"xx.", ".xx", "x..", NULL}, {1, 1, 1},
		{1, 1, 1}, 3, false},
	    {"two of one, one of the other", {"xx", "xx", "x.", NULL}, {2, 1},
		{2, 1}, 2, false},
	    {"three for a pair of twos", {"xx", "xx", "xx", NULL}, {2, 2},
		{2, 1}, 2, true},
	    {"all want the same", {"x.", "x.", "x.", NULL}, {1, 1}, {1, 0}, 2,
		false},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const char *rows[8];
		unsigned have[4] = {9, 9, 9, 9}, sum = 0, want = 0;
		size_t n = 0;

		memcpy(rows, cases[i].rows, sizeof(rows));
		while (rows[n] != NULL)
			n++;
		issue_match(n, cases[i].n_terms, cases[i].need, fits, rows,
		    have);
		for (size_t t = 0; t < cases[i].n_terms; t++) {
			sum += have[t];
			want += cases[i].have[t];
			if (have[t] > cases[i].need[t] ||
			    (!cases[i].any && have[t] != cases[i].have[t]))
				fail_msg("%s: %u of term %zu", cases[i].name,
				    have[t], t);
		}
		if (sum != want)
			fail_msg("%s: %u matched, expected %u", cases[i].name,
			    sum, want);
	}
}

struct grid {
	unsigned mask[5];
};

static bool
grid_fits(void *ctx, size_t person, size_t term)
{
	const struct grid *g = ctx;

	return (g->mask[person] >> term & 1) != 0;
}

/* The most that any assignment of persons p.. reaches, by trying them all. */
static unsigned
best(const struct grid *g, size_t p, size_t n, size_t n_terms, unsigned left[])
{
	unsigned top;

	if (p == n)
		return 0;
	top = best(g, p + 1, n, n_terms, left);
	for (size_t t = 0; t < n_terms; t++) {
		unsigned v;

		if ((g->mask[p] >> t & 1) == 0 || left[t] == 0)
			continue;
		left[t]--;
		v = 1 + best(g, p + 1, n, n_terms, left);
		left[t]++;
		top = v > top ? v : top;
	}
	return top;
}

static void
matching_agrees_with_trying_everything(void **state)
{
	struct grid g;

	(void)state;
	/* Four persons, three terms, every membership, needs 2 1 1. */
	for (unsigned bits = 0; bits < 1u << 12; bits++) {
		unsigned need[3] = {2, 1, 1}, left[3] = {2, 1, 1}, have[3];

		for (size_t p = 0; p < 4; p++)
			g.mask[p] = bits >> (3 * p) & 7;
		issue_match(4, 3, need, grid_fits, &g, have);
		assert_int_equal(have[0] + have[1] + have[2],
		    best(&g, 0, 4, 3, left));
	}
}

static bool
always(void *ctx, size_t person, size_t term)
{
	(void)ctx;
	assert_true(person < ISSUE_DECISIONS_MAX && term < POLICY_TERMS_MAX);
	return true;
}

static void
matching_past_its_limits_counts_fewer_and_never_more(void **state)
{
	unsigned need[POLICY_TERMS_MAX + 1], have[POLICY_TERMS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < LEN(need); i++)
		need[i] = 1000;
	issue_match(ISSUE_DECISIONS_MAX + 9, LEN(need), need, always, NULL,
	    have);
	assert_int_equal(have[0], ISSUE_DECISIONS_MAX);
	assert_int_equal(have[POLICY_TERMS_MAX], 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(matching_is_as_large_as_can_be),
	    cmocka_unit_test(matching_agrees_with_trying_everything),
	    cmocka_unit_test(
		matching_past_its_limits_counts_fewer_and_never_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
