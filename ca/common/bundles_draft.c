/* SPDX-License-Identifier: ISC */
/* The working copy of the policy: which files belong in a bundle. */
#include "ca/common/bundles.h"
#include "lib/cli/draft.h"

static const struct draft_place places[] = {
    {"", {"root.yaml", "ca.yaml", "audit.yaml"}, NULL},
    {"people", {0}, ".yaml"},
    {"authorities", {0}, ".pub"},
};

static const struct draft policy_draft = {
    .dir = "policy",
    .places = places,
    .n_places = sizeof(places) / sizeof(places[0]),
    .expected = "root.yaml, ca.yaml, audit.yaml, people/*.yaml, "
		"authorities/*.pub",
};

int
bundles_read_draft(const char *dir, struct policy_files *out, struct err *e)
{
	return draft_read(dir, &policy_draft, out, e);
}
