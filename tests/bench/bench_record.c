/* SPDX-License-Identifier: ISC */
/*
 * Records made durable: ledger_commit() of 64 leaves at a time against one at
 * a time, in records a second of wall time, since what is waited for is the
 * disk.
 *
 *	bench_record DIR	"RATIO A/s B/s"; DIR is empty, and not in memory
 */
#include <string.h>

#include "lib/base/file.h"
#include "lib/ledger/ledger.h"
#include "lib/statement/leaf.h"
#include "tests/bench/bench.h"

#define BATCH    64
#define LEAF_LEN 800 /* about a to-be-signed leaf */

struct recording {
	struct ledger *ledger;
	uint8_t leaves[BATCH][LEAF_LEN];
	struct slice slices[BATCH];
	struct ledger_receipt receipts[BATCH];
	uint64_t n;
};

/* No two leaves are alike. */
static void
commit(struct recording *g, size_t n)
{
	struct err e = {0};

	for (size_t i = 0; i < n; i++) {
		memcpy(g->leaves[i], &g->n, sizeof(g->n));
		g->n++;
	}
	bench_need(ledger_commit(g->ledger, g->slices, n, g->receipts, &e),
	    "commit", &e);
}

static void
commit_batch(void *ctx)
{
	commit(ctx, BATCH);
}

static void
commit_one(void *ctx)
{
	commit(ctx, 1);
}

int
main(int argc, char **argv)
{
	static struct recording g;
	static const uint8_t pk[32] = {1};
	struct ledger_config c = {.origin = "writ.invalid/bench/log",
	    .pk = pk,
	    .classify = leaf_classify};
	struct bench_result r;
	struct err e = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_record DIR\n");
		return 2;
	}
	c.dir = argv[1];
	for (size_t i = 0; i < BATCH; i++) {
		memset(g.leaves[i], 'x', LEAF_LEN);
		g.slices[i] = slice_of(g.leaves[i], LEAF_LEN);
	}
	bench_need(ledger_open(&c, &g.ledger, &e), "open", &e);
	r = bench_rounds(CLOCK_MONOTONIC, commit_batch, &g, commit_one, &g);
	printf("%.1f %.0f %.0f\n", r.ratio * BATCH, r.a * BATCH, r.b);
	ledger_close(g.ledger);
	return 0;
}
