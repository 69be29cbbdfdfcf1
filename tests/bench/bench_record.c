/* SPDX-License-Identifier: ISC */
/*
 * Records made durable: ledger_commit() of 64 leaves at a time against one at
 * a time, in records a second of wall time, since what is waited for is the
 * disk.
 *
 *	bench_record DIR	"RATIO A/s B/s"; DIR is empty, and not in memory
 */
#include <string.h>

#include "lib/ledger/ledger.h"
#include "lib/statement/leaf.h"
#include "tests/bench/bench.h"

#define BATCH   64
#define TBS_LEN 370 /* of a usual certificate */

struct recording {
	struct ledger *ledger;
	struct str leaves[BATCH]; /* to-be-signed leaves */
	struct slice slices[BATCH];
	char *names[BATCH]; /* in each: the hex digits of its request */
	struct ledger_receipt receipts[BATCH];
	uint64_t n;
};

static void
make_leaf(struct recording *g, size_t i)
{
	static const char field[] = "\"request\":\"";
	uint8_t tbs[TBS_LEN] = {1};
	struct hash decision = {{2}};
	struct issue_leaf l = {.now = 1772445600,
	    .rules = ISSUE_RULES,
	    .policy_version = 1,
	    .decisions = &decision,
	    .n_decisions = 1,
	    .size = 1000,
	    .tbs = tbs,
	    .tbs_len = sizeof(tbs)};
	char *at;

	str_init(&g->leaves[i]);
	if (issue_leaf_encode(&l, &g->leaves[i]) != 0 ||
	    (at = strstr(g->leaves[i].p, field)) == NULL)
		abort();
	g->names[i] = at + sizeof(field) - 1;
	g->slices[i] = slice_of(g->leaves[i].p, g->leaves[i].n);
}

/* No two leaves are of one request. */
static void
commit(struct recording *g, size_t n)
{
	struct err e = {0};

	for (size_t i = 0; i < n; i++) {
		char digits[17];

		snprintf(digits, sizeof(digits), "%016llx",
		    (unsigned long long)g->n++);
		memcpy(g->names[i], digits, 16);
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
	static const uint8_t pks[1][32] = {{1}};
	struct ledger_config c = {.origin = "writ.invalid/bench/log",
	    .pks = pks,
	    .n_pks = 1,
	    .classify = leaf_classify};
	struct bench_result r;
	struct err e = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: bench_record DIR\n");
		return 2;
	}
	c.dir = argv[1];
	for (size_t i = 0; i < BATCH; i++)
		make_leaf(&g, i);
	bench_need(ledger_open(&c, &g.ledger, &e), "open", &e);
	r = bench_rounds(CLOCK_MONOTONIC, commit_batch, &g, commit_one, &g);
	printf("%.1f %.0f %.0f\n", r.ratio * BATCH, r.a * BATCH, r.b);
	ledger_close(g.ledger);
	for (size_t i = 0; i < BATCH; i++)
		str_clear(&g.leaves[i]);
	return 0;
}
