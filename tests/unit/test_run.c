/* SPDX-License-Identifier: ISC */
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
#include "tests/unit/fakehost.h"
#include "tests/unit/tmpdir.h"
#include "tests/unit/toystate.h"

struct bench {
	struct fakehost *f;     /* the host */
	struct fakehost *store; /* where the agent keeps what it knows */
	struct toy toy;
	struct toys t;
	struct state_env env;
	struct run_in in;
	struct run_out out;
	struct err e;
	unsigned armed;
	int arm_fails;
	char dir[200], stage[200];
};

static int
arm(void *ctx, uint64_t number, struct err *e)
{
	struct bench *b = ctx;

	assert_int_not_equal(number, 0);
	b->armed++;
	return b->arm_fails ? err_set(e, ERR_DENIED, "no unit at boot") : 0;
}

static int
setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	b->f = fakehost_new();
	b->store = fakehost_new();
	(void)snprintf(b->dir, sizeof(b->dir), "%s/agent",
	    host_root(fakehost_host(b->store)));
	(void)snprintf(b->stage, sizeof(b->stage), "%s/stage",
	    host_root(fakehost_host(b->store)));
	toy_install(b->f, &b->toy);
	toys_init(&b->t);
	b->env.host_id = "web1";
	b->in = (struct run_in){
	    .host = fakehost_host(b->f),
	    .env = &b->env,
	    .states = &b->t.states,
	    .dir = b->dir,
	    .stage = b->stage,
	    .within = 60,
	    .arm = arm,
	    .ctx = b,
	};
	fakehost_file(b->f, "/etc/a.conf", 0644, "before\n");
	*state = b;
	return 0;
}

static int
teardown(void **state)
{
	struct bench *b = *state;

	run_clear(&b->out);
	toys_clear(&b->t);
	state_kinds_test(NULL);
	fakehost_free(b->f);
	fakehost_free(b->store);
	free(b);
	return 0;
}

static void
go(struct bench *b, unsigned flags, enum run_end want)
{
	int r;

	run_clear(&b->out);
	b->e = (struct err){0};
	b->in.flags = flags;
	r = run(&b->in, &b->out, &b->e);
	/* Said where something failed, and only there. */
	assert_true((b->e.msg[0] != '\0') ==
	    (r != 0 || b->out.end >= RUN_END_REFUSED));
	if (r != 0 || b->out.end != want)
		fail_msg("%d, end %d '%s', expected end %d", r, (int)b->out.end,
		    b->e.msg, (int)want);
}

static void
file_is(struct bench *b, const char *path, const char *want)
{
	const char *text = fakehost_text(b->f, path);

	if (want == NULL)
		assert_null(text);
	else
		assert_string_equal(text, want);
}

static enum run_stands
stands(struct bench *b, uint64_t n)
{
	struct run_status s = {0};
	enum run_stands is;
	char *dir;

	assert_int_equal(runs_path(b->dir, n, &dir), 0);
	assert_int_equal(run_status_read(dir, &s, NULL), 0);
	is = s.stands;
	run_status_clear(&s);
	free(dir);
	return is;
}

static void
a_dry_run_shows_and_changes_nothing(void **state)
{
	struct bench *b = *state;
	char *before, *after;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	before = fakehost_dump(b->f);
	go(b, RUN_TEST | RUN_DIFF, RUN_END_WOULD);
	after = fakehost_dump(b->f);
	assert_string_equal(before, after);
	assert_string_equal(b->toy.value, "old");
	assert_int_equal(b->out.n_changes, 2);
	assert_int_equal(b->out.v[0].result, RESULT_WOULD);
	assert_string_equal(b->out.v[0].diff,
	    "--- /etc/a.conf\n+++ /etc/a.conf\n@@ -1,1 +1,1 @@\n-before\n"
	    "+after\n\\ No newline at end of file\n");
	assert_string_equal(b->out.v[0].plan.v[1].what, "value old -> new");
	assert_int_equal(b->out.number, 0);
	free(before);
	free(after);
}

static void
what_was_shown_is_what_is_done(void **state)
{
	struct bench *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.number, 1);
	assert_int_equal(b->out.v[0].result, RESULT_CHANGED);
	file_is(b, "/etc/a.conf", "after");
	assert_string_equal(b->toy.value, "new");
	assert_int_equal(b->toy.reloads, 1);
	assert_int_equal(b->toy.checks, 2);
	assert_int_equal(stands(b, 1), STANDS_DONE);
	assert_int_equal(b->armed, 0);
}

static void
a_host_that_moved_since_is_left_alone(void **state)
{
	struct bench *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	(void)snprintf(b->toy.value, sizeof(b->toy.value), "new");
	go(b, 0, RUN_END_REFUSED);
	file_is(b, "/etc/a.conf", "before\n");
	assert_non_null(strstr(b->e.msg, "not the plan"));
}

/* The toy's checker is where somebody else steps in. */
static void
meddle(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct bench *b = arg;

	(void)in;
	if (strcmp(command, "toyctl get") == 0)
		str_add(&a->out, b->toy.value);
	else if (strncmp(command, "toyctl check", 12) == 0)
		fakehost_file(f, "/etc/a.conf", 0644, "after");
}

static void
a_host_that_moves_during_the_checks_is_left_alone(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	fakehost_on(b->f, "toyctl", meddle, b);
	go(b, 0, RUN_END_REFUSED);
	assert_non_null(strstr(b->e.msg, "has changed since"));
	assert_int_equal(b->toy.reloads, 0);
}

static void
nothing_to_do_runs_nothing_and_writes_nothing(void **state)
{
	struct bench *b = *state;
	char *before, *after;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	go(b, 0, RUN_END_DONE);
	assert_false(b->out.v[0].known);
	fakehost_forget_ran(b->f);
	before = fakehost_dump(b->store);
	go(b, 0, RUN_END_NOTHING);
	after = fakehost_dump(b->store);
	assert_true(b->out.v[0].known);
	assert_int_equal(fakehost_ran(b->f)->n, 0);
	assert_string_equal(before, after);
	free(before);
	free(after);

	go(b, RUN_FULL, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	assert_int_equal(fakehost_ran(b->f)->n, 1);
	/* What the signs say has changed is observed anew. */
	fakehost_file(b->f, "/etc/a.conf", 0640, "after");
	fakehost_forget_ran(b->f);
	go(b, 0, RUN_END_NOTHING);
	assert_int_equal(fakehost_ran(b->f)->n, 1);
}

static void
other_parameters_are_not_known(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	go(b, 0, RUN_END_DONE);
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: old}");
	go(b, 0, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	b->env.krl_version = 2;
	go(b, 0, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	go(b, 0, RUN_END_NOTHING);
	assert_true(b->out.v[0].known);
}

static void
a_checker_that_refuses_stops_it_all(void **state)
{
	struct bench *b = *state;
	char *before, *after;

	toys_add(&b->t, &state_toy, "fine", "{path: /etc/b, text: fine}");
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: BAD, value: new}");
	/* The checker is asked once a kind, with the first state's words: both
	 * files are staged for it. */
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: BAD, value: new}");
	toys_add(&b->t, &state_toy, "fine", "{path: /etc/b, text: fine}");
	before = fakehost_dump(b->f);
	go(b, 0, RUN_END_REFUSED);
	after = fakehost_dump(b->f);
	assert_string_equal(before, after);
	assert_string_equal(b->toy.value, "old");
	assert_string_equal(b->e.msg,
	    "state a: its checker refuses: there is BAD in /etc/a.conf");
	free(before);
	free(after);
}

static void
a_proof_that_fails_stops_it_all(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "b", "{path: /etc/b, text: fine}");
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: SHUT, way_in: \"yes\"}");
	go(b, 0, RUN_END_REFUSED);
	file_is(b, "/etc/a.conf", "before\n");
	file_is(b, "/etc/b", NULL);
	assert_non_null(strstr(b->e.msg, "state a: this would shut somebody"));
	assert_int_equal(b->armed, 0);
}

static void
requisites_decide_who_runs(void **state)
{
	struct bench *b = *state;
	size_t first, second, third;

	first = toys_add(&b->t, &state_toy, "first",
	    "{path: /etc/missing, text: x, missing: \"yes\"}");
	second =
	    toys_add(&b->t, &state_toy, "second", "{path: /etc/b, text: x}");
	third = toys_add(&b->t, &state_toy, "third", "{path: /etc/c, text: x}");
	toys_add(&b->t, &state_toy, "fourth", "{path: /etc/d, text: x}");
	toys_need(&b->t, second, TOY_REQUIRE, first);
	toys_need(&b->t, third, TOY_WATCH, second);
	go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.v[0].result, RESULT_FAILED);
	assert_string_equal(b->out.v[0].note, "/etc/missing is missing");
	assert_int_equal(b->out.v[1].result, RESULT_SKIPPED);
	assert_string_equal(b->out.v[1].note, "requires first, which failed");
	assert_int_equal(b->out.v[2].result, RESULT_SKIPPED);
	assert_string_equal(b->out.v[2].note,
	    "requires second, which was skipped");
	assert_int_equal(b->out.v[3].result, RESULT_CHANGED);
	assert_int_equal(b->out.n_failed, 3);
	file_is(b, "/etc/b", NULL);
	file_is(b, "/etc/c", NULL);
	file_is(b, "/etc/d", "x");
}

static void
who_watches_is_told_and_onchanges_waits(void **state)
{
	struct bench *b = *state;
	size_t first, second, third;

	first = toys_add(&b->t, &state_toy, "first", "{path: /etc/a, text: x}");
	second =
	    toys_add(&b->t, &state_toy, "second", "{path: /etc/b, text: x}");
	third = toys_add(&b->t, &state_toy, "third", "{path: /etc/c, text: x}");
	fakehost_file(b->f, "/etc/b", 0640, "x");
	toys_need(&b->t, second, TOY_WATCH, first);
	toys_need(&b->t, third, TOY_ONCHANGES, first);
	go(b, 0, RUN_END_DONE);
	assert_int_equal(b->toy.reloads, 3);
	assert_true(b->out.v[1].tell);
	file_is(b, "/etc/c", "x");
	fakehost_remove(b->f, "/etc/c");
	go(b, 0, RUN_END_NOTHING); /* not without a change of first */
	assert_int_equal(b->out.v[2].result, RESULT_OK);
	assert_int_equal(b->toy.reloads, 3);
}

static void
what_can_be_said_after_a_change_is_said_then(void **state)
{
	struct bench *b = *state;
	size_t first, second;

	first = toys_add(&b->t, &state_toy, "first", "{path: /etc/b, text: x}");
	second = toys_add(&b->t, &state_toy, "second",
	    "{path: /etc/b, text: x, missing: \"yes\", value: new}");
	toys_need(&b->t, second, TOY_REQUIRE, first);
	go(b, RUN_TEST, RUN_END_WOULD);
	assert_true(b->out.v[1].after);
	assert_string_equal(b->out.v[1].note,
	    "to be seen when first has changed: /etc/b is missing");
	go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.v[1].result, RESULT_CHANGED);
	assert_string_equal(b->toy.value, "new");
}

static void
packages_come_first_and_the_rest_is_planned_anew(void **state)
{
	struct bench *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toyfirst, "pkg",
	    "{path: /etc/other, text: theirs, value: new}");
	toys_add(&b->t, &state_toy, "conf",
	    "{path: /etc/pkg.conf, text: ours, value: new}");
	go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	/* What "pkg" does makes the plan of "conf" another. */
	go(b, 0, RUN_END_DONE);
	assert_true(b->out.later);
	file_is(b, "/etc/other", "theirs");
	file_is(b, "/etc/pkg.conf", NULL);
	b->in.expect = NULL;
	go(b, 0, RUN_END_DONE);
	assert_false(b->out.later);
	file_is(b, "/etc/pkg.conf", "ours");
}

static void
a_way_in_is_armed_before_it_is_touched(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, way_in: \"yes\"}");
	b->arm_fails = 1;
	go(b, 0, RUN_END_REFUSED);
	assert_string_equal(b->e.msg, "no unit at boot");
	file_is(b, "/etc/a.conf", "before\n");
	b->arm_fails = 0;
	go(b, 0, RUN_END_WAITS);
	assert_int_equal(b->armed, 2);
	assert_true(b->out.way_in);
	assert_int_equal(stands(b, b->out.number), STANDS_UNCONFIRMED);
	file_is(b, "/etc/a.conf", "after");

	/* The next one is refused until it is confirmed or its time is up. */
	run_clear(&b->out);
	assert_int_equal(run(&b->in, &b->out, &b->e), ERR_BUSY);
	assert_non_null(strstr(b->e.msg, "waits to be confirmed"));
	b->in.arm = NULL;
}

static void
unconfirmed_is_undone_and_taken_away_stays(void **state)
{
	struct bench *b = *state;
	char *dir;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, way_in: \"yes\"}");
	toys_add(&b->t, &state_toy, "krl",
	    "{path: /etc/krl, text: revoked, way_in: \"yes\", away: \"yes\"}");
	go(b, 0, RUN_END_WAITS);
	assert_int_equal(runs_path(b->dir, b->out.number, &dir), 0);
	assert_int_equal(undo_run(fakehost_host(b->f), dir, &b->env,
			     UNDO_UNCONFIRMED, "not confirmed", NULL, &b->e),
	    0);
	file_is(b, "/etc/a.conf", "before\n");
	file_is(b, "/etc/krl", "revoked");
	assert_int_equal(stands(b, b->out.number), STANDS_UNDONE);
	free(dir);
}

static void
what_only_takes_away_waits_for_nobody(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "krl",
	    "{path: /etc/krl, text: revoked, way_in: \"yes\", away: \"yes\"}");
	go(b, 0, RUN_END_DONE);
	assert_int_equal(b->armed, 0);
}

static void
one_that_fights_is_left_and_named(void **state)
{
	struct bench *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	for (int i = 0; i < 2; i++) {
		go(b, 0, RUN_END_DONE);
		fakehost_file(b->f, "/etc/a.conf", 0640, "theirs");
		fakehost_time(b->f, FAKEHOST_NOW + 60 * (i + 1));
	}
	go(b, 0, RUN_END_NOTHING);
	assert_int_equal(b->out.v[0].result, RESULT_FOUGHT);
	assert_int_equal(b->out.n_failed, 1);
	file_is(b, "/etc/a.conf", "theirs");
	go(b, RUN_AGAIN, RUN_END_DONE);
	fakehost_file(b->f, "/etc/a.conf", 0640, "theirs");
	fakehost_time(b->f, FAKEHOST_NOW + 3600);
	go(b, 0, RUN_END_DONE);
}

static void
one_run_at_a_time(void **state)
{
	struct bench *b = *state;
	int lock;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	assert_int_equal(file_mkdirs(b->dir, 0700, NULL), 0);
	assert_int_equal(runs_lock(b->dir, &lock, NULL), 0);
	assert_int_equal(run(&b->in, &b->out, &b->e), ERR_BUSY);
	(void)close(lock);
	go(b, 0, RUN_END_DONE);
}

/* A file changed, one made in a new directory, one taken away, and a value. */
static void
rich(struct bench *b)
{
	fakehost_file(b->f, "/etc/gone", 0600, "to go\n");
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new, way_in: \"yes\"}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/new/deep/b, text: made}");
	toys_add(&b->t, &state_toy, "c", "{path: /etc/gone, text: \"-\"}");
}

static void
undo(struct bench *b, uint64_t number)
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
	struct bench *b = *state;
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
die_at(struct bench *b, unsigned n, uint64_t *newest)
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
	struct bench *b = *state;
	unsigned n = 1, undone = 0;
	char *before, *after;
	uint64_t newest = 0;
	int status;

	rich(b);
	before = fakehost_dump(b->f);
	do {
		status = die_at(b, n, &newest);
		undone += newest > 0 && stands(b, newest) == STANDS_WRITING;
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
	struct bench *b = *state;
	uint64_t newest = 0;
	unsigned n = 1;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	for (;; n++) {
		assert_int_equal(die_at(b, n, &newest), 97);
		if (newest > 0 && stands(b, newest) == STANDS_WRITING &&
		    strcmp(fakehost_text(b->f, "/etc/a.conf"), "after") == 0)
			break;
		if (newest > 0)
			undo(b, newest);
	}
	/* Not by a dry run. */
	go(b, RUN_TEST | RUN_FULL, RUN_END_NOTHING);
	assert_int_equal(stands(b, newest), STANDS_WRITING);
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "z", "{path: /etc/z, text: \"-\"}");
	go(b, 0, RUN_END_NOTHING);
	assert_int_equal(stands(b, newest), STANDS_UNDONE);
	file_is(b, "/etc/a.conf", "before\n");
}

static void
old_runs_are_taken_away(void **state)
{
	struct bench *b = *state;
	char params[64], *dir;

	for (int i = 0; i < RUNS_KEPT + 3; i++) {
		toys_clear(&b->t);
		(void)snprintf(params, sizeof(params),
		    "{path: /etc/a.conf, text: t%d}", i);
		toys_add(&b->t, &state_toy, "a", params);
		go(b, 0, RUN_END_DONE);
	}
	for (uint64_t n = 1; n <= RUNS_KEPT + 3; n++) {
		assert_int_equal(runs_path(b->dir, n, &dir), 0);
		assert_int_equal(file_exists(dir), n > 3);
		free(dir);
	}
}

static void
left_is(struct bench *b, const char *want)
{
	assert_int_equal(b->out.left.n, want != NULL ? 1 : 0);
	if (want != NULL)
		assert_string_equal(b->out.left.v[0], want);
}

static void
policy_is(struct bench *b, const struct state_ops *ops, const char *id,
    const char *params)
{
	toys_clear(&b->t);
	toys_add(&b->t, ops, id, params);
}

static void
what_policy_leaves_is_named_until_it_is_absent(void **state)
{
	static const char left[] = "a (toy): /etc/a.conf";
	struct bench *b = *state;

	/* Nobody has been told to bring that about. */
	policy_is(b, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	go(b, RUN_TEST, RUN_END_WOULD);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, 0, RUN_END_DONE);
	left_is(b, NULL);

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	go(b, 0, RUN_END_DONE);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, left);
	go(b, 0, RUN_END_NOTHING);
	go(b, 0, RUN_END_NOTHING);
	left_is(b, left);

	/* By whatever name, it is spoken of again. */
	policy_is(b, &state_toy, "c", "{path: /etc/a.conf, text: after}");
	go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, "b (toy): /etc/b.conf");
	policy_is(b, &state_toy, "c", "{path: /etc/a.conf, text: \"-\"}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, 0, RUN_END_DONE);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, 0, RUN_END_NOTHING);
	left_is(b, NULL);
}

static void
what_is_gone_or_excepted_is_not_left(void **state)
{
	struct bench *b = *state;

	policy_is(b, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, 0, RUN_END_DONE);
	b->t.h[0].off = true;
	params_free(&state_toy, b->t.v[0].params);
	b->t.v[0].params = NULL;
	go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	fakehost_remove(b->f, "/etc/a.conf");
	go(b, 0, RUN_END_NOTHING);
	left_is(b, NULL);
}

static void
a_kind_written_as_a_whole_leaves_nothing_behind(void **state)
{
	struct bench *b = *state;

	policy_is(b, &state_toyfirst, "a", "{path: /etc/a.conf, text: after}");
	go(b, 0, RUN_END_DONE);
	policy_is(b, &state_toyfirst, "b", "{path: /etc/b.conf, text: x}");
	go(b, RUN_TEST, RUN_END_WOULD);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	go(b, RUN_TEST, RUN_END_WOULD);
	left_is(b, "a (toyfirst): /etc/a.conf");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_dry_run_shows_and_changes_nothing),
	    T(what_was_shown_is_what_is_done),
	    T(a_host_that_moved_since_is_left_alone),
	    T(a_host_that_moves_during_the_checks_is_left_alone),
	    T(nothing_to_do_runs_nothing_and_writes_nothing),
	    T(other_parameters_are_not_known),
	    T(a_checker_that_refuses_stops_it_all),
	    T(a_proof_that_fails_stops_it_all),
	    T(requisites_decide_who_runs),
	    T(who_watches_is_told_and_onchanges_waits),
	    T(what_can_be_said_after_a_change_is_said_then),
	    T(packages_come_first_and_the_rest_is_planned_anew),
	    T(a_way_in_is_armed_before_it_is_touched),
	    T(unconfirmed_is_undone_and_taken_away_stays),
	    T(what_only_takes_away_waits_for_nobody),
	    T(one_that_fights_is_left_and_named),
	    T(one_run_at_a_time),
	    T(every_failing_call_leaves_the_host_as_it_was),
	    T(killed_at_every_call_it_can_be_undone),
	    T(a_run_that_did_not_end_is_undone_before_the_next),
	    T(old_runs_are_taken_away),
	    T(what_policy_leaves_is_named_until_it_is_absent),
	    T(what_is_gone_or_excepted_is_not_left),
	    T(a_kind_written_as_a_whole_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
