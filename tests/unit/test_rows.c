/* SPDX-License-Identifier: ISC */
/* The master's store: what is put comes back, in the order of the log; what was
 * not committed does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/rows.h"
#include "lib/store/store.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define ORIGIN "writ.invalid/0123456789abcdef/master_1_log"
#define WEB    "web-1.example.com"

static char dir[TMPDIR_MAX];
static char path[TMPDIR_MAX + 16];
static struct rows *rows;

static struct rows *
open_rows(const char *origin, int want)
{
	struct rows *r = NULL;
	struct err e = {0};

	assert_int_equal(rows_open(path, origin, &r, &e), want);
	if (want != 0)
		assert_true(e.msg[0] != '\0');
	return r;
}

static int
setup(void **state)
{
	(void)state;
	tmpdir_make(dir, "rows");
	(void)snprintf(path, sizeof(path), "%s/db", dir);
	rows = open_rows(ORIGIN, 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	rows_close(rows);
	return tmpdir_remove(dir);
}

static void
reopen(void)
{
	rows_close(rows);
	rows = open_rows(ORIGIN, 0);
}

/* A rejection and a report will do for any statement. */
static void
act(struct statement *s)
{
	fixture_statement(s, ST_REJECT, PETRA);
	s->u.reject.host = str_dup(WEB);
	s->u.reject.reason = str_dup("out");
	fixture_sign(s, FIXTURE_BY(SEED_PETRA));
}

static void
report(struct statement *s, uint64_t seq)
{
	fixture_statement(s, ST_REPORT, WEB);
	s->u.report.seq = seq;
	s->u.report.has_previous = seq > 1;
	fixture_sign(s, FIXTURE_BY(SEED_ALICE));
}

static void
begin(void)
{
	assert_int_equal(rows_begin(rows, NULL), 0);
}

static void
commit(uint64_t applied)
{
	assert_int_equal(rows_commit(rows, applied, NULL), 0);
}

/* --- acts and reports ----------------------------------------------------- */

struct seen {
	char text[256];
};

static int
see_act(void *ctx, uint64_t index, bool is_report, struct slice bytes)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	assert_true(bytes.n > 0);
	(void)snprintf(s->text + n, sizeof(s->text) - n, "%s%llu ",
	    is_report ? "r" : "a", (unsigned long long)index);
	return 0;
}

static void
statements_come_back_in_the_order_of_the_log(void **state)
{
	struct statement a, b, r1, r2;
	struct seen s = {""};
	uint64_t at = 0;
	char *text = NULL;
	size_t n;

	(void)state;
	act(&a);
	act(&b);
	report(&r1, 1);
	report(&r2, 2);
	begin();
	assert_int_equal(rows_put_act(rows, 7, &b, NULL), 0);
	assert_int_equal(rows_put_act(rows, 3, &a, NULL), 0);
	/* A second report takes the place of the first. */
	assert_int_equal(rows_put_report(rows, WEB, 4, 1, &r1, false, NULL), 0);
	assert_int_equal(rows_put_report(rows, WEB, 5, 2, &r2, true, NULL), 0);
	commit(8);
	assert_int_equal(rows_each_act(rows, see_act, &s, NULL), 0);
	assert_string_equal(s.text, "a3 r5 a7 ");
	s.text[0] = '\0';
	assert_int_equal(rows_acts_from(rows, 4, 10, see_act, &s, NULL), 0);
	assert_string_equal(s.text, "a7 ");
	assert_int_equal(rows_find_act(rows, &a.hash, &at, NULL), 0);
	assert_int_equal(at, 3);
	assert_int_equal(rows_find_act(rows, &r1.hash, &at, NULL), 1);
	assert_int_equal(rows_act(rows, &b.hash, &text, &n, NULL), 0);
	assert_memory_equal(text, b.bytes, n);
	free(text);
	statement_clear(&a);
	statement_clear(&b);
	statement_clear(&r1);
	statement_clear(&r2);
}

struct host_seen {
	struct host_rows h;
	uint8_t report[8192], run[8192];
	char certificate[64], alarms[64], id[128];
};

static int
see_host(void *ctx, const struct host_rows *h)
{
	struct host_seen *s = ctx;

	s->h = *h;
	(void)snprintf(s->id, sizeof(s->id), "%s", h->host);
	memcpy(s->report, h->report.p, h->report.n);
	memcpy(s->run, h->run.p, h->run.n);
	(void)snprintf(s->certificate, sizeof(s->certificate), "%s",
	    h->certificate != NULL ? h->certificate : "");
	(void)snprintf(s->alarms, sizeof(s->alarms), "%s",
	    h->alarms != NULL ? h->alarms : "none");
	return 0;
}

static void
a_host_has_its_last_report_and_its_last_run(void **state)
{
	struct host_seen s = {.id = ""};
	struct statement r1, r2;

	(void)state;
	report(&r1, 1);
	report(&r2, 2);
	assert_int_equal(rows_host(rows, WEB, see_host, &s, NULL), 1);
	assert_int_equal(rows_put_report(rows, WEB, 4, 10, &r1, true, NULL), 0);
	assert_int_equal(rows_put_report(rows, WEB, 5, 20, &r2, false, NULL),
	    0);
	assert_int_equal(rows_put_certificate(rows, WEB, "a line", NULL), 0);
	assert_int_equal(rows_host(rows, WEB, see_host, &s, NULL), 0);
	assert_int_equal(s.h.index, 5);
	assert_int_equal(s.h.at, 20);
	assert_int_equal(s.h.run_at, 10);
	assert_memory_equal(s.report, r2.bytes, r2.n_bytes);
	assert_memory_equal(s.run, r1.bytes, r1.n_bytes);
	assert_string_equal(s.certificate, "a line");
	assert_string_equal(s.alarms, "none");
	assert_int_equal(rows_put_alarms(rows, WEB, "[1]", NULL), 0);
	assert_int_equal(rows_put_alarms(rows, WEB, "[2]", NULL), 0);
	assert_int_equal(rows_rename(rows, WEB, "www", NULL), 0);
	assert_int_equal(rows_host(rows, WEB, see_host, &s, NULL), 1);
	assert_int_equal(rows_host(rows, "www", see_host, &s, NULL), 0);
	assert_int_equal(s.h.index, 5);
	assert_string_equal(s.alarms, "[2]");
	assert_int_equal(rows_forget(rows, "www", NULL), 0);
	assert_int_equal(rows_each_host(rows, see_host, &s, NULL), 0);
	assert_int_equal(rows_host(rows, "www", see_host, &s, NULL), 1);
	statement_clear(&r1);
	statement_clear(&r2);
}

/* --- transactions --------------------------------------------------------- */

static void
what_was_not_committed_is_not_there(void **state)
{
	struct statement a;
	uint64_t at;

	(void)state;
	act(&a);
	assert_true(rows_are_new(rows));
	begin();
	commit(5);
	begin();
	assert_int_equal(rows_put_act(rows, 5, &a, NULL), 0);
	rows_rollback(rows);
	assert_int_equal(rows_find_act(rows, &a.hash, &at, NULL), 1);
	assert_int_equal(rows_applied(rows), 5);
	begin();
	assert_int_equal(rows_put_act(rows, 5, &a, NULL), 0);
	reopen();
	assert_false(rows_are_new(rows));
	assert_int_equal(rows_applied(rows), 5);
	assert_int_equal(rows_find_act(rows, &a.hash, &at, NULL), 1);
	begin();
	assert_int_equal(rows_put_act(rows, 5, &a, NULL), 0);
	commit(6);
	reopen();
	assert_int_equal(rows_applied(rows), 6);
	assert_int_equal(rows_find_act(rows, &a.hash, &at, NULL), 0);
	statement_clear(&a);
}

static void
a_store_is_of_one_log(void **state)
{
	(void)state;
	rows_close(rows);
	rows = NULL;
	assert_null(open_rows("writ.invalid/0123456789abcdef/other",
	    ERR_CORRUPT));
	rows = open_rows(ORIGIN, 0);
}

/* Whoever has an old one is told what to do, and nothing is done to it. */
static void
a_store_of_another_version_is_refused(void **state)
{
	static const char *const none[] = {"SELECT 1"};
	struct store_config c = {.path = path,
	    .kind = 0x57524d53,
	    .version = 2,
	    .schema = "CREATE TABLE meta (name TEXT);",
	    .statements = none,
	    .n_statements = 1};
	struct store *old = NULL;
	struct rows *r = NULL;
	struct err e = {0};

	(void)state;
	rows_close(rows);
	rows = NULL;
	assert_int_equal(store_remove(path, NULL), 0);
	assert_int_equal(store_open(&c, &old, NULL), 0);
	store_close(old);
	assert_int_equal(rows_open(path, ORIGIN, &r, &e), ERR_CORRUPT);
	assert_non_null(strstr(e.msg, "is a store of version 2, expected "));
	assert_non_null(strstr(e.hint, "take it away"));
	assert_int_equal(store_open(&c, &old, NULL), 0);
	assert_false(store_is_new(old));
	store_close(old);
}

/* --- jobs ----------------------------------------------------------------- */

struct names {
	char text[256];
};

static int
see_away(void *ctx, const char *host)
{
	struct names *n = ctx;
	size_t at = strlen(n->text);

	(void)snprintf(n->text + at, sizeof(n->text) - at, "%s ", host);
	return 0;
}

static int
see_part(void *ctx, const char *host, struct slice bytes)
{
	assert_true(bytes.n > 0);
	return see_away(ctx, host);
}

static void
how_far_a_job_is_comes_back(void **state)
{
	const struct hash job = fixture_hash(1), other = fixture_hash(2);
	struct names away = {""}, parts = {""};
	unsigned opened = 0;
	int st = 0;

	(void)state;
	assert_int_equal(rows_job(rows, &job, &opened, &st, NULL), 1);
	assert_int_equal(rows_put_job(rows, &job, 1, 0, NULL), 0);
	assert_int_equal(rows_put_job(rows, &job, 3, 2, NULL), 0);
	assert_int_equal(rows_job(rows, &job, &opened, &st, NULL), 0);
	assert_int_equal(opened, 3);
	assert_int_equal(st, 2);
	assert_int_equal(rows_put_away(rows, &job, "b", NULL), 0);
	assert_int_equal(rows_put_away(rows, &job, "a", NULL), 0);
	assert_int_equal(rows_put_away(rows, &job, "a", NULL), 0);
	assert_int_equal(rows_put_away(rows, &other, "z", NULL), 0);
	assert_int_equal(rows_each_away(rows, &job, see_away, &away, NULL), 0);
	assert_string_equal(away.text, "a b ");
	assert_int_equal(rows_put_part(rows, &job, "b", 9, slice_str("one"),
			     NULL),
	    0);
	assert_int_equal(rows_put_part(rows, &job, "a", 8, slice_str("two"),
			     NULL),
	    0);
	assert_int_equal(rows_put_part(rows, &job, "a", 10, slice_str("more"),
			     NULL),
	    0);
	assert_int_equal(rows_each_part(rows, &job, see_part, &parts, NULL), 0);
	assert_string_equal(parts.text, "b a ");
}

static void
files_come_back_as_they_were(void **state)
{
	const struct hash h = fixture_hash(1), none = fixture_hash(2);
	const struct slice data = {(const uint8_t *)"a\0b", 3};
	char *out = NULL;
	size_t n = 0;

	(void)state;
	assert_int_equal(rows_put_object(rows, &h, data, NULL), 0);
	assert_int_equal(rows_put_object(rows, &h, data, NULL), 0);
	assert_int_equal(rows_object(rows, &h, &out, &n, NULL), 0);
	assert_int_equal(n, 3);
	assert_memory_equal(out, data.p, 3);
	free(out);
	assert_int_equal(rows_object(rows, &none, &out, &n, NULL), 1);
}

/* --- who asks in ---------------------------------------------------------- */

static int
see_waiting(void *ctx, const char *from, int64_t since, struct slice s)
{
	struct names *n = ctx;

	assert_true(since > 0 && s.n > 0);
	return see_away(n, from);
}

static void
who_asks_in_waits_in_his_turn(void **state)
{
	struct names all = {""}, one = {""}, gone = {""};
	struct statement a, b;

	(void)state;
	act(&a);
	act(&b);
	assert_int_equal(rows_put_waiting(rows, &a, "late", 20, NULL), 0);
	assert_int_equal(rows_put_waiting(rows, &b, "early", 10, NULL), 0);
	/* Said again, he keeps his place. */
	assert_int_equal(rows_put_waiting(rows, &b, "later", 30, NULL), 0);
	assert_int_equal(rows_each_waiting(rows, see_waiting, &all, NULL), 0);
	assert_string_equal(all.text, "early late ");
	assert_int_equal(rows_waiting(rows, &a.hash, see_waiting, &one, NULL),
	    0);
	assert_string_equal(one.text, "late ");
	assert_int_equal(rows_drop_waiting(rows, &b.hash, NULL), 0);
	assert_int_equal(rows_each_waiting(rows, see_waiting, &gone, NULL), 0);
	assert_string_equal(gone.text, "late ");
	statement_clear(&a);
	statement_clear(&b);
}

struct counted {
	size_t n;
	int64_t first;
};

static int
count_one(void *ctx, const char *from, int64_t since, struct slice s)
{
	struct counted *c = ctx;

	(void)from;
	(void)s;
	if (c->n++ == 0)
		c->first = since;
	return 0;
}

static void
who_came_first_makes_room(void **state)
{
	struct counted c = {.n = 0};
	struct statement a;

	(void)state;
	act(&a);
	begin();
	for (uint32_t i = 1; i <= ROWS_WAITING_MAX + 5; i++) {
		memcpy(a.hash.b, &i, sizeof(i));
		assert_int_equal(rows_put_waiting(rows, &a, "x", i, NULL), 0);
	}
	commit(0);
	assert_int_equal(rows_each_waiting(rows, count_one, &c, NULL), 0);
	assert_int_equal(c.n, ROWS_WAITING_MAX);
	assert_int_equal(c.first, 6);
	statement_clear(&a);
}

static void
what_the_ca_has_is_kept(void **state)
{
	uint64_t next = 0;

	(void)state;
	assert_int_equal(rows_ca_next(rows, &next, NULL), 0);
	assert_int_equal(next, 0);
	assert_int_equal(rows_set_ca_next(rows, 12, NULL), 0);
	reopen();
	assert_int_equal(rows_ca_next(rows, &next, NULL), 0);
	assert_int_equal(next, 12);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(statements_come_back_in_the_order_of_the_log),
	    T(a_host_has_its_last_report_and_its_last_run),
	    T(what_was_not_committed_is_not_there),
	    T(a_store_is_of_one_log),
	    T(a_store_of_another_version_is_refused),
	    T(how_far_a_job_is_comes_back),
	    T(files_come_back_as_they_were),
	    T(who_asks_in_waits_in_his_turn),
	    T(who_came_first_makes_room),
	    T(what_the_ca_has_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
