/* SPDX-License-Identifier: ISC */
/* The call `status`: every host comes once, in pages of whatever size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/client/states.h"
#include "lib/net/wire.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/mkcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOSTS  4

/* Four hosts; the second is a database. */
static const struct hostcase said = {
    .steps = {IN_1, {.type = ST_ENROL, .hk = HK_2, .tk = TK_2},
	{.type = ST_ACCEPT,
	    .host = "db-1.example.com",
	    .ref = 2,
	    .hk = HK_2,
	    .tk = TK_2,
	    .role = "db"},
	{.type = ST_ENROL, .hk = 70, .tk = 71},
	{.type = ST_ACCEPT, .host = WEB_2, .ref = 4, .hk = 70, .tk = 71},
	{.type = ST_ENROL, .hk = 72, .tk = 73},
	{.type = ST_ACCEPT,
	    .host = "web-3.example.com",
	    .ref = 6,
	    .hk = 72,
	    .tk = 73}}};
static const struct jobs_ops ops;
static const char *const ids[HOSTS] = {
    WEB_1, "db-1.example.com", WEB_2, "web-3.example.com"};

static struct mk mk;
static struct hostrun run;

/* As much as a host may have of alarms. */
static void
alarm_all(void)
{
	char text[600];

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < HOSTS; i++) {
		struct mk_host *h = NULL;

		assert_int_equal(board_get(&mk.board, ids[i], &h), 0);
		for (text[0] = 'a'; text[0] < 'a' + MK_ALARMS; text[0]++)
			mk_alarm_at(&mk, h, "test", text, NOW);
		assert_int_equal(h->n_alarms, MK_ALARMS);
	}
}

static int
setup(void **state)
{
	(void)state;
	mkcase_open(&mk);
	mk.now = NOW;
	mk.loading = true;
	hostcase_open(&run);
	if (jobs_new(&ops, NULL, &mk.jobs) != 0)
		return -1;
	hostcase_play(&run, &said);
	for (size_t i = 0; i < hostcase_steps(&said); i++)
		assert_int_equal(rows_put_act(mk.rows, i, &run.s[i], NULL), 0);
	mk.hosts = run.hosts;
	alarm_all();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	jobs_free(mk.jobs);
	hostcase_close(&run);
	return mkcase_close(&mk);
}

static int
ask_page(const char *on, uint64_t after, size_t most, struct str *s,
    struct err *e)
{
	struct mk_call c = {0};
	char text[24];
	int r;

	alloc_hold(true);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)after);
	c.args = json_object();
	assert_int_equal(json_object_set_new(c.args, "after",
			     json_string(text)),
	    0);
	if (on != NULL)
		assert_int_equal(json_object_set_new(c.args, "on",
				     json_string(on)),
		    0);
	alloc_hold(false);
	r = mk_put_status(&mk, &c, most, s, e);
	json_decref(c.args);
	return r;
}

/* All pages, as who asks puts them together; how many there were. */
static size_t
ask(const char *on, size_t most, struct host_states *v)
{
	uint64_t next = 0;
	size_t n = 0;

	do {
		struct str s = STR_INIT;
		struct err e = {0};
		json_t *o = NULL;

		if (ask_page(on, next, most, &s, &e) != 0)
			fail_msg("%s", e.msg);
		assert_int_equal(json_read(slice_of(s.p, s.n), WIRE_ANSWER_MAX,
				     &o, &e),
		    0);
		if (host_states_parse(o, v, &next, &e) != 0)
			fail_msg("page %zu: %s", n, e.msg);
		json_decref(o);
		str_clear(&s);
		n++;
	} while (next != 0);
	return n;
}

static void
every_host_comes_once_in_pages_of_any_size(void **state)
{
	static const struct {
		size_t most, pages;
	} cases[] = {
	    {1, 4}, {2000, 4}, {3000, 2}, {6000, 2}, {9000, 1}, {MK_PAGE, 1}};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct host_states v = {0};
		size_t n = ask(NULL, cases[i].most, &v);

		if (n != cases[i].pages)
			fail_msg("%zu bytes: %zu pages, expected %zu",
			    cases[i].most, n, cases[i].pages);
		assert_int_equal(v.n, HOSTS);
		for (size_t k = 0; k < HOSTS; k++) {
			assert_string_equal(v.v[k].host, ids[k]);
			assert_int_equal(v.v[k].alarms.n, MK_ALARMS);
		}
		host_states_clear(&v);
	}
}

static void
what_does_not_match_is_in_no_page(void **state)
{
	static const struct {
		const char *on;
		size_t n, pages; /* with one a page */
	} cases[] = {{"web-*", 3, 3}, {"role == 'db'", 1, 1},
	    {"grain.os == 'debian'", 0, 1}, {"not (role == 'db')", 3, 3},
	    {"nobody", 0, 1}};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct host_states v = {0};
		size_t n = ask(cases[i].on, 1, &v);

		if (v.n != cases[i].n || n != cases[i].pages)
			fail_msg("%s: %zu in %zu pages", cases[i].on, v.n, n);
		host_states_clear(&v);
	}
}

static void
behind_the_end_is_nothing(void **state)
{
	static const uint64_t after[] = {HOSTS, HOSTS + 1, UINT64_MAX};
	struct err e = {0};
	struct mk_call c = {0};
	struct str s = STR_INIT;

	(void)state;
	for (size_t i = 0; i < LEN(after); i++) {
		str_reset(&s);
		assert_int_equal(ask_page(NULL, after[i], 1, &s, &e), 0);
		assert_string_equal(s.p, "{\"hosts\":[]}");
	}
	c.args = json_pack("{s:i}", "after", 3);
	assert_int_equal(mk_put_status(&mk, &c, 1, &s, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "'after'"));
	json_decref(c.args);
	str_clear(&s);
}

/* One that says there is more, and never says it. */
static void
a_page_of_nothing_is_not_followed(void **state)
{
	struct host_states v = {0};
	struct err e = {0};
	uint64_t next = 0;
	json_t *o = json_pack("{s:[],s:s}", "hosts", "next", "7");

	(void)state;
	assert_int_equal(host_states_parse(o, &v, &next, &e), ERR_PARSE);
	assert_non_null(strstr(e.msg, "a page of nothing"));
	assert_int_equal(next, 0);
	json_decref(o);
	host_states_clear(&v);
}

static int
put_page(void *arg)
{
	struct str s = STR_INIT;
	int r;

	(void)arg;
	if ((r = ask_page("grain.os == 'debian' or id == 'web-1.example.com'",
		 1, 1, &s, NULL)) == 0)
		r = str_check(&s);
	str_clear(&s);
	return r;
}

static int
two_pages(void *arg)
{
	struct host_states v = {0};
	json_t *const *pages = arg;
	int r;

	if ((r = host_states_parse(pages[0], &v, NULL, NULL)) == 0)
		r = host_states_parse(pages[1], &v, NULL, NULL);
	assert_int_equal(v.n, r == 0 ? 2 : v.n);
	host_states_clear(&v);
	return r;
}

static void
memory_that_runs_out_loses_none(void **state)
{
	json_t *pages[2] = {NULL};

	(void)state;
	assert_true(alloc_each(put_page, NULL) > 10);
	for (size_t i = 0; i < 2; i++) {
		struct str s = STR_INIT;

		assert_int_equal(ask_page(NULL, i, 1, &s, NULL), 0);
		assert_int_equal(json_read(slice_of(s.p, s.n), WIRE_ANSWER_MAX,
				     &pages[i], NULL),
		    0);
		str_clear(&s);
	}
	assert_true(alloc_each(two_pages, pages) > 10);
	json_decref(pages[0]);
	json_decref(pages[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(every_host_comes_once_in_pages_of_any_size),
	    T(what_does_not_match_is_in_no_page),
	    T(behind_the_end_is_nothing),
	    T(a_page_of_nothing_is_not_followed),
	    T(memory_that_runs_out_loses_none),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
