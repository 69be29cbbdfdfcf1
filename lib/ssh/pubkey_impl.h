/* SPDX-License-Identifier: ISC */
/*
 * What a family of public keys is made of.  For the files of lib/ssh alone:
 * pubkey.c has the table, pubkey_*.c a row or a few each, cert.c reads the
 * public part in the middle of a certificate.
 */
#ifndef LIB_SSH_PUBKEY_IMPL_H
#define LIB_SSH_PUBKEY_IMPL_H

#include "lib/ssh/pubkey.h"

struct ecdsa_pub;
struct rsa_pub;

struct pubkey {
	const struct pubkey_impl *impl;
	unsigned bits;
	size_t public_at;	/* where the public part starts in blob */
	size_t blob_len;
	const uint8_t *ed25519;	/* 32 bytes in blob, or NULL */
	struct ecdsa_pub *ecdsa; /* or NULL */
	struct rsa_pub *rsa;	/* or NULL */
	char *application;	/* of sk-*: in the memory after blob; else "" */
	uint8_t blob[];
};

struct pubkey_impl {
	enum pubkey_type type;
	const char *name;	/* at rest and on the wire */
	const char *short_name;
	const char *cert_name;
	const char *curve;	/* "nistp256", or NULL */
	unsigned bits;
	unsigned n_strings;	/* of which the public part consists */
	bool is_sk;

	/* Read and check the public part, which lies in k->blob. */
	int (*parse)(struct view *v, struct pubkey *k, struct err *e);
	/* The algorithm names a signature may have; NULL: impl->name alone. */
	bool (*alg_ok)(struct slice alg);
	/*
	 * sig: the signature string; rest: what follows it, to be eaten.
	 * As pubkey_verify(), with the sentence left to it where r is
	 * ERR_BADSIG or ERR_CRYPTO.
	 */
	int (*verify)(const struct pubkey *k, struct slice alg,
	    struct slice sig, struct view *rest, struct slice msg,
	    struct sk_flags *flags, struct err *e);
};

extern const struct pubkey_impl pubkey_impl_ed25519;
extern const struct pubkey_impl pubkey_impl_ecdsa256;
extern const struct pubkey_impl pubkey_impl_ecdsa384;
extern const struct pubkey_impl pubkey_impl_ecdsa521;
extern const struct pubkey_impl pubkey_impl_rsa;
extern const struct pubkey_impl pubkey_impl_sk_ed25519;
extern const struct pubkey_impl pubkey_impl_sk_ecdsa256;

/* The row whose plain name, or with cert whose certificate name, this is, or
 * NULL. */
const struct pubkey_impl *pubkey_impl_find(struct slice name, bool cert);
const struct pubkey_impl *pubkey_impl_of(enum pubkey_type t);

/* Eat a public part of this family from the front of v and make a key of it.
 * ERR_PARSE, ERR_LIMIT, ERR_NOMEM. */
int pubkey_parse_public(const struct pubkey_impl *impl, struct view *v,
    struct pubkey **out, struct err *e) MUST_CHECK;

/* The pieces that a family and its sk-* sibling share. */
int pubkey_parse_ed25519(struct view *v, struct pubkey *k, struct err *e)
    MUST_CHECK;
int pubkey_verify_ed25519(const struct pubkey *k, struct slice sig,
    struct slice msg, struct err *e) MUST_CHECK;
int pubkey_parse_ecdsa(struct view *v, struct pubkey *k, struct err *e)
    MUST_CHECK;
int pubkey_verify_ecdsa(const struct pubkey *k, struct slice sig,
    struct slice msg, struct err *e) MUST_CHECK;

#endif
