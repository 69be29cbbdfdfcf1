/* SPDX-License-Identifier: ISC */
/* Statements: bound, stepped, read. */
#include <stdlib.h>
#include <string.h>

#include "lib/store/store.h"
#include "lib/store/store_impl.h"

struct store_stmt *
store_use(struct store *s, size_t i)
{
	struct store_stmt *t = &s->v[i];

	t->store = s;
	t->bound = 0;
	t->failed = SQLITE_OK;
	if (t->t == NULL)
		t->failed = sqlite3_prepare_v3(s->db, s->statements[i], -1,
		    SQLITE_PREPARE_PERSISTENT, &t->t, NULL);
	else
		/* Answers how the use before went, which was told then. */
		(void)sqlite3_reset(t->t);
	return t;
}

static void
bound(struct store_stmt *t, int rc)
{
	if (t->failed == SQLITE_OK)
		t->failed = rc;
}

void
store_bind_int(struct store_stmt *t, int64_t v)
{
	if (t->failed == SQLITE_OK)
		bound(t, sqlite3_bind_int64(t->t, ++t->bound, v));
}

void
store_bind_text(struct store_stmt *t, const char *v)
{
	if (t->failed == SQLITE_OK)
		bound(t,
		    sqlite3_bind_text64(t->t, ++t->bound, v,
			v != NULL ? strlen(v) : 0, SQLITE_TRANSIENT,
			SQLITE_UTF8));
}

void
store_bind_blob(struct store_stmt *t, struct slice v)
{
	if (t->failed == SQLITE_OK)
		bound(t,
		    sqlite3_bind_blob64(t->t, ++t->bound, v.p, v.n,
			SQLITE_TRANSIENT));
}

int
store_step(struct store_stmt *t, struct err *e)
{
	int rc = t->failed;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(t->t);
	if (rc == SQLITE_ROW)
		return 0;
	if (rc == SQLITE_DONE) {
		(void)sqlite3_reset(t->t);
		t->bound = 0;
		return STORE_DONE;
	}
	/* The sentence first: a reset may replace it. */
	rc = store_failed(t->store, rc, e);
	if (t->t != NULL)
		(void)sqlite3_reset(t->t);
	return rc;
}

int
store_run(struct store_stmt *t, struct err *e)
{
	int r;

	while ((r = store_step(t, e)) == 0)
		continue;
	return r == STORE_DONE ? 0 : r;
}

void
store_end(struct store_stmt *t)
{
	if (t->t != NULL)
		(void)sqlite3_reset(t->t);
}

int64_t
store_int(const struct store_stmt *t, int column)
{
	return sqlite3_column_int64(t->t, column);
}

const char *
store_text(const struct store_stmt *t, int column)
{
	const unsigned char *p = sqlite3_column_text(t->t, column);

	return p != NULL ? (const char *)p : "";
}

struct slice
store_blob(const struct store_stmt *t, int column)
{
	const void *p = sqlite3_column_blob(t->t, column);
	int n = sqlite3_column_bytes(t->t, column);

	return slice_of(p, p != NULL && n > 0 ? (size_t)n : 0);
}

bool
store_null(const struct store_stmt *t, int column)
{
	return sqlite3_column_type(t->t, column) == SQLITE_NULL;
}
