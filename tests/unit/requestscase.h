/* SPDX-License-Identifier: ISC */
/*
 * A log of a few leaves, which begins with fixture.h's policy, and the rows that
 * are made of it, for tests; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_REQUESTSCASE_H
#define TESTS_UNIT_REQUESTSCASE_H

#include "ca/keeper/requests.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define RCASE_LEAVES 32

struct rcase {
	char dir[TMPDIR_MAX];
	char *path;
	struct policy *policy;
	struct requests_config c;
	struct requests *q;
	struct leaf leaves[RCASE_LEAVES]; /* the log */
	size_t n;
	unsigned changes[CHANGE_REVOKED + 1];
	struct err e;
};

int  rcase_setup(void **state);
int  rcase_teardown(void **state);
void rcase_open(struct rcase *w);

/* The next leaf; what s holds moves there. */
const struct statement *rcase_add(struct rcase *w, struct statement *s);
/* A request by Alice; a decision on it; a revocation by Olga. */
const struct statement *rcase_ask(struct rcase *w);
void rcase_decide(struct rcase *w, const struct statement *request,
    const char *by, uint8_t seed, bool approve);
void rcase_revoke(struct rcase *w, const char *person);

/* All leaves that the rows have not; written after as few or many as step
 * says. */
void rcase_apply(struct rcase *w, size_t step);
enum request_state rcase_state(struct rcase *w, const struct statement *s);

#endif
