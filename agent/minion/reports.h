/* SPDX-License-Identifier: ISC */
/*
 * What a host says of itself, one after the other: each has a number and names
 * the one before, and is kept until a master has it.
 *
 *	STATE/report		the last number and name, what a master has, JSON
 *	STATE/reports/SEQ	statements that no master is known to have
 *	STATE/diffs/HASH	texts that they name
 *	STATE/logins/HASH	what was seen of logins, as far as they tell it
 */
#ifndef AGENT_MINION_REPORTS_H
#define AGENT_MINION_REPORTS_H

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/key/key.h"
#include "lib/statement/statement.h"

#define REPORTS_KEPT 10000	/* not taken by a master; then the oldest goes,
				   and leaves a gap that is seen */
#define REPORTS_AT_ONCE 64	/* in one answer */
#define DIFFS_KEPT   200

struct report_state {
	uint64_t    seq;	/* of the last; 0: none */
	struct hash last;	/* its name */
	uint64_t    acked;	/* the last that a master has */
	uint64_t    quiet;	/* runs since that changed nothing */
	int64_t	    at;		/* of the last */
	uint64_t    run;	/* the last that was waited for and is told, so
				   that a crash does not tell it twice; 0: none */
	uint64_t    dropped;	/* logins of reports that went unread */
	bool	    has_logins;
	struct hash logins;	/* the file that goes with the last */
};
/* A file that is missing is a host that has said nothing.  ERR_CORRUPT. */
int report_state_read(const char *state_dir, struct report_state *out,
    struct err *e) MUST_CHECK;
int report_state_write(const char *state_dir, const struct report_state *s,
    struct err *e) MUST_CHECK;

/*
 * Number, sign and keep a report: r has kind and content, versions and boot; seq,
 * previous and quiet are put in here.  Appends its text to made.  Durable.
 *
 * Logins in a report that goes (REPORTS_KEPT) are counted, and told as lost by the
 * next report of logins.
 */
struct report_by {
	const char *state_dir, *host;
	const struct hash *realm;
	struct key *key;
	int64_t now;
};
int report_make(const struct report_by *by, struct report_state *state,
    struct report_statement *r, struct strs *made, struct err *e) MUST_CHECK;

/* A master has all up to acked. */
int report_acked(const char *state_dir, struct report_state *state,
    uint64_t acked, struct err *e) MUST_CHECK;
/* At most REPORTS_AT_ONCE after acked, oldest first; *first: its number. */
int report_unsent(const char *state_dir, const struct report_state *state,
    struct strs *out, uint64_t *first, struct err *e) MUST_CHECK;

/* Keep a text by its hash. */
int diff_keep(const char *state_dir, const char *text, struct hash *out,
    struct err *e) MUST_CHECK;
/* ERR_NOTFOUND: it is not kept any more. */
int diff_get(const char *state_dir, const struct hash *h, char **out,
    struct err *e) MUST_CHECK;

/*
 * Keep what was seen of logins: it counts once a report_state that names it (*out)
 * is written, by report_make() or alone, so that what a report tells and what is
 * still to be told are one step.  Those that s does not name are removed by
 * logins_tidy().
 */
int logins_keep(const char *state_dir, struct slice text, struct hash *out,
    struct err *e) MUST_CHECK;
void logins_tidy(const char *state_dir, const struct report_state *s);
/* ERR_NOTFOUND; ERR_CORRUPT: it is not what was kept. */
int logins_get(const char *state_dir, const struct hash *h, size_t max,
    char **out, size_t *n, struct err *e) MUST_CHECK;

/* This boot; zeros where the kernel does not say. */
void boot_id_read(uint8_t out[BOOT_ID_LEN]);

#endif
