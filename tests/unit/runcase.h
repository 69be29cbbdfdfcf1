/* SPDX-License-Identifier: ISC */
/*
 * A host in a temporary directory, an agent's directory, and states of toys: to
 * run and to undo.  What fails here ends the test with a message.
 */
#ifndef TESTS_UNIT_RUNCASE_H
#define TESTS_UNIT_RUNCASE_H

#include "agent/states/run.h"
#include "agent/states/runs.h"
#include "tests/unit/fakehost.h"
#include "tests/unit/toystate.h"

struct run_case {
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

/* For cmocka_unit_test_setup_teardown(): /etc/a.conf says "before". */
int run_case_setup(void **state);
int run_case_teardown(void **state);
#define RUN_CASE(f) \
	cmocka_unit_test_setup_teardown(f, run_case_setup, run_case_teardown)

/* Run, with these flags; it must end so. */
void run_case_go(struct run_case *b, unsigned flags, enum run_end want);
/* Is this what the file says?  NULL: it must not be there. */
void run_case_file_is(struct run_case *b, const char *path, const char *want);
/* How run n stands, by its directory. */
enum run_stands run_stands_in(const char *state_dir, uint64_t n);

#endif
