/* SPDX-License-Identifier: ISC */
/*
 * What a person does with statements at a command line: read one, begin one,
 * sign it with a key of his, keep one that still lacks others' signatures.
 */
#ifndef LIB_CLI_SIGNING_H
#define LIB_CLI_SIGNING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"
#include "lib/trust/policy.h"

/* The signed policy in DIR/bundle, with a warning when its end is near: 0
 * for all answers of bundles_load(), and its errors. */
int cli_load_trust(const char *dir, int64_t now, struct trust *out,
    struct err *e) MUST_CHECK;
/* A line: what has the signatures of who, which are fewer than need, and which
 * others of root's people may sign. */
void cli_say_missing(const struct policy *root, const struct strs *who,
    const char *what, unsigned need, bool (*may)(const struct person *p));

/* A statement from a file ("-": standard input); parsed, not verified. */
int cli_read_statement(const char *path, struct statement *out,
    struct err *e) MUST_CHECK;
/* Common fields of a new statement: realm, by, at, nonce. */
int cli_new_statement(struct statement *s, enum statement_type type,
    const struct hash *realm, const char *by, struct err *e) MUST_CHECK;
/* Encode s and sign it with these keys (files for ssh-keygen): the whole. */
int cli_sign_statement(const struct statement *s, const char *const *keys,
    size_t n_keys, struct str *out, struct err *e) MUST_CHECK;
/*
 * Can a file be made there?  Asked before anything is done that stays done, such
 * as a certificate issued or a job ordered.  What is there and no file, such as a
 * device or a pipe, is not to be replaced by one.  NULL and "-", which is standard
 * output, can.  ERR_SYS, ERR_NOMEM.
 */
int cli_check_place(const char *path, struct err *e) MUST_CHECK;
/* To path, or to standard output for NULL and "-".  Refuses to replace. */
int cli_write_new(const char *path, struct slice text, struct err *e)
    MUST_CHECK;
/* "2h" or a time -> a time: spans are taken back (-1) or ahead (+1). */
int cli_time(const char *option, const char *text, int64_t now, int sign,
    int64_t *out, struct err *e) MUST_CHECK;
/* The same of when something ends that begins now: ERR_USAGE for what is past. */
int cli_end(const char *option, const char *text, int64_t now, int64_t *out,
    struct err *e) MUST_CHECK;
/* The same for --since, where a date alone is the beginning of that day, UTC, so
 * that all of it is in what is asked for. */
int cli_since(const char *text, int64_t now, int64_t *out, struct err *e)
    MUST_CHECK;
/* Say that nothing can be found since then, if that is yet to come. */
void cli_warn_since(const char *text, int64_t since, int64_t now);

/*
 * Statements that several people sign, one after the other: a file that holds
 * what has been signed so far.
 *
 * cli_draft_read(): the draft at path; what cannot be read is passed over with
 * a warning, since nothing is lost with it but signatures.  out->n_bytes is 0
 * where there is none.  ERR_NOMEM.
 *
 * cli_draft_sign(): put the signature of this key under d, unless it is there,
 * and keep the result at path.  d has a message and is verified, or has no
 * signature yet.  As person_sign(); ERR_SYS.
 */
int cli_draft_read(const char *path, struct statement *out, struct err *e)
    MUST_CHECK;
int cli_draft_sign(const char *path, const char *key_path,
    const struct pubkey *key, struct statement *d, struct err *e) MUST_CHECK;

/* What changed between two versions of DIR/sub, as diff -u, on standard
 * output, as str_add_shown() has it; old is what lies in DIR/bundle by
 * content. */
int cli_print_diff(const char *dir, const char *sub,
    const struct policy_files *old, const struct policy_files *draft,
    struct err *e) MUST_CHECK;

#endif
