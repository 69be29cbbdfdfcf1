/* SPDX-License-Identifier: ISC */
/*
 * What Writ refuses to sign: certificates that OpenSSH, Go or Rust clients
 * would reject, that cannot be revoked, or that would spoil sshd's log.
 * facts behind each rule stand beside it in lint.c.  Pure.
 */
#ifndef LIB_SSH_LINT_H
#define LIB_SSH_LINT_H

#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/ssh/cert.h"

#define LINT_KEY_ID_MAX	   200	/* bytes; sshd's log line holds 1,024 in all */
#define LINT_PRINCIPAL_MAX 255
#define LINT_FORCE_MAX	   4096
#define LINT_RSA_BITS_MIN  3072

/* Each: 0, or ERR_DENIED and a sentence that names the field. */

/* Charset [A-Za-z0-9._@:+=,/-], 1 to 200 bytes. */
int lint_key_id(const char *id, struct err *e) MUST_CHECK;
/* User: no comma, blank, control byte, `#`, `*`, `?`, `!`, 1 to 255 bytes of
 * printable ASCII.  Host: a lower-case host name or address. */
int lint_principal(enum cert_kind kind, const char *p, struct err *e)
    MUST_CHECK;
/*
 * One address or CIDR without host bits, as sshd's addr_match_cidr_list.  An
 * IPv4-mapped IPv6 address is refused: sshd never compares with one.
 */
int lint_source(const char *cidr, struct err *e) MUST_CHECK;
/* RSA of 3072 bits or more; any other type of pubkey.h. */
int lint_subject(const struct pubkey *k, struct err *e) MUST_CHECK;
/* As a CA: Ed25519, ECDSA, RSA of 3072 bits or more. */
int lint_ca(const struct pubkey *k, struct err *e) MUST_CHECK;
/* force-command: one line of clean text, 1 to 4096 bytes. */
int lint_force_command(const char *c, struct err *e) MUST_CHECK;
/* An extension name for a user certificate: the five permit-* or
 * no-touch-required. */
int lint_extension(const char *name, struct err *e) MUST_CHECK;

/*
 * All of it over a certificate that is about to be signed, and: a nonce of 32
 * bytes, a serial other than 0, principals that are not empty and each there
 * once, a validity that ends after it starts and by CLOCK_MAX, options sorted
 * and known (user: force-command, source-address, verify-required; host:
 * none), a CA that is not the subject.  verify-required and no-touch-required
 * are refused where the subject is no sk-* key: sshd would pass over them.
 */
int lint_cert(const struct cert *c, struct err *e) MUST_CHECK;

/* Is address range a (one of lint_source's forms) inside range b? */
bool cidr_inside(const char *a, const char *b);

#endif
