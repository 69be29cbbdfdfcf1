/* SPDX-License-Identifier: ISC */
/*
 * The one decision of a certificate authority, as a pure function.
 *
 * issue_decide() is given the policy in force, the standing of people and keys,
 * a request, the decisions about it in the order of the log, and the time.  It
 * says: refused, and by which rule; waiting, for how many of which group; or
 * the certificate that must be signed.  The signer, the engineer who asks what
 * would be needed, and the auditor years later call the same function.
 */
#ifndef CA_ISSUE_ISSUE_H
#define CA_ISSUE_ISSUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/ssh/cert.h"
#include "lib/statement/statement.h"
#include "lib/trust/policy.h"
#include "lib/trust/standing.h"

#define ISSUE_BACKDATE	 60	/* valid_after is this before the start */
#define ISSUE_SKEW	 300	/* `at` may lie this far ahead of now */
#define ISSUE_DECISIONS_MAX 256

enum issue_verdict { ISSUE_REFUSED = 1, ISSUE_WAITING, ISSUE_READY };

struct issue_input {
	const struct policy    *policy;
	const struct standing  *standing;
	const struct hash      *realm;
	const struct statement *request;	/* verified, ST_REQUEST or
						   ST_RENEW */
	/* Verified ST_DECISIONs in log order; those about other requests and
	   those that do not count are named and passed over.  Of a renewal: what
	   it stands on, the token, acceptance and rename that hold, by which
	   they are leaves. */
	const struct statement *const *decisions;
	size_t			n_decisions;
	int64_t			now;
	const struct pubkey    *ca;	/* who will sign: one of authorities
					   user (or host) of the policy; NULL:
					   its first, for those who ask */
	const uint8_t	       *nonce;	/* CERT_NONCE_LEN; NULL: zeros, for
					   those who only ask */
	/* For the question "what would be needed": the request need not be
	   signed, and `who` stands for its author.  Ignored where it is
	   signed. */
	const struct person    *who;	/* NULL: the request's author */
};

/* A term of `approve:` and how far it is met. */
struct issue_term {
	const char *group;	/* borrowed from the policy */
	unsigned    need, have;
};

struct issue_result {		/* issue_result_clear */
	enum issue_verdict verdict;
	const char	  *rule;	/* a short static name, see below */
	struct err	   why;		/* refused or waiting: the sentence */
	const struct grant *grant;	/* NULL when it has none */
	const struct person *requester;	/* NULL when unknown */
	struct issue_term  terms[POLICY_TERMS_MAX];
	size_t		   n_terms;
	struct strs	   approvers;	/* persons counted */
	size_t		  *counted;	/* indexes into decisions, ascending */
	size_t		   n_counted;
	struct strs	   passed_over;	/* "olga@...: own request": a sentence a
					   decision that did not count */
	struct outcome	   shown;	/* what a decider answers for; filled
					   whenever grant is */
	int64_t		   start, end;	/* ready: of the certificate */
	struct cert	   cert;	/* ready: all but the signature */
};

/* What a request, or renewal, is for. */
enum cert_kind issue_kind(const struct statement *request);

/* Does it ask for a certificate: a request, or a renewal? */
bool issue_is_request(const struct statement *s);
/* Is it of a type that counts about such a one: a decision; token, acceptance or
 * rename. */
bool issue_may_count(const struct statement *request,
    const struct statement *s);

void issue_result_init(struct issue_result *r);
void issue_result_clear(struct issue_result *r);

/*
 * 0 with r filled, whatever the verdict.  r must be initialised; what it held
 * is cleared, and on failure it is as after issue_result_init().  Borrowed
 * pointers in r live as long as the policy.
 *
 * The rules, in the order they are asked: realm policy-expired unverified
 * author grant kind person; future expired principals length reason ticket
 * subject source force-command extensions touch pin ahead revoked; denied;
 * approvals (waiting); hours past authority lint; ready.
 *
 * Of a renewal: realm policy-expired host future expired grant acceptance
 * subject revoked; hours past authority lint; ready.  requester stays NULL.
 *
 * ERR_PARSE (not a request), ERR_LIMIT (more than ISSUE_DECISIONS_MAX
 * decisions), ERR_NOMEM.
 */
int issue_decide(const struct issue_input *in, struct issue_result *r,
    struct err *e) MUST_CHECK;

/* 63 bits of the request's hash, never 0. */
uint64_t issue_serial(const struct hash *request);
/* "person/" and 32 hex digits of the request's hash. */
#define ISSUE_KEY_ID_MAX (ID_MAX + 1 + 32 + 1)
void issue_key_id(const char *person, const struct hash *request,
    char out[ISSUE_KEY_ID_MAX]);

/* A matching of distinct persons to terms (each term n times).  member(ctx,
 * person, term) says who may stand where.  Fills have[] with a largest
 * matching.  Persons past ISSUE_DECISIONS_MAX and terms past POLICY_TERMS_MAX
 * are not matched.  Exposed for its tests. */
void issue_match(size_t n_persons, size_t n_terms, const unsigned need[],
    bool (*member)(void *ctx, size_t person, size_t term), void *ctx,
    unsigned have[]);

/*
 * The record of a certificate, for people and for tools that read tables: who,
 * when, why, how long, which restrictions, who approved.  A pure function of
 * the leaves: the to-be-signed leaf at index and the statements it names.
 * Appends to out, which is not whole on failure.  path, NULL allowed, gets the
 * name under which it is kept, "records/YYYY/MM/DD/SERIAL.json".
 *
 * ERR_CORRUPT	request or decisions are not those that the leaf names
 * ERR_PARSE	its certificate cannot be read
 * ERR_NOMEM
 */
#define ISSUE_PATH_MAX 64
struct issue_leaf;
int issue_record(const struct issue_leaf *leaf, uint64_t index,
    const struct statement *request, const struct statement *const *decisions,
    size_t n_decisions, struct str *out, char path[ISSUE_PATH_MAX],
    struct err *e) MUST_CHECK;
/* "records/YYYY/MM/DD/SERIAL.json" and "...-cert.pub". */
void issue_record_path(uint64_t valid_after, uint64_t serial,
    const char *suffix, char out[ISSUE_PATH_MAX]);

/* "mon,tue 07:00-20:00 Europe/Vilnius" */
void issue_hours_text(const struct hours *h, struct str *out);

#endif
