/* SPDX-License-Identifier: ISC */
/*
 * The courier and its keeper, where there is no CA: what it says, what it answers,
 * and what ends a connection.  How it carries is tried with a real CA.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/master/courier.h"
#include "agent/master/messages.h"
#include "lib/proc/frame.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define TURNS 500 /* of 10 ms at most */

struct world {
	char dir[TMPDIR_MAX], path[TMPDIR_MAX + 16];
	int listen_fd, nobody;
	struct courier_setup setup;
	struct loop *loop;
	struct courier *courier;
};

/* A port where nobody listens, and which nobody else gets meanwhile. */
static uint16_t
dead_port(int *fd)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&a, &n), 0);
	return ntohs(a.sin_port);
}

static int
set_up(void **state)
{
	static struct world w;
	struct err e = {0};

	plog_init("test", PLOG_ERR);
	memset(&w, 0, sizeof(w));
	tmpdir_make(w.dir, "courier");
	(void)snprintf(w.path, sizeof(w.path), "%s/sock", w.dir);
	assert_int_equal(socket_listen(w.path, &w.listen_fd, &e), 0);
	w.setup = (struct courier_setup){.host = "127.0.0.1",
	    .port = dead_port(&w.nobody),
	    .host_key = fixture_line(1),
	    .key = "no key",
	    .listen_fd = w.listen_fd,
	    .keeper = getuid(),
	    .first_ms = 10};
	assert_int_equal(loop_new(&w.loop, &e), 0);
	assert_int_equal(courier_new(w.loop, &w.setup, &w.courier, &e), 0);
	*state = &w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	courier_free(w->courier);
	loop_free(w->loop);
	(void)close(w->listen_fd);
	(void)close(w->nobody);
	(void)unlink(w->path);
	(void)rmdir(w->dir);
	return 0;
}

static void
turn(struct world *w)
{
	int ms = courier_turn(w->courier);

	assert_int_equal(loop_turn(w->loop, ms < 0 || ms > 10 ? 10 : ms, NULL),
	    0);
}

static struct chan *
keeper_comes(struct world *w)
{
	struct chan *c = NULL;
	struct err e = {0};
	int fd = -1;

	assert_int_equal(socket_connect(w->path, &fd, &e), 0);
	assert_int_equal(chan_new(fd, &c, &e), 0);
	return c;
}

/* The next frame for this keeper; false: he was cut off. */
static bool
hears(struct world *w, struct chan *c, struct frame *f)
{
	for (int i = 0; i < TURNS; i++) {
		int closed;
		bool got;

		alloc_hold(true);
		/* A long frame goes in pieces. */
		(void)!chan_flush(c, NULL);
		closed = chan_read(c, NULL);
		got = chan_next(c, f, NULL) == 0;
		alloc_hold(false);
		if (got || closed != 0)
			return got;
		turn(w);
	}
	fail_msg("nothing came");
	return false;
}

static void
expect_away(struct world *w, struct chan *c)
{
	struct frame f;
	struct view v;
	struct slice why;
	uint8_t there = 9;

	assert_true(hears(w, c, &f));
	assert_int_equal(f.type, MSG_CA);
	v = view_slice(f.payload);
	assert_int_equal(view_get_u8(&v, &there), 0);
	assert_int_equal(there, 0);
	assert_int_equal(view_get_string(&v, &why), 0);
	assert_true(why.n > 0);
	assert_int_equal(view_end(&v), 0);
}

static void
asks(struct chan *c, uint16_t type, uint32_t id, struct slice payload)
{
	assert_int_equal(chan_send(c, type, id, payload, NULL), 0);
}

static void
ask(struct chan *c, uint32_t id, const char *json)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 4096), 0);
	assert_int_equal(buf_put_cstring(b, json), 0);
	asks(c, MSG_ASK, id, buf_slice(b));
	buf_free(b);
}

/* The answer to that question; news of the CA may come before it. */
static void
expect_failure(struct world *w, struct chan *c, uint32_t id)
{
	struct slice body;
	struct frame f;
	struct view v;
	uint8_t status = 0;
	char *text;

	do
		assert_true(hears(w, c, &f));
	while (f.type == MSG_CA);
	assert_int_equal(f.type, MSG_ANSWERED);
	assert_int_equal(f.id, id);
	v = view_slice(f.payload);
	assert_int_equal(view_get_u8(&v, &status), 0);
	assert_int_not_equal(status, 0);
	assert_int_equal(view_get_string(&v, &body), 0);
	text = str_dupn(body.p, body.n);
	assert_non_null(strstr(text, "\"error\":\"the CA is not there"));
	free(text);
}

/* --- what it says --------------------------------------------------------- */

static void
the_first_thing_said_is_that_there_is_no_ca(void **state)
{
	struct world *w = *state;
	struct chan *c = keeper_comes(w);

	expect_away(w, c);
	chan_free(c);
}

static void
each_question_is_answered_meanwhile(void **state)
{
	struct world *w = *state;
	struct chan *c = keeper_comes(w);

	expect_away(w, c);
	for (uint32_t id = 1; id <= 40; id++)
		ask(c, id, "{\"call\":\"hello\"}");
	for (uint32_t id = 1; id <= 40; id++)
		expect_failure(w, c, id);
	chan_free(c);
}

/* More than may wait come in one piece: those above it are told to come again, and
 * nobody is cut off. */
static void
more_than_may_wait_are_told_so(void **state)
{
	struct world *w = *state;
	struct chan *c = keeper_comes(w);
	unsigned busy = 0;

	expect_away(w, c);
	for (uint32_t id = 1; id <= COURIER_QUEUE_MAX + 20; id++)
		ask(c, id, "{}");
	for (uint32_t n = 0; n < COURIER_QUEUE_MAX + 20;) {
		struct slice body;
		struct frame f;
		struct view v;
		uint8_t status;
		char *text;

		assert_true(hears(w, c, &f));
		if (f.type == MSG_CA)
			continue;
		v = view_slice(f.payload);
		assert_int_equal(view_get_u8(&v, &status), 0);
		assert_int_equal(view_get_string(&v, &body), 0);
		text = str_dupn(body.p, body.n);
		if (strstr(text, "\"code\":\"busy\"") != NULL) {
			assert_true(f.id > COURIER_QUEUE_MAX);
			busy++;
		}
		free(text);
		n++;
	}
	assert_int_equal(busy, 20);
	ask(c, 1000, "{}");
	expect_failure(w, c, 1000);
	chan_free(c);
}

static void
a_keeper_may_go_and_another_come(void **state)
{
	struct world *w = *state;
	struct chan *c = keeper_comes(w);

	expect_away(w, c);
	ask(c, 7, "{}");
	chan_free(c);
	for (int i = 0; i < 5; i++)
		turn(w);
	c = keeper_comes(w);
	expect_away(w, c);
	/* It hears nothing of the other's question. */
	ask(c, 8, "{}");
	expect_failure(w, c, 8);
	chan_free(c);
}

static void
a_second_one_is_refused(void **state)
{
	struct world *w = *state;
	struct chan *c = keeper_comes(w), *second;
	struct frame f;

	expect_away(w, c);
	second = keeper_comes(w);
	assert_false(hears(w, second, &f));
	chan_free(second);
	ask(c, 1, "{}");
	expect_failure(w, c, 1);
	chan_free(c);
}

/* --- what ends a connection ----------------------------------------------- */

static void
what_is_no_question_ends_it(void **state)
{
	static const uint8_t longer[CALL_MAX + 65];
	static const struct {
		const char *name;
		uint16_t type;
		struct slice payload;
	} cases[] = {
	    {"nothing", MSG_ASK, {NULL, 0}},
	    {"no text", MSG_ASK, {(const uint8_t *)"\0\0\0\0", 4}},
	    {"a cut length", MSG_ASK, {(const uint8_t *)"\0\0\0", 3}},
	    {"a cut text", MSG_ASK, {(const uint8_t *)"\0\0\0\002x", 5}},
	    {"bytes after it", MSG_ASK, {(const uint8_t *)"\0\0\0\001xy", 6}},
	    {"too long", MSG_ASK, {longer, sizeof(longer)}},
	    {"an answer", MSG_ANSWERED, {(const uint8_t *)"\0\0\0\001x", 5}},
	    {"the front's", MSG_CALL, {(const uint8_t *)"\0\0\0\001x", 5}},
	    {"of no type", 999, {(const uint8_t *)"\0\0\0\001x", 5}},
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct chan *c = keeper_comes(w);
		struct frame f;

		expect_away(w, c);
		asks(c, cases[i].type, 1, cases[i].payload);
		while (hears(w, c, &f))
			if (f.type != MSG_CA)
				fail_msg("%s: answered", cases[i].name);
		chan_free(c);
	}
}

/* A keeper asks once; whether he was answered, or cut off. */
static bool
is_answered(struct world *w)
{
	struct chan *c;
	struct frame f = {0};
	bool there;

	alloc_hold(true);
	c = keeper_comes(w);
	ask(c, 5, "{\"call\":\"hello\"}");
	alloc_hold(false);
	do
		there = hears(w, c, &f);
	while (there && f.type == MSG_CA);
	if (there) {
		assert_int_equal(f.type, MSG_ANSWERED);
		assert_int_equal(f.id, 5);
	}
	alloc_hold(true);
	chan_free(c);
	alloc_hold(false);
	/* It sees that he has gone. */
	for (int i = 0; i < 3; i++)
		turn(w);
	return there;
}

/* Memory that is short once costs one connection at most. */
static int
converse(void *arg)
{
	struct world *w = arg;

	if (!is_answered(w)) {
		if (!alloc_failed())
			fail_msg("cut off with all its memory");
		if (!is_answered(w))
			fail_msg("cut off twice");
	}
	return alloc_failed() ? ERR_NOMEM : 0;
}

static void
what_fails_once_is_answered_the_next_time(void **state)
{
	struct world *w = *state;

	/* Errors are what is tried here. */
	plog_init("test", PLOG_ERR - 1);
	/* The way to the CA has its own retries. */
	assert_true(is_answered(w));
	assert_true(alloc_each(converse, w) > 5);
	assert_true(is_answered(w));
}

static int
make(void *arg)
{
	struct world *w = arg;
	struct courier *c = NULL;
	int r = courier_new(w->loop, &w->setup, &c, NULL);

	courier_free(c);
	return r;
}

static void
every_allocation_may_fail(void **state)
{
	struct world *w = *state;

	courier_free(w->courier);
	w->courier = NULL;
	assert_true(alloc_each(make, w) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_first_thing_said_is_that_there_is_no_ca),
	    TEST(each_question_is_answered_meanwhile),
	    TEST(more_than_may_wait_are_told_so),
	    TEST(a_keeper_may_go_and_another_come),
	    TEST(a_second_one_is_refused),
	    TEST(what_is_no_question_ends_it),
	    TEST(what_fails_once_is_answered_the_next_time),
	    TEST(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
