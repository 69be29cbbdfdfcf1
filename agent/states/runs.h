/* SPDX-License-Identifier: ISC */
/*
 * The directory of runs, and where each stands.
 *
 *	DIR/lock	held by whoever changes or undoes something
 *	DIR/runs/N/	one run that changed something; record.h
 *
 * Only the newest run can be unfinished: none begins before it is finished or
 * undone.  The last RUNS_KEPT are kept.
 */
#ifndef AGENT_STATES_RUNS_H
#define AGENT_STATES_RUNS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

#define RUNS_KEPT     20
#define RUN_TEXT_MAX  1024
#define RUN_BOOT_MAX  64

enum run_stands {
	STANDS_NONE = 0,		/* no status: nothing was live */
	STANDS_WRITING,		/* found without its process: undo it */
	STANDS_UNCONFIRMED,
	STANDS_DONE,
	STANDS_CONFIRMED,
	STANDS_UNDONE,
	STANDS_UNDO_FAILED,	/* text says what is not as it was */
};
const char *run_stands_name(enum run_stands s);
/* Is there nothing left to do for it? */
bool run_is_finished(enum run_stands s);

struct run_status {		/* zero-initialise; run_status_clear */
	enum run_stands stands;
	int64_t	 at;		/* Unix seconds */
	int64_t	 up_ms;		/* since the boot */
	char	*boot;		/* that boot's id */
	char	*text;		/* why it was undone; "" */
};
void run_status_clear(struct run_status *s);

/* Milliseconds since the boot, sleep counted: no clock that is set moves it. */
int64_t run_uptime_ms(void);
/* Seconds that are left of within since the status; below 0: none. */
int64_t run_left(const struct run_status *s, int64_t within);
/* An id of this boot; "" where /proc has none. */
void run_boot_id(char out[RUN_BOOT_MAX]);

/* The lock of all runs; close *fd.  ERR_BUSY: another run is at it. */
int  runs_lock(const char *dir, int *fd, struct err *e) MUST_CHECK;
/* The newest run's number, 0: there is none. */
int  runs_newest(const char *dir, uint64_t *out, struct err *e) MUST_CHECK;
/* Make the directory of run n; and of those that are old take all away. */
int  runs_begin(const char *dir, uint64_t n, struct err *e) MUST_CHECK;
int  runs_path(const char *dir, uint64_t n, char **out) MUST_CHECK;
/* Durably.  text may be NULL; is cut at RUN_TEXT_MAX. */
int  run_status_write(const char *run_dir, enum run_stands s, int64_t now,
     const char *text, struct err *e);
/* STANDS_NONE where there is no status.  ERR_CORRUPT. */
int  run_status_read(const char *run_dir, struct run_status *out,
     struct err *e) MUST_CHECK;
/* Has an unconfirmed run's time passed, or the machine been booted since? */
bool run_is_overdue(const struct run_status *s, int64_t within);

#endif
