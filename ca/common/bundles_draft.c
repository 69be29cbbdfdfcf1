/* SPDX-License-Identifier: ISC */
/* The working copy of the policy: which files belong in a bundle. */
#include "ca/common/bundles.h"
#include "lib/cli/draft.h"

int
bundles_read_draft(const char *dir, struct policy_files *out, struct err *e)
{
	return draft_read(dir, &draft_policy, out, e);
}
