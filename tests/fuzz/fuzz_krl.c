/* SPDX-License-Identifier: ISC */
/* A revocation list. */
#include <stdint.h>
#include <stdlib.h>

#include "lib/ssh/krl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct buf *
encode(const struct krl *k)
{
	struct buf *b;

	if (buf_new(&b, KRL_MAX) != 0 || krl_encode(k, b) != 0)
		abort();
	return b;
}

/* Written it can be read again, and written then it has the same bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct krl *k = NULL, *again = NULL;
	struct buf *b, *c;
	struct err e = {0};

	if (krl_parse(slice_of(data, n), &k, &e) != 0) {
		/* Nothing half-made, and a sentence. */
		if (k != NULL || e.msg[0] == '\0')
			abort();
		return 0;
	}
	b = encode(k);
	if (krl_parse(buf_slice(b), &again, &e) != 0)
		abort();
	c = encode(again);
	if (!slice_equal(buf_slice(b), buf_slice(c)))
		abort();
	krl_free(k);
	krl_free(again);
	buf_free(b);
	buf_free(c);
	return 0;
}
