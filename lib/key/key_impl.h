/* SPDX-License-Identifier: ISC */
/*
 * Inside lib/key: what a key consists of, and its backends as tables.  Not
 * for others; tests may look.
 */
#ifndef LIB_KEY_KEY_IMPL_H
#define LIB_KEY_KEY_IMPL_H

#include <openssl/types.h>
#include <stdbool.h>

#include "lib/key/key.h"

#define KEY_SIG_MAX 16384 /* an SSH signature blob, RSA of 16384 bits too */
#define KEY_RSA_BITS 3072 /* what key_generate() makes */

/* The cost that ssh-keygen gives an encrypted file. */
#define KEY_KDF_ROUNDS 24

/*
 * One way to hold a private key.  sign() appends the SSH signature blob;
 * private_put() appends the fields of the OpenSSH private format from the type
 * string on, and is NULL where the secret cannot be had.
 */
struct key_ops {
	int (*sign)(struct key *k, struct slice msg, struct buf *out,
	    struct err *e);
	int (*private_put)(const struct key *k, struct buf *out,
	    struct err *e);
	void (*free)(struct key *k);
	bool shared;		/* sign() may run in several threads at once */
};

struct key {
	const struct key_ops *ops;
	struct pubkey	     *pub;
	const char	     *alg; /* of its signatures */
	void		     *state; /* the backend's */
	char		     *comment; /* of its file, or NULL */
};

/* lib/key/key.c.  Takes pub and state also on failure. */
int key_new(const struct key_ops *ops, struct pubkey *pub, void *state,
    struct key **out, struct err *e) MUST_CHECK;
/* Sign something and verify it: public and private part are one key. */
int key_selftest(struct key *k, struct err *e) MUST_CHECK;

/*
 * Ask p for the passphrase of `what` into locked memory, *out[PASSPHRASE_MAX],
 * which the caller frees by secmem_free().  ERR_DENIED: nobody to ask, or
 * none given; ERR_LIMIT, ERR_NOMEM.
 */
int passphrase_get(const struct passphrase *p, const char *what, char **out,
    size_t *n, struct err *e) MUST_CHECK;

/* lib/key/key_ed25519.c */
int key_ed25519_new(const uint8_t *seed, struct key **out, struct err *e)
    MUST_CHECK;
int key_ed25519_generate(struct key **out, struct err *e) MUST_CHECK;
/* From the secret as OpenSSH stores it; pk must be its public half. */
int key_ed25519_read(struct view *v, struct key **out, struct err *e)
    MUST_CHECK;

/* lib/key/key_evp.c: ECDSA and RSA.  key_evp_new takes pkey, also on failure. */
int key_evp_new(EVP_PKEY *pkey, struct key **out, struct err *e) MUST_CHECK;
int key_evp_generate(enum pubkey_type t, struct key **out, struct err *e)
    MUST_CHECK;

/* lib/key/key_evp_read.c: the private fields after the type string. */
int key_ecdsa_read(struct view *v, struct key **out, struct err *e)
    MUST_CHECK;
int key_rsa_read(struct view *v, struct key **out, struct err *e) MUST_CHECK;

/* lib/key/key_openssh.c */
#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_END   "-----END OPENSSH PRIVATE KEY-----"
int key_openssh_parse(const char *name, struct slice text,
    const struct passphrase *pass, struct key **out, struct err *e) MUST_CHECK;
/* The public part alone, which is in the clear in an encrypted file too. */
int key_openssh_public(const char *name, struct slice text,
    struct pubkey **out, struct err *e) MUST_CHECK;

/* lib/key/openssh_cipher.c */
struct openssh_cipher {
	const char *name;     /* in the file */
	const char *evp_name; /* NULL: none */
	size_t	    block, key_len, iv_len, tag_len;
};
#define OPENSSH_SECRET_MAX 64 /* key_len + iv_len never exceeds it */
const struct openssh_cipher *openssh_cipher_find(struct slice name);
/*
 * en- or decrypt n bytes in place with key and initialisation vector in
 * secret; tag is read or written where tag_len is not 0.  ERR_BADSIG: the tag
 * does not fit; ERR_CRYPTO.
 */
int openssh_crypt(const struct openssh_cipher *c, bool encrypting,
    const uint8_t *secret, uint8_t *p, size_t n, uint8_t *tag) MUST_CHECK;

/* lib/key/key_pem.c */
int key_pem_parse(const char *name, struct slice text,
    const struct passphrase *pass, struct key **out, struct err *e) MUST_CHECK;

/*
 * lib/key/key_agent.c.  How long an agent may take to list its keys, and to
 * sign: somebody may have to find the token first, or to say yes.
 */
#define AGENT_LIST_MS	10000
#define AGENT_SIGN_MS	120000
#define AGENT_FRAME_MAX (256 * 1024)
#define AGENT_KEYS_MAX	2048
int key_agent_open(const char *sock, const struct pubkey *which, int list_ms,
    int sign_ms, struct key **out, struct err *e) MUST_CHECK;

/* lib/key/agent_conn.c */
enum {
	AGENT_FAILURE = 5,
	AGENT_SUCCESS = 6,
	AGENT_REQUEST_IDENTITIES = 11,
	AGENT_IDENTITIES_ANSWER = 12,
	AGENT_SIGN_REQUEST = 13,
	AGENT_SIGN_RESPONSE = 14,
	AGENT_REMOVE_IDENTITY = 18,
	AGENT_ADD_ID_CONSTRAINED = 25,
};

/* Connect, within ms; sock NULL: $SSH_AUTH_SOCK.  ERR_NET: no agent, or one that
 * takes nobody; ERR_LIMIT, ERR_SYS. */
int agent_dial(const char *sock, int ms, int *out, struct err *e) MUST_CHECK;
/*
 * Ask, a whole frame, and get the answer's body, after its type, in b.
 * AGENT_FAILURE is ERR_DENIED and leaves the connection as it is; everything
 * else that is not `want` closes it, and *fd is -1 from then on.
 */
int agent_call(int *fd, const struct buf *ask, uint8_t want, int ms,
    struct buf *b, struct view *answer, struct err *e) MUST_CHECK;
int agent_malformed(struct err *e);

#endif
