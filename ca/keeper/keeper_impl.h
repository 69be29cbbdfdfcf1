/* SPDX-License-Identifier: ISC */
/* What the keeper's files share, and nobody else. */
#ifndef CA_KEEPER_KEEPER_IMPL_H
#define CA_KEEPER_KEEPER_IMPL_H

#include "ca/keeper/keeper.h"

struct keeper {
	char *dir;
	struct ledger *ledger;
	const struct trust *trust;
	struct standing *standing;
	char *owner; /* answer of keeper_owner, kept for it */
};

/* Append a leaf of this program; its text moves into l. */
int keeper_leaf_text(
    struct keeper_leaves *l, struct str *text, size_t item) MUST_CHECK;
/* Is that statement a leaf already, or among those to be committed? */
int keeper_has(struct keeper *k, const struct keeper_leaves *l,
    const struct statement *s, bool *out, struct err *e) MUST_CHECK;
uint8_t keeper_tag(const struct statement *s);
/* A leaf of the log by its index, into out, which is initialised. */
int keeper_read_leaf(struct ledger *l, uint64_t index, struct leaf *out,
    struct err *e) MUST_CHECK;
/*
 * Was what these to-be-signed bytes of a certificate in the log say revoked
 * since: its serial, key id, key, CA, or whom it is for?  ERR_DENIED, with the
 * revocation; ERR_PARSE: they are none.
 */
int keeper_check_revoked(struct keeper *k, const struct statement *request,
    struct slice tbs, struct err *e) MUST_CHECK;

#endif
