/* SPDX-License-Identifier: ISC */
/*
 * Hosts that have the master connect to them: how much of that is one host's.  The
 * process that connects is played here, in place of agent/master/dial.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "tests/unit/mkcase.h"

static struct mk mk;
static struct mk_host *web, *db;
static unsigned asked; /* of the process that connects */
static uint32_t last, answers[8];
static size_t n_answers;

int
dialer_new(const char *user, struct dialer **out, struct err *e)
{
	(void)user;
	(void)out;
	(void)e;
	return ERR_SYS;
}

void
dialer_free(struct dialer *d)
{
	(void)d;
}

int
dialer_fd(const struct dialer *d)
{
	(void)d;
	return -1;
}

bool
dialer_wants_write(const struct dialer *d)
{
	(void)d;
	return false;
}

int
dialer_ask(struct dialer *d, uint32_t id, const char *address, uint16_t port,
    struct err *e)
{
	(void)d;
	(void)address;
	(void)port;
	(void)e;
	asked++;
	last = id;
	return 0;
}

int
dialer_take(struct dialer *d, struct dial_answer *out, struct err *e)
{
	(void)d;
	(void)e;
	if (n_answers == 0)
		return 1;
	*out = (struct dial_answer){.id = answers[--n_answers]};
	return 0;
}

static int
setup(void **state)
{
	(void)state;
	mkcase_open(&mk);
	TAILQ_INIT(&mk.asking);
	asked = 0;
	assert_int_equal(board_get(&mk.board, "web-1", &web), 0);
	assert_int_equal(board_get(&mk.board, "db-1", &db), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return mkcase_close(&mk);
}

/* A call of that host's, which goes again at once: what it asked for goes on. */
static int
dials(struct mk_host *h)
{
	static char address[] = "192.0.2.1:40000";
	struct mk_call c = {.host = h, .address = address};
	struct str out = STR_INIT;
	int r;

	c.args = json_object();
	r = mk_dial(&mk, &c, &out, NULL);
	if (r == MK_LATER)
		TAILQ_REMOVE(&mk.asking, &c, watch);
	json_decref(c.args);
	str_clear(&out);
	return r;
}

/* One that comes again and again leaves the others their turn. */
static void
a_host_has_so_many_at_once_and_no_more(void **state)
{
	uint32_t first;

	(void)state;
	for (unsigned i = 0; i < MK_DIALS; i++)
		assert_int_equal(dials(web), MK_LATER);
	first = last;
	assert_int_equal(dials(web), ERR_BUSY);
	assert_int_equal(dials(web), ERR_BUSY);
	assert_int_equal(asked, MK_DIALS);
	assert_int_equal(dials(db), MK_LATER);
	/* The end of one that nobody waits for any more makes room. */
	answers[n_answers++] = first;
	mk_dialed(&mk);
	assert_int_equal(dials(web), MK_LATER);
	assert_int_equal(dials(web), ERR_BUSY);
	answers[n_answers++] = 12345; /* of nobody */
	mk_dialed(&mk);
	assert_int_equal(dials(web), ERR_BUSY);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_host_has_so_many_at_once_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
