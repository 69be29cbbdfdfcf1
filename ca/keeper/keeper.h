/* SPDX-License-Identifier: ISC */
/*
 * The keeper: carries statements into the log and certificates out of it.
 *
 * It has no opinion that anybody must trust: it orders, looks up, and prepares
 * what the signer then checks anew.  A batch goes through keeper_prepare()
 * (what ca/issue gives, and the leaves that must be durable first), the
 * ledger's one commit, the signer, and keeper_finish() (the signed certificates
 * as leaves).
 */
#ifndef CA_KEEPER_KEEPER_H
#define CA_KEEPER_KEEPER_H

#include <stdint.h>

#include "ca/issue/issue.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/ledger/ledger.h"
#include "lib/statement/leaf.h"
#include "lib/trust/bundle.h"
#include "lib/trust/standing.h"

#define KEEPER_BATCH_MAX 1000	/* requests of one batch */

struct keeper; /* opaque */

/*
 * A keeper over an open ledger and a verified policy, both borrowed.  Replays
 * the acts of the log into a standing; earlier
 * policies come from dir/bundle.  ERR_CORRUPT, ERR_NOTFOUND, ERR_NOMEM.
 */
int  keeper_new(const char *dir, struct ledger *l, const struct trust *t,
     struct keeper **out, struct err *e) MUST_CHECK;
void keeper_free(struct keeper *k);
const struct standing *keeper_standing(const struct keeper *k);

/*
 * The acts of the log (standing_is_act()) in its order, verified, each with the
 * bundle statement that was in force then (NULL: none was logged yet); each()
 * non-zero ends it and is returned.  ERR_CORRUPT, ERR_BADSIG, ERR_NOMEM.
 */
typedef int keeper_act(void *ctx, const struct hash *bundle,
    const struct statement *s, struct err *e);
int keeper_each_act(struct ledger *l, keeper_act *each, void *ctx,
    struct err *e) MUST_CHECK;
/* Whose certificate is that serial, or NULL; valid until asked again.  For
 * standing_apply(). */
const char *keeper_owner(void *keeper, uint64_t serial);

/* One request on its way.  In: the statements, verified or not. */
struct keeper_item {		/* keeper_item_clear */
	struct statement  *request;	/* borrowed */
	struct statement **given;	/* decisions that came with it; borrowed */
	size_t		   n_given;
	struct err	  *e;		/* where the reason goes; borrowed, NULL:
					   nobody wants it */

	struct issue_result *result;	/* borrowed, initialised: where the
					   result of a fresh decision goes; NULL:
					   nobody wants it */

	/* Out: */
	int		   r;	/* 0: a certificate; ERR_WAIT, ERR_DENIED, ... */
	struct strs	   notes;	/* decisions passed over: a sentence each */
	struct issue_leaf  leaf;
	uint64_t	   index;	/* of that leaf, once committed */
	bool		   again;	/* the leaf was in the log before */
	struct buf	  *cert;	/* signed, once there; owned */
	struct str	   line;	/* as a file has it, with its LF: by
					   local_issue(), but in LOCAL_SERVE */
	uint64_t	   valid_after, valid_before;	/* of it; likewise */

	/* Inside: decisions as they count, and those read from the log. */
	const struct statement **decisions;
	size_t		   n_decisions;
	struct statement  *logged;
	size_t		   n_logged;
	const struct statement **counted;
	size_t		   n_counted;
	bool		   record;	/* its statements become leaves */
};
void keeper_item_init(struct keeper_item *it);
void keeper_item_clear(struct keeper_item *it);

/* The leaves of a batch, in order; and which leaf belongs to which item. */
struct keeper_leaves {		/* keeper_leaves_clear */
	struct str   *text;	/* those made here; statements are borrowed */
	size_t	      n_text, cap_text;
	struct slice *v;
	size_t	     *item;	/* SIZE_MAX: a statement */
	uint64_t     *mark;	/* of a statement, to tell most apart by */
	size_t	      n, cap, cap_item, cap_mark;
};
void keeper_leaves_clear(struct keeper_leaves *l);

/*
 * Decide n items at time now, certificates to be signed by the CAs given (NULL:
 * that kind is refused).  Each item's r says what became of it; leaves gets
 * what must be committed for all of them.  0, or ERR_* when nothing could be
 * decided at all.
 */
int keeper_prepare(struct keeper *k, struct keeper_item *items, size_t n,
    int64_t now, const struct pubkey *user_ca, const struct pubkey *host_ca,
    struct keeper_leaves *leaves, struct err *e) MUST_CHECK;
/* After the commit: where the leaves are. */
void keeper_committed(struct keeper_item *items,
    const struct keeper_leaves *leaves, const struct ledger_receipt *receipts);
/* The leaves of the certificates that were signed now. */
int keeper_finish(struct keeper *k, const struct keeper_item *items, size_t n,
    struct keeper_leaves *leaves, struct err *e) MUST_CHECK;

/*
 * A key or revoke statement, and decisions on a key statement; one about a host,
 * and with accept and reject the enrol statement they name, which the log gets
 * with them: applied to the standing if it is entitled; leaves gets what is new of
 * it.
 *
 * 0		it counts
 * ERR_WAIT	entitled, and waits for officers; to be committed
 * ERR_DENIED	not entitled: nothing to commit
 * ERR_EXISTS	in the log already and in force
 */
int keeper_apply(struct keeper *k, struct statement *s,
    struct statement **given, size_t n_given, struct keeper_leaves *leaves,
    struct err *e) MUST_CHECK;

/* Statements that are leaves for everybody to check, whoever wrote them: the
 * chain of roots and the policy.  Adds those the log lacks. */
int keeper_add_statement(struct keeper *k, const struct statement *s,
    struct keeper_leaves *leaves, struct err *e) MUST_CHECK;

/* A certificate's leaf by serial: 0, 1 when there is none, ERR_*.  out must be
 * initialised. */
int keeper_find_issue(struct ledger *l, uint64_t serial, struct leaf *out,
    uint64_t *index, struct err *e) MUST_CHECK;
/* A statement of the log by tag and name: likewise. */
int keeper_find_statement(struct ledger *l, uint8_t tag, const struct hash *h,
    struct leaf *out, uint64_t *index, struct err *e) MUST_CHECK;

/* What asks for a certificate, a request or a renewal: likewise. */
int keeper_find_request(struct ledger *l, const struct hash *h,
    struct leaf *out, uint64_t *index, struct err *e) MUST_CHECK;

/*
 * The decisions of the log about a request or key statement, verified, in the
 * log's order: whether their files are still there or not, for a denial cannot
 * be taken back by deleting it.  *out is a new array of *n, to be cleared and
 * freed.  ERR_LIMIT: more than ISSUE_DECISIONS_MAX.
 */
int keeper_decisions(struct ledger *l, const struct hash *about,
    struct statement **out, size_t *n, struct err *e) MUST_CHECK;

/*
 * The revocation list of now: what the standing revokes, and the certificates
 * of revoked persons that have not ended.
 */
int keeper_krl(struct keeper *k, uint64_t version, int64_t now,
    struct buf *out, struct err *e) MUST_CHECK;

/* The tags a ledger of ours lists, and its objects: records and certificates. */
#define KEEPER_LISTED                                                          \
	(1u << LTAG_REVOKE | 1u << LTAG_KEY | 1u << LTAG_KEY_DECISION |        \
	    1u << LTAG_POLICY | 1u << LTAG_ROOT | 1u << LTAG_KRL |             \
	    1u << LTAG_ISSUE | 1u << LTAG_ENROL | 1u << LTAG_ACCEPT |          \
	    1u << LTAG_REJECT | 1u << LTAG_RENAME | 1u << LTAG_FORGET |        \
	    1u << LTAG_TOKEN)

#endif
