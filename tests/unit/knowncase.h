/* SPDX-License-Identifier: ISC */
/*
 * Policies with an audit.yaml, and logins beside them; whatever fails ends the
 * test.
 */
#ifndef TESTS_UNIT_KNOWNCASE_H
#define TESTS_UNIT_KNOWNCASE_H

#include "ca/audit/known.h"
#include "tests/unit/policycase.h"

#define KNOWN_NOW INT64_C(1764000000) /* 2025-11-24T16:00:00Z */

/* People, grants and authorities of a whole policy, with this audit.yaml. */
int kc_parse(const char *audit, struct policy **out, struct conf_diags *d);
struct policy *kc_policy(const char *audit);
/* A minute ago; ca 0: by a plain key; key 0: by a password.  Texts are
 * borrowed; nothing is left to clear. */
struct use kc_login(const char *host, const char *account, unsigned key,
    unsigned ca);

#endif
