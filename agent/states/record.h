/* SPDX-License-Identifier: ISC */
/*
 * What a run is about to change, as it was before: enough to undo the run from
 * nothing but its directory, by another process, after a reboot.
 *
 *	DIR/runs/N/		0700
 *	  fI, sI		content of file I, snapshot I
 *	  record		the list of them, JSON
 *	  status		where the run stands, JSON; runs.h
 *
 * Blobs are durable before the record that names them, and the record before
 * anything is live.  Without a record nothing was.
 */
#ifndef AGENT_STATES_RECORD_H
#define AGENT_STATES_RECORD_H

#include "agent/states/host_write.h"
#include "agent/states/plan.h"
#include "agent/states/params.h"

#define RECORD_MAX    (16 * 1024 * 1024)
#define RECORD_FILES_MAX PLAN_CHANGES_MAX

struct rec_file {
	char	*path;
	bool	 was;		/* there; else the rest is nothing */
	bool	 takes_away;	/* only undone when the run failed */
	uint64_t size;
	mode_t	 mode;
	uid_t	 uid;
	gid_t	 gid;
	int64_t	 mtime_ns;
	struct hash hash;
	struct host_xattrs xattrs;
};
struct rec_state {		/* with changes, in running order */
	char	*id, *kind;
	char	*params;	/* text, params.h */
	bool	 files;		/* activate it */
	bool	 snapshot;	/* it has an sI */
	bool	 takes_away;	/* all of its changes */
};
struct record {			/* zero-initialise; record_clear */
	uint64_t number;
	int64_t	 at;
	char	*host_id;
	bool	 way_in;	/* to be confirmed */
	int64_t	 within;	/* seconds to confirm */
	struct strs dirs;	/* that the run makes, outer before inner */
	struct rec_file *files;
	size_t	 n_files, cap_files;
	struct rec_state *states;
	size_t	 n_states, cap_states;
};
void record_clear(struct record *r);

/*
 * Note how the files that plan changes are now, their contents into dir, and
 * which directories are missing.  A path that is noted already stays as it was.
 * The data of a file that changed while it was read is ERR_BUSY.
 */
int  record_plan(struct record *r, const char *dir, struct host *h,
     const struct plan *plan, struct err *e) MUST_CHECK;
/* Note a state with its changes, and take its snapshot.  tell: it is activated
 * whatever it changes. */
int  record_state(struct record *r, const char *dir, struct host *h,
     const struct state *s, const struct plan *plan, bool tell,
     struct err *e) MUST_CHECK;
/* Durably, in the place of an older one. */
int  record_write(const struct record *r, const char *dir, struct err *e)
     MUST_CHECK;
/* ERR_NOTFOUND: there is none; ERR_CORRUPT. */
int  record_read(const char *dir, struct record *out, struct err *e)
     MUST_CHECK;
/* Content of file i, snapshot of state i: checked against the record.  The
 * caller frees. */
int  record_file_data(const struct record *r, const char *dir, size_t i,
     char **out, size_t *n, struct err *e) MUST_CHECK;
int  record_snapshot(const struct record *r, const char *dir, size_t i,
     char **out, size_t *n, struct err *e) MUST_CHECK;

#endif
