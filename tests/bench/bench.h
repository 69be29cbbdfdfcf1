/* SPDX-License-Identifier: ISC */
/*
 * What the programs of tests/bench share: rounds, medians, CPU seconds.
 *
 * Two things are compared by turns (A B A B ...), five rounds, and the figure
 * is the median of the rounds' ratios: a machine that slows down for a second
 * slows both.  Rates are per CPU second of this process, since that is what a
 * busy neighbour does not change.
 */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/base/err.h"

#define BENCH_ROUNDS 5

/* One operation; ends the program where it fails. */
typedef void bench_op(void *ctx);

static inline _Noreturn void
bench_die(const char *what, const struct err *e)
{
	fprintf(stderr, "bench: %s: %s\n", what, e->msg);
	exit(1);
}

static inline void
bench_need(int r, const char *what, const struct err *e)
{
	if (r != 0)
		bench_die(what, e);
}

static inline double
bench_clock(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* How long one side of a round takes, in seconds. */
static inline double
bench_slice(void)
{
	return getenv("BENCH_QUICK") != NULL ? 0.05 : 0.4;
}

/* Operations a second, by this clock, over about bench_slice(). */
static inline double
bench_rate(clockid_t id, bench_op *op, void *ctx)
{
	const double slice = bench_slice();
	double start, now;
	size_t n = 0, step = 1;

	op(ctx); /* warm */
	start = bench_clock(id);
	do {
		for (size_t i = 0; i < step; i++)
			op(ctx);
		n += step;
		now = bench_clock(id);
		/* Ask the clock about a hundred times in all. */
		if (now - start < slice / 100)
			step *= 2;
	} while (now - start < slice);
	return (double)n / (now - start);
}

static inline int
bench_compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static inline double
bench_median(double v[BENCH_ROUNDS])
{
	qsort(v, BENCH_ROUNDS, sizeof(v[0]), bench_compare);
	return v[BENCH_ROUNDS / 2];
}

/* Medians of a's rate, b's rate, and of the rounds' a/b. */
struct bench_result {
	double a, b, ratio;
};

static inline struct bench_result
bench_rounds(clockid_t id, bench_op *a, void *a_ctx, bench_op *b, void *b_ctx)
{
	double as[BENCH_ROUNDS], bs[BENCH_ROUNDS], ratios[BENCH_ROUNDS];

	for (size_t i = 0; i < BENCH_ROUNDS; i++) {
		as[i] = bench_rate(id, a, a_ctx);
		bs[i] = bench_rate(id, b, b_ctx);
		ratios[i] = as[i] / bs[i];
	}
	return (struct bench_result){
	    bench_median(as), bench_median(bs), bench_median(ratios)};
}

#endif
