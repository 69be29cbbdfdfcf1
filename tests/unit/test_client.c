/* SPDX-License-Identifier: ISC */
/* Calls of a client: what comes back, and what becomes of those that wait. */
#include "lib/net/client.h"

#include "lib/net/wire.h"
#include "tests/unit/clientplay.h"

static void
several_calls_are_answered_each_by_its_own(void **state)
{
	struct told later = {0}, echo = {0}, twice = {0}, big = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	/* Before it is up, too. */
	assert_int_equal(call("{\"c\":\"later\"}", -1, &later), 0);
	until(&ups, 1);
	assert_true(net_client_is_up(client));
	assert_int_equal(call("{\"c\":\"echo\"}", LONG_MS, &echo), 0);
	assert_int_equal(call("{\"c\":\"twice\"}", LONG_MS, &twice), 0);
	assert_int_equal(call("{\"c\":\"big\"}", LONG_MS, &big), 0);
	assert_int_equal(net_client_open(client), 4);
	until(&echo.last, 1);
	assert_string_equal(echo.body, "{\"c\":\"echo\"}");
	assert_int_equal(echo.status, 3);
	until(&twice.last, 1);
	assert_int_equal(twice.n, 2);
	until(&big.last, 1);
	assert_int_equal(big.body_n, 5 * 1024 * 1024);
	assert_int_equal(later.n, 0);
	assert_int_equal(net_client_open(client), 1);
	net_peer_answer(peer, late_id, true, 0, slice_str("{\"d\":1}"));
	until(&later.last, 1);
	assert_string_equal(later.body, "{\"d\":1}");
	assert_int_equal(came, 1);
	assert_int_equal(downs, 0);
}

static void
a_call_of_the_longest_kind_arrives(void **state)
{
	char *body = malloc(WIRE_CALL_MAX + 1);
	struct told t = {0};

	(void)state;
	assert_non_null(body);
	memset(body, ' ', WIRE_CALL_MAX + 1);
	body[0] = '{';
	body[WIRE_CALL_MAX - 1] = '}';
	start_server("writ");
	assert_int_equal(open_client(), 0);
	assert_int_equal(net_client_call(client,
			     slice_of(body, WIRE_CALL_MAX + 1), -1, on_answer,
			     &t, NULL),
	    ERR_LIMIT);
	for (int i = 0; i < 3; i++)
		assert_int_equal(net_client_call(client,
				     slice_of(body, WIRE_CALL_MAX), -1,
				     on_answer, &t, NULL),
		    0);
	/* Three and their heads wait; a fourth is more than may wait. */
	assert_int_equal(net_client_call(client, slice_of(body, WIRE_CALL_MAX),
			     -1, on_answer, &t, NULL),
	    ERR_LIMIT);
	until(&t.last, 3);
	assert_int_equal(t.body_n, WIRE_CALL_MAX);
	free(body);
}

static void
as_many_calls_as_may_be_are_open(void **state)
{
	struct told t = {0}, more = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	for (int i = 0; i < WIRE_OPEN_MAX; i++)
		assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &more), ERR_LIMIT);
	until(&t.last, WIRE_OPEN_MAX);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &more), 0);
	until(&more.last, 1);
}

static void
a_silent_peer_that_lives_is_kept(void **state)
{
	struct told t = {0};
	int64_t end;

	(void)state;
	options.keepalive_ms = 300;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	end = clock_mono_ms() + 1500;
	while (clock_mono_ms() < end)
		turn();
	assert_int_equal(downs, 0);
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	until(&t.last, 1);
	assert_int_equal(t.code, 0);
}

static void
a_call_that_takes_too_long_ends_alone(void **state)
{
	struct told slow = {0}, t = {0};
	uint32_t id;

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"later\"}", 50, &slow), 0);
	until(&slow.last, 1);
	assert_int_equal(slow.code, ERR_NET);
	while (late_id == 0)
		turn();
	id = late_id;
	assert_int_equal(net_client_open(client), 1);
	net_peer_answer(peer, id, false, 0, slice_str("{}"));
	net_peer_answer(peer, id, true, 0, slice_str("{}"));
	assert_int_equal(call("{\"c\":\"echo\"}", -1, &t), 0);
	until(&t.last, 1);
	assert_int_equal(slow.n, 1);
	assert_int_equal(net_client_open(client), 0);
	assert_int_equal(downs, 0);
}

static void
who_goes_takes_the_calls_along(void **state)
{
	struct told t = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"later\"}", -1, &t), 0);
	while (late_id == 0)
		turn();
	net_server_free(server);
	server = NULL;
	until(&downs, 1);
	assert_int_equal(down.code, ERR_NET);
	assert_int_equal(t.last, 1);
	assert_int_equal(t.code, ERR_NET);
}

static void
a_peer_without_a_sign_of_life_is_given_up(void **state)
{
	int64_t end;

	(void)state;
	options.keepalive_ms = 100;
	start_server("writ");
	assert_int_equal(loop_new(&client_loop, NULL), 0);
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	/* As if it were stopped: its socket is there, and nobody reads it. */
	end = clock_mono_ms() + LONG_MS;
	while (downs == 0 && clock_mono_ms() < end) {
		(void)net_client_turn(client);
		assert_int_equal(loop_turn(client_loop, 10, NULL), 0);
	}
	assert_int_equal(downs, 1);
	assert_non_null(strstr(down.msg, "no sign of life"));
}

/*
 * What came is sometimes found by net_client_turn(), not by the loop.  An owner who
 * then went to sleep would not act on it before the next sign of life.
 */
static void
who_is_told_something_is_not_sent_to_sleep(void **state)
{
	struct told t = {0};
	unsigned told;
	int ms;

	(void)state;
	start_server("writ");
	assert_int_equal(loop_new(&client_loop, NULL), 0);
	assert_int_equal(open_client(), 0);
	until(&ups, 1);
	assert_int_equal(call("{\"c\":\"twice\"}", -1, &t), 0);
	do {
		told = t.n;
		(void)net_server_turn(server);
		assert_int_equal(loop_turn(loop, 1, NULL), 0);
		ms = net_client_turn(client);
		assert_true(t.n == told || ms == 0);
	} while (t.last == 0);
	assert_int_equal(t.n, 2);
	assert_true(net_client_turn(client) > 0);
}

static void
an_answer_to_no_call_ends_it(void **state)
{
	struct told t = {0};

	(void)state;
	start_server("writ");
	assert_int_equal(open_client(), 0);
	assert_int_equal(call("{\"c\":\"wrong\"}", -1, &t), 0);
	until(&downs, 1);
	assert_int_equal(down.code, ERR_PARSE);
	assert_int_equal(t.last, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(several_calls_are_answered_each_by_its_own),
	    CASE(a_call_of_the_longest_kind_arrives),
	    CASE(as_many_calls_as_may_be_are_open),
	    CASE(a_silent_peer_that_lives_is_kept),
	    CASE(a_call_that_takes_too_long_ends_alone),
	    CASE(who_goes_takes_the_calls_along),
	    CASE(a_peer_without_a_sign_of_life_is_given_up),
	    CASE(who_is_told_something_is_not_sent_to_sleep),
	    CASE(an_answer_to_no_call_ends_it),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
