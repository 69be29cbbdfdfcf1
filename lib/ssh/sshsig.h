/* SPDX-License-Identifier: ISC */
/*
 * SSHSIG (PROTOCOL.sshsig): what `ssh-keygen -Y sign` writes.  Pure.
 */
#ifndef LIB_SSH_SSHSIG_H
#define LIB_SSH_SSHSIG_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/ssh/pubkey.h"

#define SSHSIG_MAX	     16384	/* bytes of a blob */
#define SSHSIG_ARMOR_MAX     24576
#define SSHSIG_NAMESPACE_MAX 64

struct sshsig {			/* sshsig_init / sshsig_clear */
	struct pubkey *key;	/* who claims to have signed */
	char	      *ns;	/* never empty */
	char	      *hash;	/* "sha256" or "sha512" */
	uint8_t	      *sig;	/* an SSH signature blob */
	size_t	       sig_len;
};

void sshsig_init(struct sshsig *s);
void sshsig_clear(struct sshsig *s);

/*
 * One armored block at the start of text: BEGIN line, lines of 1 to 76
 * columns of canonical base64, END line and its LF.  *used is how many bytes
 * that was.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM.
 */
int sshsig_parse_armor(struct slice text, struct sshsig *out, size_t *used,
    struct err *e) MUST_CHECK;
int sshsig_parse(struct slice blob, struct sshsig *out, struct err *e)
    MUST_CHECK;

/* The bytes that are signed: reserved is always empty, as OpenSSH has it. */
int sshsig_signed_data(const char *ns, const char *hash, struct slice msg,
    struct buf *out) MUST_CHECK;

/*
 * Did s->key sign msg under ns?  ERR_BADSIG: another namespace (says so) or
 * does not verify.  flags may be NULL.
 */
int sshsig_verify(const struct sshsig *s, const char *ns, struct slice msg,
    struct sk_flags *flags, struct err *e) MUST_CHECK;

/* Armor for a signature blob that some key made over sshsig_signed_data(). */
int sshsig_add_armor(struct str *out, const struct pubkey *key, const char *ns,
    const char *hash, struct slice sig) MUST_CHECK;

#endif
