/* SPDX-License-Identifier: ISC */
/*
 * A private key that signs: read from a file, or left in an ssh-agent.
 *
 * Secrets lie in locked memory, are wiped when freed, never logged and never
 * on a command line.  Not thread safe, but several keys may be used by several
 * threads, one each, and one by several where key_is_shared() says so.
 */
#ifndef LIB_KEY_KEY_H
#define LIB_KEY_KEY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/ssh/pubkey.h"

#define KEY_FILE_MAX   65536
#define PASSPHRASE_MAX 1024

struct key; /* opaque */

/*
 * Asked for a passphrase only when a file is encrypted.  Fills at most max
 * bytes (no NUL needed) and sets *n; non-zero: there is none, give up.
 */
struct passphrase {
	int (*ask)(void *ctx, const char *what, char *out, size_t max,
	    size_t *n);
	void *ctx;
};

/*
 * Load a private key: OpenSSH's own format (unencrypted, or bcrypt with
 * aes256-ctr, aes128-ctr, aes256-cbc and the other AES modes ssh-keygen -Z
 * offers that OpenSSL has), PEM (PKCS#1, SEC 1, PKCS#8, encrypted or not) of
 * Ed25519, ECDSA, RSA.  The file must not be readable by group or others, nor
 * owned by somebody else (root or the caller), as ssh(1) demands.
 *
 * ERR_NOTFOUND, ERR_DENIED (mode, owner), ERR_PARSE, ERR_BADSIG (wrong
 * passphrase), ERR_LIMIT (size, more than BCRYPT_ROUNDS_MAX rounds), ERR_CRYPTO,
 * ERR_NOMEM.  pass may be NULL: encrypted is ERR_DENIED.
 */
int key_load_file(const char *path, const struct passphrase *pass,
    struct key **out, struct err *e) MUST_CHECK;
/* The same, and the file may belong to that user as well: root looks after keys
 * that are a service's.  NULL, or a user that is not on this machine: nobody
 * else. */
int key_load_file_of(const char *path, const char *user,
    const struct passphrase *pass, struct key **out, struct err *e) MUST_CHECK;
int key_parse(const char *name, struct slice text,
    const struct passphrase *pass, struct key **out, struct err *e) MUST_CHECK;

/*
 * A key that stays in the ssh-agent listening on sock (NULL: $SSH_AUTH_SOCK).
 * One connection a key, made anew when the agent was; frames of at most 256 KiB.
 * sk-* keys too.
 * ERR_NOTFOUND: the agent has no such key; ERR_NET: no agent, too slow (10 s to
 * list, 120 s to sign), not its protocol; ERR_DENIED: it refused; ERR_LIMIT.
 */
int key_from_agent(const char *sock, const struct pubkey *which,
    struct key **out, struct err *e) MUST_CHECK;

/* A new key of this type: PUBKEY_ED25519, ECDSA256/384/521 or RSA (3072). */
int key_generate(enum pubkey_type t, struct key **out, struct err *e)
    MUST_CHECK;

void key_free(struct key *k);

const struct pubkey *key_public(const struct key *k); /* borrowed */

/* What its file says of it, a line of clean text; "" where there is none or its
 * format has none.  Whoever has the file can write anything there.  Borrowed. */
const char *key_comment(const struct key *k);

/* May several threads sign with it at once? */
bool key_is_shared(const struct key *k);
/* What its signatures say: "ssh-ed25519", "rsa-sha2-512" and so on. */
const char *key_sig_alg(const struct key *k);

/*
 * Append the SSH signature blob (string algorithm, string signature) over msg.
 * RSA always signs rsa-sha2-512; an agent that answers with another algorithm
 * or another key's signature is ERR_CRYPTO.  ERR_NET, ERR_LIMIT, ERR_NOMEM.
 */
int key_sign(struct key *k, struct slice msg, struct buf *out, struct err *e)
    MUST_CHECK;

/* The raw 64 bytes of an Ed25519 key over msg: for signed notes. */
int key_sign_ed25519(struct key *k, struct slice msg, uint8_t out[64],
    struct err *e) MUST_CHECK;

/* Appends an armored SSHSIG (sha512) over msg under ns. */
int key_sshsig(struct key *k, const char *ns, struct slice msg,
    struct str *out, struct err *e) MUST_CHECK;

/*
 * The OpenSSH private key file: unencrypted when pass is NULL, else bcrypt
 * with aes256-ctr, 24 rounds.  comment may be "".  Not for agent keys.
 */
int key_encode_openssh(const struct key *k, const char *comment,
    const char *pass, size_t pass_len, struct str *out, struct err *e)
    MUST_CHECK;

#endif
