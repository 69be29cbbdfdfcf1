/* SPDX-License-Identifier: ISC */
/*
 * The agent's link: a connection that goes while the applier works, and which of
 * several masters it is at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/uplinkplay.h"

static void
a_connection_lost_in_a_long_run_is_made_anew_in_it(void **state)
{
	struct err e = {0};

	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{}");
	p.u->backoff_ms = 20;
	p.works = true; /* until the host attends again */
	p.drops = true;
	p.turns = 0;
	assert_int_equal(uplink_ask(p.u, VERB_RUN, "", NULL, &e), 0);
	assert_int_equal(p.attended, 2);
	assert_int_equal(p.connected, 2);
	assert_int_equal(p.asked[VERB_RUN], 1);
	assert_int_equal(p.asked[VERB_REPORT], 0);
}

static void
a_stranger_who_comes_meanwhile_is_told_of_later(void **state)
{
	struct err e = {0};

	(void)state;
	begin(ACCEPTED);
	come_up();
	be_wanted("{}");
	p.u->backoff_ms = 20;
	p.works = true;
	p.drops = true;
	p.why = ERR_PARSE;
	assert_int_equal(uplink_ask(p.u, VERB_RUN, "", NULL, &e), 0);
	/* One question at a time: none of an alarm within that of the run. */
	assert_int_equal(p.asked[VERB_REPORT], 0);
}

#define TWO_MASTERS                                                  \
	"{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}," \
	"{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}],\"accepted\":true}"

#define TWO_MASTERS_OF_NONE                                          \
	"{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"}," \
	"{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}]}"

/* Until it attends at one; which. */
static uint16_t
find_master(void)
{
	struct err e = {0};

	p.u->next_try = 0;
	p.u->backoff_ms = 10;
	while (!p.u->attending) {
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
		uplink_keep(p.u);
	}
	return p.u->client->port;
}

static void
where_one_master_is_gone_it_goes_to_another(void **state)
{
	struct err e = {0};

	(void)state;
	begin(TWO_MASTERS);
	p.dead = 1;
	assert_int_equal(find_master(), 2);
	/* That one goes, and the other is there again. */
	p.dead = 2;
	p.drops = true;
	while (!p.u->down)
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
	uplink_keep(p.u);
	assert_false(p.u->attending);
	assert_int_equal(find_master(), 1);
}

/* It is lost, and the next one is to be had at once. */
static void
lose_it(void)
{
	struct err e = {0};

	p.drops = true;
	while (!p.u->down)
		assert_int_equal(uplink_turn(p.u, 10, &e), 0);
	uplink_keep(p.u);
	assert_false(p.u->attending);
}

/* It is told that it is one, say, and its session ends. */
static void
a_master_that_hangs_up_comes_first_again_once(void **state)
{
	(void)state;
	begin(TWO_MASTERS);
	assert_int_equal(find_master(), 1);
	lose_it();
	assert_int_equal(find_master(), 1);
	lose_it();
	assert_int_equal(find_master(), 2);
	/* One that stayed for a while is another matter each time. */
	for (size_t i = 0; i < 3; i++) {
		p.u->up_since -= 60000;
		lose_it();
		assert_int_equal(find_master(), 2);
	}
}

/* Nor does it forget what the same one had not, whoever hangs up. */
static void
what_one_master_lacks_is_asked_of_another(void **state)
{
	static const char certificate[] = "certificate " ONE;

	(void)state;
	begin(TWO_MASTERS);
	assert_int_equal(find_master(), 1);
	be_wanted("{\"certificate\":\"" ONE "\"}");
	p.object = "{\"error\":\"none\",\"code\":\"notfound\"}";
	uplink_take(p.u);
	assert_true(strs_has(&p.u->tried, certificate));
	lose_it();
	assert_int_equal(find_master(), 1);
	assert_true(strs_has(&p.u->tried, certificate));
	lose_it();
	assert_int_equal(find_master(), 2);
	assert_false(strs_has(&p.u->tried, certificate));
}

static void
who_is_accepted_goes_in_where_it_was_said(void **state)
{
	struct err e = {0};

	(void)state;
	begin(TWO_MASTERS_OF_NONE);
	p.enrol = "{\"state\":\"accepted\"}";
	has_enrol();
	come_up();
	uplink_enrol(p.u);
	assert_null(p.u->client);
	assert_int_equal(uplink_connect(p.u, &e), 0);
	assert_int_equal(p.u->client->port, 1);
}

/* Accepted by the other one, perhaps. */
static void
nobody_waits_at_one_master_for_good(void **state)
{
	static const char *const says[] = {
	    "{\"state\":\"waiting\"}", "{\"state\":\"rejected\"}"};
	struct err e = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(TWO_MASTERS_OF_NONE);
		p.enrol = says[i];
		has_enrol();
		come_up();
		uplink_enrol(p.u);
		assert_true(uplink_is_up(p.u));
		assert_true(p.u->next_enrol <= loop_now(p.u->loop) + 60000);
		p.u->up_since -= 60000;
		uplink_enrol(p.u);
		assert_null(p.u->client);
		assert_true(p.u->next_try > loop_now(p.u->loop));
		assert_int_equal(uplink_connect(p.u, &e), 0);
		assert_int_equal(p.u->client->port, 2);
		end();
	}
	begin("{" MASTERS "}");
	p.enrol = says[0];
	come_up();
	p.u->up_since -= 60000;
	uplink_enrol(p.u);
	assert_true(uplink_is_up(p.u));
}

/* Else it would be asked as fast as can be. */
static void
a_master_that_takes_no_report_is_left_for_a_while(void **state)
{
	(void)state;
	begin("{\"masters\":[{\"address\":\"127.0.0.1:1\",\"key\":\"k\"},"
	      "{\"address\":\"127.0.0.1:2\",\"key\":\"l\"}],"
	      "\"accepted\":true,\"seq\":\"1\"}");
	assert_int_equal(find_master(), 1);
	assert_int_equal(strs_add(&p.u->unsent, "a report"), 0);
	p.u->first_unsent = 1;
	uplink_send(p.u);
	assert_null(p.u->client);
	assert_true(p.u->next_try > loop_now(p.u->loop));
	assert_int_equal(find_master(), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_connection_lost_in_a_long_run_is_made_anew_in_it),
	    T(a_stranger_who_comes_meanwhile_is_told_of_later),
	    T(where_one_master_is_gone_it_goes_to_another),
	    T(a_master_that_hangs_up_comes_first_again_once),
	    T(what_one_master_lacks_is_asked_of_another),
	    T(who_is_accepted_goes_in_where_it_was_said),
	    T(nobody_waits_at_one_master_for_good),
	    T(a_master_that_takes_no_report_is_left_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
