/* SPDX-License-Identifier: ISC */
/*
 * A whole fleet: refused with words, or one that gives each of some hosts a
 * highstate, or words again.
 *
 * The input is its files, each after a line "==> PATH".
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "agent/fleet/highstate.h"
#include "tests/fuzz/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Each state once, and after what it needs. */
static void
check_order(const struct highstate *h)
{
	for (size_t i = 0; i < h->n; i++) {
		const struct hstate *s = &h->v[i];

		for (size_t k = 0; k < s->n_require; k++)
			if (s->require[k] >= i)
				abort();
		for (size_t k = 0; k < s->n_watch; k++)
			if (s->watch[k] >= i)
				abort();
		for (size_t k = 0; k < s->n_onchanges; k++)
			if (s->onchanges[k] >= i)
				abort();
		if ((s->params == NULL) != s->off)
			abort();
	}
}

static void
compile(const struct fleet *f, const char *id)
{
	struct strs roles = {0};
	struct grains g = {0};
	struct conf_diags d = {0};
	struct highstate *h = NULL;
	struct str s = STR_INIT;
	const struct fleet_host host = {
	    .id = id, .roles = &roles, .grains = &g, .now = 1772445600};
	int r;

	for (size_t i = 0; i < grain_kinds_n; i++)
		if (grains_set(&g, grain_kinds[i].name,
			grain_kinds[i].example) != 0)
			abort();
	if (fleet_roles(f, id, &roles) != 0)
		abort();
	r = highstate_compile(f, &host, &h, &d);
	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (h != NULL))
		abort();
	if (r == 0) {
		check_order(h);
		if (highstate_describe(h, &s) != 0)
			abort();
	}
	str_clear(&s);
	highstate_free(h);
	conf_diags_clear(&d);
	grains_clear(&g);
	strs_clear(&roles);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct policy_files files = {0};
	struct conf_diags d = {0};
	struct fleet *f = NULL;
	int r;

	files_split(p, n, &files);
	policy_files_sort(&files);
	r = fleet_parse(&files, 0, &f, &d);
	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (f != NULL))
		abort();
	if (r == 0) {
		compile(f, "web-1.example.com");
		compile(f, "other");
	}
	fleet_free(f);
	conf_diags_clear(&d);
	policy_files_clear(&files);
	return 0;
}
