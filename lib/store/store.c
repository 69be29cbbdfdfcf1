/* SPDX-License-Identifier: ISC */
/* A store as a file: opened, made, taken away; its transactions. */
#include "lib/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/str.h"
#include "lib/store/store_impl.h"

#define PAGE_SIZE 4096
/* Keys are hashes, so each row goes to a page of its own in an index: those
 * should be in memory, and be written back a few times less often than changed. */
#define CACHE_KIB  32768
#define WAL_PAGES  4000
#define MOST_BYTES (UINT64_C(64) << 30)

/* --- failures ------------------------------------------------------------- */

static const struct {
	int sqlite, code;
	const char *text;
} failures[] = {
    {SQLITE_NOMEM, ERR_NOMEM, "out of memory"},
    {SQLITE_CORRUPT, ERR_CORRUPT, "is damaged"},
    {SQLITE_NOTADB, ERR_CORRUPT, "is not a store"},
    {SQLITE_BUSY, ERR_BUSY, "another process has it open"},
    {SQLITE_LOCKED, ERR_BUSY, "another process has it open"},
    {SQLITE_FULL, ERR_RECORD, "the disk is full, or the store is"},
    {SQLITE_TOOBIG, ERR_LIMIT, "a value is too long"},
    {SQLITE_CONSTRAINT, ERR_EXISTS, "a row of that key is there already"},
};

/* Of a write that failed: what is written goes into the log beside the file. */
static int
write_errno(const struct store *s, int sqlite)
{
	sqlite3_file *log = NULL;
	int number = 0;

	if ((sqlite != SQLITE_IOERR_WRITE && sqlite != SQLITE_IOERR_FSYNC) ||
	    sqlite3_file_control(s->db, "main", SQLITE_FCNTL_JOURNAL_POINTER,
		&log) != SQLITE_OK ||
	    log == NULL || log->pMethods == NULL)
		return 0;
	(void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO,
	    &number);
	return number;
}

/* A quota of the disk that is used up is one: as with a full disk, it may go on
 * later. */
static int
io_failed(const struct store *s, int sqlite, struct err *e)
{
	int number = write_errno(s, sqlite);

	return err_set(e, ERR_RECORD, "%s: cannot be read or written: %s",
	    s->path, number != 0 ? strerror(number) : sqlite3_errstr(sqlite));
}

int
store_failed(const struct store *s, int sqlite, struct err *e)
{
	int primary =
	    sqlite == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : sqlite & 0xff;

	if (primary == SQLITE_IOERR)
		return io_failed(s, sqlite, e);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		int r;

		if (failures[i].sqlite != primary)
			continue;
		r = err_set(e, failures[i].code, "%s: %s", s->path,
		    failures[i].text);
		if (r == ERR_CORRUPT)
			err_hint(e,
			    "writ-ca rebuild takes it away; it is made "
			    "anew from the log at the next start");
		return r;
	}
	return err_set(e, ERR_SYS, "%s: %s", s->path,
	    s->db != NULL ? sqlite3_errmsg(s->db) : sqlite3_errstr(sqlite));
}

static int
run_sql(struct store *s, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : store_failed(s, rc, e);
}

/* One number that a pragma answers. */
static int
ask_number(struct store *s, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *t = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &t, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(t)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(t, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(t);
	return rc == SQLITE_OK ? 0 : store_failed(s, rc, e);
}

/* --- opening -------------------------------------------------------------- */

/* SQLite would give the file whatever mode the umask leaves. */
static int
make_file(const char *path, struct err *e)
{
	int fd = open(path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return err_sys(e, "%s", path);
	(void)close(fd);
	return 0;
}

/* What a file says should not be run, and what is not needed is off. */
static int
configure(struct store *s, const struct store_config *c, struct err *e)
{
	uint64_t most = c->max_bytes != 0 ? c->max_bytes : MOST_BYTES;
	char sql[128];
	int r;

	(void)sqlite3_extended_result_codes(s->db, 1);
	(void)sqlite3_busy_timeout(s->db, 0);
	(void)sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, STORE_VALUE_MAX);
	(void)sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void)sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	snprintf(sql, sizeof(sql),
	    "PRAGMA max_page_count=%llu; PRAGMA cache_size=-%d; "
	    "PRAGMA wal_autocheckpoint=%d",
	    (unsigned long long)(most / PAGE_SIZE), CACHE_KIB, WAL_PAGES);
	/* Exclusive: one process, and no shared memory beside the file. */
	if ((r = run_sql(s, "PRAGMA locking_mode=EXCLUSIVE", e)) != 0 ||
	    (r = run_sql(s, "PRAGMA cell_size_check=ON", e)) != 0 ||
	    (r = run_sql(s, "PRAGMA journal_mode=WAL", e)) != 0 ||
	    (r = run_sql(s, "PRAGMA synchronous=NORMAL", e)) != 0 ||
	    (r = run_sql(s, "PRAGMA temp_store=MEMORY", e)) != 0)
		return r;
	return run_sql(s, sql, e);
}

static int
make_schema(struct store *s, const struct store_config *c, struct err *e)
{
	char sql[96];
	int r;

	snprintf(sql, sizeof(sql),
	    "PRAGMA application_id=%ld; PRAGMA user_version=%d",
	    (long)(int32_t)c->kind, c->version);
	if ((r = store_begin(s, e)) != 0)
		return r;
	if ((r = run_sql(s, c->schema, e)) != 0 ||
	    (r = run_sql(s, sql, e)) != 0 || (r = store_commit(s, e)) != 0) {
		store_rollback(s);
		return r;
	}
	s->is_new = true;
	return 0;
}

static int
check_schema(struct store *s, const struct store_config *c, struct err *e)
{
	int64_t kind = 0, version = 0, tables = 0;
	int r;

	if ((r = ask_number(s, "PRAGMA application_id", &kind, e)) != 0 ||
	    (r = ask_number(s, "PRAGMA user_version", &version, e)) != 0 ||
	    (r = ask_number(s, "SELECT count(*) FROM sqlite_schema", &tables,
		 e)) != 0)
		return r;
	if (kind == 0 && version == 0 && tables == 0)
		return make_schema(s, c, e);
	if (kind != (int32_t)c->kind)
		r = err_set(e, ERR_CORRUPT, "%s: is another program's database",
		    s->path);
	else if (version != c->version)
		r = err_set(e, ERR_CORRUPT,
		    "%s: is a store of version %lld, expected %d", s->path,
		    (long long)version, c->version);
	if (r != 0)
		err_hint(e,
		    "writ-ca rebuild takes it away; it is made anew "
		    "from the log at the next start");
	return r;
}

int
store_open(const struct store_config *c, struct store **out, struct err *e)
{
	struct store *s;
	int r, rc;

	if ((r = make_file(c->path, e)) != 0)
		return r;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return err_nomem(e);
	s->statements = c->statements;
	s->n = c->n_statements;
	if ((s->path = str_dup(c->path)) == NULL ||
	    (s->v = calloc(s->n + 1, sizeof(*s->v))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	rc = sqlite3_open_v2(c->path, &s->db,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
	    NULL);
	if (rc != SQLITE_OK) {
		r = store_failed(s, rc, e);
		goto out;
	}
	if ((r = configure(s, c, e)) != 0 || (r = check_schema(s, c, e)) != 0)
		goto out;
	*out = s;
	s = NULL;
out:
	store_close(s);
	return r;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	/* What is not committed is rolled back by closing. */
	for (size_t i = 0; s->v != NULL && i < s->n; i++)
		sqlite3_finalize(s->v[i].t);
	(void)sqlite3_close(s->db);
	free(s->v);
	free(s->path);
	free(s);
}

bool
store_is_new(const struct store *s)
{
	return s->is_new;
}

/* The file goes last: what is beside it means nothing without it. */
int
store_remove(const char *path, struct err *e)
{
	static const char *const beside[] = {"-wal", "-shm", "-journal", ""};
	bool was = false;

	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		char *name = NULL;
		int r;

		if (path_joinf(&name, "%s%s", path, beside[i]) != 0)
			return err_nomem(e);
		r = unlink(name) != 0 && errno != ENOENT
		    ? err_sys(e, "%s", name)
		    : 0;
		was = beside[i][0] == '\0' && r == 0 && errno != ENOENT;
		free(name);
		if (r != 0)
			return r;
		errno = 0;
	}
	return was ? 0 : 1;
}

/* --- transactions --------------------------------------------------------- */

int
store_begin(struct store *s, struct err *e)
{
	return run_sql(s, "BEGIN IMMEDIATE", e);
}

int
store_commit(struct store *s, struct err *e)
{
	return run_sql(s, "COMMIT", e);
}

void
store_rollback(struct store *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].t != NULL)
			(void)sqlite3_reset(s->v[i].t);
	if (!sqlite3_get_autocommit(s->db))
		(void)run_sql(s, "ROLLBACK", NULL);
}

int64_t
store_changes(const struct store *s)
{
	return sqlite3_changes(s->db);
}
