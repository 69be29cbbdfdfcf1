/* SPDX-License-Identifier: ISC */
/*
 * What became of a run that waited to be confirmed is said once, wherever the
 * applier ends meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/minion/applier.h"
#include "agent/states/runs.h"
#include "lib/base/file.h"
#include "tests/unit/fakehost.h"
#include "tests/unit/fixture.h"

#define RUN 7

static struct fakehost *host;
static char dir[200];
static struct applier a;

static int
setup(void **state)
{
	struct err e = {0};

	(void)state;
	host = fakehost_new();
	(void)snprintf(dir, sizeof(dir), "%s/agent",
	    host_root(fakehost_host(host)));
	assert_int_equal(file_mkdirs(dir, 0700, NULL), 0);
	memset(&a, 0, sizeof(a));
	a.state_dir = dir;
	a.host = fakehost_host(host);
	a.now = FIXTURE_NOW;
	a.held.have = true;
	a.held.realm = *fixture_realm();
	(void)snprintf(a.held.host, sizeof(a.held.host), "web-1.example.com");
	assert_non_null(a.args = json_object());
	assert_int_equal(key_generate(PUBKEY_ED25519, &a.host_key, &e), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(a.args);
	key_free(a.host_key);
	strs_clear(&a.made);
	fakehost_free(host);
	return 0;
}

/* It is done, and waits: what stands in STATE/pending from then on. */
static void
waits(void)
{
	struct report_statement r = {.kind = REPORT_RUN,
	    .enforce = true,
	    .outcome = RUN_CHANGED,
	    .states = 1};
	struct err e = {0};

	if (applier_wait(&a, RUN, 60, &r, &e) != 0)
		fail_msg("%s", e.msg);
}

static void
stands(enum run_stands s, const char *why)
{
	char *path;

	assert_int_equal(runs_begin(dir, RUN, NULL), 0);
	assert_int_equal(runs_path(dir, RUN, &path), 0);
	assert_int_equal(run_status_write(path, s, FIXTURE_NOW, why, NULL), 0);
	free(path);
}

/* By another applier, which knows what lies there. */
static void
settles(void)
{
	struct err e = {0};

	strs_clear(&a.made);
	assert_int_equal(report_state_read(dir, &a.reports, &e), 0);
	if (verb_settle(&a, &e) != 0)
		fail_msg("%s", e.msg);
}

static bool
is_pending(void)
{
	char path[220];

	(void)snprintf(path, sizeof(path), "%s/pending", dir);
	return file_exists(path);
}

static const struct {
	enum run_stands stands;
	const char *why, *outcome;
} ends[] = {
    {STANDS_CONFIRMED, NULL, "\"outcome\":\"changed\""},
    {STANDS_UNDONE, "not confirmed in time", "\"outcome\":\"undone\""},
    {STANDS_UNDO_FAILED, "no room", "\"outcome\":\"failed\""},
};

static void
it_is_said_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		(void)teardown(state);
		(void)setup(state);
		waits();
		stands(ends[i].stands, ends[i].why);
		settles();
		assert_int_equal(a.made.n, 1);
		assert_non_null(strstr(a.made.v[0], ends[i].outcome));
		assert_false(is_pending());
		settles();
		assert_int_equal(a.made.n, 0);
	}
}

/* The report is there, and that it was to be made is there still. */
static void
one_that_ends_when_it_has_said_so_does_not_say_it_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct report_statement beat = {.kind = REPORT_HEARTBEAT};
		struct err e = {0};

		(void)teardown(state);
		(void)setup(state);
		stands(ends[i].stands, ends[i].why);
		for (int n = 0; n < 3; n++) {
			waits();
			settles();
			if (a.made.n != (n == 0))
				fail_msg("end %zu, time %d: %zu reports", i, n,
				    a.made.n);
			assert_false(is_pending());
			/* What else is said meanwhile changes nothing. */
			assert_int_equal(applier_say(&a, &beat, &e), 0);
		}
	}
}

/* The state of reports that cannot be written is one that has no report. */
static void
one_that_could_not_be_said_is_said_later(void **state)
{
	char path[220];

	(void)state;
	waits();
	stands(STANDS_CONFIRMED, NULL);
	(void)snprintf(path, sizeof(path), "%s/reports", dir);
	assert_int_equal(file_write(path, "", 0, 0600, 0, NULL), 0);
	assert_int_not_equal(verb_settle(&a, NULL), 0);
	assert_true(is_pending());
	assert_int_equal(remove(path), 0);
	settles();
	assert_int_equal(a.made.n, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	    T(it_is_said_once),
	    T(one_that_ends_when_it_has_said_so_does_not_say_it_twice),
	    T(one_that_could_not_be_said_is_said_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
