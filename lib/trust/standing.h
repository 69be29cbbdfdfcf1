/* SPDX-License-Identifier: ISC */
/*
 * Standing: what key statements, revocations and statements about hosts, in the
 * order of the log, have made of the policy.  Whose key is this now, and is he
 * still somebody?
 *
 * A standing is folded over the leaves of a log: standing_apply() with each act
 * (standing_is_act()) at its index, under the policy of that time.  The same
 * leaves give the same standing, which is what lets an auditor re-run a
 * decision of last year.  Pure.
 *
 *  key add	counts when signed by the new key and by a key that is the
 *		person's; at once where all groups of the person say `self`,
 *		else after thresholds.policy officers approved it, of whom
 *		none was revoked or ceased to be one before the last did.
 *  key retire	counts when signed by any key of the person.
 *  revoke	one officer: any serial, key id, person, user key.  Anybody:
 *		his own person, keys, serials, key ids.  A CA or log key: the
 *		root threshold of officers.
 *  hosts	as lib/trust/fleet_hosts.h says.
 *
 * Keys in root.yaml change with root.yaml alone, but can be revoked.
 * Revocation is for good.
 */
#ifndef LIB_TRUST_STANDING_H
#define LIB_TRUST_STANDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/krl.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_hosts.h"
#include "lib/trust/policy.h"

struct standing; /* opaque */

int  standing_new(struct standing **out) MUST_CHECK; /* ERR_NOMEM */
void standing_free(struct standing *s);
/* A deep copy, to try a statement before it is logged; it knows no hosts, who
 * are many and of one place. */
int  standing_dup(const struct standing *from, struct standing **out)
     MUST_CHECK;
/* The hosts of one become those of the other, which has none. */
void standing_move_hosts(struct standing *from, struct standing *to);

/* Is it of those that make a standing: key, revoke, a decision on keys, and
 * enrol, accept, reject, rename, forget, token? */
bool standing_is_act(const struct statement *s);
/* One of the last six? */
bool standing_is_about_host(enum statement_type t);

/*
 * Apply a verified statement of the log, of the realm asked about.  Answers
 * STANDING_IDLE when it changes nothing, with the reason in why (NULL allowed):
 * not entitled, waits for officers (ERR_WAIT), known already (ERR_EXISTS).  What
 * is no act is idle.  No clock is asked.  owner_of_serial tells whose
 * certificate a serial is (a person's id or NULL), for "anybody his own"; may be
 * NULL: nobody's.
 * ERR_NOMEM, ERR_LIMIT.
 */
#define STANDING_IDLE 1
int standing_apply(struct standing *st, const struct policy *p,
    const struct statement *s,
    const char *(*owner_of_serial)(void *ctx, uint64_t serial), void *ctx,
    struct err *why) MUST_CHECK;

/* One about a host, which is no leaf yet: by the clock as well (a token may have
 * expired).  As above; now 0 asks no clock. */
int standing_apply_host(struct standing *st, const struct policy *p,
    const struct statement *s, int64_t now, struct err *why) MUST_CHECK;

/*
 * The person whose key this is now, or NULL with the reason in why: nobody's,
 * retired, revoked, its person revoked or no longer in the policy.
 */
const struct person *standing_person_of_key(const struct standing *st,
    const struct policy *p, const struct pubkey *k, struct err *why);
/*
 * The author of a verified statement: the person named by `by`, if at least
 * one block is by a key that is his now; flags (NULL allowed) get the
 * strongest sk flags among his blocks.  NULL with the reason in why.
 */
const struct person *standing_author(const struct standing *st,
    const struct policy *p, const struct statement *s, struct sk_flags *flags,
    struct err *why);

/* A report, in the order of the log: as fleet_hosts_report().  ERR_NOTFOUND too
 * where nobody was accepted yet. */
int standing_report(struct standing *st, const struct hash *realm,
    const struct statement *s, struct err *e) MUST_CHECK;

/* Who is which host; NULL: nobody was accepted yet. */
const struct fleet_hosts *standing_hosts(const struct standing *st);

/* Does a revocation that counts name him, the key, the serial, the key id?  None
 * of them looks for the others. */
bool standing_person_revoked(const struct standing *st, const char *id);
bool standing_key_revoked(const struct standing *st, const struct pubkey *k);
bool standing_serial_revoked(const struct standing *st, uint64_t serial);
bool standing_key_id_revoked(const struct standing *st, const char *key_id);

/* Everything revoked, for the KRL: each() non-zero stops and is returned. */
struct standing_item {
	uint64_t	     serial;	/* or 0 */
	const char	    *key_id;	/* or NULL */
	const char	    *person;	/* or NULL */
	const struct pubkey *key;	/* or NULL */
};
int standing_each_revoked(const struct standing *st,
    int (*each)(void *ctx, const struct standing_item *i), void *ctx);
/* Persons' keys as they are now (policy's and added, less retired and
 * revoked): each() with the person's id. */
int standing_each_key(const struct standing *st, const struct policy *p,
    int (*each)(void *ctx, const struct person *who, const struct pubkey *k,
	const char *comment), void *ctx);
/* Each key of a person who is revoked, in the policy or added by a statement,
 * retired since or not: for the KRL. */
int standing_each_key_of_revoked(const struct standing *st,
    const struct policy *p,
    int (*each)(void *ctx, const struct pubkey *k), void *ctx);

#endif
