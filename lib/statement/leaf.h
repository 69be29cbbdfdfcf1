/* SPDX-License-Identifier: ISC */
/*
 * Leaves of the log.
 *
 * A leaf is a statement as it was received, or one line of JSON and its LF of
 * a type that no person signs:
 *
 *   issue	a certificate that is about to be signed, and what it came of
 *   certificate the certificate that was signed
 *   tick	the daemon's pulse
 *
 * lib/statement/README.md lists every field.  At most LEAF_MAX bytes.  Pure.
 */
#ifndef LIB_STATEMENT_LEAF_H
#define LIB_STATEMENT_LEAF_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"

#define LEAF_MAX 65535
#define ISSUE_RULES 1		/* which rules ca/issue applied */

enum leaf_kind {
	LEAF_STATEMENT = 1,
	LEAF_ISSUE,
	LEAF_CERTIFICATE,
	LEAF_TICK,
};

/* The to-be-signed leaf: everything that ca/issue was given. */
struct issue_leaf {
	struct hash  realm;
	int64_t	     now;
	uint64_t     rules;
	uint64_t     policy_version;
	struct hash  policy;		/* bundle statement */
	struct hash  request;
	struct hash *decisions;		/* those counted, in log order */
	size_t	     n_decisions;
	uint64_t     size;		/* leaves whose revocations and key
					   statements were applied */
	uint8_t	    *tbs;
	size_t	     tbs_len;
};

struct certificate_leaf {
	struct hash realm;
	struct hash request;
	uint64_t    issue_index;	/* the to-be-signed leaf */
	uint8_t	   *blob;		/* tbs and signature */
	size_t	    blob_len;
};

struct tick_leaf {
	struct hash realm;
	int64_t	    at;
	uint64_t    root_version, policy_version, krl_version;
};

struct leaf {			/* leaf_init / leaf_clear */
	enum leaf_kind kind;
	union {
		struct statement	s;
		struct issue_leaf	i;
		struct certificate_leaf c;
		struct tick_leaf	t;
	} u;
};

void leaf_init(struct leaf *l);
void leaf_clear(struct leaf *l);
/* ERR_PARSE, ERR_LIMIT, ERR_NOMEM; name for messages. */
int leaf_parse(const char *name, struct slice bytes, struct leaf *l,
    struct err *e) MUST_CHECK;

/* Append the bytes of the leaf, which leaf_parse() takes back.  ERR_LIMIT: more
 * decisions or a longer certificate than a leaf may have; ERR_NOMEM. */
int issue_leaf_encode(const struct issue_leaf *l, struct str *out) MUST_CHECK;
int certificate_leaf_encode(const struct certificate_leaf *l,
    struct str *out) MUST_CHECK;
int tick_leaf_encode(const struct tick_leaf *l, struct str *out) MUST_CHECK;

/*
 * What the ledger indexes of a leaf: a tag and a name of 32 bytes.  Looks at
 * the first bytes alone and never fails: what it does not know is LTAG_OTHER
 * with the hash of the whole.
 */
enum leaf_tag {
	LTAG_OTHER = 0,
	LTAG_REQUEST,		/* name: the statement's */
	LTAG_DECISION,
	LTAG_REVOKE,
	LTAG_KEY,
	LTAG_ROOT,
	LTAG_POLICY,
	LTAG_KRL,
	LTAG_ISSUE,		/* name: leaf_serial_name() */
	LTAG_CERTIFICATE,	/* name: leaf_serial_name() */
	LTAG_TICK,
	LTAG_KEY_DECISION,	/* a decision that names key statements */
	LTAG_DECIDES,		/* a further name of a decision: each request
				   and key statement it is about */
	LTAG_FLEET,		/* as a request: the statement's name */
	LTAG_JOB,
	LTAG_ENROL,
	LTAG_ACCEPT,
	LTAG_REJECT,
	LTAG_RENAME,
	LTAG_FORGET,
	LTAG_TOKEN,
	LTAG_RENEW,
	LTAG_REPORT,
};

/* The serial of a request's certificate: 63 bits of its hash, never 0. */
uint64_t leaf_serial(const struct hash *request);
/* Eight bytes of serial and zeros: certificates are looked up by what is in
 * them, and two requests that come to one serial are found out. */
void leaf_serial_name(uint64_t serial, struct hash *name);

void leaf_classify(struct slice bytes, uint8_t *tag, struct hash *name);
/* The same for leaves that no person signs, without a hash: LTAG_ISSUE or
 * LTAG_CERTIFICATE and the serial; LTAG_OTHER, 0 for every other leaf. */
uint8_t leaf_serial_of(struct slice bytes, uint64_t *serial);
/* The tag of a type of statement (LTAG_DECISION for decisions of every kind);
 * LTAG_OTHER for what is not a type. */
uint8_t leaf_tag_of_type(enum statement_type t);
/* Calls add(LTAG_DECIDES, hash) for each request and key statement that a
 * decision is about; nothing for other leaves, and never fails. */
void leaf_names(struct slice bytes,
    void (*add)(void *ctx, uint8_t tag, const struct hash *name), void *ctx);

#endif
