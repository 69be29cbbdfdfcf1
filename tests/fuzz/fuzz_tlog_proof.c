/* SPDX-License-Identifier: ISC */
/* Proofs and paths of tiles: what parses has one text. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/tlog/checkpoint.h"
#include "lib/tlog/tile.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
path(const uint8_t *p, size_t n)
{
	char again[TILE_PATH_MAX], *text = str_dupn(p, n);
	struct tile t;

	if (text != NULL && tile_parse_path(text, &t) == 0) {
		tile_path(&t, again);
		if (strcmp(again, text) != 0)
			abort();
	}
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = STR_INIT;
	struct tlog_proof t;

	path(p, n);
	if (tlog_proof_parse(slice_of(p, n), &t, NULL) != 0)
		return 0;
	if (tlog_proof_encode(t.index, t.proof, t.n, t.note, &s) != 0 ||
	    !slice_equal(slice_of(s.p, s.n), slice_of(p, n)))
		abort();
	str_clear(&s);
	return 0;
}
