/* SPDX-License-Identifier: ISC */
/* What a master keeps of what went wrong with a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/master/mk_impl.h"
#include "tests/unit/alloc.h"
#include "tests/unit/mkcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    INT64_C(1800000000)

static struct mk mk;
static struct mk_host *web;
static struct err err;

static int
setup(void **state)
{
	(void)state;
	mkcase_open(&mk);
	mk.now = NOW;
	mk.now_ms = 1000000;
	assert_int_equal(board_get(&mk.board, "web-1", &web), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return mkcase_close(&mk);
}

static void
the_newest_are_kept(void **state)
{
	char text[8] = "a";

	(void)state;
	for (size_t i = 0; i < MK_ALARMS + 2; i++, text[0]++)
		mk_alarm(&mk, web, "test", text);
	assert_int_equal(web->n_alarms, MK_ALARMS);
	assert_string_equal(web->alarms[0].text, "c");
	assert_string_equal(web->alarms[MK_ALARMS - 1].text, "f");
	assert_int_equal(mk.totals.alarms, MK_ALARMS + 2);
}

static void
the_same_again_is_counted_only(void **state)
{
	(void)state;
	mk_alarm(&mk, web, "test", "a");
	mk.now += MK_ALARM_SAME - 1;
	mk_alarm(&mk, web, "test", "a");
	assert_int_equal(web->n_alarms, 1);
	mk.now++;
	mk_alarm(&mk, web, "test", "a");
	assert_int_equal(web->n_alarms, 2);
	mk_alarm(&mk, web, "test", "b");
	mk_alarm(&mk, web, "test", "a");
	assert_int_equal(web->n_alarms, 4);
	assert_int_equal(mk.totals.alarms, 5);
	/* Of nobody known there is nobody to keep it of. */
	mk_alarm(&mk, NULL, "test", "a");
	assert_int_equal(mk.totals.alarms, 6);
}

static void
what_a_start_reads_is_not_said_again(void **state)
{
	(void)state;
	mk_alarm_at(&mk, web, "test", "a", NOW - 500);
	mk_alarm_at(&mk, web, "test", "b", NOW - 400);
	mk.totals.alarms = 0;
	mk.loading = true;
	mk_alarm_at(&mk, web, "test", "a", NOW - 500);
	assert_int_equal(web->n_alarms, 2);
	mk_alarm_at(&mk, web, "test", "a", NOW - 100);
	assert_int_equal(web->n_alarms, 3);
	assert_int_equal(web->alarms[2].at, NOW - 100);
	assert_int_equal(mk.totals.alarms, 0);
}

struct read {
	char text[1024];
	int n;
};

static int
read_row(void *ctx, const struct host_rows *row)
{
	struct read *r = ctx;

	r->n++;
	(void)snprintf(r->text, sizeof(r->text), "%s",
	    row->alarms != NULL ? row->alarms : "");
	return 0;
}

static void
they_are_saved_and_read_again(void **state)
{
	struct mk_host *other = NULL;
	struct read r = {.n = 0};

	(void)state;
	mk_alarms_save(&mk, true);
	assert_int_equal(rows_each_host(mk.rows, read_row, &r, &err), 0);
	assert_int_equal(r.n, 0);
	mk_alarm(&mk, web, "test", "a \"b\"");
	mk_alarm_at(&mk, web, "test", "c", NOW + 1);
	mk_alarms_save(&mk, false);
	assert_int_equal(rows_each_host(mk.rows, read_row, &r, &err), 0);
	assert_int_equal(r.n, 1);
	assert_int_equal(board_get(&mk.board, "web-2", &other), 0);
	assert_int_equal(mk_alarms_load(other, r.text, &err), 0);
	assert_int_equal(other->n_alarms, 2);
	assert_string_equal(other->alarms[0].text, "a \"b\"");
	assert_int_equal(other->alarms[1].at, NOW + 1);

	/* Not more often than every so often, unless it is the end. */
	mk_alarm(&mk, web, "test", "d");
	mk_alarms_save(&mk, false);
	assert_true(mk.alarms_unsaved);
	mk_alarms_save(&mk, true);
	assert_false(mk.alarms_unsaved);
	assert_int_equal(rows_host(mk.rows, "web-1", read_row, &r, &err), 0);
	assert_non_null(strstr(r.text, "\"d\""));
}

static void
they_go_with_the_name(void **state)
{
	struct mk_host *to = NULL;
	struct read r = {.n = 0};

	(void)state;
	assert_int_equal(board_get(&mk.board, "www", &to), 0);
	mk_alarm(&mk, to, "test", "of one that had the name");
	mk_alarm(&mk, web, "test", "a");
	mk_alarms_move(&mk, web, to);
	assert_int_equal(web->n_alarms, 0);
	assert_int_equal(to->n_alarms, 1);
	assert_string_equal(to->alarms[0].text, "a");
	mk_alarms_save(&mk, true);
	assert_int_equal(rows_each_host(mk.rows, read_row, &r, &err), 0);
	assert_int_equal(r.n, 1); /* none of the old name */
}

static void
what_is_no_list_of_alarms_is_refused(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"alarms\":1}",
	    "{\"alarms\":[1]}", "{\"alarms\":[{\"what\":\"a\"}]}",
	    "{\"alarms\":[{\"at\":\"2026-11-29T00:00:00Z\"}]}",
	    "{\"alarms\":[{\"at\":7,\"what\":\"a\"}]}"};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++)
		if (mk_alarms_load(web, bad[i], &err) >= 0)
			fail_msg("%s", bad[i]);
	assert_int_equal(mk_alarms_load(web, "{\"alarms\":[]}", &err), 0);
	assert_int_equal(web->n_alarms, 0);
}

static int
load_two(void *arg)
{
	(void)arg;
	return mk_alarms_load(web,
	    "{\"alarms\":[{\"at\":\"2026-11-29T00:00:00Z\",\"what\":\"a\"},"
	    "{\"at\":\"2026-11-29T00:00:01Z\",\"what\":\"b\"}]}",
	    &err);
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	assert_true(alloc_each(load_two, NULL) > 4);
	assert_int_equal(web->n_alarms, 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(the_newest_are_kept),
	    T(the_same_again_is_counted_only),
	    T(what_a_start_reads_is_not_said_again),
	    T(they_are_saved_and_read_again),
	    T(they_go_with_the_name),
	    T(what_is_no_list_of_alarms_is_refused),
	    T(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
