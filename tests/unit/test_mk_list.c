/* SPDX-License-Identifier: ISC */
/* The call `keys`: all of it comes, in pages of whatever size, each entry once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/client/hosts.h"
#include "lib/net/wire.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/mkcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Two hosts, two that ask, one that was refused, a token. */
static const struct hostcase said = {
    .steps = {IN_2, TOKEN, {.type = ST_ENROL, .hk = 70, .tk = 71},
	{.type = ST_ENROL, .hk = 72, .tk = 73},
	{.type = ST_ENROL, .hk = 74, .tk = 75}, {.type = ST_REJECT, .ref = 7}}};
static const size_t asking[] = {5, 6, 7};

static struct mk mk;
static struct hostrun run;

static int
setup(void **state)
{
	(void)state;
	mkcase_open(&mk);
	hostcase_open(&run);
	hostcase_play(&run, &said);
	for (size_t i = 0; i < LEN(asking); i++)
		assert_int_equal(rows_put_waiting(mk.rows, &run.s[asking[i]],
				     "192.0.2.1", NOW, NULL),
		    0);
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

/* All pages, as who asks puts them together; how many there were. */
static size_t
ask(size_t most, struct host_keys *k)
{
	uint64_t next = 0;
	size_t n = 0;

	do {
		struct str s = STR_INIT;
		struct err e = {0};
		json_t *o = NULL;

		assert_int_equal(mk_put_keys(&mk, next, most, &s, &e), 0);
		assert_int_equal(json_read(slice_of(s.p, s.n), WIRE_ANSWER_MAX,
				     &o, &e),
		    0);
		if (host_keys_parse(o, fixture_realm(), k, &next, &e) != 0)
			fail_msg("page %zu: %s", n, e.msg);
		json_decref(o);
		str_clear(&s);
		n++;
	} while (next != 0);
	return n;
}

static void
has_all(const struct host_keys *k)
{
	assert_int_equal(k->n_hosts, 2);
	assert_string_equal(k->hosts[0].id, WEB_1);
	assert_string_equal(k->hosts[1].id, WEB_2);
	assert_int_equal(k->n_waiting, 2);
	assert_false(hash_equal(&k->waiting[0].enrol.hash,
	    &k->waiting[1].enrol.hash));
	assert_int_equal(k->n_refused, 1);
	assert_true(hash_equal(&k->refused[0].enrol, &run.s[7].hash));
	assert_int_equal(k->n_tokens, 1);
}

static void
all_of_it_comes_in_pages_of_any_size(void **state)
{
	static const size_t sizes[] = {
	    1, 100, 500, 1000, 1500, 2000, 3000, 4000, 6000};
	size_t last = 6;

	(void)state;
	for (size_t i = 0; i < LEN(sizes); i++) {
		struct host_keys k = {0};
		size_t n = ask(sizes[i], &k);

		has_all(&k);
		/* The smallest has one entry a page, and it gets fewer. */
		assert_true(i > 0 ? n <= last : n == 6);
		last = n;
		host_keys_clear(&k);
	}
	assert_int_equal(last, 1);
}

static void
behind_the_end_is_nothing(void **state)
{
	static const uint64_t after[] = {6, 7, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < LEN(after); i++) {
		struct str s = STR_INIT;

		assert_int_equal(mk_put_keys(&mk, after[i], 1, &s, NULL), 0);
		assert_string_equal(s.p,
		    "{\"hosts\":[],\"waiting\":[],\"rejected\":[],"
		    "\"tokens\":[]}");
		str_clear(&s);
	}
}

/* One that says there is more, and never says it. */
static void
a_page_of_nothing_is_not_followed(void **state)
{
	struct host_keys k = {0};
	struct err e = {0};
	uint64_t next = 0;
	json_t *o = NULL;

	(void)state;
	assert_int_equal(json_read(slice_str("{\"hosts\":[],\"waiting\":[],"
					     "\"next\":\"7\"}"),
			     1000, &o, &e),
	    0);
	assert_int_equal(host_keys_parse(o, fixture_realm(), &k, &next, &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "a page of nothing"));
	json_decref(o);
	host_keys_clear(&k);
}

static int
two_pages(void *arg)
{
	struct host_keys k = {0};
	json_t *const *pages = arg;
	int r;

	if ((r = host_keys_parse(pages[0], fixture_realm(), &k, NULL, NULL)) ==
	    0)
		r = host_keys_parse(pages[1], fixture_realm(), &k, NULL, NULL);
	host_keys_clear(&k);
	return r;
}

static void
memory_that_runs_out_between_pages_loses_none(void **state)
{
	json_t *pages[2] = {NULL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct str s = STR_INIT;

		assert_int_equal(mk_put_keys(&mk, i, 4000, &s, NULL), 0);
		assert_int_equal(json_read(slice_of(s.p, s.n), WIRE_ANSWER_MAX,
				     &pages[i], NULL),
		    0);
		str_clear(&s);
	}
	assert_true(alloc_each(two_pages, pages) > 20);
	json_decref(pages[0]);
	json_decref(pages[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(all_of_it_comes_in_pages_of_any_size),
	    T(behind_the_end_is_nothing),
	    T(a_page_of_nothing_is_not_followed),
	    T(memory_that_runs_out_between_pages_loses_none),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
