/* SPDX-License-Identifier: ISC */
#include "agent/states/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/states/runs.h"
#include "tests/unit/runcase.h"

static void
a_dry_run_shows_and_changes_nothing(void **state)
{
	struct run_case *b = *state;
	char *before, *after;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	before = fakehost_dump(b->f);
	run_case_go(b, RUN_TEST | RUN_DIFF, RUN_END_WOULD);
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
	struct run_case *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	run_case_go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.number, 1);
	assert_int_equal(b->out.v[0].result, RESULT_CHANGED);
	run_case_file_is(b, "/etc/a.conf", "after");
	assert_string_equal(b->toy.value, "new");
	assert_int_equal(b->toy.reloads, 1);
	assert_int_equal(b->toy.checks, 2);
	assert_int_equal(run_stands_in(b->dir, 1), STANDS_DONE);
	assert_int_equal(b->armed, 0);
}

static void
a_host_that_moved_since_is_left_alone(void **state)
{
	struct run_case *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	(void)snprintf(b->toy.value, sizeof(b->toy.value), "new");
	run_case_go(b, 0, RUN_END_REFUSED);
	run_case_file_is(b, "/etc/a.conf", "before\n");
	assert_non_null(strstr(b->e.msg, "not the plan"));
}

/* The toy's checker is where somebody else steps in. */
static void
meddle(struct fakehost *f, const char *command, struct slice in,
    struct fakehost_answer *a, void *arg)
{
	struct run_case *b = arg;

	(void)in;
	if (strcmp(command, "toyctl get") == 0)
		str_add(&a->out, b->toy.value);
	else if (strncmp(command, "toyctl check", 12) == 0)
		fakehost_file(f, "/etc/a.conf", 0644, "after");
}

static void
a_host_that_moves_during_the_checks_is_left_alone(void **state)
{
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	fakehost_on(b->f, "toyctl", meddle, b);
	run_case_go(b, 0, RUN_END_REFUSED);
	assert_non_null(strstr(b->e.msg, "has changed since"));
	assert_int_equal(b->toy.reloads, 0);
}

static void
nothing_to_do_runs_nothing_and_writes_nothing(void **state)
{
	struct run_case *b = *state;
	char *before, *after;

	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: new}");
	run_case_go(b, 0, RUN_END_DONE);
	assert_false(b->out.v[0].known);
	fakehost_forget_ran(b->f);
	before = fakehost_dump(b->store);
	run_case_go(b, 0, RUN_END_NOTHING);
	after = fakehost_dump(b->store);
	assert_true(b->out.v[0].known);
	assert_int_equal(fakehost_ran(b->f)->n, 0);
	assert_string_equal(before, after);
	free(before);
	free(after);

	run_case_go(b, RUN_FULL, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	assert_int_equal(fakehost_ran(b->f)->n, 1);
	/* What the signs say has changed is observed anew. */
	fakehost_file(b->f, "/etc/a.conf", 0640, "after");
	fakehost_forget_ran(b->f);
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_int_equal(fakehost_ran(b->f)->n, 1);
}

static void
other_parameters_are_not_known(void **state)
{
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	run_case_go(b, 0, RUN_END_DONE);
	toys_clear(&b->t);
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: after, value: old}");
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	b->env.krl_version = 2;
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_false(b->out.v[0].known);
	run_case_go(b, 0, RUN_END_NOTHING);
	assert_true(b->out.v[0].known);
}

static void
a_checker_that_refuses_stops_it_all(void **state)
{
	struct run_case *b = *state;
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
	run_case_go(b, 0, RUN_END_REFUSED);
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
	struct run_case *b = *state;

	toys_add(&b->t, &state_toy, "b", "{path: /etc/b, text: fine}");
	toys_add(&b->t, &state_toy, "a",
	    "{path: /etc/a.conf, text: SHUT, way_in: \"yes\"}");
	run_case_go(b, 0, RUN_END_REFUSED);
	run_case_file_is(b, "/etc/a.conf", "before\n");
	run_case_file_is(b, "/etc/b", NULL);
	assert_non_null(strstr(b->e.msg, "state a: this would shut somebody"));
	assert_int_equal(b->armed, 0);
}

static void
requisites_decide_who_runs(void **state)
{
	struct run_case *b = *state;
	size_t first, second, third;

	first = toys_add(&b->t, &state_toy, "first",
	    "{path: /etc/missing, text: x, missing: \"yes\"}");
	second =
	    toys_add(&b->t, &state_toy, "second", "{path: /etc/b, text: x}");
	third = toys_add(&b->t, &state_toy, "third", "{path: /etc/c, text: x}");
	toys_add(&b->t, &state_toy, "fourth", "{path: /etc/d, text: x}");
	toys_need(&b->t, second, TOY_REQUIRE, first);
	toys_need(&b->t, third, TOY_WATCH, second);
	run_case_go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.v[0].result, RESULT_FAILED);
	assert_string_equal(b->out.v[0].note, "/etc/missing is missing");
	assert_int_equal(b->out.v[1].result, RESULT_SKIPPED);
	assert_string_equal(b->out.v[1].note, "requires first, which failed");
	assert_int_equal(b->out.v[2].result, RESULT_SKIPPED);
	assert_string_equal(b->out.v[2].note,
	    "requires second, which was skipped");
	assert_int_equal(b->out.v[3].result, RESULT_CHANGED);
	assert_int_equal(b->out.n_failed, 3);
	run_case_file_is(b, "/etc/b", NULL);
	run_case_file_is(b, "/etc/c", NULL);
	run_case_file_is(b, "/etc/d", "x");
}

static void
who_watches_is_told_and_onchanges_waits(void **state)
{
	struct run_case *b = *state;
	size_t first, second, third;

	first = toys_add(&b->t, &state_toy, "first", "{path: /etc/a, text: x}");
	second =
	    toys_add(&b->t, &state_toy, "second", "{path: /etc/b, text: x}");
	third = toys_add(&b->t, &state_toy, "third", "{path: /etc/c, text: x}");
	fakehost_file(b->f, "/etc/b", 0640, "x");
	toys_need(&b->t, second, TOY_WATCH, first);
	toys_need(&b->t, third, TOY_ONCHANGES, first);
	run_case_go(b, 0, RUN_END_DONE);
	assert_int_equal(b->toy.reloads, 3);
	assert_true(b->out.v[1].tell);
	run_case_file_is(b, "/etc/c", "x");
	fakehost_remove(b->f, "/etc/c");
	run_case_go(b, 0, RUN_END_NOTHING); /* not without a change of first */
	assert_int_equal(b->out.v[2].result, RESULT_OK);
	assert_int_equal(b->toy.reloads, 3);
}

static void
what_can_be_said_after_a_change_is_said_then(void **state)
{
	struct run_case *b = *state;
	size_t first, second;

	first = toys_add(&b->t, &state_toy, "first", "{path: /etc/b, text: x}");
	second = toys_add(&b->t, &state_toy, "second",
	    "{path: /etc/b, text: x, missing: \"yes\", value: new}");
	toys_need(&b->t, second, TOY_REQUIRE, first);
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	assert_true(b->out.v[1].after);
	assert_string_equal(b->out.v[1].note,
	    "to be seen when first has changed: /etc/b is missing");
	run_case_go(b, 0, RUN_END_DONE);
	assert_int_equal(b->out.v[1].result, RESULT_CHANGED);
	assert_string_equal(b->toy.value, "new");
}

static void
packages_come_first_and_the_rest_is_planned_anew(void **state)
{
	struct run_case *b = *state;
	struct hash plan;

	toys_add(&b->t, &state_toyfirst, "pkg",
	    "{path: /etc/other, text: theirs, value: new}");
	toys_add(&b->t, &state_toy, "conf",
	    "{path: /etc/pkg.conf, text: ours, value: new}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	plan = b->out.plan;
	b->in.expect = &plan;
	/* What "pkg" does makes the plan of "conf" another. */
	run_case_go(b, 0, RUN_END_DONE);
	assert_true(b->out.later);
	run_case_file_is(b, "/etc/other", "theirs");
	run_case_file_is(b, "/etc/pkg.conf", NULL);
	b->in.expect = NULL;
	run_case_go(b, 0, RUN_END_DONE);
	assert_false(b->out.later);
	run_case_file_is(b, "/etc/pkg.conf", "ours");
}

static void
left_is(struct run_case *b, const char *want)
{
	assert_int_equal(b->out.left.n, want != NULL ? 1 : 0);
	if (want != NULL)
		assert_string_equal(b->out.left.v[0], want);
}

static void
policy_is(struct run_case *b, const struct state_ops *ops, const char *id,
    const char *params)
{
	toys_clear(&b->t);
	toys_add(&b->t, ops, id, params);
}

static void
what_policy_leaves_is_named_until_it_is_absent(void **state)
{
	static const char left[] = "a (toy): /etc/a.conf";
	struct run_case *b = *state;

	/* Nobody has been told to bring that about. */
	policy_is(b, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, 0, RUN_END_DONE);
	left_is(b, NULL);

	toys_add(&b->t, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	run_case_go(b, 0, RUN_END_DONE);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, left);
	run_case_go(b, 0, RUN_END_NOTHING);
	run_case_go(b, 0, RUN_END_NOTHING);
	left_is(b, left);

	/* By whatever name, it is spoken of again. */
	policy_is(b, &state_toy, "c", "{path: /etc/a.conf, text: after}");
	run_case_go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, "b (toy): /etc/b.conf");
	policy_is(b, &state_toy, "c", "{path: /etc/a.conf, text: \"-\"}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, 0, RUN_END_DONE);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, 0, RUN_END_NOTHING);
	left_is(b, NULL);
}

static void
what_is_gone_or_excepted_is_not_left(void **state)
{
	struct run_case *b = *state;

	policy_is(b, &state_toy, "a", "{path: /etc/a.conf, text: after}");
	toys_add(&b->t, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, 0, RUN_END_DONE);
	b->t.h[0].off = true;
	params_free(&state_toy, b->t.v[0].params);
	b->t.v[0].params = NULL;
	run_case_go(b, RUN_TEST, RUN_END_NOTHING);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	fakehost_remove(b->f, "/etc/a.conf");
	run_case_go(b, 0, RUN_END_NOTHING);
	left_is(b, NULL);
}

static void
a_kind_written_as_a_whole_leaves_nothing_behind(void **state)
{
	struct run_case *b = *state;

	policy_is(b, &state_toyfirst, "a", "{path: /etc/a.conf, text: after}");
	run_case_go(b, 0, RUN_END_DONE);
	policy_is(b, &state_toyfirst, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	left_is(b, NULL);
	policy_is(b, &state_toy, "b", "{path: /etc/b.conf, text: x}");
	run_case_go(b, RUN_TEST, RUN_END_WOULD);
	left_is(b, "a (toyfirst): /etc/a.conf");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    RUN_CASE(a_dry_run_shows_and_changes_nothing),
	    RUN_CASE(what_was_shown_is_what_is_done),
	    RUN_CASE(a_host_that_moved_since_is_left_alone),
	    RUN_CASE(a_host_that_moves_during_the_checks_is_left_alone),
	    RUN_CASE(nothing_to_do_runs_nothing_and_writes_nothing),
	    RUN_CASE(other_parameters_are_not_known),
	    RUN_CASE(a_checker_that_refuses_stops_it_all),
	    RUN_CASE(a_proof_that_fails_stops_it_all),
	    RUN_CASE(requisites_decide_who_runs),
	    RUN_CASE(who_watches_is_told_and_onchanges_waits),
	    RUN_CASE(what_can_be_said_after_a_change_is_said_then),
	    RUN_CASE(packages_come_first_and_the_rest_is_planned_anew),
	    RUN_CASE(what_policy_leaves_is_named_until_it_is_absent),
	    RUN_CASE(what_is_gone_or_excepted_is_not_left),
	    RUN_CASE(a_kind_written_as_a_whole_leaves_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
