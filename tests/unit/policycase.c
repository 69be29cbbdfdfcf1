/* SPDX-License-Identifier: ISC */
#include "tests/unit/policycase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

const char pc_root[] = "version: 1\n"
		       "expires: 2028-11-01\n"
		       "officers: {olga: {keys: [<1>]}}\n"
		       "thresholds: {root: 1, policy: 1}\n";

void
pc_add_authorities(struct policy_files *f)
{
	fixture_file(f, "authorities/user_ca.pub", "<101> user_ca\n");
	fixture_file(f, "authorities/host_ca.pub", "<102>\n");
	fixture_file(f, "authorities/ca_log.pub", "<103>\r\n");
}

int
pc_parse(struct policy_files *f, struct policy **out, struct conf_diags *d)
{
	policy_files_sort(f);
	return policy_parse(f, out, d);
}

int
pc_parse_texts(const char *root, const char *ca, const char *path,
    const char *text, struct policy **out, struct conf_diags *d)
{
	struct policy_files f = {0};
	int r;

	fixture_file(&f, "root.yaml", root != NULL ? root : pc_root);
	fixture_file(&f, "ca.yaml", ca);
	if (path != NULL)
		fixture_file(&f, path, text);
	pc_add_authorities(&f);
	r = pc_parse(&f, out, d);
	policy_files_clear(&f);
	return r;
}

void
pc_expect(const char *name, int r, const struct conf_diags *d, const char *want)
{
	const char *got = d->n > 0 ? d->v[0].text : NULL;

	if (want == NULL
		? r != 0 || got != NULL
		: r != ERR_PARSE || got == NULL || strcmp(got, want) != 0)
		fail_msg("%s: %d, %s", name, r, got != NULL ? got : "-");
}
