/* SPDX-License-Identifier: ISC */
/* Signals of a command that waits. */
#include "lib/cli/interrupt.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

static bool
came(const struct interrupt *x)
{
	struct pollfd p = {.fd = x->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static bool
is_blocked(int sig)
{
	sigset_t now;

	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	return sigismember(&now, sig) == 1;
}

/* Were one not taken, it would end this program at the release. */
static void
each_is_seen_and_ends_nothing(void **state)
{
	static const int all[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct interrupt x = INTERRUPT_INIT;

		assert_int_equal(interrupt_catch(&x, NULL), 0);
		assert_false(came(&x));
		assert_int_equal(raise(all[i]), 0);
		assert_true(came(&x));
		interrupt_release(&x);
		assert_int_equal(x.fd, -1);
		assert_false(is_blocked(all[i]));
	}
}

static void
what_was_blocked_before_stays_so(void **state)
{
	struct interrupt x = INTERRUPT_INIT;
	sigset_t hup;

	(void)state;
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	assert_int_equal(sigprocmask(SIG_BLOCK, &hup, NULL), 0);
	interrupt_release(&x); /* of one not caught: nothing */
	assert_true(is_blocked(SIGHUP));
	assert_int_equal(interrupt_catch(&x, NULL), 0);
	interrupt_release(&x);
	assert_true(is_blocked(SIGHUP));
	assert_false(is_blocked(SIGINT));
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &hup, NULL), 0);
}

static void
without_a_descriptor_all_is_as_before(void **state)
{
	struct interrupt x = INTERRUPT_INIT;
	struct rlimit was, none;
	struct err e = {0};

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(interrupt_catch(&x, &e), ERR_SYS);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_int_equal(x.fd, -1);
	assert_false(is_blocked(SIGINT));
	interrupt_release(&x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_is_seen_and_ends_nothing),
	    cmocka_unit_test(what_was_blocked_before_stays_so),
	    cmocka_unit_test(without_a_descriptor_all_is_as_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
