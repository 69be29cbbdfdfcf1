/* SPDX-License-Identifier: ISC */
/*
 * What was taken away: revoke statements of all logs, and which of them are
 * about a certificate, its key, whoever asked for it, or its CA.
 *
 * A statement is taken that its author's key signed and that a log has; whether
 * he might revoke that, under the policy of then, is what writ audit verify
 * says.  Pure, but for what reads a log.
 */
#ifndef CA_AUDIT_REVOKED_H
#define CA_AUDIT_REVOKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define REVOKED_MAX 1000000	/* names that are revoked, in all logs */

struct revocation {
	int64_t	    at;
	char	   *by;
	char	   *reason;	/* NULL: none was given */
	struct hash hash;	/* of the statement */
	char	   *log;	/* name of the log that has it */
	uint64_t    index;	/* of its leaf there */
};
struct revoked_name {		/* "serial 41", "person bob", "key SHA256:..." */
	char	  *name;
	size_t	   of;		/* index of its revocation */
};
struct revocations {		/* zero-initialise / revocations_clear */
	struct revocation   *v;
	size_t		     n, cap;
	struct revoked_name *names;
	size_t		     n_names, cap_names;
	bool		     sorted;
};
void revocations_clear(struct revocations *r);
/* A revoke leaf.  ERR_PARSE, ERR_BADSIG, ERR_LIMIT, ERR_NOMEM. */
int  revocations_add(struct revocations *r, struct slice leaf, uint64_t index,
     const char *log, struct err *e) MUST_CHECK;

/* A certificate, by everything that may be revoked of it; all borrowed. */
struct revocable {
	uint64_t	   serial;
	const char	  *key_id, *person;
	const struct hash *key, *ca;	/* SHA-256 of the keys' blobs */
};
/*
 * The first revocation of any of these, by its time, or NULL; *what in words
 * ("the certificate", "its key", "alice@example.com", "its CA").  Both are
 * borrowed.  ERR_NOMEM.
 */
int revocations_find(struct revocations *r, const struct revocable *c,
    const struct revocation **out, const char **what) MUST_CHECK;
/* Each that is about it, in no order, once for each of its names; non-zero ends
 * it and is returned.  ERR_NOMEM. */
int revocations_each(struct revocations *r, const struct revocable *c,
    int (*each)(void *ctx, const struct revocation *v, const char *what),
    void *ctx) MUST_CHECK;

/* "the certificate was revoked at ... by olga@example.com: stolen"; appended. */
void revocation_text(const struct revocation *v, const char *what,
    struct str *out);

#endif
