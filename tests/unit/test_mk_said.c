/* SPDX-License-Identifier: ISC */
/*
 * What is durable in the log and finds no room in the store: whoever was told that
 * it counts gets it all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/mkcase.h"

#define LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define TARGETS "1 web-1.example.com\n"

/* Judged; the enrol statement and the token are in the store, and what follows
 * waits for room. */
static const struct hostcase said = {
    .steps = {{.type = ST_TOKEN}, {.type = ST_ENROL},
	{.type = ST_ACCEPT, .ref = 1, .token = 1}}};
enum { TOKEN_1, ENROLS, BY_TOKEN_1 };

static struct mk mk;
static struct hostrun run;
static struct mk_batch batch;
static struct mk_item accepts, order;

static void
fill_store(void)
{
	assert_int_equal(rows_begin(mk.rows, NULL), 0);
	for (size_t i = TOKEN_1; i <= ENROLS; i++)
		assert_int_equal(rows_put_act(mk.rows, i, &run.s[i], NULL), 0);
	assert_int_equal(rows_commit(mk.rows, 2, NULL), 0);
}

static int
setup(void **state)
{
	static char targets[] = TARGETS;

	(void)state;
	mkcase_open(&mk);
	memset(&batch, 0, sizeof(batch));
	hostcase_open(&run);
	hostcase_play(&run, &said);
	fill_store();
	STAILQ_INIT(&mk.unstored);
	STAILQ_INIT(&batch.items);
	STAILQ_INSERT_TAIL(&mk.unstored, &batch, link);
	mk.n_unstored = 1;
	accepts = (struct mk_item){
	    .s = run.s[BY_TOKEN_1], .has_leaf = true, .index = 2};
	order = (struct mk_item){.has_leaf = true,
	    .index = 3,
	    .targets = targets,
	    .n_targets = sizeof(targets) - 1};
	order.s.u.job.targets = fixture_hash(0x77);
	STAILQ_INSERT_TAIL(&batch.items, &accepts, link);
	STAILQ_INSERT_TAIL(&batch.items, &order, link);
	mk.hosts = run.hosts;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	hostcase_close(&run);
	return mkcase_close(&mk);
}

/* The answer has the acceptance, whole. */
static void
is_told(const struct str *s)
{
	struct slice text = statement_bytes(&run.s[BY_TOKEN_1]);
	const char *got = NULL;
	struct err e = {0};
	json_t *o = NULL;

	assert_int_equal(json_read(slice_of(s->p, s->n), CALL_MAX, &o, &e), 0);
	assert_int_equal(json_str(o, "state", 0, 16, &got, &e), 0);
	assert_string_equal(got, "accepted");
	assert_int_equal(json_str(o, "host", 0, 100, &got, &e), 0);
	assert_string_equal(got, WEB_1);
	got = json_string_value(json_object_get(o, "acceptance"));
	assert_non_null(got);
	assert_int_equal(strlen(got), text.n);
	assert_memory_equal(got, text.p, text.n);
	json_decref(o);
}

static void
who_let_himself_in_gets_his_acceptance(void **state)
{
	struct mk_part part = {.hash = run.s[BY_TOKEN_1].hash};
	struct mk_call c = {.parts = &part, .n_parts = 1};
	struct str s = STR_INIT;

	(void)state;
	mk_enrol_answer(&mk, &c, &s);
	is_told(&s);
	str_clear(&s);
}

static int
ask_in(struct str *s, struct err *e)
{
	struct slice text = statement_bytes(&run.s[ENROLS]);
	struct mk_call c = {0};
	int r;

	alloc_hold(true);
	c.args = json_object();
	assert_int_equal(json_object_set_new(c.args, "statement",
			     json_stringn((const char *)text.p, text.n)),
	    0);
	alloc_hold(false);
	r = mk_enrol(&mk, &c, s, e);
	json_decref(c.args);
	return r;
}

static void
who_asks_again_gets_it_too(void **state)
{
	struct str s = STR_INIT;

	(void)state;
	assert_int_equal(ask_in(&s, NULL), 0);
	is_told(&s);
	str_clear(&s);

	/* On its way into the log it is none yet. */
	STAILQ_REMOVE_HEAD(&mk.unstored, link);
	str_reset(&s);
	assert_int_equal(ask_in(&s, NULL), 0);
	assert_string_equal(s.p, "{\"state\":\"waiting\"}");
	str_clear(&s);
}

static void
what_the_store_has_comes_from_there(void **state)
{
	static const struct {
		int which, want;
		uint64_t index;
	} cases[] = {{TOKEN_1, 0, 0}, {ENROLS, 0, 1}, {BY_TOKEN_1, 0, 2}};
	const struct hash none = fixture_hash(0x66);
	uint64_t index = 9;
	char *text = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		const struct statement *s = &run.s[cases[i].which];

		assert_int_equal(mk_said(&mk, &s->hash, &text, &n, NULL), 0);
		assert_true(slice_equal(slice_of(text, n), statement_bytes(s)));
		free(text);
		assert_int_equal(mk_said_index(&mk, &s->hash, &index, NULL), 0);
		assert_int_equal(index, cases[i].index);
	}
	assert_int_equal(mk_said(&mk, &none, &text, &n, NULL), 1);
	assert_int_equal(mk_said_index(&mk, &none, &index, NULL), 1);
	assert_int_equal(mk_said_targets(&mk, &none, &text, &n, NULL), 1);
	assert_int_equal(mk_said_targets(&mk, &order.s.u.job.targets, &text, &n,
			     NULL),
	    0);
	assert_true(slice_is(slice_of(text, n), TARGETS));
	free(text);
}

static int
ask_once(void *arg)
{
	struct str s = STR_INIT;
	int r;

	(void)arg;
	if ((r = ask_in(&s, NULL)) == 0 && (r = str_check(&s)) == 0) {
		alloc_hold(true);
		is_told(&s);
		alloc_hold(false);
	}
	str_clear(&s);
	return r;
}

static int
answer_once(void *arg)
{
	struct mk_part part = {.hash = run.s[BY_TOKEN_1].hash};
	struct mk_call c = {.parts = &part, .n_parts = 1};
	struct str s = STR_INIT;
	int r;

	(void)arg;
	mk_enrol_answer(&mk, &c, &s);
	r = str_check(&s);
	/* Without memory for it he is to ask again. */
	if (r == 0 && strstr(s.p, "acceptance") == NULL) {
		assert_string_equal(s.p, "{\"state\":\"waiting\"}");
		r = ERR_NOMEM;
	}
	str_clear(&s);
	return r;
}

static void
memory_that_runs_out_is_no_half_an_answer(void **state)
{
	(void)state;
	assert_true(alloc_each(answer_once, NULL) >= 2);
	assert_true(alloc_each(ask_once, NULL) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(who_let_himself_in_gets_his_acceptance),
	    T(who_asks_again_gets_it_too),
	    T(what_the_store_has_comes_from_there),
	    T(memory_that_runs_out_is_no_half_an_answer),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
