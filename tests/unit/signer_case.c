/* SPDX-License-Identifier: ISC */
#include "tests/unit/signer_case.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/proc/frame.h"

/* Of single leaves alone: what a proof of a few needs. */
static int
get(void *ctx, unsigned level, uint64_t index, struct hash *out, struct err *e)
{
	const struct signer_case *s = ctx;
	struct merkle_edge edge = {0};

	(void)e;
	for (uint64_t i = index << level; i < (index + 1) << level; i++)
		merkle_append(&edge, &s->hashes[i]);
	merkle_root(&edge, out);
	return 0;
}

static void
make_log(struct signer_case *s, uint64_t at)
{
	struct merkle_source src = {get, s};
	struct merkle_edge edge = {0};

	for (uint64_t i = 0; i < SIGNER_CASE_LEAVES; i++) {
		char text[16];

		snprintf(text, sizeof(text), "leaf %d", (int)i);
		merkle_leaf(text, strlen(text), &s->hashes[i]);
	}
	merkle_leaf(s->text.p, s->text.n, &s->hashes[at]);
	for (uint64_t i = 0; i < SIGNER_CASE_LEAVES; i++) {
		if (i == SIGNER_CASE_LEAVES - 2)
			s->tail.edge = edge;
		merkle_append(&edge, &s->hashes[i]);
	}
	s->tail.leaves = s->hashes + SIGNER_CASE_LEAVES - 2;
	s->tail.n = 2;
	s->b.head.size = SIGNER_CASE_LEAVES;
	merkle_root(&edge, &s->b.head.root);
	s->job.index = at;
	if (at < s->tail.edge.size) {
		s->job.inclusion = s->inclusion;
		assert_int_equal(merkle_prove_inclusion(&src, at,
				     SIGNER_CASE_LEAVES, s->inclusion,
				     &s->job.n_inclusion, NULL),
		    0);
	}
}

void
signer_case_open(struct signer_case *s, bool before)
{
	memset(s, 0, sizeof(*s));
	issue_case_open(&s->c);
	issue_case_ask(&s->c, FIXTURE_BY(SEED_ALICE));
	issue_case_approve(&s->c, OLGA, FIXTURE_BY(SEED_OLGA));
	issue_case_leaf(&s->c, s->decisions, &s->leaf);
	str_init(&s->text);
	assert_int_equal(issue_leaf_encode(&s->leaf, &s->text), 0);
	s->job.leaf = &s->leaf;
	s->job.bytes = slice_of(s->text.p, s->text.n);
	s->job.request = &s->c.request;
	s->job.decisions = s->c.list;
	s->job.n_decisions = s->c.n;
	s->job.resign = before;
	make_log(s, before ? 1 : SIGNER_CASE_LEAVES - 1);
	s->proof[0] = s->hashes[0];
	s->b.consistency = s->proof;
	s->b.n_consistency = 1;
	s->b.tail = &s->tail;
	s->b.jobs = &s->job;
	s->b.n_jobs = 1;
}

void
signer_case_close(struct signer_case *s)
{
	buf_free(s->job.cert);
	str_clear(&s->text);
	free(s->leaf.tbs);
	issue_case_close(&s->c);
}

struct buf *
signer_case_frame(const struct signer_case *s, bool durable)
{
	struct buf *b = NULL;
	struct err e = {0};
	size_t next = 0;

	assert_int_equal(buf_new(&b, FRAME_MAX), 0);
	if (sign_frame_encode(&s->b, durable, &next, b, &e) != 0)
		fail_msg("%s", e.msg);
	assert_int_equal(next, s->b.n_jobs);
	return b;
}
