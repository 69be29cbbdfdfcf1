/* SPDX-License-Identifier: ISC */
/*
 * The objects that go with leaves: a record for each certificate, for people
 * and for tools that read tables, and the certificate itself.  Both are made
 * from the leaves alone, so that they can be checked and made again.
 */
#ifndef CA_KEEPER_RECORDER_H
#define CA_KEEPER_RECORDER_H

#include "lib/ledger/ledger.h"
#include "lib/statement/leaf.h"
#include "lib/trust/policy.h"

/* Decisions cover up to 200 requests each, so those read last are kept: at
 * least as many as one certificate can have. */
#define RECORDER_KEPT (POLICY_TERMS_MAX * POLICY_APPROVALS_MAX)

/* What goes with a leaf, made while all it is made of was in memory. */
#define RECORDER_MADE	 4096	/* places; at most half of them are taken */
struct recorder_made {
	uint64_t serial;
	uint8_t	 tag;		/* LTAG_ISSUE, LTAG_CERTIFICATE; 0: free */
	char	 path[64];	/* ISSUE_PATH_MAX */
	struct str text;
};

struct recorder {		/* zero-initialise; recorder_clear */
	struct ledger *ledger;	/* recorder_opened() */
	struct leaf    kept[RECORDER_KEPT];
	size_t	       n_kept;
	/* Leaves that need not be read back from the log: see below. */
	struct recorder_hand *at_hand;
	size_t	       n_at_hand;
	struct recorder_made *made; /* by serial and tag; NULL: none */
	size_t	       n_made;
};

/* A certificate whose leaves are in memory, as they are in the log. */
struct recorder_hand {
	uint64_t serial, valid_after;
	const struct statement	*request;
	const struct issue_leaf *leaf;
	const struct statement *const *decisions;	/* of the leaf */
	uint64_t		 index;	/* of that leaf */
	struct slice		 line;	/* signed, as a file has it */
};
void recorder_clear(struct recorder *r);

/*
 * What goes with the leaves of these certificates is made without reading and
 * parsing them once more.  All is borrowed until the next call; v, of n, is
 * sorted here and borrowed too.  NULL, 0: none.
 */
void recorder_at_hand(struct recorder *r, struct recorder_hand *v, size_t n);
/*
 * Keep the text of an object until it is put, which happens once, later and in
 * another thread (one at a time).  The text moves; where there is no room for
 * it, it is let go, and made again from the log.
 */
void recorder_keep(struct recorder *r, uint8_t tag, uint64_t serial,
    const char *path, struct str *text);
/*
 * The records (not the certificates) of those at hand whose leaf is one of
 * from..to-1, without a look at the log: for ledger_put_ahead().
 */
struct recorder_range {
	const struct recorder *recorder;
	uint64_t from, to;
};
int recorder_ahead(void *range,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e) MUST_CHECK;

/* For struct ledger_config's opened and objects; ctx is a struct recorder. */
void recorder_opened(void *ctx, struct ledger *l);
int recorder_objects(void *ctx, uint64_t index, struct slice leaf,
    int (*put)(void *pctx, const char *key, struct slice data,
	const char *content_type),
    void *pctx, struct err *e) MUST_CHECK;

#endif
