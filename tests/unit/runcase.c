/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/runcase.h"

static int
arm(void *ctx, uint64_t number, struct err *e)
{
	struct run_case *b = ctx;

	assert_int_not_equal(number, 0);
	b->armed++;
	return b->arm_fails ? err_set(e, ERR_DENIED, "no unit at boot") : 0;
}

int
run_case_setup(void **state)
{
	struct run_case *b = calloc(1, sizeof(*b));

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

int
run_case_teardown(void **state)
{
	struct run_case *b = *state;

	run_clear(&b->out);
	toys_clear(&b->t);
	state_kinds_test(NULL);
	fakehost_free(b->f);
	fakehost_free(b->store);
	free(b);
	return 0;
}

void
run_case_go(struct run_case *b, unsigned flags, enum run_end want)
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

void
run_case_file_is(struct run_case *b, const char *path, const char *want)
{
	const char *text = fakehost_text(b->f, path);

	if (want == NULL)
		assert_null(text);
	else
		assert_string_equal(text, want);
}

enum run_stands
run_stands_in(const char *state_dir, uint64_t n)
{
	struct run_status s = {0};
	enum run_stands is;
	char *dir;

	assert_int_equal(runs_path(state_dir, n, &dir), 0);
	assert_int_equal(run_status_read(dir, &s, NULL), 0);
	is = s.stands;
	run_status_clear(&s);
	free(dir);
	return is;
}
