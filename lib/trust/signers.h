/* SPDX-License-Identifier: ISC */
/*
 * Who signed a statement, counted as persons, and whether they are enough: for
 * the files of lib/trust alone.  Pure.
 */
#ifndef LIB_TRUST_SIGNERS_H
#define LIB_TRUST_SIGNERS_H

#include "lib/statement/statement.h"
#include "lib/trust/policy.h"

/* Whose signatures count: those of root.yaml's officers or operators, with the
 * keys they have there. */
enum sign_as { SIGN_OFFICER, SIGN_OPERATOR };

/*
 * Parse and verify a statement of this type and realm; what names it in
 * messages.  ERR_PARSE (another type, too), ERR_DENIED (another realm),
 * ERR_BADSIG, ERR_LIMIT, ERR_NOMEM.
 */
int signers_read(const char *what, struct slice text, enum statement_type type,
    const struct hash *realm, struct statement *s, struct err *e) MUST_CHECK;

/* Appends the ids of those who signed s (verified), each once.  ERR_NOMEM. */
int signers_of(const struct policy *root, enum sign_as as,
    const struct statement *s, struct strs *out) MUST_CHECK;

/* ERR_DENIED unless need of them, as persons, signed s; says who did and who
 * is missing.  A need of 0 is met by nobody.  ERR_NOMEM. */
int signers_enough(const struct policy *root, enum sign_as as,
    const struct statement *s, unsigned need, const char *what,
    struct err *e) MUST_CHECK;

/* `by` is a claim like any other: ERR_DENIED unless it is one of those who
 * signed, under root or the one before it (NULL: none).  ERR_NOMEM. */
int signers_author(const struct policy *root, const struct policy *before,
    enum sign_as as, const struct statement *s, const char *what,
    struct err *e) MUST_CHECK;

#endif
