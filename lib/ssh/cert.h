/* SPDX-License-Identifier: ISC */
/*
 * OpenSSH certificates (PROTOCOL.certkeys; draft-ietf-sshm-cert-01).
 *
 * A struct cert is the content in the clear: filled by cert_parse() or by
 * whoever wants one signed.  "To be signed" (tbs) bytes run from the type
 * string to the CA key; a signed blob is tbs and one signature string.
 * Options are name and value; a flag's value is NULL.  Times are seconds,
 * UINT64_MAX is "forever".  Pure.
 */
#ifndef LIB_SSH_CERT_H
#define LIB_SSH_CERT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/ssh/pubkey.h"

#define CERT_MAX	    32768	/* bytes of a blob */
#define CERT_NONCE_LEN	    32
#define CERT_PRINCIPALS_MAX 256		/* as OpenSSH */
#define CERT_OPTIONS_MAX    32
#define CERT_OPTION_MAX	    8192	/* bytes of one value */
#define CERT_LINE_MAX	    49152	/* bytes of a "TYPE BASE64 COMMENT" line */

enum cert_kind { CERT_USER = 1, CERT_HOST = 2 };

struct cert_option {
	char *name;
	char *value;		/* NULL: a flag */
};

struct cert_options {
	struct cert_option v[CERT_OPTIONS_MAX];
	size_t		   n;
};

struct cert {			/* cert_init / cert_clear */
	struct pubkey	   *key;	/* the subject */
	uint8_t		   *nonce;
	size_t		    nonce_len;
	uint64_t	    serial;
	enum cert_kind	    kind;
	char		   *key_id;
	struct strs	    principals;
	uint64_t	    valid_after;
	uint64_t	    valid_before;
	struct cert_options critical;
	struct cert_options extensions;
	struct pubkey	   *ca;
	/* After cert_parse(): the signature blob and how much it covers. */
	uint8_t		   *signature;
	size_t		    signature_len;
	size_t		    tbs_len;
};

void cert_init(struct cert *c);
void cert_clear(struct cert *c);

/* "ssh-ed25519-cert-v01@openssh.com" and so on. */
const char *cert_type_name(enum pubkey_type t);

/* Insert sorted by name (strcmp); a name twice is ERR_EXISTS.  value NULL: a
 * flag.  Both are copied.  ERR_LIMIT, ERR_NOMEM. */
int cert_option_add(struct cert_options *o, const char *name,
    const char *value) MUST_CHECK;
/* The option, or NULL. */
const struct cert_option *cert_option_find(const struct cert_options *o,
    const char *name);
bool cert_options_equal(const struct cert_options *a,
    const struct cert_options *b);
void cert_options_clear(struct cert_options *o);

/* Append the to-be-signed bytes.  All fields but the signature must be set.
 * ERR_LIMIT: more principals, longer values or more bytes than above, or than
 * out may hold; ERR_NOMEM. */
int cert_encode_tbs(const struct cert *c, struct buf *out) MUST_CHECK;

/*
 * Parse what OpenSSH would accept, bytes for bytes: a signed blob, or with
 * cert_parse_tbs() to-be-signed bytes alone.  Does not check the signature.
 * c must be initialised and is replaced on success.  Options in any order and
 * flags given twice are kept as found only if order and uniqueness hold;
 * otherwise ERR_PARSE says which (Go refuses what OpenSSH tolerates).  So are
 * a reserved field that is not empty and a value that is not one string:
 * struct cert has no place for them, and what it holds encodes to the very
 * bytes that were parsed.
 */
int cert_parse(struct slice blob, struct cert *c, struct err *e) MUST_CHECK;
int cert_parse_tbs(struct slice tbs, struct cert *c, struct err *e) MUST_CHECK;

/* ERR_BADSIG unless the CA key named in it signed it.  blob is what was given
 * to cert_parse().  ERR_PARSE: the signature is malformed, or of an algorithm
 * that is not the CA key's.  ERR_NOMEM, ERR_CRYPTO. */
int cert_verify(const struct cert *c, struct slice blob, struct err *e)
    MUST_CHECK;
/* The same, and ERR_BADSIG unless that CA is this one: for who trusts a CA and
 * has many certificates of it, since a key that has verified once verifies
 * faster. */
int cert_verify_by(const struct cert *c, const struct pubkey *ca,
    struct slice blob, struct err *e) MUST_CHECK;

/*
 * "TYPE BASE64[ COMMENT]" of a signed blob, without an end of line; and its
 * inverse, which appends the blob to b.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM.
 */
int cert_add_line(struct str *s, struct slice blob, const char *comment)
    MUST_CHECK;
int cert_parse_line(const char *line, size_t n, struct buf *b, struct err *e)
    MUST_CHECK;

/*
 * The fields `ssh-keygen -L` prints, in its words and order, times in UTC.
 * Text that is not clean is escaped (ssh-keygen prints it raw); a certificate
 * to be signed lacks the "(using ALGORITHM)".
 */
void cert_print(struct str *s, const struct cert *c);

#endif
