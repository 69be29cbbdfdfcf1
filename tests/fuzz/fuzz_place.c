/* SPDX-License-Identifier: ISC */
/* A place among targets: refused with words, or read in its one spelling; and in
 * the tree of a job it is only if it says so. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_place.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* What was read comes out as it was. */
static void
check_spelling(const struct place *p, struct slice text)
{
	struct str out = STR_INIT;

	str_addf(&out, "%llu\n%u %s\n", (unsigned long long)p->index, p->batch,
	    p->host);
	for (size_t i = 0; i < p->n; i++) {
		str_add_base64(&out, p->proof[i].b, HASH_LEN);
		str_addc(&out, '\n');
	}
	if (str_check(&out) == 0 && !slice_equal(slice_of(out.p, out.n), text))
		abort();
	str_clear(&out);
}

/* Alone it is in the tree of its own leaf, and in no other. */
static void
check_trees(const struct place *p)
{
	struct job_statement j = {.hosts = 1, .tree = p->leaf};
	bool alone = p->index == 0 && p->n == 0;

	if ((place_check(p, &j, NULL) == 0) != alone)
		abort();
	j.tree.b[0] ^= 1;
	if (place_check(p, &j, NULL) == 0)
		abort();
	j.hosts = TARGETS_HOSTS_MAX;
	if (place_check(p, &j, NULL) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = {0};
	struct place p;

	if (place_parse(slice_of(data, n), &p, &e) != 0) {
		if (e.msg[0] == '\0')
			abort();
		return 0;
	}
	if (p.batch == 0 || p.batch > TARGETS_BATCHES_MAX ||
	    !id_is_valid(p.host) || p.n > PLACE_HASHES_MAX)
		abort();
	check_spelling(&p, slice_of(data, n));
	check_trees(&p);
	return 0;
}
