/* SPDX-License-Identifier: ISC */
/*
 * From lines of logs to events: what a host has seen of its logins so far, which
 * connections are open, and what of it is still to be told.
 *
 * A connection goes by the process of sshd's that has it.  Its login has the name
 * BOOT.PID.AT from then on, which its sudos and its end carry.  What sshd says in
 * two lines (that a certificate is refused, and later whose it was) waits for the
 * second here, and so does a login that takes several methods.
 *
 * Refusals that name no certificate are summed by the hour, and so are those that
 * do after the first SEEN_REFUSED_MAX of an hour: anybody can make them, and each
 * event takes its room from others.  Pure.
 */
#ifndef AGENT_LOGINS_SEEN_H
#define AGENT_LOGINS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/statement/login_event.h"

#define SEEN_CONNS_MAX	 2048	/* then the oldest is forgotten */
#define SEEN_WAIT_S	 600	/* for the second line, and for a login */
#define SEEN_SUM_S	 3600
#define SEEN_REFUSED_MAX 200
#define SEEN_PLACE_MAX	 1024	/* bytes */
#define SEEN_TEXT_MAX	 (8 * 1024 * 1024)	/* of all of it as JSON */
#define SEEN_BOOT	 8	/* letters of a boot's id in names */

enum seen_from {
	SEEN_SSHD,
	SEEN_SUDO,
	SEEN_LOGIND,		/* session `scope` is of process `leader`, or over */
};
struct seen_line {
	enum seen_from from;
	int64_t at;
	uint64_t pid;
	struct slice text;
	const char *boot;	/* SEEN_BOOT letters or more of its id */
	const char *account;	/* of whom the kernel says it is; NULL: not said */
	bool is_doubtful;	/* nobody knows whether it is sudo's */
	const char *scope;	/* the session of logind's it comes from; NULL */
	uint64_t leader;
	bool is_over;		/* logind's: the session has ended */
};

struct seen_conn {
	uint64_t pid;
	int64_t at;		/* of its login, or of its first line */
	bool is_open;		/* logged in */
	bool is_ended;		/* said once */
	bool has_failed;	/* counted */
	char *account, *from;	/* of an open one */
	uint16_t port;
	char *scope;		/* logind's name for it; NULL */
	char *why;		/* a line that waits for whose it is; NULL */
	int64_t why_at;
	char *partial;		/* a line that waits for the login; NULL */
};

struct seen {			/* zero-initialise; seen_clear */
	enum login_source source;
	char *place;		/* how far the log was read; NULL: not begun */
	int64_t since;		/* where it begins, while there is no place */
	uint64_t lost;		/* lines, to be told with the next report */
	char boot[SEEN_BOOT + 1];
	struct seen_conn *conns;	/* the oldest first */
	size_t n_conns, cap;
	uint64_t failed;	/* the sum; of the first and last: */
	int64_t failed_at, failed_until;
	uint64_t refused;	/* events since */
	int64_t refused_at;
};
void seen_clear(struct seen *s);

struct seen_events {		/* zero-initialise; seen_events_clear */
	struct login_event *v;
	size_t n, cap;
};
void seen_events_clear(struct seen_events *l);

/* Take one line; events are appended.  ERR_NOMEM: s is of no use any more. */
int seen_take(struct seen *s, const struct seen_line *line,
    struct seen_events *out, struct err *e) MUST_CHECK;
/* One thing that has waited long enough by now; none is appended when there is no
 * more.  ERR_NOMEM: likewise. */
int seen_settle(struct seen *s, int64_t now, struct seen_events *out,
    struct err *e) MUST_CHECK;

/* All of it as a JSON object, and back; s is zero, and the caller's to clear
 * whatever comes of it.  ERR_PARSE, ERR_LIMIT, ERR_NOMEM. */
void seen_write(const struct seen *s, struct jw *w);
int seen_read(const json_t *o, struct seen *s, struct err *e) MUST_CHECK;

#endif
