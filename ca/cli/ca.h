/* SPDX-License-Identifier: ISC */
/* What the files of `writ ca` share. */
#ifndef CA_CLI_CA_H
#define CA_CLI_CA_H

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/cli/cli.h"
#include "lib/trust/policy.h"

/* A list of `authorities:` and the key of writ.yaml that says who of it signs
 * here. */
struct ca_list {
	const char *name, *config;
	size_t offset; /* of its names in struct policy */
};
extern const struct ca_list ca_lists[];
extern const size_t ca_lists_n;
const struct strs *ca_list_of(const struct policy *p, const struct ca_list *l);

/* The first of the signed versions up to the one in force that all have name in
 * the list, with the same key. */
struct ca_since {
	uint64_t version;
	int64_t at; /* when it was signed */
};
/* p is in force at dir.  Stops where that was before `early`; 0: goes to the
 * first.  ERR_NOTFOUND: an older version is not there any more, ERR_*. */
int ca_trusted_since(const char *dir, const struct policy *p,
    const struct ca_list *l, const char *name, int64_t early,
    struct ca_since *out, struct err *e) MUST_CHECK;

/* Change DIR/name with one of lib/conf/edit.h's; and its answers. */
int ca_edit(const char *dir, const char *name,
    int (*change)(const char *file, struct slice text,
	const char *const *path, const char *word, struct str *out,
	struct err *e),
    const char *const *path, const char *word, struct err *e) MUST_CHECK;

int ca_run_use(struct cli_args *a, struct err *e);

#endif
