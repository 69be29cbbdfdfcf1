/* SPDX-License-Identifier: ISC */
/* The store: rows in and out, what is not ours, what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/base/file.h"
#include "lib/store/store.h"
#include "tests/unit/tmpdir.h"

enum { PUT, GET, COUNT, BAD };
static const char *const statements[] = {
    [PUT] = "INSERT INTO t (k, n, b) VALUES (?, ?, ?)",
    [GET] = "SELECT n, b FROM t WHERE k = ? ORDER BY n",
    [COUNT] = "SELECT count(*) FROM t",
    [BAD] = "SELECT x FROM nowhere",
};

struct world {
	char dir[TMPDIR_MAX];
	char *path;
	struct store_config c;
	struct store *s;
	struct err e;
};

static void
open_store(struct world *w)
{
	if (store_open(&w->c, &w->s, &w->e) != 0)
		fail_msg("%s", w->e.msg);
}

static void
close_store(struct world *w)
{
	store_close(w->s);
	w->s = NULL;
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tmpdir_make(w->dir, "store");
	assert_int_equal(path_join(w->dir, "db", &w->path), 0);
	w->c = (struct store_config){.path = w->path,
	    .kind = 0x57524954,
	    .version = 3,
	    .schema = "CREATE TABLE t (k TEXT, n INTEGER, b BLOB, "
		      "UNIQUE (k, n))",
	    .statements = statements,
	    .n_statements = sizeof(statements) / sizeof(statements[0])};
	open_store(w);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	int r;

	store_close(w->s);
	r = tmpdir_remove(w->dir);
	free(w->path);
	free(w);
	return r;
}

static int
put(struct world *w, const char *k, int64_t n, struct slice b)
{
	struct store_stmt *t = store_use(w->s, PUT);

	store_bind_text(t, k);
	store_bind_int(t, n);
	store_bind_blob(t, b);
	return store_run(t, &w->e);
}

static int64_t
count(struct world *w)
{
	struct store_stmt *t = store_use(w->s, COUNT);
	int64_t n;

	assert_int_equal(store_step(t, &w->e), 0);
	n = store_int(t, 0);
	store_end(t);
	return n;
}

/* --- tests ---------------------------------------------------------------- */

static void
what_was_put_is_had(void **state)
{
	struct world *w = *state;
	struct store_stmt *t;

	assert_true(store_is_new(w->s));
	assert_int_equal(put(w, "a", INT64_MAX, slice_of("x\0y", 3)), 0);
	assert_int_equal(put(w, "a", INT64_MIN, slice_of(NULL, 0)), 0);
	assert_int_equal(put(w, "b", 7, slice_of("", 0)), 0);
	assert_int_equal(store_changes(w->s), 1);
	close_store(w);
	open_store(w);
	assert_false(store_is_new(w->s));
	t = store_use(w->s, GET);
	store_bind_text(t, "a");
	assert_int_equal(store_step(t, &w->e), 0);
	assert_true(store_int(t, 0) == INT64_MIN);
	assert_true(store_null(t, 1));
	assert_int_equal(store_blob(t, 1).n, 0);
	assert_int_equal(store_step(t, &w->e), 0);
	assert_true(store_int(t, 0) == INT64_MAX);
	assert_true(slice_equal(store_blob(t, 1), slice_of("x\0y", 3)));
	assert_int_equal(store_step(t, &w->e), STORE_DONE);
}

/* A value left over from the use before would be somebody else's. */
static void
a_statement_begins_anew(void **state)
{
	struct world *w = *state;
	struct store_stmt *t;

	assert_int_equal(put(w, "a", 1, slice_str("one")), 0);
	assert_int_equal(put(w, "b", 2, slice_str("two")), 0);
	t = store_use(w->s, GET);
	store_bind_text(t, "a");
	assert_int_equal(store_step(t, &w->e), 0);
	t = store_use(w->s, GET);
	store_bind_text(t, "b");
	assert_int_equal(store_step(t, &w->e), 0);
	assert_int_equal(store_int(t, 0), 2);
	store_end(t);
}

static void
a_key_twice_is_told(void **state)
{
	struct world *w = *state;

	assert_int_equal(put(w, "a", 1, slice_str("one")), 0);
	assert_int_equal(put(w, "a", 1, slice_str("two")), ERR_EXISTS);
	assert_int_equal(count(w), 1);
}

static void
a_transaction_is_whole_or_not_there(void **state)
{
	struct world *w = *state;

	assert_int_equal(store_begin(w->s, &w->e), 0);
	assert_int_equal(put(w, "a", 1, slice_str("one")), 0);
	store_rollback(w->s);
	store_rollback(w->s);
	assert_int_equal(count(w), 0);
	assert_int_equal(store_begin(w->s, &w->e), 0);
	assert_int_equal(put(w, "a", 1, slice_str("one")), 0);
	assert_int_equal(store_commit(w->s, &w->e), 0);
	assert_int_equal(store_begin(w->s, &w->e), 0);
	assert_int_equal(put(w, "b", 1, slice_str("one")), 0);
	close_store(w);
	open_store(w);
	assert_int_equal(count(w), 1);
}

static void
bad_sql_is_an_error_each_time(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		struct store_stmt *t = store_use(w->s, BAD);

		store_bind_int(t, 1);
		assert_int_equal(store_step(t, &w->e), ERR_SYS);
		assert_non_null(strstr(w->e.msg, "nowhere"));
	}
}

static void
one_process_at_a_time(void **state)
{
	struct world *w = *state;
	struct store *other = NULL;

	assert_int_equal(store_open(&w->c, &other, &w->e), ERR_BUSY);
	assert_null(other);
}

static void
others_cannot_read_it(void **state)
{
	struct world *w = *state;
	struct stat st;

	assert_int_equal(stat(w->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
another_kind_or_version_is_refused(void **state)
{
	struct world *w = *state;
	struct store *other = NULL;

	close_store(w);
	w->c.kind ^= 1;
	assert_int_equal(store_open(&w->c, &other, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg, "another program"));
	assert_non_null(strstr(w->e.hint, "writ-ca rebuild"));
	w->c.kind ^= 1;
	w->c.version = 4;
	assert_int_equal(store_open(&w->c, &other, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg, "version 3, expected 4"));
	assert_non_null(strstr(w->e.hint, "writ-ca rebuild"));
}

static void
what_is_no_store_is_refused(void **state)
{
	struct world *w = *state;
	struct store *other = NULL;
	char text[4096];

	close_store(w);
	assert_int_equal(store_remove(w->path, &w->e), 0);
	assert_int_equal(store_remove(w->path, &w->e), 1);
	memset(text, 'x', sizeof(text));
	assert_int_equal(file_write(w->path, text, sizeof(text), 0600, 0,
			     &w->e),
	    0);
	assert_int_equal(store_open(&w->c, &other, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.hint, "writ-ca rebuild"));
}

/* Every page of zeros in turn: refused at opening or told when read; never a
 * wrong row. */
static void
damage_is_told(void **state)
{
	struct world *w = *state;
	char *whole = NULL, *damaged;
	size_t n, told = 0;

	for (int64_t i = 0; i < 2000; i++)
		assert_int_equal(put(w, "some text that fills pages", i,
				     slice_str("and more of it")),
		    0);
	close_store(w);
	assert_int_equal(file_read(w->path, 1 << 24, &whole, &n, &w->e), 0);
	damaged = malloc(n);
	assert_non_null(damaged);
	for (size_t at = 0; at < n; at += 4096) {
		struct store_stmt *t;
		int r;

		memcpy(damaged, whole, n);
		memset(damaged + at, 0, 4096);
		assert_int_equal(file_write(w->path, damaged, n, 0600,
				     FILE_NOSYNC, &w->e),
		    0);
		r = store_open(&w->c, &w->s, &w->e);
		if (r == 0) {
			int64_t want = 0;

			t = store_use(w->s, GET);
			store_bind_text(t, "some text that fills pages");
			while ((r = store_step(t, &w->e)) == 0)
				assert_int_equal(store_int(t, 0), want++);
			if (r == STORE_DONE)
				assert_int_equal(want, 2000);
			close_store(w);
		}
		assert_true(r == STORE_DONE || r == ERR_CORRUPT);
		told += r == ERR_CORRUPT;
	}
	assert_true(told > 1);
	free(damaged);
	free(whole);
}

static void
a_full_store_says_so(void **state)
{
	struct world *w = *state;
	char text[2048];
	int r = 0;

	memset(text, 'x', sizeof(text));
	close_store(w);
	w->c.max_bytes = 16 * 4096;
	open_store(w);
	for (int64_t i = 0; i < 1000 && r == 0; i++)
		r = put(w, "a", i, slice_of(text, sizeof(text)));
	assert_int_equal(r, ERR_RECORD);
	assert_non_null(strstr(w->e.msg, "full"));
	assert_true(count(w) > 0);
}

/* As where a quota is used up, or a disk fails: once that is over it goes on. */
static void
a_file_that_cannot_grow_says_so(void **state)
{
	struct world *w = *state;
	struct rlimit was, small;
	char text[8192];
	int r = 0;

	memset(text, 'x', sizeof(text));
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 65536;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int64_t i = 0; i < 100 && r == 0; i++)
		r = put(w, "a", i, slice_of(text, sizeof(text)));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_int_equal(r, ERR_RECORD);
	assert_non_null(strstr(w->e.msg, "File too large"));
	assert_int_equal(put(w, "b", 1, slice_of(text, sizeof(text))), 0);
	assert_true(count(w) > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    T(what_was_put_is_had),
	    T(a_statement_begins_anew),
	    T(a_key_twice_is_told),
	    T(a_transaction_is_whole_or_not_there),
	    T(bad_sql_is_an_error_each_time),
	    T(one_process_at_a_time),
	    T(others_cannot_read_it),
	    T(another_kind_or_version_is_refused),
	    T(what_is_no_store_is_refused),
	    T(damage_is_told),
	    T(a_full_store_says_so),
	    T(a_file_that_cannot_grow_says_so),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
