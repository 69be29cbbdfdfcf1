/* SPDX-License-Identifier: ISC */
/* The store of a master: opened, begun and committed. */
#include "agent/master/rows.h"

#include <stdlib.h>
#include <string.h>

#include "agent/master/rows_impl.h"

#define ROWS_KIND    0x57524d53 /* "WRMS" */
#define ROWS_VERSION 5

static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE acts (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " statement BLOB NOT NULL);"
    "CREATE TABLE hosts (id TEXT PRIMARY KEY, idx INTEGER NOT NULL DEFAULT 0,"
    " at INTEGER NOT NULL DEFAULT 0, report BLOB,"
    " run_at INTEGER NOT NULL DEFAULT 0, run BLOB, certificate TEXT,"
    " alarms TEXT) WITHOUT ROWID;"
    "CREATE TABLE jobs (hash BLOB PRIMARY KEY, opened INTEGER NOT NULL,"
    " state INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE away (job BLOB NOT NULL, host TEXT NOT NULL,"
    " PRIMARY KEY (job, host)) WITHOUT ROWID;"
    "CREATE TABLE parts (job BLOB NOT NULL, host TEXT NOT NULL,"
    " idx INTEGER NOT NULL, report BLOB NOT NULL,"
    " PRIMARY KEY (job, host)) WITHOUT ROWID;"
    "CREATE TABLE objects (hash BLOB PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE logins (id INTEGER PRIMARY KEY, host TEXT NOT NULL,"
    " seq INTEGER NOT NULL, came INTEGER NOT NULL, report BLOB NOT NULL,"
    " at INTEGER NOT NULL, until INTEGER NOT NULL, count INTEGER NOT NULL,"
    " what INTEGER NOT NULL, source INTEGER NOT NULL, session TEXT,"
    " account TEXT, origin TEXT, port INTEGER NOT NULL, method TEXT, key BLOB,"
    " ca BLOB, serial INTEGER, key_id TEXT, signatures INTEGER NOT NULL,"
    " command TEXT, runs_as TEXT, why TEXT, clock INTEGER NOT NULL,"
    " tbs BLOB);"
    "CREATE INDEX logins_at ON logins (at, host);"
    "CREATE INDEX logins_host ON logins (host, at);"
    "CREATE INDEX logins_account ON logins (account, at, host)"
    " WHERE account NOT NULL;"
    "CREATE INDEX logins_serial ON logins (serial, at, host)"
    " WHERE serial NOT NULL;"
    "CREATE TABLE waiting (hash BLOB PRIMARY KEY, origin TEXT NOT NULL,"
    " since INTEGER NOT NULL, statement BLOB NOT NULL);";

static const char *const statements[] = {
#define X(name, text) [SQL_##name] = (text),
    ROWS_SQL(X)
#undef X
};

struct slice
rows_hash_slice(const struct hash *h)
{
	return slice_of(h->b, HASH_LEN);
}

static int
read_applied(struct rows *r, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_GET);
	int ret;

	store_bind_text(t, "applied");
	if ((ret = store_step(t, e)) == 0)
		r->applied = (uint64_t)store_int(t, 0);
	store_end(t);
	return ret < 0 ? ret : 0;
}

static int
count_waiting(struct rows *r, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING_COUNT);
	int ret;

	if ((ret = store_step(t, e)) == 0)
		r->n_waiting = store_int(t, 0);
	store_end(t);
	return ret < 0 ? ret : 0;
}

/* A store put beside another log would say what that one never said. */
static int
check_origin(struct rows *r, const char *path, const char *origin,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_GET);
	int ret;

	store_bind_text(t, "origin");
	if ((ret = store_step(t, e)) == 0 &&
	    strcmp(store_text(t, 0), origin) != 0) {
		ret = err_set(e, ERR_CORRUPT, "%s: is of another log (%s)",
		    path, store_text(t, 0));
	}
	store_end(t);
	if (ret != STORE_DONE)
		return ret;
	t = store_use(r->store, SQL_META_PUT);
	store_bind_text(t, "origin");
	store_bind_text(t, origin);
	return store_run(t, e);
}

int
rows_open(const char *path, const char *origin, struct rows **out,
    struct err *e)
{
	const struct store_config c = {.path = path,
	    .kind = ROWS_KIND,
	    .version = ROWS_VERSION,
	    .schema = schema,
	    .statements = statements,
	    .n_statements = SQL_N};
	struct rows *r = calloc(1, sizeof(*r));
	int ret;

	if (r == NULL)
		return err_nomem(e);
	if ((ret = store_open(&c, &r->store, e)) != 0 ||
	    (ret = check_origin(r, path, origin, e)) != 0 ||
	    (ret = read_applied(r, e)) != 0 ||
	    (ret = count_waiting(r, e)) != 0) {
		/* A master has no command for it, as the CA has. */
		if (ret == ERR_CORRUPT)
			err_hint(e,
			    "take it away: it is made anew from the log at the "
			    "next start");
		rows_close(r);
		return ret;
	}
	*out = r;
	return 0;
}

void
rows_close(struct rows *r)
{
	if (r == NULL)
		return;
	store_close(r->store);
	free(r);
}

bool
rows_are_new(const struct rows *r)
{
	return store_is_new(r->store);
}

uint64_t
rows_applied(const struct rows *r)
{
	return r->applied;
}

int
rows_begin(struct rows *r, struct err *e)
{
	return store_begin(r->store, e);
}

int
rows_commit(struct rows *r, uint64_t applied, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_PUT);
	int ret;

	store_bind_text(t, "applied");
	store_bind_int(t, (int64_t)applied);
	if ((ret = store_run(t, e)) == 0 &&
	    (ret = store_commit(r->store, e)) == 0)
		r->applied = applied;
	return ret;
}

void
rows_rollback(struct rows *r)
{
	store_rollback(r->store);
	(void)!count_waiting(r, NULL); /* as it was, or too many for a while */
}
