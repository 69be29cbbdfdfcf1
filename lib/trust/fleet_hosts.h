/* SPDX-License-Identifier: ISC */
/*
 * Who is which host: what enrol, accept, reject, rename, forget and token
 * statements have made of a fleet, in the order of a log.
 *
 *  enrol	signed by both keys it names; waits, and gives nothing.
 *  accept	by an operator; or by the key of a token, as many times as it
 *		says, until it expires, for ids and names of its pattern, with
 *		roles of its list, and with FLEET_TOKEN_RENEW_MAX at most.
 *		It names an enrol statement that waits (or, with `replace`,
 *		the one of the host it replaces) and the same keys.
 *  reject	by an operator: a host that was accepted, which keeps its id and
 *		keys until it is replaced or forgotten, or one that asks.
 *  rename	by an operator: to an id that nobody has; a host FLEET_RENAMES_MAX
 *		times, then it is accepted anew.
 *  forget	by an operator: id and keys are free again.
 *  token	by an operator.
 *
 * A key is of one host, in whatever role, and never a person's or an
 * authority's.  A statement counts once; one that is older than what was last
 * said of the same id or key is refused, so nothing held back is replayed.
 *
 * Renewals and reports are judged against it.  Everything is a function of the
 * statements and of the policies they were judged under.  Pure.
 */
#ifndef LIB_TRUST_FLEET_HOSTS_H
#define LIB_TRUST_FLEET_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/ssh/pubkey.h"
#include "lib/statement/statement.h"
#include "lib/trust/bundle.h"
#include "lib/trust/policy.h"

#define FLEET_HOSTS_MAX	      100000
#define FLEET_ENROLS_MAX      10000	/* that wait, and as many rejected; the
					   oldest that waits makes room */
#define FLEET_TOKENS_MAX      10000
#define FLEET_SEEN_MAX	      4000000	/* statements, ids and keys known */
#define FLEET_ENROL_NAMES     4		/* statements kept of one that asks */
#define FLEET_RENAMES_MAX     64	/* of one acceptance */
#define FLEET_HOSTS_AHEAD     300	/* seconds `at` may lie ahead */
#define FLEET_TOKEN_RENEW_MAX (366 * 86400)	/* seconds after `at` */

struct fleet_hosts; /* opaque */
struct standing;

/* All borrowed until the next change. */
struct fleet_host_row {
	const char  *id;
	struct hash  accept;		/* the acceptance that holds */
	struct hash  enrol;		/* that it names */
	const struct pubkey *host_key, *transport_key;
	const struct strs *names, *roles;
	const struct strs    *was;	/* ids it had since its acceptance */
	int64_t	     renew_until, since;	/* since: of the acceptance */
	bool	     rejected;
	const char  *reason;		/* of the rejection, or NULL */
	bool	     by_token;
	struct hash  token;
	struct hash  renamed;		/* the rename that gave id and names */
	bool	     has_renamed;
	const struct hash *renames;	/* each since the acceptance, the last is
					   `renamed`: a host that was off follows
					   them one by one */
	size_t	     n_renames;
	uint64_t     seq;		/* of the last report; 0: none */
	bool	     has_report;
	struct hash  last_report;
	uint64_t     missing;		/* reports just before that one */
};

/* One that asks. */
struct fleet_enrol_row {
	struct hash  enrol;		/* the newest of these two keys */
	const struct pubkey *host_key, *transport_key;
	const char  *hostname, *by;	/* what it claims */
	int64_t	     since;		/* of the first */
	bool	     rejected;
	const char  *reason;		/* of the rejection, or NULL */
};

struct fleet_token_row {
	struct hash  token;
	const struct pubkey *key;
	const char  *hosts, *by;
	const struct strs *roles;
	uint64_t     count, used;
	int64_t	     expires;
};

int  fleet_hosts_new(struct fleet_hosts **out) MUST_CHECK; /* ERR_NOMEM */
void fleet_hosts_free(struct fleet_hosts *h);

/*
 * What a statement is judged under.  standing: operators whose key or person
 * is revoked do not count, nor do tokens and hosts whose key is; NULL: nobody
 * is known to be revoked.
 */
struct fleet_judge {
	const struct policy   *policy;	/* root.yaml alone, or whole */
	const struct hash     *realm;
	const struct standing *standing;
	int64_t		       now;	/* 0: it was looked at when it became
					   a leaf; no clock is asked */
};

/*
 * Apply a verified statement.  FLEET_HOSTS_AGAIN: known already, or it would
 * change nothing; e has the reason.  fleet_hosts_check() says the same and
 * changes nothing.  Nothing is changed on failure.
 *
 * ERR_PARSE	not one of the six types
 * ERR_BADSIG	not verified; an enrol without both signatures
 * ERR_DENIED	another realm; not by an operator who signed; a token does not
 *		give it; from the future; keys of others; rejected; `replace`
 *		is not the acceptance that holds
 * ERR_EXISTS	the id is a host's
 * ERR_NOTFOUND	no such host, enrol or token
 * ERR_ROLLBACK	older than what was last said of that id or key
 * ERR_EXPIRED	the token is, or renew_until is past
 * ERR_LIMIT, ERR_NOMEM
 */
#define FLEET_HOSTS_AGAIN 1
int fleet_hosts_fold(struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct err *e) MUST_CHECK;
int fleet_hosts_check(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct err *e) MUST_CHECK;
/* The same under what t trusts.  ERR_DENIED where that is nothing. */
int fleet_hosts_apply(struct fleet_hosts *h, const struct trust *t,
    const struct statement *s, int64_t now, struct err *e) MUST_CHECK;

/*
 * A verified report, by the host it is of: signed by its host key, one more
 * than the report before and naming it.  0, FLEET_HOSTS_AGAIN (the last one
 * again) or FLEET_HOSTS_GAP: it is accepted, and reports between are missing
 * or another one was held; e has the sentence.  The first after an acceptance
 * may begin anew at 1.  row (NULL allowed) gets the host.
 *
 * ERR_BADSIG	not verified
 * ERR_DENIED	another realm, not signed by the host's key, rejected
 * ERR_NOTFOUND	no such host
 * ERR_ROLLBACK	a number that was there already
 * ERR_PARSE	not a report
 */
#define FLEET_HOSTS_GAP 2
int fleet_hosts_report(struct fleet_hosts *h, const struct hash *realm,
    const struct statement *s, const struct fleet_host_row **row,
    struct err *e) MUST_CHECK;
int fleet_hosts_report_check(const struct fleet_hosts *h,
    const struct hash *realm, const struct statement *s,
    const struct fleet_host_row **row, struct err *e) MUST_CHECK;

/*
 * May this host have its certificate renewed?  A verified renewal that names
 * the acceptance that holds, signed by the host key.  row as above.
 *
 * ERR_BADSIG, ERR_DENIED, ERR_NOTFOUND, ERR_PARSE as above
 * ERR_EXPIRED	past renew_until, by `at` or by the clock
 */
int fleet_hosts_renew(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, const struct fleet_host_row **row,
    struct err *e) MUST_CHECK;

/* Lookups: NULL where there is none.  A key's hash is the SHA-256 of its blob.
 * Rejected hosts are found too: look at the row. */
const struct fleet_host_row *fleet_hosts_by_id(const struct fleet_hosts *h,
    const char *id);
const struct fleet_host_row *fleet_hosts_by_transport(
    const struct fleet_hosts *h, const struct hash *key);
const struct fleet_host_row *fleet_hosts_by_host_key(
    const struct fleet_hosts *h, const struct hash *key);
const struct fleet_host_row *fleet_hosts_by_accept(
    const struct fleet_hosts *h, const struct hash *accept);
/* By the name of any enrol statement kept of it. */
const struct fleet_enrol_row *fleet_hosts_enrol(const struct fleet_hosts *h,
    const struct hash *enrol);
/* The host that has one of its keys already, which it could replace. */
const struct fleet_host_row *fleet_hosts_enrol_of(const struct fleet_hosts *h,
    const struct fleet_enrol_row *asks);
const struct fleet_token_row *fleet_hosts_token(const struct fleet_hosts *h,
    const struct hash *token);

/* What has become of a host with these two keys. */
enum fleet_host_state {
	FLEET_UNKNOWN,
	FLEET_WAITING,
	FLEET_ACCEPTED,
	FLEET_REJECTED,
};
enum fleet_host_state fleet_hosts_state(const struct fleet_hosts *h,
    const struct pubkey *host_key, const struct pubkey *transport_key,
    const struct fleet_host_row **row);

/* Each of them, in the order they came; each() non-zero stops and is
 * returned. */
size_t fleet_hosts_count(const struct fleet_hosts *h);
int fleet_hosts_each(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_host_row *row), void *ctx);
int fleet_hosts_each_enrol(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_enrol_row *row), void *ctx);
int fleet_hosts_each_token(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_token_row *row), void *ctx);

#endif
