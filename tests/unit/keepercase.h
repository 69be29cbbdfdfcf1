/* SPDX-License-Identifier: ISC */
/*
 * The keeper over a real log in a directory, with a CA of the tests' own in the
 * signer's place; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_KEEPERCASE_H
#define TESTS_UNIT_KEEPERCASE_H

#include "ca/keeper/keeper.h"
#include "ca/keeper/recorder.h"
#include "lib/tlog/checkpoint.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define HOUR INT64_C(3600)

struct world {
	char dir[TMPDIR_MAX];
	struct trust trust;
	struct recorder recorder;
	struct ledger *ledger;
	struct keeper *keeper;
	char origin[ORIGIN_MAX];
	int64_t now;
	struct err e;
};

int  kpc_setup(void **state);
int  kpc_teardown(void **state);
/* Forget everything but the log. */
void kpc_again(struct world *w);

/* n items through prepare, commit, the CA, finish, commit. */
void kpc_issue(struct world *w, struct keeper_item *items, size_t n);
/* One request with these decisions: what became of it, and its serial. */
struct kpc_outcome {
	int r;
	char why[300];
	size_t notes;
	uint64_t serial;
	bool again;
	size_t new_leaves;
};
struct kpc_outcome kpc_ask(struct world *w, struct statement *request,
    struct statement **given, size_t n);
/* A statement that is no request for a certificate: the keeper's answer. */
int  kpc_apply(struct world *w, struct statement *s, struct statement **given,
    size_t n);

void kpc_request(struct statement *s, const char *by, uint8_t seed);
void kpc_decision(struct world *w, struct statement *s, const char *by,
    uint8_t seed, bool approve, const struct statement *request);
/* A certificate for alice: its serial. */
uint64_t kpc_issue_one(struct world *w);

#endif
