/* SPDX-License-Identifier: ISC */
#include "lib/ledger/batch.h"

#include <sodium/crypto_shorthash_siphash24.h>

#include <stdlib.h>
#include <string.h>

#include "lib/base/pages.h"
#include "lib/base/parallel.h"
#include "lib/ledger/journal.h"

/* Making a record takes two microseconds, beginning a thread a hundred. */
#define MANY 256

void
put_be(uint8_t *p, uint64_t v, size_t n)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

uint64_t
get_be(const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
round_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

void
batch_sum(const uint8_t key[BATCH_KEY], const uint8_t *p, size_t n,
    uint8_t out[BATCH_SUM])
{
	(void)crypto_shorthash_siphashx24(out, p, n, key);
}

uint64_t
batch_stored(uint64_t n)
{
	return round_up(BATCH_HEAD + n, BATCH_ALIGN);
}

void
batch_clear(struct batch *b)
{
	free(b->v);
	free(b->p);
}

int
batch_limit(struct err *e)
{
	return err_set(e, ERR_LIMIT,
	    "a journal takes records of 1 to %d bytes, %llu in all",
	    JOURNAL_RECORD_MAX, (unsigned long long)BATCH_MAX);
}

/* Where each record goes. */
static int
lay_out(struct batch *b, const size_t *len, struct err *e)
{
	b->bytes = 0;
	for (size_t i = 0; i < b->n; i++) {
		if (len[i] == 0 || len[i] > JOURNAL_RECORD_MAX)
			return batch_limit(e);
		b->v[i] = (struct place){b->bytes, len[i]};
		b->bytes += batch_stored(len[i]);
		if (b->bytes > BATCH_MAX)
			return batch_limit(e);
	}
	return 0;
}

static void
make_nth(void *ctx, size_t i)
{
	struct batch *b = ctx;
	size_t len = b->v[i].len;
	uint8_t *p = b->p + b->v[i].at;

	put_be(p + BATCH_SUM, len, 4);
	put_be(p + BATCH_SUM + 4, b->v[i].at, 4);
	put_be(p + BATCH_SUM + 8, b->nth + i, 8);
	b->fill(b->ctx, i, p + BATCH_HEAD);
	batch_sum(b->key, p + BATCH_SUM, (size_t)batch_stored(len) - BATCH_SUM,
	    p);
}

int
batch_make(struct batch *b, const size_t *len, struct err *e)
{
	int r;

	if ((b->v = calloc(b->n + 1, sizeof(*b->v))) == NULL)
		return err_nomem(e);
	if ((r = lay_out(b, len, e)) != 0)
		return r;
	if ((b->p = pages_calloc(1, (size_t)b->bytes + 1)) == NULL)
		return err_nomem(e);
	if (b->n >= MANY)
		parallel_for(b->n, make_nth, b);
	for (size_t i = 0; i < b->n && b->n < MANY; i++)
		make_nth(b, i);
	return 0;
}

struct copying {
	const struct slice *from;
};

static void
copy_nth(void *ctx, size_t i, uint8_t *to)
{
	const struct copying *c = ctx;

	memcpy(to, c->from[i].p, c->from[i].n);
}

int
batch_copy(struct batch *b, const struct slice *records, struct err *e)
{
	struct copying c = {records};
	size_t *len = calloc(b->n + 1, sizeof(*len));
	int r;

	if (len == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < b->n; i++)
		len[i] = records[i].n;
	b->fill = copy_nth;
	b->ctx = &c;
	r = batch_make(b, len, e);
	b->ctx = NULL;
	free(len);
	return r;
}
