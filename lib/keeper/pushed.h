/* SPDX-License-Identifier: ISC */
/* A bundle put together from the arguments of a push and files that are at hand.
 * Nothing is judged here but its form. */
#ifndef LIB_KEEPER_PUSHED_H
#define LIB_KEEPER_PUSHED_H

#include <jansson.h>

#include "lib/bundle/bundles.h"

/* A file by its hash, borrowed: 0; PUSHED_NONE: it is not at hand; ERR_*. */
#define PUSHED_NONE 1
typedef int pushed_file(void *ctx, const struct hash *h, struct slice *out,
    struct err *e);

/* A text of the arguments, as a copy.  ERR_PARSE, ERR_NOMEM. */
int pushed_text(const json_t *args, const char *key, struct slice *out,
    struct err *e) MUST_CHECK;
/* All files that a MANIFEST names.  ERR_NOTFOUND: one is not at hand; those of
 * manifest_parse(). */
int pushed_files(struct slice manifest, pushed_file *find, void *ctx,
    struct policy_files *out, struct err *e) MUST_CHECK;
/*
 * A policy: "statement", "manifest", and "roots" that are newer than those of
 * old; *out is new, to be cleared and freed.  ERR_PARSE, ERR_LIMIT, and those
 * above.
 */
int pushed_policy(const json_t *args, const struct bundle_chain *old,
    pushed_file *find, void *ctx, struct bundle_chain **out, struct err *e)
    MUST_CHECK;

#endif
