/* SPDX-License-Identifier: ISC */
/*
 * A master's keeper at its courier, which is played here: what it tells the CA of
 * hosts, and what it makes of the answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/master/mk_calls.h"
#include "lib/proc/plog.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mkcase.h"

#define NOW_MS 1000000
#define ACTS   3

static struct mk mk;
static struct chan *courier;
static uint32_t id; /* of the last question */

/* A rejection will do for anything that is said about a host, or by one. */
static void
reject(struct statement *s)
{
	fixture_statement(s, ST_REJECT, PETRA);
	s->u.reject.host = str_dup("web-1.example.com");
	s->u.reject.reason = str_dup("out");
	fixture_sign(s, FIXTURE_BY(SEED_PETRA));
}

static void
put_act(uint64_t index)
{
	struct statement s;

	reject(&s);
	assert_int_equal(rows_put_act(mk.rows, index, &s, NULL), 0);
	statement_clear(&s);
}

static int
setup(void **state)
{
	static char path[] = "/nowhere";
	int fds[2];

	(void)state;
	plog_init("test", PLOG_ERR - 1);
	mkcase_open(&mk);
	TAILQ_INIT(&mk.calls);
	TAILQ_INIT(&mk.asking);
	for (uint64_t i = 0; i < ACTS; i++)
		put_act(i);
	mk.applied = ACTS;
	mk.now_ms = NOW_MS;
	mk.courier_path = path;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
			     fds),
	    0);
	assert_int_equal(chan_new(fds[0], &mk.courier.chan, NULL), 0);
	assert_int_equal(chan_new(fds[1], &courier, NULL), 0);
	mk.courier.ca = true;
	mk.courier.poll = NOW_MS + 1000000; /* of the policy, not here */
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	mk_courier_clear(&mk);
	chan_free(courier);
	return mkcase_close(&mk);
}

/* Does the keeper ask something now?  id is that question's. */
static bool
asks(void)
{
	struct frame f;

	mk_courier_turn(&mk);
	if (mk.courier.chan != NULL)
		(void)!chan_flush(mk.courier.chan, NULL);
	(void)!chan_read(courier, NULL);
	if (chan_next(courier, &f, NULL) != 0)
		return false;
	assert_int_equal(f.type, MSG_ASK);
	id = f.id;
	return true;
}

static void
answer(uint8_t status, const char *json)
{
	struct buf *b = NULL;

	assert_int_equal(buf_new(&b, 4096), 0);
	assert_int_equal(buf_put_u8(b, status), 0);
	assert_int_equal(buf_put_cstring(b, json), 0);
	assert_int_equal(chan_send(courier, MSG_ANSWERED, id, buf_slice(b),
			     NULL),
	    0);
	buf_free(b);
	(void)!chan_flush(courier, NULL);
	mk_courier_serve(&mk, false);
	assert_non_null(mk.courier.chan);
}

static void
what_is_said_of_hosts_goes_to_the_ca_once(void **state)
{
	(void)state;
	assert_true(asks());
	assert_false(asks()); /* one at a time */
	answer(0, "{\"results\":[{},{},{}]}");
	assert_int_equal(mk.courier.next, ACTS);
	assert_false(asks());
}

/* A CA that cannot take it now is not asked without a pause; nothing is lost. */
static void
what_does_not_pass_now_is_said_again_in_a_while(void **state)
{
	static const struct {
		uint8_t status;
		const char *json;
	} cases[] = {
	    {75, "{\"error\":\"busy\",\"code\":\"busy\"}"},
	    {75,
		"{\"results\":[{},{\"error\":\"busy\",\"code\":\"busy\"},{}]}"},
	    {75,
		"{\"results\":[{\"error\":\"not recorded\",\"code\":"
		"\"record\"}]}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(asks());
		answer(cases[i].status, cases[i].json);
		assert_int_equal(mk.courier.next, 0);
		if (asks())
			fail_msg("%s: said again at once", cases[i].json);
		mk.now_ms += 60000;
	}
	assert_true(asks());
	answer(0, "{\"results\":[{},{},{}]}");
	assert_int_equal(mk.courier.next, ACTS);
}

/* What the CA will never take does not stop the rest. */
static void
what_is_refused_for_good_is_not_said_again(void **state)
{
	(void)state;
	assert_true(asks());
	answer(77,
	    "{\"results\":[{},{\"error\":\"no\",\"code\":\"denied\"},{}]}");
	assert_int_equal(mk.courier.next, ACTS);
	assert_false(asks());
	put_act(ACTS);
	mk.applied++;
	assert_true(asks());
}

/* However many hosts want a certificate, there is room to tell of a rejection. */
static void
renewals_leave_room_for_what_is_said(void **state)
{
	static struct mk_call calls[MK_RENEWALS + 1];
	struct str out = STR_INIT;
	struct statement s;

	(void)state;
	mk.courier.next = mk.applied;
	reject(&s);
	for (size_t i = 0; i <= MK_RENEWALS; i++) {
		struct mk_call *c = &calls[i];
		int r;

		*c = (struct mk_call){.row = call_find(&master_calls, "renew")};
		r = mk_courier_renew(&mk, c, &s, &out, NULL);
		assert_int_equal(r, i < MK_RENEWALS ? MK_LATER : 0);
	}
	assert_string_equal(out.p, "{\"state\":\"waiting\"}");
	/* One that is answered makes room. */
	TAILQ_REMOVE(&mk.asking, &calls[0], watch);
	assert_int_equal(mk_courier_renew(&mk, &calls[MK_RENEWALS], &s, &out,
			     NULL),
	    MK_LATER);
	statement_clear(&s);
	str_clear(&out);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(what_is_said_of_hosts_goes_to_the_ca_once),
	    TEST(what_does_not_pass_now_is_said_again_in_a_while),
	    TEST(what_is_refused_for_good_is_not_said_again),
	    TEST(renewals_leave_room_for_what_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
