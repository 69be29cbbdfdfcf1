/* SPDX-License-Identifier: ISC */
/*
 * SSH public keys: ssh-ed25519, ecdsa-sha2-nistp{256,384,521}, ssh-rsa,
 * sk-ssh-ed25519@openssh.com, sk-ecdsa-sha2-nistp256@openssh.com
 * (RFC 4253 6.6, RFC 5656, RFC 8709, PROTOCOL.u2f).
 *
 * A pubkey is immutable and keeps its wire form, so equality is a comparison
 * of bytes.  Parsing accepts one encoding alone: minimal mpints, points on the
 * curve and not of small order, RSA moduli of 2048 to 16384 bits (ERR_LIMIT)
 * with an odd exponent of 3 up to 64 bits, which is what OpenSSL verifies with.
 * What else a certificate authority demands is in lib/ssh/lint.h.  Pure.
 */
#ifndef LIB_SSH_PUBKEY_H
#define LIB_SSH_PUBKEY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define PUBKEY_BLOB_MAX 8192
#define PUBKEY_LINE_MAX 16384	/* an authorized_keys style line */

enum pubkey_type {
	PUBKEY_ED25519 = 1,
	PUBKEY_ECDSA256,
	PUBKEY_ECDSA384,
	PUBKEY_ECDSA521,
	PUBKEY_RSA,
	PUBKEY_SK_ED25519,
	PUBKEY_SK_ECDSA256,
};

struct pubkey; /* opaque */

/* What a signature by a sk-* key says; zero for the others. */
struct sk_flags {
	bool	 is_sk;
	bool	 present;	/* touched (UP, 0x01) */
	bool	 verified;	/* PIN or biometry (UV, 0x04) */
	uint32_t counter;
};

/* ERR_PARSE (which field), ERR_LIMIT, ERR_NOMEM.  Everything must be eaten. */
int pubkey_parse(struct slice blob, struct pubkey **out, struct err *e)
    MUST_CHECK;
/*
 * "TYPE BASE64 [COMMENT]", one line without options, an end of line allowed.
 * comment may be NULL; else a new string ("" where there is none), which may
 * not contain control bytes.  A certificate line is ERR_PARSE and says so.
 */
int  pubkey_parse_line(const char *line, size_t n, struct pubkey **out,
     char **comment, struct err *e) MUST_CHECK;
int  pubkey_dup(const struct pubkey *k, struct pubkey **out) MUST_CHECK;
void pubkey_free(struct pubkey *k);

enum pubkey_type pubkey_type(const struct pubkey *k);
/* "ssh-ed25519" and so on: the type string at rest. */
const char *pubkey_type_name(const struct pubkey *k);
/* "ED25519", "ECDSA", "RSA", "ED25519-SK", "ECDSA-SK", as ssh-keygen prints. */
const char *pubkey_short_name(const struct pubkey *k);
bool	     pubkey_is_sk(const struct pubkey *k);
unsigned     pubkey_bits(const struct pubkey *k);
const char  *pubkey_application(const struct pubkey *k); /* sk-*: else "" */
struct slice pubkey_blob(const struct pubkey *k);
/* The blob after its type string: the public part of a certificate. */
struct slice pubkey_public_part(const struct pubkey *k);
bool	     pubkey_equal(const struct pubkey *a, const struct pubkey *b);
/* For lookups and sorting: as memcmp of the blobs, shorter first. */
int	     pubkey_compare(const struct pubkey *a, const struct pubkey *b);
/* SHA-256 of the blob: what a fingerprint shows, and what tables know it by. */
void	     pubkey_hash(const struct pubkey *k, struct hash *out);
void	     pubkey_fingerprint(const struct pubkey *k,
		 char out[FINGERPRINT_MAX]);
/* "TYPE BASE64", and " COMMENT" where comment is not NULL or empty. */
void	     pubkey_add_line(struct str *s, const struct pubkey *k,
		 const char *comment);
/* The 32 bytes of an Ed25519 key (not sk), else NULL; borrowed. */
const uint8_t *pubkey_ed25519(const struct pubkey *k);

/*
 * Verify an SSH signature blob (string algorithm, string signature, and for
 * sk-* flags and counter) over msg.  RSA: rsa-sha2-256 and rsa-sha2-512 alone.
 * alg, when not NULL, is the only algorithm name accepted.  flags may be NULL.
 *
 * ERR_PARSE	malformed, or an algorithm that is not the key's
 * ERR_BADSIG	does not verify
 * ERR_NOMEM, ERR_CRYPTO
 */
int pubkey_verify(const struct pubkey *k, const char *alg, struct slice sig,
    struct slice msg, struct sk_flags *flags, struct err *e) MUST_CHECK;

#endif
