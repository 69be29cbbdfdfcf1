/* SPDX-License-Identifier: ISC */
/* What the files of local.h share, and nobody else. */
#ifndef CA_KEEPER_LOCAL_IMPL_H
#define CA_KEEPER_LOCAL_IMPL_H

#include "ca/keeper/local.h"

/* Leaves that go into the log together, and what is signed under the head that
 * comes of them. */
struct local_round {
	const struct slice    *leaves;
	size_t		       n;		/* may be 0 */
	struct ledger_receipt *receipts;	/* room for n */
	struct signer_job     *jobs;		/* index: see local_next_index() */
	size_t		       n_jobs;
	bool		       head;	/* sign the head, even without jobs */
	struct str	       note;	/* out: of the head, where it was signed */
};
/* What is carried goes first.  On failure the leaves may be in the log. */
int local_run(struct local *l, struct local_round *q, struct err *e) MUST_CHECK;
/* The first half of local_commit(): the leaves and the head that comes of them,
 * in *note, which must be empty. */
int local_commit_head(struct local *l, const struct keeper_leaves *leaves,
    struct ledger_receipt *receipts, struct str *note, struct err *e)
    MUST_CHECK;
/* Make room for n leaves beside those carried; then where the first of a round
 * of n will be.  Nothing else may be committed in between. */
int local_next_index(struct local *l, size_t n, uint64_t *out, struct err *e)
    MUST_CHECK;
/* That a leaf is in the log as it is now. */
int local_prove(struct local *l, uint64_t index,
    struct hash proof[MERKLE_PROOF_MAX], size_t *n, struct err *e) MUST_CHECK;
/* Is the signer another process, which wants proofs? */
bool local_is_remote(const struct local *l);
/* In LOCAL_SERVE the time of a call is that of the clock. */
void local_set_now(struct local *l);

/* --- local_history.c ------------------------------------------------------ */

/* The signer that listens there becomes l's. */
int local_open_link(struct local *l, const char *socket, struct err *e)
    MUST_CHECK;

/* --- local_serve.c: certificates that are out and not in the log yet ------ */

struct local_carried {
	struct str *text;	/* their leaves */
	uint64_t   *serials;
	size_t	    n, cap, cap_serials;
};
/* Keep the leaves of keeper_finish() for the next commit; their text moves. */
int  local_carry(struct local *l, const struct keeper_item *items,
     struct keeper_leaves *leaves, struct err *e) MUST_CHECK;
bool local_carries(const struct local *l, const struct keeper_item *items,
     size_t n);
void local_carried_clear(struct local *l);

/* --- local_krl.c ---------------------------------------------------------- */

void local_krl_key(const struct hash *h, char out[4 + HASH_HEX]);
/* Keep a list until it is put, durably.  ERR_SYS, ERR_NOMEM. */
int local_keep_krl(struct local *l, const struct hash *h, struct slice list,
    struct err *e) MUST_CHECK;
/* One that nobody has signed is kept no longer. */
void local_drop_krl(const struct local *l, const struct hash *h);
/* Put the file of a list that is kept: 0; 1 when none is; ERR_*. */
int local_put_krl(struct local *l, const struct hash *h, struct err *e)
    MUST_CHECK;
/* Revocation lists whose leaves are in the log and not yet published: their
 * files, which a crash or a full disk may have kept back. */
int local_recover_krl(struct local *l, struct err *e) MUST_CHECK;
/* A list that lacks a revocation of the log, since a crash came in between: a
 * new one. */
int local_renew_krl(struct local *l, struct err *e) MUST_CHECK;
/* Of the newest list; 0: there is none. */
int local_krl_version(struct local *l, uint64_t *out, struct err *e) MUST_CHECK;

#endif
