/* SPDX-License-Identifier: ISC */
/* The working copy of the fleet's policy: which files belong in a bundle. */
#include <stdio.h>

#include "agent/cli/cli.h"
#include "lib/cli/draft.h"

static const struct draft_place places[] = {
    {"", {"fleet.yaml", "top.yaml"}, NULL},
    {"states", {0}, ".yaml"},
    {"pillar", {0}, ".yaml"},
};

static const struct draft fleet_draft = {
    .dir = "fleet",
    .places = places,
    .n_places = sizeof(places) / sizeof(places[0]),
    .expected = "fleet.yaml, top.yaml, states/*.yaml, pillar/*.yaml",
};

int
fleet_read_draft(const char *dir, struct policy_files *out, struct err *e)
{
	return draft_read(dir, &fleet_draft, out, e);
}

void
fleet_print_diags(const struct conf_diags *d)
{
	size_t all = d->n_errors + d->n_warnings;

	for (size_t i = 0; i < d->n; i++)
		fprintf(stderr, "%s%s\n", d->v[i].warning ? "warning: " : "",
		    d->v[i].text);
	if (all > d->n)
		fprintf(stderr, "(%zu more)\n", all - d->n);
}
