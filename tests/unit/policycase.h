/* SPDX-License-Identifier: ISC */
/*
 * Policies as text, of which a test varies a part; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_POLICYCASE_H
#define TESTS_UNIT_POLICYCASE_H

#include "tests/unit/fixture.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

extern const char pc_root[]; /* a root.yaml */

/* What stands in a ca.yaml beside the part that a table varies. */
#define AUTHORITIES \
	"authorities: {user: [user_ca], host: [host_ca], log: [ca_log]}\n"

/* The keys of those. */
void pc_add_authorities(struct policy_files *f);
/* In order, as policy_parse(). */
int pc_parse(struct policy_files *f, struct policy **out, struct conf_diags *d);
/* root.yaml (NULL: pc_root), ca.yaml, and one more file or NULL. */
int pc_parse_texts(const char *root, const char *ca, const char *path,
    const char *text, struct policy **out, struct conf_diags *d);

/* What came of it; want NULL: no fault; else the first one's words. */
void pc_expect(const char *name, int r, const struct conf_diags *d,
    const char *want);

#endif
