/* SPDX-License-Identifier: ISC */
#include "agent/minion/arm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/file.h"
#include "tests/unit/fakehost.h"

struct bench {
	struct fakehost *f, *store;
	struct host *h;
	struct err e;
	char dir[200], command[4096];
};

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	    T(systemd_starts_it_again),
	    T(without_systemd_there_is_none),
	    T(the_directory_is_there_and_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
