/* SPDX-License-Identifier: ISC */
/* Notes: what opens was signed by the key, and nothing else opens. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/crypto/ed25519.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/note.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const uint8_t seed[32] = {7};
	uint8_t sk[64];
	struct checkpoint c;
	struct slice text;

	ed25519_from_seed(seed, sk);
	if (note_open(slice_of(p, n), "a", sk + 32, &text, NULL) == 0 &&
	    (text.n == 0 || text.n >= n || text.p[text.n - 1] != '\n'))
		abort();
	(void)!checkpoint_open(slice_of(p, n), "a", sk + 32, &c, NULL);
	return 0;
}
