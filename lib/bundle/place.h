/* SPDX-License-Identifier: ISC */
/* Files of DIR/bundle by name and by content: for lib/bundle alone. */
#ifndef LIB_BUNDLE_PLACE_H
#define LIB_BUNDLE_PLACE_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/trust/policy.h"

/* dir/bundle/name, at most max bytes; *out is to be freed. */
int place_read(const char *dir, const char *name, size_t max,
    struct slice *out, struct err *e) MUST_CHECK;
/* PREFIX.N, a statement. */
int place_read_version(const char *dir, const char *prefix, uint64_t version,
    struct slice *out, struct err *e) MUST_CHECK;
/* By content.  ERR_CORRUPT: it is not what its name says. */
int place_read_hashed(const char *dir, const struct hash *h, uint64_t size,
    size_t max, struct slice *out, struct err *e) MUST_CHECK;
/* What MANIFEST names, sorted.  absent_ok (NULL: none): a path that may be
 * missing. */
int place_read_files(const char *dir, struct slice manifest,
    bool (*absent_ok)(const char *path), struct policy_files *out,
    struct err *e) MUST_CHECK;
/* The highest N of PREFIX.N; 0: there is none, nor perhaps the directory. */
int place_highest(const char *dir, const char *prefix, uint64_t *out,
    struct err *e) MUST_CHECK;

/* A file's number is the word of whoever stored it, the statement's is signed: under
 * a higher one an old version would stay the newest.  ERR_ROLLBACK: not the same. */
int place_check_number(const char *prefix, uint64_t number, uint64_t signed_as,
    struct err *e) MUST_CHECK;

int place_make(const char *dir, struct err *e) MUST_CHECK;
/* Write once: the same bytes there already are a success, others
 * ERR_EXISTS. */
int place_store(const char *dir, const char *name, struct slice s,
    struct err *e) MUST_CHECK;
int place_store_hashed(const char *dir, struct slice s, struct err *e)
    MUST_CHECK;
int place_store_files(const char *dir, const struct policy_files *files,
    struct err *e) MUST_CHECK;

void place_free(struct slice *s);

#endif
