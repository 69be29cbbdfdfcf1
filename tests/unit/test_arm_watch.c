/* SPDX-License-Identifier: ISC */
#include "agent/minion/arm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/states/record.h"
#include "agent/states/runs.h"
#include "lib/base/file.h"
#include "tests/unit/fakehost.h"

struct bench {
	struct fakehost *f, *store;
	struct host *h;
	struct err e;
	char dir[200], command[4096];
};

/* What somebody else does just before this process has the lock. */
static void (*meanwhile)(void);

int
flock(int fd, int operation)
{
	void (*then)(void) = meanwhile;

	meanwhile = NULL;
	if (then != NULL)
		then();
	return (int)syscall(SYS_flock, fd, operation);
}

static int
setup(void **state)
{
	static struct bench b;
	char self[1024];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	assert_true(n > 0);
	self[n] = '\0';
	b = (struct bench){.f = fakehost_new(), .store = fakehost_new()};
	b.h = fakehost_host(b.f);
	(void)snprintf(b.dir, sizeof(b.dir), "%s/agent",
	    host_root(fakehost_host(b.store)));
	/* How it is started is all that brings it back: each word counts. */
	(void)snprintf(b.command, sizeof(b.command),
	    "systemd-run --quiet --collect --unit=writ-agent-watch-7-%d "
	    "--description=Writ agent: undo what nobody confirms in time "
	    "--property=Type=exec --property=Restart=always "
	    "--property=RestartPreventExitStatus=0 --property=RestartSec=1 "
	    "--property=StartLimitIntervalSec=0 "
	    "--property=WatchdogSec=20 --property=WatchdogSignal=SIGKILL "
	    "--property=OOMScoreAdjust=-1000 -- %s undo --watch --run 7 "
	    "--state %s",
	    (int)getpid(), self, b.dir);
	*state = &b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	fakehost_free(b->f);
	fakehost_free(b->store);
	return 0;
}

static void
systemd_starts_it_again(void **state)
{
	struct bench *b = *state;

	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	fakehost_command(b->f, b->command, 0, "", "");
	assert_int_equal(arm_watch(b->h, b->dir, 7, true, &b->e), 0);
	assert_true(fakehost_has_run(b->f, b->command));
}

/* Then nobody else does either, who would be started once. */
static void
without_systemd_there_is_none(void **state)
{
	struct bench *b = *state;

	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(arm_watch(b->h, b->dir, 7, true, &b->e), ERR_NOTFOUND);
	fakehost_command(b->f, b->command, 1, "", "Failed to start\n");
	assert_int_equal(arm_watch(b->h, b->dir, 7, true, &b->e), ERR_DENIED);
	assert_string_equal(b->e.msg,
	    "this would touch a way in, and what would undo it does not start: "
	    "systemd-run ended with status 1: Failed to start");
}

/* It would look for the runs of another directory, or of none. */
static void
the_directory_is_there_and_absolute(void **state)
{
	struct bench *b = *state;
	char was[1024];

	assert_int_equal(arm_watch(b->h, b->dir, 7, true, &b->e), ERR_SYS);
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_non_null(getcwd(was, sizeof(was)));
	assert_int_equal(chdir(b->dir), 0);
	fakehost_command(b->f, b->command, 0, "", "");
	assert_int_equal(arm_watch(b->h, ".", 7, true, &b->e), 0);
	assert_int_equal(chdir(was), 0);
}

/* --- who looks, and who writes -------------------------------------------- */

static char *run_dir;

static void
run_stands(enum run_stands s)
{
	assert_int_equal(run_status_write(run_dir, s, 0, NULL, NULL), 0);
}

static void
it_waits(void)
{
	run_stands(STANDS_UNCONFIRMED);
}

static void
it_is_confirmed(void)
{
	run_stands(STANDS_CONFIRMED);
}

/* It looks while somebody writes, or when the time is up, and has the lock when
 * that somebody has gone: what it saw before counts no more. */
static void
what_has_the_lock_looks_again(void **state)
{
	static const struct {
		enum run_stands seen;
		int64_t within;
		void (*meanwhile)(void);
		int want;
		enum run_stands stands;
	} cases[] = {
	    {STANDS_WRITING, 3600, NULL, WATCH_OVER, STANDS_UNDONE},
	    {STANDS_WRITING, 3600, it_waits, WATCH_AGAIN, STANDS_UNCONFIRMED},
	    {STANDS_WRITING, 0, it_waits, WATCH_OVER, STANDS_UNDONE},
	    {STANDS_UNCONFIRMED, 0, NULL, WATCH_OVER, STANDS_UNDONE},
	    {STANDS_UNCONFIRMED, 0, it_is_confirmed, WATCH_OVER,
		STANDS_CONFIRMED},
	};
	struct bench *b = *state;
	char host_id[] = "web1";
	struct run_status s = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct record rec = {.number = i + 1,
		    .host_id = host_id,
		    .way_in = true,
		    .within = cases[i].within};

		assert_int_equal(runs_begin(b->dir, i + 1, NULL), 0);
		assert_int_equal(runs_path(b->dir, i + 1, &run_dir), 0);
		assert_int_equal(record_write(&rec, run_dir, NULL), 0);
		run_stands(cases[i].seen);
		meanwhile = cases[i].meanwhile;
		if (arm_look(b->h, b->dir, i + 1, NULL) != cases[i].want)
			fail_msg("case %zu: not %d", i, cases[i].want);
		assert_int_equal(run_status_read(run_dir, &s, NULL), 0);
		if (s.stands != cases[i].stands)
			fail_msg("case %zu: %s", i, run_stands_name(s.stands));
		run_status_clear(&s);
		free(run_dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(systemd_starts_it_again),
	    T(without_systemd_there_is_none),
	    T(the_directory_is_there_and_absolute),
	    T(what_has_the_lock_looks_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
