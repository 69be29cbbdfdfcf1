/* SPDX-License-Identifier: ISC */
/*
 * What is judged and what comes into the log are the same: where memory runs out
 * in between, nothing counts that is on no way into the log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/contentcase.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/mkcase.h"

/* A host, and one that would let itself in. */
enum {
	ENROLS_1,
	ACCEPTS_1,
	TOKEN_1,
	JUDGED,
	REPORTS = JUDGED,
	ENROLS_2,
	BY_TOKEN_2,
	N_SAID
};
static const struct hoststep said[N_SAID] = {
    [ENROLS_1] = {.type = ST_ENROL},
    [ACCEPTS_1] = {.type = ST_ACCEPT, .ref = ENROLS_1},
    [TOKEN_1] = {.type = ST_TOKEN},
    [REPORTS] = {.type = ST_REPORT},
    [ENROLS_2] = {.type = ST_ENROL, .hk = HK_2, .tk = TK_2},
    [BY_TOKEN_2] = {.type = ST_ACCEPT,
	.host = WEB_2,
	.ref = ENROLS_2,
	.hk = HK_2,
	.tk = TK_2,
	.token = TOKEN_1 + 1},
};

static struct mk mk;
static struct hostrun run;
static struct mk_host *web;

static int
setup(void **state)
{
	static const struct hostcase usual;

	(void)state;
	mkcase_open(&mk);
	STAILQ_INIT(&mk.next);
	STAILQ_INIT(&mk.unstored);
	mk.now = NOW;
	hostcase_open(&run);
	if (board_get(&mk.board, WEB_1, &web) != 0)
		return -1;
	for (size_t i = 0; i < N_SAID; i++) {
		struct err e = {0};

		hostcase_make(&run, &said[i], &run.s[i]);
		if (i < JUDGED &&
		    hostcase_judge(&run, &usual, &run.s[i], &e) != 0)
			fail_msg("step %zu: %s", i, e.msg);
	}
	mk.content = contentcase_new(run.policy);
	mk.hosts = run.hosts;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mk_items_free(&mk.next);
	free(mk.content);
	hostcase_close(&run);
	return mkcase_close(&mk);
}

static void
put_arg(json_t *args, const char *name, size_t which)
{
	struct slice text = statement_bytes(&run.s[which]);

	assert_int_equal(json_object_set_new(args, name,
			     json_stringn((const char *)text.p, text.n)),
	    0);
}

static int
say(mk_handler *handle, json_t *args)
{
	static char address[] = "192.0.2.1";
	struct mk_call c = {.args = args, .host = web, .address = address};
	struct str s = STR_INIT;
	int r = handle(&mk, &c, &s, NULL);

	str_clear(&s);
	free(c.parts);
	return r;
}

/* --- a report ------------------------------------------------------------- */

static int
report_once(void *arg)
{
	const struct fleet_host_row *row = fleet_hosts_by_id(mk.hosts, WEB_1);
	int r = say(mk_report, arg);

	if (r == MK_LATER) {
		assert_int_equal(row->seq, 1);
		assert_int_equal(mk.n_next, 1);
		assert_true(STAILQ_FIRST(&mk.next)->has_leaf);
		return 0;
	}
	/* Else it would be acknowledged when it comes again. */
	assert_int_equal(row->seq, 0);
	assert_int_equal(mk.n_next, 0);
	return r;
}

static void
a_report_that_was_not_taken_did_not_come(void **state)
{
	json_t *args = json_object();

	(void)state;
	put_arg(args, "statement", REPORTS);
	assert_true(alloc_each(report_once, args) > 10);
	json_decref(args);
}

/* The same again is no leaf, and so only one that is more than there was. */
static void
one_host_does_not_report_without_end(void **state)
{
	const struct fleet_host_row *row = fleet_hosts_by_id(mk.hosts, WEB_1);
	int64_t n = (int64_t)run.s[REPORTS].n_bytes;
	json_t *args = json_object();

	(void)state;
	put_arg(args, "statement", REPORTS);
	web->said = MK_REPORT_BURST;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(say(mk_report, args), ERR_BUSY);
		assert_int_equal(row->seq, 0);
		assert_int_equal(mk.n_next, 0);
		assert_int_equal(web->n_alarms, 1);
		assert_int_equal(mk.totals.alarms, 1);
	}
	/* It was not told that it came, and comes again. */
	mk.now_ms += 1000;
	assert_int_equal(say(mk_report, args), MK_LATER);
	assert_int_equal(row->seq, 1);
	assert_int_equal(web->said, MK_REPORT_BURST - MK_REPORT_RATE + n);
	assert_int_equal(say(mk_report, args), MK_LATER);
	assert_int_equal(web->said, MK_REPORT_BURST - MK_REPORT_RATE + n);
	/* Another time, another alarm. */
	mk.now_ms += 1000 * (MK_REPORT_BURST / MK_REPORT_RATE) - 1000;
	assert_int_equal(say(mk_report, args), MK_LATER);
	assert_int_equal(web->said, n);
	mk.now_ms += INT64_C(1) << 50;
	assert_int_equal(say(mk_report, args), MK_LATER);
	assert_int_equal(web->said, 0);
	web->said = MK_REPORT_BURST;
	mk.now += MK_ALARM_SAME;
	assert_int_equal(say(mk_report, args), ERR_BUSY);
	assert_int_equal(mk.totals.alarms, 2);
	json_decref(args);
}

/* --- who lets himself in -------------------------------------------------- */

static int
enrol_once(void *arg)
{
	const struct fleet_token_row *token =
	    fleet_hosts_token(mk.hosts, &run.s[TOKEN_1].hash);
	const struct mk_item *first;
	int r = say(mk_enrol, arg);

	if (r == MK_LATER) {
		/* What he asked with goes before his acceptance. */
		assert_int_equal(mk.n_next, 2);
		first = STAILQ_FIRST(&mk.next);
		assert_int_equal(first->s.type, ST_ENROL);
		assert_int_equal(STAILQ_NEXT(first, link)->s.type, ST_ACCEPT);
		assert_int_equal(token->used, 1);
		return 0;
	}
	assert_int_equal(mk.n_next, 0);
	assert_int_equal(token->used, 0);
	assert_null(fleet_hosts_by_id(mk.hosts, WEB_2));
	return r;
}

static void
who_was_not_taken_is_no_host(void **state)
{
	json_t *args = json_object();

	(void)state;
	put_arg(args, "statement", ENROLS_2);
	put_arg(args, "accept", BY_TOKEN_2);
	assert_true(alloc_each(enrol_once, args) > 20);
	json_decref(args);
}

/* --- batches -------------------------------------------------------------- */

/* What is judged, as it comes back from the log. */
static int
store_once(void *arg)
{
	struct mk_batch b = {.sb.size = 3};
	struct mk_item items[JUDGED];
	int r = 0;

	(void)arg;
	STAILQ_INIT(&b.items);
	for (size_t i = 0; i < JUDGED; i++) {
		items[i] = (struct mk_item){
		    .s = run.s[i], .has_leaf = true, .index = i};
		STAILQ_INSERT_TAIL(&b.items, &items[i], link);
	}
	if (!mk_batch_store(&mk, &b)) {
		r = ERR_NOMEM;
		/* None of it is there, and all of it waits. */
		assert_int_equal(rows_applied(mk.rows), 0);
		assert_int_equal(mk.n_unstored, 1);
		STAILQ_INIT(&mk.unstored);
		mk.n_unstored = 0;
	}
	return r;
}

static void
a_batch_is_stored_whole_or_waits(void **state)
{
	(void)state;
	(void)alloc_each(store_once, NULL);
	assert_int_equal(rows_applied(mk.rows), 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(a_report_that_was_not_taken_did_not_come),
	    T(one_host_does_not_report_without_end),
	    T(who_was_not_taken_is_no_host),
	    T(a_batch_is_stored_whole_or_waits),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
