/* SPDX-License-Identifier: ISC */
/* Runs that wait, fail, are killed, are undone; one at a time. */
#include "agent/states/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/states/runs.h"
#include "agent/states/undo.h"
#include "lib/base/file.h"
#include "tests/unit/runcase.h"

static void
a_way_in_is_armed_before_it_is_touched(void **state)
{
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, way_in: \"yes\"}");
	b->arm_fails = 1;
	run_case_go(b, 0, RUN_END_REFUSED);
	assert_string_equal(b->e.msg, "no unit at boot");
	run_case_file_is(b, "/etc/a.conf", "before\n");
	b->arm_fails = 0;
	run_case_go(b, 0, RUN_END_WAITS);
	assert_int_equal(b->armed, 2);
	assert_true(b->out.way_in);
	assert_int_equal(run_stands_in(b->dir, b->out.number),
	    STANDS_UNCONFIRMED);
	run_case_file_is(b, "/etc/a.conf", "after");

	/* The next one is refused until it is confirmed or its time is up. */
	run_clear(&b->out);
	assert_int_equal(run(&b->in, &b->out, &b->e), ERR_BUSY);
	assert_non_null(strstr(b->e.msg, "waits to be confirmed"));
	b->in.arm = NULL;
}

static void
unconfirmed_is_undone_and_taken_away_stays(void **state)
{
	struct run_case *b = *state;
	char *dir;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, way_in: \"yes\"}");
	toys_add(&b->t, &state_toy, "krl",
	    "{path: /etc/krl, text: revoked, way_in: \"yes\", away: \"yes\"}");
	run_case_go(b, 0, RUN_END_WAITS);
	assert_int_equal(runs_path(b->dir, b->out.number, &dir), 0);
	assert_int_equal(undo_run(fakehost_host(b->f), dir, &b->env,
			     UNDO_UNCONFIRMED, "not confirmed", NULL, &b->e),
	    0);
	run_case_file_is(b, "/etc/a.conf", "before\n");
	run_case_file_is(b, "/etc/krl", "revoked");
	assert_int_equal(run_stands_in(b->dir, b->out.number), STANDS_UNDONE);
	free(dir);
}

static void
what_only_takes_away_waits_for_nobody(void **state)
{
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "krl",
	    "{path: /etc/krl, text: revoked, way_in: \"yes\", away: \"yes\"}");
	run_case_go(b, 0, RUN_END_DONE);
	assert_int_equal(b->armed, 0);
}

static void
one_that_fights_is_left_and_named(void **state)
{
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	for (int i = 0; i < 2; i++) {
		run_case_go(b, 0, RUN_END_DONE);
		fakehost_file(b->f, "/etc/a.conf", 0640, "theirs");
		fakehost_time(b->f, FAKEHOST_NOW + 60 * (i + 1));
	}
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_int_equal(b->out.v[0].result, RESULT_FOUGHT);
	assert_int_equal(b->out.n_failed, 1);
	run_case_file_is(b, "/etc/a.conf", "theirs");
	run_case_go(b, RUN_AGAIN, RUN_END_DONE);
	fakehost_file(b->f, "/etc/a.conf", 0640, "theirs");
	fakehost_time(b->f, FAKEHOST_NOW + 3600);
	run_case_go(b, 0, RUN_END_DONE);
}

static void
one_run_at_a_time(void **state)
{
	struct run_case *b = *state;
	int lock;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(runs_lock(b->dir, &lock, NULL), 0);
	assert_int_equal(run(&b->in, &b->out, &b->e), ERR_BUSY);
	(void)close(lock);
	run_case_go(b, 0, RUN_END_DONE);
}

/* A file changed, one made in a new directory, one taken away, and a value. */
static void
rich(struct run_case *b)
{
	fakehost_file(b->f, "/etc/gone", 0600, "to go\n");
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new, way_in: \"yes\"}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/new/deep/b, text: made}");
	toys_add(&b->t, &state_toy, "c", "{path: /etc/gone, text: \"-\"}");
}

static void
undo(struct run_case *b, uint64_t number)
{
	char *dir;

	assert_int_equal(runs_path(b->dir, number, &dir), 0);
	if (undo_run(fakehost_host(b->f), dir, &b->env, 0, "test", NULL,
		&b->e) != 0)
		fail_msg("run %d: %s", (int)number, b->e.msg);
	free(dir);
}

static void
every_failing_call_leaves_the_host_as_it_was(void **state)
{
	struct run_case *b = *state;
	unsigned n, undone = 0, refused = 0;
	char *before, *after;

	rich(b);
	before = fakehost_dump(b->f);
	for (n = 1;; n++) {
		int r;

		run_clear(&b->out);
		fakehost_fail_nth(b->f, n);
		b->in.flags = RUN_FULL | RUN_AGAIN;
		r = run(&b->in, &b->out, &b->e);
		if (!fakehost_failed(b->f)) {
			assert_int_equal(r, 0);
			assert_int_equal(b->out.end, RUN_END_WAITS);
			break;
		}
		fakehost_fail_nth(b->f, 0);
		assert_int_equal(r, 0);
		if (b->out.end == RUN_END_WAITS || b->out.end == RUN_END_DONE) {
			/* A state that could not be looked at was left out, or
			 * a second try went well. */
			undo(b, b->out.number);
		} else if (b->out.end == RUN_END_UNDONE) {
			undone++;
		} else {
			assert_int_equal(b->out.end, RUN_END_REFUSED);
			refused++;
		}
		after = fakehost_dump(b->f);
		if (strcmp(before, after) != 0)
			fail_msg("call %u, end %d: %s\n%s\nbecame\n%s", n,
			    (int)b->out.end, b->e.msg, before, after);
		assert_string_equal(b->toy.value, "old");
		free(after);
	}
	assert_true(undone > 15);
	assert_true(refused > 15);
	free(before);
}

/* A run in a process that ends at its nth call on the host.  Its exit status,
 * and the newest run. */
static int
die_at(struct run_case *b, unsigned n, uint64_t *newest)
{
	int status;
	pid_t pid;

	(void)fflush(NULL);
	if ((pid = fork()) == 0) {
		fakehost_die_nth(b->f, n);
		b->in.flags = RUN_FULL | RUN_AGAIN;
		_exit(run(&b->in, &b->out, &b->e) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(runs_newest(b->dir, newest, NULL), 0);
	return WEXITSTATUS(status);
}

/* Killed at every call on the host, and undone from what it left. */
static void
killed_at_every_call_it_can_be_undone(void **state)
{
	struct run_case *b = *state;
	unsigned n = 1, undone = 0;
	char *before, *after;
	uint64_t newest = 0;
	int status;

	rich(b);
	before = fakehost_dump(b->f);
	do {
		status = die_at(b, n, &newest);
		undone += newest > 0 &&
		    run_stands_in(b->dir, newest) == STANDS_WRITING;
		if (newest > 0)
			undo(b, newest);
		after = fakehost_dump(b->f);
		if (strcmp(before, after) != 0)
			fail_msg("call %u: %s\nbecame\n%s", n, before, after);
		/* The value that was set was the child's own. */
		assert_string_equal(b->toy.value, "old");
		free(after);
		n++;
	} while (status == 97);
	assert_int_equal(status, 0);
	assert_true(undone > 15);
	free(before);
}

static void
a_run_that_did_not_end_is_undone_before_the_next(void **state)
{
	struct run_case *b = *state;
	uint64_t newest = 0;
	unsigned n = 1;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	for (;; n++) {
		assert_int_equal(die_at(b, n, &newest), 97);
		if (newest > 0 &&
		    run_stands_in(b->dir, newest) == STANDS_WRITING &&
		    strcmp(fakehost_text(b->f, "/etc/a.conf"), "after") == 0)
			break;
		if (newest > 0)
			undo(b, newest);
	}
	/* Not by a dry run. */
	run_case_go(b, RUN_TEST | RUN_FULL, RUN_END_NOTHING);
	assert_int_equal(run_stands_in(b->dir, newest), STANDS_WRITING);
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "z", "{path: /etc/z, text: \"-\"}");
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_int_equal(run_stands_in(b->dir, newest), STANDS_UNDONE);
	run_case_file_is(b, "/etc/a.conf", "before\n");
}

static void
old_runs_are_taken_away(void **state)
{
	struct run_case *b = *state;
	char params[64], *dir;

	for (int i = 0; i < RUNS_KEPT + 3; i++) {
		toys_clear(&b->t);
		(void)snprintf(params, sizeof(params),
		    "{path: /etc/a.conf, text: t%d}", i);
		toys_add(&b->t, &state_toy, "a", params);
		run_case_go(b, 0, RUN_END_DONE);
	}
	for (uint64_t n = 1; n <= RUNS_KEPT + 3; n++) {
		assert_int_equal(runs_path(b->dir, n, &dir), 0);
		assert_int_equal(file_exists(dir), n > 3);
		free(dir);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RUN_CASE(a_way_in_is_armed_before_it_is_touched),
	    RUN_CASE(unconfirmed_is_undone_and_taken_away_stays),
	    RUN_CASE(what_only_takes_away_waits_for_nobody),
	    RUN_CASE(one_that_fights_is_left_and_named),
	    RUN_CASE(one_run_at_a_time),
	    RUN_CASE(every_failing_call_leaves_the_host_as_it_was),
	    RUN_CASE(killed_at_every_call_it_can_be_undone),
	    RUN_CASE(a_run_that_did_not_end_is_undone_before_the_next),
	    RUN_CASE(old_runs_are_taken_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
