/* SPDX-License-Identifier: ISC */
#include "agent/master/rows.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"
#include "lib/store/store.h"

#define ROWS_KIND    0x57524d53 /* "WRMS" */
#define ROWS_VERSION 1

static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE acts (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " statement BLOB NOT NULL);"
    "CREATE TABLE hosts (id TEXT PRIMARY KEY, idx INTEGER NOT NULL DEFAULT 0,"
    " at INTEGER NOT NULL DEFAULT 0, report BLOB,"
    " run_at INTEGER NOT NULL DEFAULT 0, run BLOB, certificate TEXT)"
    " WITHOUT ROWID;"
    "CREATE TABLE jobs (hash BLOB PRIMARY KEY, opened INTEGER NOT NULL,"
    " state INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE away (job BLOB NOT NULL, host TEXT NOT NULL,"
    " PRIMARY KEY (job, host)) WITHOUT ROWID;"
    "CREATE TABLE parts (job BLOB NOT NULL, host TEXT NOT NULL,"
    " idx INTEGER NOT NULL, report BLOB NOT NULL,"
    " PRIMARY KEY (job, host)) WITHOUT ROWID;"
    "CREATE TABLE objects (hash BLOB PRIMARY KEY, data BLOB NOT NULL);"
    "CREATE TABLE waiting (hash BLOB PRIMARY KEY, origin TEXT NOT NULL,"
    " since INTEGER NOT NULL, statement BLOB NOT NULL);";

#define ROWS_SQL(X)                                                            \
	X(META_GET, "SELECT value FROM meta WHERE name = ?")                   \
	X(META_PUT, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)") \
	X(ACT_PUT,                                                             \
	    "INSERT OR IGNORE INTO acts (idx, hash, statement) "               \
	    "VALUES (?, ?, ?)")                                                \
	X(ACT, "SELECT statement FROM acts WHERE hash = ?")                    \
	X(ACT_FIND, "SELECT idx FROM acts WHERE hash = ?")                     \
	X(ACTS,                                                                \
	    "SELECT idx, 0, statement FROM acts UNION ALL "                    \
	    "SELECT idx, 1, report FROM hosts WHERE report NOT NULL "          \
	    "ORDER BY 1")                                                      \
	X(ACTS_FROM,                                                           \
	    "SELECT idx, 0, statement FROM acts WHERE idx >= ? "               \
	    "ORDER BY idx LIMIT ?")                                            \
	X(REPORT_PUT,                                                          \
	    "INSERT INTO hosts (id, idx, at, report) VALUES (?, ?, ?, ?) "     \
	    "ON CONFLICT (id) DO UPDATE SET idx = excluded.idx, "              \
	    "at = excluded.at, report = excluded.report")                      \
	X(RUN_PUT,                                                             \
	    "INSERT INTO hosts (id, run_at, run) VALUES (?, ?, ?) "            \
	    "ON CONFLICT (id) DO UPDATE SET run_at = excluded.run_at, "        \
	    "run = excluded.run")                                              \
	X(HOST_RENAME, "UPDATE OR REPLACE hosts SET id = ? WHERE id = ?")      \
	X(HOST_FORGET, "DELETE FROM hosts WHERE id = ?")                       \
	X(CERTIFICATE_PUT,                                                     \
	    "INSERT INTO hosts (id, certificate) VALUES (?, ?) "               \
	    "ON CONFLICT (id) DO UPDATE SET "                                  \
	    "certificate = excluded.certificate")                              \
	X(HOST,                                                                \
	    "SELECT id, idx, at, report, run_at, run, certificate "            \
	    "FROM hosts WHERE id = ?")                                         \
	X(HOSTS,                                                               \
	    "SELECT id, idx, at, report, run_at, run, certificate "            \
	    "FROM hosts ORDER BY id")                                          \
	X(OBJECT_PUT,                                                          \
	    "INSERT OR IGNORE INTO objects (hash, data) VALUES (?, ?)")        \
	X(OBJECT, "SELECT data FROM objects WHERE hash = ?")                   \
	X(JOB_PUT,                                                             \
	    "INSERT OR REPLACE INTO jobs (hash, opened, state) "               \
	    "VALUES (?, ?, ?)")                                                \
	X(JOB, "SELECT opened, state FROM jobs WHERE hash = ?")                \
	X(AWAY_PUT, "INSERT OR IGNORE INTO away (job, host) VALUES (?, ?)")    \
	X(AWAY, "SELECT host FROM away WHERE job = ? ORDER BY host")           \
	X(PART_PUT,                                                            \
	    "INSERT OR REPLACE INTO parts (job, host, idx, report) "           \
	    "VALUES (?, ?, ?, ?)")                                             \
	X(PARTS, "SELECT host, report FROM parts WHERE job = ? ORDER BY idx")  \
	X(WAITING_PUT,                                                         \
	    "INSERT OR IGNORE INTO waiting (hash, origin, since, statement) "  \
	    "VALUES (?, ?, ?, ?)")                                             \
	X(WAITING_TRIM,                                                        \
	    "DELETE FROM waiting WHERE hash IN (SELECT hash FROM waiting "     \
	    "ORDER BY since DESC LIMIT -1 OFFSET ?)")                          \
	X(WAITING_COUNT, "SELECT count(*) FROM waiting")                       \
	X(WAITING_DROP, "DELETE FROM waiting WHERE hash = ?")                  \
	X(WAITING,                                                             \
	    "SELECT origin, since, statement FROM waiting "                    \
	    "WHERE hash = ?")                                                  \
	X(WAITING_ALL,                                                         \
	    "SELECT origin, since, statement FROM waiting "                    \
	    "ORDER BY since, hash")

enum {
#define X(name, text) SQL_##name,
	ROWS_SQL(X)
#undef X
	    SQL_N
};

static const char *const statements[] = {
#define X(name, text) [SQL_##name] = (text),
    ROWS_SQL(X)
#undef X
};

struct rows {
	struct store *store;
	uint64_t applied;
	int64_t n_waiting; /* rows, so that none are counted for each new one */
};

static struct slice
hash_slice(const struct hash *h)
{
	return slice_of(h->b, HASH_LEN);
}

/* --- opening ----------------------------------------------------------------- */

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
		err_hint(e,
		    "take it away: it is made anew from the log at the next "
		    "start");
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

/* --- statements ---------------------------------------------------------------- */

int
rows_put_act(struct rows *r, uint64_t index, const struct statement *s,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT_PUT);

	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, hash_slice(&s->hash));
	store_bind_blob(t, statement_bytes(s));
	return store_run(t, e);
}

int
rows_find_act(struct rows *r, const struct hash *h, uint64_t *index,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT_FIND);
	int ret;

	store_bind_blob(t, hash_slice(h));
	if ((ret = store_step(t, e)) == 0)
		*index = (uint64_t)store_int(t, 0);
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

/* A copy of the only column of the only row. */
static int
copy_blob(struct store_stmt *t, char **out, size_t *n, struct err *e)
{
	struct slice data;
	int ret;

	if ((ret = store_step(t, e)) == 0) {
		data = store_blob(t, 0);
		if ((*out = str_dupn(data.p, data.n)) == NULL)
			ret = err_nomem(e);
		else
			*n = data.n;
	}
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

int
rows_act(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT);

	store_bind_blob(t, hash_slice(h));
	return copy_blob(t, out, n, e);
}

static int
each_act(struct store_stmt *t,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	int ret;

	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, (uint64_t)store_int(t, 0),
			 store_int(t, 1) != 0, store_blob(t, 2))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_each_act(struct rows *r,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	return each_act(store_use(r->store, SQL_ACTS), each, ctx, e);
}

int
rows_acts_from(struct rows *r, uint64_t from, unsigned max,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACTS_FROM);

	store_bind_int(t, (int64_t)from);
	store_bind_int(t, max);
	return each_act(t, each, ctx, e);
}

int
rows_ca_next(struct rows *r, uint64_t *out, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_GET);
	int ret;

	store_bind_text(t, "ca_next");
	if ((ret = store_step(t, e)) == 0)
		*out = (uint64_t)store_int(t, 0);
	store_end(t);
	return ret < 0 ? ret : 0;
}

int
rows_set_ca_next(struct rows *r, uint64_t next, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_PUT);

	store_bind_text(t, "ca_next");
	store_bind_int(t, (int64_t)next);
	return store_run(t, e);
}

/* --- hosts ------------------------------------------------------------------------ */

int
rows_put_report(struct rows *r, const char *host, uint64_t index, int64_t at,
    const struct statement *s, bool run, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_REPORT_PUT);
	int ret;

	store_bind_text(t, host);
	store_bind_int(t, (int64_t)index);
	store_bind_int(t, at);
	store_bind_blob(t, statement_bytes(s));
	if ((ret = store_run(t, e)) != 0 || !run)
		return ret;
	t = store_use(r->store, SQL_RUN_PUT);
	store_bind_text(t, host);
	store_bind_int(t, at);
	store_bind_blob(t, statement_bytes(s));
	return store_run(t, e);
}

int
rows_rename(struct rows *r, const char *from, const char *to, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST_RENAME);

	store_bind_text(t, to);
	store_bind_text(t, from);
	return store_run(t, e);
}

int
rows_forget(struct rows *r, const char *host, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST_FORGET);

	store_bind_text(t, host);
	return store_run(t, e);
}

int
rows_put_certificate(struct rows *r, const char *host, const char *line,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_CERTIFICATE_PUT);

	store_bind_text(t, host);
	store_bind_text(t, line);
	return store_run(t, e);
}

static void
read_host(const struct store_stmt *t, struct host_rows *h)
{
	*h = (struct host_rows){.host = store_text(t, 0),
	    .index = (uint64_t)store_int(t, 1),
	    .at = store_int(t, 2),
	    .report = store_blob(t, 3),
	    .run_at = store_int(t, 4),
	    .run = store_blob(t, 5),
	    .certificate = store_null(t, 6) ? NULL : store_text(t, 6)};
}

static int
each_host(struct store_stmt *t,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, size_t *n,
    struct err *e)
{
	struct host_rows h;
	int ret;

	while ((ret = store_step(t, e)) == 0) {
		read_host(t, &h);
		++*n;
		if ((ret = each(ctx, &h)) != 0)
			break;
	}
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_host(struct rows *r, const char *host,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST);
	size_t n = 0;
	int ret;

	store_bind_text(t, host);
	ret = each_host(t, each, ctx, &n, e);
	return ret == 0 && n == 0 ? 1 : ret;
}

int
rows_each_host(struct rows *r,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, struct err *e)
{
	size_t n = 0;

	return each_host(store_use(r->store, SQL_HOSTS), each, ctx, &n, e);
}

/* --- files ------------------------------------------------------------------------- */

int
rows_put_object(struct rows *r, const struct hash *h, struct slice data,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_OBJECT_PUT);

	store_bind_blob(t, hash_slice(h));
	store_bind_blob(t, data);
	return store_run(t, e);
}

int
rows_object(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_OBJECT);

	store_bind_blob(t, hash_slice(h));
	return copy_blob(t, out, n, e);
}

/* --- jobs --------------------------------------------------------------------------- */

int
rows_put_job(struct rows *r, const struct hash *job, unsigned opened, int state,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_JOB_PUT);

	store_bind_blob(t, hash_slice(job));
	store_bind_int(t, opened);
	store_bind_int(t, state);
	return store_run(t, e);
}

int
rows_job(struct rows *r, const struct hash *job, unsigned *opened, int *state,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_JOB);
	int ret;

	store_bind_blob(t, hash_slice(job));
	if ((ret = store_step(t, e)) == 0) {
		*opened = (unsigned)store_int(t, 0);
		*state = (int)store_int(t, 1);
	}
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

int
rows_put_away(struct rows *r, const struct hash *job, const char *host,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_AWAY_PUT);

	store_bind_blob(t, hash_slice(job));
	store_bind_text(t, host);
	return store_run(t, e);
}

int
rows_each_away(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host), void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_AWAY);
	int ret;

	store_bind_blob(t, hash_slice(job));
	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_put_part(struct rows *r, const struct hash *job, const char *host,
    uint64_t index, struct slice report, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_PART_PUT);

	store_bind_blob(t, hash_slice(job));
	store_bind_text(t, host);
	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, report);
	return store_run(t, e);
}

int
rows_each_part(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host, struct slice report), void *ctx,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_PARTS);
	int ret;

	store_bind_blob(t, hash_slice(job));
	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0), store_blob(t, 1))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

/* --- who asks in ----------------------------------------------------------------------- */

int
rows_put_waiting(struct rows *r, const struct statement *s, const char *from,
    int64_t since, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING_PUT);
	int ret;

	store_bind_blob(t, hash_slice(&s->hash));
	store_bind_text(t, from);
	store_bind_int(t, since);
	store_bind_blob(t, statement_bytes(s));
	if ((ret = store_run(t, e)) != 0)
		return ret;
	r->n_waiting += store_changes(r->store);
	if (r->n_waiting <= ROWS_WAITING_MAX)
		return 0;
	t = store_use(r->store, SQL_WAITING_TRIM);
	store_bind_int(t, ROWS_WAITING_MAX);
	if ((ret = store_run(t, e)) == 0)
		r->n_waiting -= store_changes(r->store);
	return ret;
}

int
rows_drop_waiting(struct rows *r, const struct hash *h, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING_DROP);
	int ret;

	store_bind_blob(t, hash_slice(h));
	if ((ret = store_run(t, e)) == 0)
		r->n_waiting -= store_changes(r->store);
	return ret;
}

static int
each_waiting(struct store_stmt *t,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	int ret;

	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0), store_int(t, 1),
			 store_blob(t, 2))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_each_waiting(struct rows *r,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	return each_waiting(store_use(r->store, SQL_WAITING_ALL), each, ctx, e);
}

int
rows_waiting(struct rows *r, const struct hash *h,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING);

	store_bind_blob(t, hash_slice(h));
	return each_waiting(t, each, ctx, e);
}
