/* SPDX-License-Identifier: ISC */
/*
 * Hosts by their id, and diffs that are asked of them: each is there as a whole or
 * not at all, also where memory runs out on the way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/keeper/conns.h"
#include "tests/unit/alloc.h"
#include "tests/unit/hostcase.h"
#include "tests/unit/mkcase.h"

/* Past two times at which the table of hosts grows. */
#define MANY 300
#define DIFF "-PermitRootLogin yes\n+PermitRootLogin no\n"

static const struct hostcase said = {.steps = {IN_1}};

static struct mk mk;
static struct hostrun run;
static struct mk_host *web;
static struct mk_call there; /* the host's, which attends */
static struct conn person;
static struct chan *far; /* the other end of it */

static int
setup(void **state)
{
	struct err e = {0};
	int fds[2];

	(void)state;
	mkcase_open(&mk);
	TAILQ_INIT(&mk.calls);
	TAILQ_INIT(&mk.asks);
	TAILQ_INIT(&mk.dirty);
	STAILQ_INIT(&mk.next);
	mk.now_ms = 1000000;
	hostcase_open(&run);
	hostcase_play(&run, &said);
	mk.hosts = run.hosts;
	assert_int_equal(board_get(&mk.board, WEB_1, &web), 0);
	web->attend = &there;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	memset(&person, 0, sizeof(person));
	assert_int_equal(chan_new(fds[0], &person.chan, &e), 0);
	assert_int_equal(chan_new(fds[1], &far, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	chan_free(person.chan);
	chan_free(far);
	hostcase_close(&run);
	return mkcase_close(&mk);
}

/* --- hosts ---------------------------------------------------------------- */

static void
name_of(size_t i, char out[24])
{
	(void)snprintf(out, 24, "h-%zu.example.com", i);
}

static int
get_once(void *arg)
{
	const size_t *i = arg;
	size_t n = mk.board.n;
	struct mk_host *h = NULL;
	char id[24];
	int r;

	name_of(*i, id);
	r = board_get(&mk.board, id, &h);
	if (r != 0) {
		assert_null(h);
		assert_int_equal(mk.board.n, n);
		assert_null(board_find(&mk.board, id));
		return r;
	}
	assert_int_equal(mk.board.n, n + 1);
	assert_int_equal(h->number, n);
	assert_ptr_equal(board_find(&mk.board, id), h);
	return 0;
}

static void
a_host_is_on_the_board_or_it_is_not(void **state)
{
	char id[24];

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		assert_true(alloc_each(get_once, &i) >= 2);
		/* Those before it are where they were. */
		for (size_t k = 0; k <= i; k++) {
			name_of(k, id);
			assert_non_null(board_find(&mk.board, id));
		}
	}
	assert_int_equal(mk.board.n, MANY + 1);
	assert_ptr_equal(board_find(&mk.board, WEB_1), web);
}

/* --- diffs ---------------------------------------------------------------- */

static struct mk_call *
calls(void)
{
	struct mk_call *c;

	alloc_hold(true);
	c = calloc(1, sizeof(*c));
	assert_non_null(c);
	c->id = 7;
	c->conn = &person;
	c->caller = CALLER_PERSON;
	c->args = json_pack("{s:s, s:s}", "host", WEB_1, "hash",
	    "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
	alloc_hold(false);
	TAILQ_INSERT_TAIL(&mk.calls, c, link);
	LIST_INSERT_HEAD(&mk.buckets[c->id % MK_CALL_BUCKETS], c, bucket);
	mk.n_calls++;
	return c;
}

static int
ask_once(void *arg)
{
	struct mk_call *c = calls();
	struct str out = STR_INIT;
	struct err e = {0};
	int r = mk_show_diff(&mk, c, &out, &e);

	(void)arg;
	if (r == MK_LATER) {
		assert_ptr_equal(TAILQ_FIRST(&mk.asks), c->ask);
		assert_ptr_equal(TAILQ_FIRST(&web->asks), c->ask);
		r = 0;
	} else {
		assert_null(c->ask);
	}
	mk_call_free(&mk, c);
	assert_true(TAILQ_EMPTY(&mk.asks) && TAILQ_EMPTY(&web->asks));
	assert_int_equal(mk.n_calls, 0);
	return r;
}

static void
a_diff_is_asked_for_or_it_is_not(void **state)
{
	(void)state;
	assert_int_equal(alloc_each(ask_once, NULL), 1);
}

/* Whoever asked has the whole of it, or that it failed, or no connection. */
static void
check_answer(const char *want)
{
	struct frame f;
	struct err e = {0};

	while (chan_wants_write(person.chan))
		assert_int_equal(chan_flush(person.chan, &e), 0);
	if (person.closing)
		return;
	assert_int_equal(chan_wait(far, 1000, &f, &e), 0);
	assert_int_equal(f.type, MSG_RESULT);
	assert_int_equal(f.id, 7);
	/* A byte of status and four of length before it. */
	assert_int_equal(f.payload.n, 5 + strlen(want));
	assert_memory_equal(f.payload.p + 5, want, strlen(want));
}

static void
a_diff_that_is_told_is_told_whole(void **state)
{
	static const char whole[] = "{\"text\":\"-PermitRootLogin yes\\n"
				    "+PermitRootLogin no\\n\"}";
	size_t n = 0, closed = 0;
	bool failed;

	(void)state;
	do {
		struct mk_call *c = calls(),
			       host = {.caller = CALLER_HOST, .host = web};
		struct str out = STR_INIT;
		int r;

		assert_int_equal(mk_show_diff(&mk, c, &out, NULL), MK_LATER);
		host.args =
		    json_pack("{s:s, s:s}", "id", c->ask->id, "text", DIFF);
		person.closing = false;
		alloc_fail_nth(++n);
		r = mk_diff(&mk, &host, &out, NULL);
		failed = alloc_failed();
		alloc_fail_nth(0);
		assert_int_equal(r, 0);
		assert_true(failed || !person.closing);
		closed += person.closing;
		check_answer(whole);
		assert_true(TAILQ_EMPTY(&mk.asks) && TAILQ_EMPTY(&web->asks));
		assert_int_equal(mk.n_calls, 0);
		json_decref(host.args);
		str_clear(&out);
	} while (failed);
	print_message("%zu allocations, closed at %zu\n", n - 1, closed);
	assert_true(n > 3 && closed > 0 && closed < n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	    T(a_host_is_on_the_board_or_it_is_not),
	    T(a_diff_is_asked_for_or_it_is_not),
	    T(a_diff_that_is_told_is_told_whole),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
