/* SPDX-License-Identifier: ISC */
/* TARGETS: refused with words, or every host found where it stands. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_job.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* One spelling: what was read comes out as it was. */
static void
check_spelling(const struct targets *t, struct slice text)
{
	struct strs *batches = calloc(t->n_batches, sizeof(*batches));
	struct str out = STR_INIT;
	struct err e;

	if (batches == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (strs_add(&batches[t->v[i].batch - 1], t->v[i].host) != 0)
			abort();
	if (targets_write(batches, t->n_batches, &out, &e) != 0 ||
	    !slice_equal(slice_of(out.p, out.n), text))
		abort();
	for (unsigned i = 0; i < t->n_batches; i++)
		strs_clear(&batches[i]);
	free(batches);
	str_clear(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct targets t = {0};
	struct err e = {0};

	if (targets_parse(slice_of(data, n), &t, &e) != 0) {
		if (e.msg[0] == '\0')
			abort();
		return 0;
	}
	if (t.n == 0 || t.n_batches == 0)
		abort();
	for (size_t i = 0; i < t.n && t.n < 1000; i++)
		if (targets_find(&t, t.v[i].host) != &t.v[i])
			abort();
	check_spelling(&t, slice_of(data, n));
	targets_clear(&t);
	return 0;
}
