/* SPDX-License-Identifier: ISC */
/* A keeper's connections, with the other ends in this process too. */
#include "lib/keeper/conns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/front/messages.h"
#include "lib/keeper/key_table.h"
#include "lib/proc/socket.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define LEN(a)  (sizeof(a) / sizeof((a)[0]))
#define TURN_MS 2
#define MIB     (1024 * 1024)

static char dir[TMPDIR_MAX], front_path[TMPDIR_MAX + 16],
    control_path[TMPDIR_MAX + 16];
static struct conns conns;
static struct err err;

/* What the keeper was asked. */
static struct {
	size_t calls, keys;
	uint32_t id, gone;
	size_t n_gone;
	size_t answer; /* bytes of each */
	size_t n_keys; /* in the table */
	bool fails;
} seen;

static char aaa[RESULT_MAX + 1024]; /* what long answers are of */

static int
on_call(void *ctx, struct conn *c, const struct frame *f, struct err *e)
{
	struct str body = STR_INIT;

	(void)ctx;
	seen.calls++;
	seen.id = f->id;
	if (seen.fails)
		return err_set(e, ERR_PARSE, "no call");
	str_addn(&body, seen.answer > 0 ? aaa : "yes",
	    seen.answer > 0 ? seen.answer : 3);
	conn_answer(c, f->type == MSG_STATUS ? MSG_STATUS_IS : MSG_RESULT,
	    f->id, 3, &body);
	str_clear(&body);
	return 0;
}

static void
on_gone(void *ctx, const struct conn *c, uint32_t id)
{
	(void)ctx;
	(void)c;
	seen.n_gone++;
	seen.gone = id;
}

static int
each_key(void *ctx, struct key_table *t)
{
	char name[200];
	int r = 0;

	(void)ctx;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < seen.n_keys && r == 0; i++)
		r = key_table_add(t, name, fixture_key(SEED_OLGA));
	return r;
}

static int
on_keys(void *ctx, struct conn *c, struct err *e)
{
	seen.keys++;
	return key_table_send(c, each_key, ctx, e);
}

static const struct conns_ops ops = {on_call, on_gone, on_keys};

static int
setup(void **state)
{
	int front = -1, control = -1;

	(void)state;
	tmpdir_make(dir, "conns");
	(void)snprintf(front_path, sizeof(front_path), "%s/f.sock", dir);
	(void)snprintf(control_path, sizeof(control_path), "%s/c.sock", dir);
	assert_int_equal(socket_listen(front_path, &front, &err), 0);
	assert_int_equal(socket_listen(control_path, &control, &err), 0);
	memset(&seen, 0, sizeof(seen));
	memset(aaa, 'a', sizeof(aaa));
	conns_init(&conns, front, control, getuid(), &ops, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	conns_clear(&conns);
	(void)close(conns.front);
	(void)close(conns.control);
	(void)unlink(front_path);
	(void)unlink(control_path);
	return rmdir(dir);
}

static void
turn(void)
{
	struct pollfd p[CONNS_FDS];

	conns_fill(&conns, p);
	assert_true(poll(p, CONNS_FDS, TURN_MS) >= 0);
	conns_serve(&conns, p);
	conns_end_turn(&conns);
}

static void
turns(int n)
{
	while (n-- > 0)
		turn();
}

static struct chan *
come(const char *path)
{
	struct chan *c = NULL;
	int fd = -1;

	assert_int_equal(socket_connect(path, &fd, &err), 0);
	assert_int_equal(chan_new(fd, &c, &err), 0);
	turns(2);
	return c;
}

/* The next frame of c, which the keeper may be sending yet. */
static void
next(struct chan *c, struct frame *f)
{
	int r = CHAN_NONE;

	for (int i = 0; i < 1000 && r == CHAN_NONE; i++) {
		turn();
		assert_int_equal(chan_read(c, &err), 0);
		r = chan_next(c, f, &err);
	}
	assert_int_equal(r, 0);
}

/* A front that has read whose keys. */
static struct chan *
front(void)
{
	struct chan *c = come(front_path);
	struct frame f;

	assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
	assert_int_equal(f.type, MSG_KEYS);
	return c;
}

static void
say(struct chan *c, uint16_t type, uint32_t id)
{
	assert_int_equal(chan_send(c, type, id, slice_of("x", 1), &err), 0);
}

/* Neither end says anything more to the other. */
static void
assert_cut(struct chan *c)
{
	struct frame f;

	turns(3);
	assert_int_equal(chan_wait(c, 1000, &f, &err), ERR_NET);
}

static void
a_call_is_answered(void **state)
{
	struct chan *c = front();
	struct frame f;
	struct view v;
	struct slice body;
	uint8_t status;

	(void)state;
	say(c, MSG_CALL, 7);
	turns(2);
	assert_int_equal(seen.id, 7);
	assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
	assert_int_equal(f.type, MSG_RESULT);
	assert_int_equal(f.id, 7);
	v = view_slice(f.payload);
	assert_int_equal(view_get_u8(&v, &status), 0);
	assert_int_equal(status, 3);
	assert_int_equal(view_get_string(&v, &body), 0);
	assert_memory_equal(body.p, "yes", 3);
	chan_free(c);
}

static void
whoever_says_what_he_may_not_is_cut_off(void **state)
{
	static const struct {
		const char *path;
		uint16_t type;
		uint32_t id;
		bool ok;
	} cases[] = {
	    {front_path, MSG_CALL, 1, true},
	    {front_path, MSG_CALL, 0, false},
	    {front_path, MSG_STATUS, 1, false},
	    {front_path, MSG_KEYS, 1, false},
	    {front_path, MSG_RESULT, 1, false},
	    {front_path, MSG_GONE, 1, false}, /* it has no payload */
	    {front_path, MSG_SERVICE, 1, false},
	    {control_path, MSG_STATUS, 1, true},
	    {control_path, MSG_STATUS, 0, false},
	    {control_path, MSG_CALL, 1, false},
	    {control_path, MSG_GONE, 1, false},
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		bool is_front = cases[i].path == front_path;
		struct chan *c = is_front ? front() : come(control_path);

		seen.calls = 0;
		say(c, cases[i].type, cases[i].id);
		turns(2);
		assert_int_equal(seen.calls, cases[i].ok);
		if (cases[i].ok)
			assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
		else
			assert_cut(c);
		chan_free(c);
		turns(2);
	}
}

static void
whoever_makes_a_bad_call_is_cut_off(void **state)
{
	struct chan *c = front();

	(void)state;
	seen.fails = true;
	say(c, MSG_CALL, 1);
	say(c, MSG_CALL, 2);
	assert_cut(c);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.n_gone, 1);
	assert_int_equal(seen.gone, 0);
	chan_free(c);
}

static void
who_is_gone_is_told(void **state)
{
	struct chan *c = front();

	(void)state;
	assert_int_equal(chan_send(c, MSG_GONE, 9, slice_of(NULL, 0), &err), 0);
	turns(2);
	assert_int_equal(seen.n_gone, 1);
	assert_int_equal(seen.gone, 9);
	chan_free(c);
	turns(2);
	assert_int_equal(seen.n_gone, 2);
	assert_int_equal(seen.gone, 0);
	assert_null(conns.v[0].chan);
}

static void
there_are_so_many_connections(void **state)
{
	struct chan *c[CONNS_MAX], *more;

	(void)state;
	for (size_t i = 0; i < CONNS_MAX; i++)
		c[i] = come(control_path);
	more = come(control_path);
	assert_cut(more);
	chan_free(more);
	chan_free(c[3]);
	turns(2);
	c[3] = come(control_path);
	say(c[3], MSG_STATUS, 1);
	turns(2);
	assert_int_equal(seen.calls, 1);
	for (size_t i = 0; i < CONNS_MAX; i++)
		chan_free(c[i]);
}

static void
a_front_is_told_whose_keys_in_frames(void **state)
{
	struct chan *c;
	struct frame f;
	size_t frames = 0, bytes = 0;
	uint8_t last = 0;

	(void)state;
	seen.n_keys = 10000; /* of 235 bytes */
	c = come(front_path);
	while (!last) {
		next(c, &f);
		assert_int_equal(f.type, MSG_KEYS);
		assert_true(f.payload.n <= MIB);
		assert_int_equal(f.payload.p[0], frames == 0);
		last = f.payload.p[1];
		bytes += f.payload.n - 2;
		frames++;
	}
	assert_int_equal(frames, 3);
	assert_int_equal(bytes, 10000 * (4 + 32 + 4 + 199));

	/* Anew when they have changed, and only to fronts. */
	seen.n_keys = 1;
	conns_tell_keys(&conns);
	turns(2);
	assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
	assert_true(f.payload.p[0] && f.payload.p[1]);
	assert_int_equal(seen.keys, 2);
	chan_free(c);
}

static void
metrics_go_to_fronts(void **state)
{
	struct chan *c = front(), *control = come(control_path);
	struct str text = STR_INIT;
	struct frame f;

	(void)state;
	str_add(&text, "writ_x 1\n");
	conns_tell_gauges(&conns, &text);
	turns(2);
	assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
	assert_int_equal(f.type, MSG_GAUGES);
	assert_int_equal(chan_wait(control, 100, &f, &err), ERR_NET);
	str_clear(&text);
	chan_free(control);
	chan_free(c);
}

/* The frames that c has by now. */
static size_t
drain(struct chan *c)
{
	struct frame f;
	size_t n = 0;

	while (chan_read(c, &err) == 0 && chan_next(c, &f, &err) == 0)
		n++;
	return n;
}

static void
a_front_that_does_not_read_is_not_asked_for_more(void **state)
{
	struct chan *c = front();
	size_t heard, got = 0;

	(void)state;
	seen.answer = 4 * MIB;
	for (uint32_t i = 1; i <= 40; i++)
		say(c, MSG_CALL, i);
	turns(10);
	heard = seen.calls;
	/* Over 16 MiB wait, or stand in the socket; 40 would be 160. */
	assert_in_range(heard, 4, 7);
	turns(5);
	assert_int_equal(seen.calls, heard);
	for (int i = 0; i < 20000 && got < 40; i++) {
		got += drain(c);
		turn();
	}
	assert_int_equal(got, 40);
	assert_int_equal(seen.calls, 40);
	chan_free(c);
}

static void
an_answer_that_is_too_long_closes(void **state)
{
	struct chan *c = front();

	(void)state;
	seen.answer = RESULT_MAX + 1024;
	say(c, MSG_CALL, 1);
	assert_cut(c);
	chan_free(c);
	/* To whoever is gone there is nothing to say. */
	conn_answer(NULL, MSG_RESULT, 1, 0, &(struct str)STR_INIT);
}

static void
what_waits_at_the_end_goes_out(void **state)
{
	struct chan *c = front();
	struct str body = STR_INIT;
	struct frame f;

	(void)state;
	str_add(&body, "stopping");
	conn_answer(&conns.v[0], MSG_EVENT, 5, 0, &body);
	assert_true(chan_wants_write(conns.v[0].chan));
	conns_drain(&conns, 1000);
	assert_false(chan_wants_write(conns.v[0].chan));
	assert_int_equal(chan_wait(c, 1000, &f, &err), 0);
	assert_int_equal(f.type, MSG_EVENT);
	str_clear(&body);
	chan_free(c);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_call_is_answered),
	    T(whoever_says_what_he_may_not_is_cut_off),
	    T(whoever_makes_a_bad_call_is_cut_off),
	    T(who_is_gone_is_told),
	    T(there_are_so_many_connections),
	    T(a_front_is_told_whose_keys_in_frames),
	    T(metrics_go_to_fronts),
	    T(a_front_that_does_not_read_is_not_asked_for_more),
	    T(an_answer_that_is_too_long_closes),
	    T(what_waits_at_the_end_goes_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
