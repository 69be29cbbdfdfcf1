/* SPDX-License-Identifier: ISC */
/*
 * Rows: a file of SQLite, behind calls that another database can stand behind.
 *
 * What a store holds can be made again by whoever keeps it (`writ-ca rebuild`),
 * so a commit survives a crash of the process, and that of the machine only
 * mostly.  One process has it open at a time.  All SQL that is ever run is the
 * schema and a table of statements, both given at opening; values are bound,
 * never printed into it.  Not thread safe.
 */
#ifndef LIB_STORE_STORE_H
#define LIB_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct store; /* opaque */

#define STORE_VALUE_MAX (16 * 1024 * 1024)	/* bytes of one value */

struct store_config {		/* all borrowed while the store is open */
	const char	  *path;	/* the file; made with 0600 if absent */
	uint32_t	   kind;	/* whose store this is, not 0 */
	int		   version;	/* of the schema, from 1 */
	const char	  *schema;	/* makes an empty store */
	const char *const *statements;
	size_t		   n_statements;
	uint64_t	   max_bytes;	/* of the file; 0: 64 GiB */
};

/*
 * ERR_BUSY: another process has it; ERR_CORRUPT: damaged, of another program or
 * of another version (the hint names `writ-ca rebuild`); ERR_RECORD: as with
 * store_step(); ERR_SYS, ERR_NOMEM.
 */
int  store_open(const struct store_config *c, struct store **out,
     struct err *e) MUST_CHECK;
void store_close(struct store *s);	/* NULL allowed; rolls back */
/* Was it made by this opening? */
bool store_is_new(const struct store *s);
/* Take the store at path away, and what SQLite keeps beside it.  0; 1: there
 * was none; ERR_SYS, ERR_NOMEM. */
int  store_remove(const char *path, struct err *e) MUST_CHECK;

/*
 * One transaction at a time.  What is written outside of one is a transaction
 * of its own.  Failures as store_step().
 */
int  store_begin(struct store *s, struct err *e) MUST_CHECK;
int  store_commit(struct store *s, struct err *e) MUST_CHECK;
void store_rollback(struct store *s);	/* nothing where none is open */

/*
 * Statement i of the table, ready to be bound: prepared at its first use and
 * kept.  Never NULL; a failure to prepare is remembered and told by the step.
 * Borrowed; at most one use of each statement at a time.
 */
struct store_stmt;
struct store_stmt *store_use(struct store *s, size_t i);

/* Bind the next ?, in order.  Copied.  Failures are told by the step. */
void store_bind_int(struct store_stmt *t, int64_t v);
void store_bind_text(struct store_stmt *t, const char *v);	/* NULL: null */
void store_bind_blob(struct store_stmt *t, struct slice v);	/* p NULL: null */

/*
 * 0: a row is there; STORE_DONE: no more, and the statement is ready again.
 * ERR_EXISTS: a row of that key is there; ERR_CORRUPT; ERR_RECORD: the disk or
 * the store is full, or cannot be read or written; ERR_LIMIT: a value too long;
 * ERR_SYS, ERR_NOMEM.
 */
#define STORE_DONE 1
int store_step(struct store_stmt *t, struct err *e) MUST_CHECK;
/* For what gives no rows: 0 where that is done. */
int store_run(struct store_stmt *t, struct err *e) MUST_CHECK;
/* Leave before the last row. */
void store_end(struct store_stmt *t);
/* Rows that the last statement changed. */
int64_t store_changes(const struct store *s);

/* Of the row that is there, from 0; valid until the next step.  What is null is
 * 0, "" and the empty slice. */
int64_t	     store_int(const struct store_stmt *t, int column);
const char  *store_text(const struct store_stmt *t, int column);
struct slice store_blob(const struct store_stmt *t, int column);
bool	     store_null(const struct store_stmt *t, int column);

#endif
