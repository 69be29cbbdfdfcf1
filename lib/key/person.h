/* SPDX-License-Identifier: ISC */
/*
 * People sign with ssh-keygen(1), as git does, so that agent keys, FIDO
 * tokens, PKCS#11 and passphrases work as they do everywhere else.
 */
#ifndef LIB_KEY_PERSON_H
#define LIB_KEY_PERSON_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/ssh/pubkey.h"

/* A public key file, as ssh-keygen(1) writes it: one line.  ERR_NOTFOUND,
 * ERR_PARSE, ERR_LIMIT, ERR_SYS, ERR_NOMEM. */
int person_read_pubkey(const char *path, struct pubkey **out, struct err *e)
    MUST_CHECK;

/*
 * The public key of a signing key named on a command line: FILE may be a
 * private key (OpenSSH's format has the public part in the clear even when
 * encrypted; PEM needs the .pub beside it) or a public key whose private half
 * is beside it or in the agent; where FILE is absent, FILE.pub.
 * ERR_NOTFOUND, ERR_PARSE, ERR_LIMIT, ERR_SYS, ERR_NOMEM.
 */
int person_pubkey(const char *path, struct pubkey **out, struct err *e)
    MUST_CHECK;

/*
 * `ssh-keygen -Y sign -n NS -f FILE` over msg; appends the armored block and
 * checks that it verifies, under that key.  Prompts (passphrase, PIN, touch)
 * are ssh-keygen's own, on the terminal.  ERR_DENIED: ssh-keygen said no (its
 * last line is in the message, or on the terminal where standard error is
 * one); ERR_NOTFOUND: no ssh-keygen, or no public key; ERR_BADSIG.
 */
int person_sign(const char *path, const char *ns, struct slice msg,
    struct str *out, struct err *e) MUST_CHECK;

#endif
