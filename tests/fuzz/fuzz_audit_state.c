/* SPDX-License-Identifier: ISC */
/*
 * What an audit left to the next: whatever is taken is written the same again,
 * so nothing in it has two spellings, and leads to no leaf behind its own.
 *
 * The input is all but the sum at the end, which nobody would guess.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/past.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const struct audit_past *s, struct slice bytes)
{
	struct buf *again = NULL;

	for (size_t i = 0; i < s->n_later; i++)
		if (s->later[i] >= s->size)
			abort();
	if (buf_new(&again, PAST_MAX) != 0 || past_encode(s, again) != 0 ||
	    !slice_equal(buf_slice(again), bytes))
		abort();
	buf_free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct audit_past *s = NULL;
	struct slice bytes;
	struct hash sum;
	uint8_t *all;

	if (n > 65536 || (all = malloc(n + HASH_LEN)) == NULL)
		return 0;
	if (n > 0)
		memcpy(all, data, n);
	hash_sha256(all, n, &sum);
	memcpy(all + n, sum.b, HASH_LEN);
	bytes = slice_of(all, n + HASH_LEN);
	if (past_new(&s) != 0)
		abort();
	if (past_parse(bytes, s) == 0)
		check(s, bytes);
	past_free(s);
	free(all);
	return 0;
}
