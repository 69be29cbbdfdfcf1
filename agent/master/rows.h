/* SPDX-License-Identifier: ISC */
/*
 * The master's store: what its log says, in rows, so that a start need not read
 * the whole log; and what no leaf says and can be lost: certificates, alarms, who
 * asks in, how far a job had come.
 *
 * Rows are written in one transaction a batch of leaves, with how many leaves of
 * the log are in them.  A store that is lost is made anew from the log; one that
 * is behind catches up.  Hashes name statements.  Not thread safe.
 */
#ifndef AGENT_MASTER_ROWS_H
#define AGENT_MASTER_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/crypto/hash.h"
#include "lib/statement/login_event.h"
#include "lib/statement/statement.h"

#define ROWS_WAITING_MAX 10000	/* that ask in */

struct rows; /* opaque */

/* ERR_CORRUPT: of another log, or damaged; else as store_open(). */
int  rows_open(const char *path, const char *origin, struct rows **out,
     struct err *e) MUST_CHECK;
void rows_close(struct rows *r);	/* NULL allowed */
bool rows_are_new(const struct rows *r);
/* Leaves of the log that are in it. */
uint64_t rows_applied(const struct rows *r);

/* What follows is one transaction until rows_commit(), which notes that leaves
 * before `applied` are in.  Failures as store_step(). */
int  rows_begin(struct rows *r, struct err *e) MUST_CHECK;
int  rows_commit(struct rows *r, uint64_t applied, struct err *e) MUST_CHECK;
void rows_rollback(struct rows *r);

/* A statement that says who hosts are, an order, a policy, a fleet. */
int rows_put_act(struct rows *r, uint64_t index, const struct statement *s,
    struct err *e) MUST_CHECK;
/* Its leaf: 0, 1 where there is none. */
int rows_find_act(struct rows *r, const struct hash *h, uint64_t *index,
    struct err *e) MUST_CHECK;

/* Its bytes: a new block; 1 where there is none. */
int rows_act(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e) MUST_CHECK;

/* A host's last report; run: it is the last about a run or drift too. */
int rows_put_report(struct rows *r, const char *host, uint64_t index,
    int64_t at, const struct statement *s, bool run, struct err *e) MUST_CHECK;
int rows_rename(struct rows *r, const char *from, const char *to,
    struct err *e) MUST_CHECK;
int rows_forget(struct rows *r, const char *host, struct err *e) MUST_CHECK;
int rows_put_certificate(struct rows *r, const char *host, const char *line,
    struct err *e) MUST_CHECK;
/* JSON, as mk_alarm.c has it. */
int rows_put_alarms(struct rows *r, const char *host, const char *text,
    struct err *e) MUST_CHECK;
/* Reports and certificate as they came; borrowed in each(). */
struct host_rows {
	const char  *host;
	uint64_t     index;		/* of the last report's leaf */
	int64_t	     at, run_at;	/* when they came */
	struct slice report, run;	/* empty: none */
	const char  *certificate;	/* NULL: none */
	const char  *alarms;		/* the same */
};
/* 0, 1 where there is none; non-zero of each() is returned. */
int rows_host(struct rows *r, const char *host,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx,
    struct err *e) MUST_CHECK;
int rows_each_host(struct rows *r,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx,
    struct err *e) MUST_CHECK;

/*
 * Every act, and each host's last report, in the order of the log: what a start
 * folds.  report: it is one.
 */
int rows_each_act(struct rows *r,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e) MUST_CHECK;

/* Statements about hosts that the CA has not got yet: those whose leaf is `from`
 * or later, at most max of them. */
int rows_acts_from(struct rows *r, uint64_t from, unsigned max,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e) MUST_CHECK;
int rows_ca_next(struct rows *r, uint64_t *out, struct err *e) MUST_CHECK;
int rows_set_ca_next(struct rows *r, uint64_t next, struct err *e) MUST_CHECK;

/* TARGETS. */
int rows_put_object(struct rows *r, const struct hash *h, struct slice data,
    struct err *e) MUST_CHECK;
/* A new block; 1 where there is none. */
int rows_object(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e) MUST_CHECK;

/* How far a job is. */
int rows_put_job(struct rows *r, const struct hash *job, unsigned opened,
    int state, struct err *e) MUST_CHECK;
/* 1 where nothing is known. */
int rows_job(struct rows *r, const struct hash *job, unsigned *opened,
    int *state, struct err *e) MUST_CHECK;
/* Was away when its batch opened. */
int rows_put_away(struct rows *r, const struct hash *job, const char *host,
    struct err *e) MUST_CHECK;
int rows_each_away(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host), void *ctx, struct err *e)
    MUST_CHECK;
/* A host's last report about a job. */
int rows_put_part(struct rows *r, const struct hash *job, const char *host,
    uint64_t index, struct slice report, struct err *e) MUST_CHECK;
int rows_each_part(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host, struct slice report), void *ctx,
    struct err *e) MUST_CHECK;

/*
 * What hosts saw of logins: the events of their reports.  Which event one is say
 * the leaf of its report and its number in that (from 0, below LOGIN_EVENTS_MAX);
 * put twice, it is there once.  They stay when the host is renamed or forgotten,
 * under the id it had then.
 */
struct login_row {
	uint64_t     index;		/* of the report's leaf */
	unsigned     number;
	const char  *host;
	uint64_t     seq;		/* of the report */
	int64_t	     came;		/* when the report came here */
	struct hash  report;		/* its statement */
	int64_t	     clock;		/* seconds that were taken off the event's
					   times, for its host's clock is ahead */
	struct login_event event;	/* its texts are borrowed */
};
int rows_put_login(struct rows *r, const struct login_row *l, struct err *e)
    MUST_CHECK;

/* A place among them: they are in the order of at, host, index, number. */
#define LOGIN_PLACE_MAX (ID_MAX + 64)	/* its text, with NUL */
struct login_place {
	int64_t	 at;
	char	 host[ID_MAX + 1];
	uint64_t index;
	unsigned number;
};
void login_place_format(const struct login_place *p, char out[LOGIN_PLACE_MAX]);
/* ERR_PARSE: not what login_place_format() makes. */
int  login_place_parse(const char *text, struct login_place *out) MUST_CHECK;

/*
 * Those that were asked for, to each(), until it returns non-zero, which is
 * returned, or LOGINS_LOOK_MAX were looked at, so that no question keeps the
 * others waiting.  *last (after each one, and at the end) is how far it came:
 * what to go on after.  0: these were all of them; LOGINS_MORE: perhaps not.
 * Failures as store_step().
 */
#define LOGINS_LOOK_MAX 20000
#define LOGINS_MORE	1
struct login_query {
	const char  *host, *account;	/* NULL: of all */
	bool	     has_ca, has_serial;
	struct hash  ca;		/* of the certificate */
	uint64_t     serial;
	unsigned     what;		/* bits 1 << enum login_what */
	int64_t	     since, until;	/* of `at`; both are in it */
	bool	     has_after;
	struct login_place after;
};
int rows_each_login(struct rows *r, const struct login_query *q,
    int (*each)(void *ctx, const struct login_row *l), void *ctx,
    struct login_place *last, struct err *e) MUST_CHECK;

/* Who asks in, until he is accepted. */
int rows_put_waiting(struct rows *r, const struct statement *s,
    const char *from, int64_t since, struct err *e) MUST_CHECK;
int rows_drop_waiting(struct rows *r, const struct hash *h, struct err *e)
    MUST_CHECK;
int rows_each_waiting(struct rows *r,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e) MUST_CHECK;
/* The one of that name, if it is there. */
int rows_waiting(struct rows *r, const struct hash *h,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e) MUST_CHECK;

#endif
