/* SPDX-License-Identifier: ISC */
/*
 * Which alarms persons were told of: a file, sorted, a line each, the SHA-256 of
 * the alarm and when it was told.
 *
 *	HEX64 2026-03-02T12:00:00Z
 *
 * Pure.
 */
#ifndef CA_AUDIT_TOLD_H
#define CA_AUDIT_TOLD_H

#include "ca/audit/gaps.h"

#define TOLD_MAX	100000		/* alarms of the file */
#define TOLD_FILE_MAX	(TOLD_MAX * 86)	/* bytes of it */
#define TOLD_KEEP_S	(90 * 86400)	/* one that is none any more */

struct told_alarm {
	struct hash id;
	int64_t	    at;
	bool	    is;			/* an alarm of now */
};
struct told_alarms {		/* zero-initialise / told_alarms_clear */
	struct told_alarm *v;		/* sorted by id */
	size_t		   n, cap;
};
void told_alarms_clear(struct told_alarms *t);

/* Of everything that a person sees of it. */
void gap_id(const struct gap *x, struct hash *out);
/* One line, without control characters, for a notice: at most TOLD_TEXT_MAX
 * bytes.  Failure is the str's. */
#define TOLD_TEXT_MAX 1000
void gap_text(const struct gap *x, struct str *out);

/* The whole of the file, by that name.  ERR_PARSE: which line, expected what;
 * ERR_LIMIT, ERR_NOMEM. */
int told_alarms_parse(const char *file, struct slice text,
    struct told_alarms *out, struct err *e) MUST_CHECK;
/*
 * The alarms of g that nobody was told of, each once: their places in g, to be
 * freed.  Those that somebody was told of are alarms of now.  ERR_NOMEM.
 */
int told_alarms_new(struct told_alarms *t, const struct gaps *g, size_t **out,
    size_t *n) MUST_CHECK;
/* This one was told.  ERR_LIMIT, ERR_NOMEM. */
int told_alarms_add(struct told_alarms *t, const struct gap *x, int64_t at)
    MUST_CHECK;
/* The file, without what was told TOLD_KEEP_S ago and is no alarm any more.
 * Failure is the str's. */
void told_alarms_write(struct told_alarms *t, int64_t now, struct str *out);

#endif
