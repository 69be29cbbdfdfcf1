/* SPDX-License-Identifier: ISC */
/*
 * Requests as rows: what the log says about them, found by person, state and
 * the start of a hash.
 *
 * The rows are a fold over the leaves of the log in their order, the same when
 * they come in live and when the store is made anew; requests_applied() says
 * how far it has come.  Beside them stand what no leaf says: notices
 * (kp_notice.c), and certificates that are out and become leaves with the next
 * batch.
 *
 * What is new stays in memory, where it is found by its hash, until some
 * hundred rows go into the store at once, each as it is by then: most requests
 * come, are decided and get their certificate meanwhile.  Nothing is lost with
 * what a crash takes, since it is in the log.  Whoever asks for more than one
 * row by its hash gets all of it written first.  One thread.
 */
#ifndef CA_KEEPER_REQUESTS_H
#define CA_KEEPER_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/statement/leaf.h"
#include "lib/store/store.h"
#include "lib/trust/policy.h"

struct requests; /* opaque */

enum request_state {
	REQUEST_WAITING = 1,
	REQUEST_ISSUED,
	REQUEST_DENIED,
	REQUEST_REFUSED,
	REQUEST_ENDED,
};
const char *request_state_name(enum request_state s);

enum request_change {
	CHANGE_NEW = 1,
	CHANGE_DECIDED,		/* and waits on */
	CHANGE_ISSUED,
	CHANGE_DENIED,
	CHANGE_ENDED,		/* its person was revoked */
	CHANGE_REVOKED,		/* its certificate was */
};

struct requests_config {	/* copied; what it points to is borrowed */
	const char *path;
	const char *origin;	/* of the log: a store belongs to one */
	/* The policy with that hash, for what is judged by the policy of its
	   time; borrowed until the next call.  ERR_NOTFOUND: it is lost. */
	int (*policy_of)(void *ctx, const struct hash *h,
	    const struct policy **out, struct err *e);
	/* Told of each change while leaves are applied; NULL: nobody. */
	void (*changed)(void *ctx, const struct hash *request,
	    enum request_change what);
	void *ctx;
};

/* As store_open(). */
int  requests_open(const struct requests_config *c, struct requests **out,
     struct err *e) MUST_CHECK;
void requests_close(struct requests *q);
struct store *requests_store(struct requests *q);

/*
 * The leaf at the index that requests_applied() gives.  ERR_RECORD, ERR_BUSY, as
 * requests_flush(): nothing was applied, try again; after another failure the
 * store is to be opened anew.
 */
uint64_t requests_applied(const struct requests *q);
int	 requests_apply(struct requests *q, uint64_t index,
	     const struct leaf *leaf, struct err *e) MUST_CHECK;
/* Everything into the store.  On failure (those of store_step()) it is kept and
 * can be tried again. */
int	 requests_flush(struct requests *q, struct err *e) MUST_CHECK;
/* The same where much of it waits. */
int	 requests_flush_full(struct requests *q, struct err *e) MUST_CHECK;
/* Does the store lack anything that follows from the log?  Who was told of a
 * request does not. */
bool	 requests_lag(const struct requests *q);
/* For a list that people look at: a store that has no room gives what it has,
 * which lacks the newest.  As requests_flush() otherwise. */
int	 requests_flush_to_read(struct requests *q, struct err *e) MUST_CHECK;

/* A certificate that was released; its leaf follows. */
int requests_set_certificate(struct requests *q, const struct hash *request,
    struct slice blob, struct err *e) MUST_CHECK;
/* The policy of today refuses what was waiting, or it was waited for too long. */
int requests_close_one(struct requests *q, const struct hash *request,
    enum request_state state, const char *why, struct err *e) MUST_CHECK;
/* Somebody was told of it, or that failed. */
int requests_add_told(struct requests *q, const struct hash *request,
    const char *person, const char *how, int64_t at, bool sent,
    struct err *e) MUST_CHECK;
int requests_each_told(struct requests *q, const struct hash *request,
    int (*each)(void *ctx, const char *person, const char *how, int64_t at,
	bool sent), void *ctx, struct err *e) MUST_CHECK;

struct request_row {		/* request_row_clear */
	uint64_t	   index;	/* of its leaf */
	struct hash	   hash;
	uint64_t	   serial;
	char		  *person, *grant;
	enum cert_kind	   kind;
	int64_t		   at, ends;
	enum request_state state;	/* at `now`: a request may have ended */
	char		  *why;		/* "" */
	char		  *statement;
	size_t		   statement_len;
	char		  *key_id;	/* "": not issued */
	int64_t		   valid_after, valid_before;
	uint8_t		  *certificate;	/* NULL: not known */
	size_t		   certificate_len;
	bool		   revoked;
	bool		   lent;	/* its texts are not its own */
};
void request_row_clear(struct request_row *r);

/* 0; 1: there is none. */
int requests_get(struct requests *q, const struct hash *h, int64_t now,
    struct request_row *out, struct err *e) MUST_CHECK;
/* The same, good only until rows are changed, flushed, or looked for by their
 * first digits: most of what is asked for is at hand, and need not be copied. */
int requests_lend(struct requests *q, const struct hash *h, int64_t now,
    struct request_row *out, struct err *e) MUST_CHECK;
/*
 * By its first digits, 8 to 64 of them.  ERR_NOTFOUND; ERR_LIMIT: several begin
 * so; ERR_PARSE: no such digits.
 */
#define REQUEST_DIGITS_MIN 8
int requests_find(struct requests *q, const char *digits, struct hash *out,
    struct err *e) MUST_CHECK;
/* Newest first, limit at most.  each() non-zero ends it and is returned. */
int requests_of_person(struct requests *q, const char *person, int64_t now,
    uint64_t limit, int (*each)(void *ctx, const struct request_row *r),
    void *ctx, struct err *e) MUST_CHECK;
/* Those whose state says waiting, oldest first, ended ones too. */
int requests_waiting(struct requests *q, int64_t now,
    int (*each)(void *ctx, const struct request_row *r), void *ctx,
    struct err *e) MUST_CHECK;
/* Those that wait and whose time is over, max at most. */
int requests_overdue(struct requests *q, int64_t now, struct hash *out,
    size_t max, size_t *n, struct err *e) MUST_CHECK;
/* Issued, good still, and their certificate is not there: a crash came in
 * between. */
int requests_unsigned(struct requests *q, int64_t now,
    int (*each)(void *ctx, const struct request_row *r), void *ctx,
    struct err *e) MUST_CHECK;

struct decision_row {		/* borrowed during the call */
	const char  *person, *comment; /* "" */
	bool	     approve;
	int64_t	     length, at;	/* length 0: as shown */
	struct slice statement;
};
/* In the order of the log. */
int requests_decisions(struct requests *q, const struct hash *h,
    int (*each)(void *ctx, const struct decision_row *d), void *ctx,
    struct err *e) MUST_CHECK;
/* Is this decision in the log? */
int requests_has_decision(struct requests *q, const struct hash *decision,
    bool *out, struct err *e) MUST_CHECK;

/* Key and revoke statements and decisions on keys, from leaf index `from`. */
int requests_acts(struct requests *q, uint64_t from, uint64_t limit,
    int (*each)(void *ctx, uint64_t index, struct slice statement), void *ctx,
    struct err *e) MUST_CHECK;
/* A key statement's text: a new string; 1: none such. */
int requests_act(struct requests *q, const struct hash *h, char **out,
    size_t *n, struct err *e) MUST_CHECK;

/* How many each person asked for since then. */
int requests_since(struct requests *q, int64_t since,
    int (*each)(void *ctx, const char *person, uint64_t n), void *ctx,
    struct err *e) MUST_CHECK;
/* How many are in each state, by its number. */
int requests_totals(struct requests *q, uint64_t out[REQUEST_ENDED + 1],
    struct err *e) MUST_CHECK;

#endif
