/* SPDX-License-Identifier: ISC */
/*
 * The master's signer over a journal of its own, and leaves of the keeper's log,
 * for tests; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_LOGSIGNERCASE_H
#define TESTS_UNIT_LOGSIGNERCASE_H

#include "agent/master/log_signer.h"
#include "lib/tlog/merkle.h"
#include "tests/unit/tmpdir.h"

#define LSC_ORIGIN "writ.invalid/0123456789abcdef/m_log"

struct world {
	char dir[TMPDIR_MAX], journal[TMPDIR_MAX + 16];
	struct key *key;
	struct log_signer *s;
	struct merkle_edge edge; /* the tree as the keeper has it */
	struct err e;
};

int  lsc_setup(void **state);
int  lsc_teardown(void **state);
struct log_signer_config lsc_config(const struct world *w, const char *origin);
/* Closed and opened again: what opening says, in w->e too. */
int  lsc_reopen(struct world *w);
uint64_t lsc_size(const struct world *w); /* that it has signed for */
/* The leaf of that value, which must outlive it; the keeper's tree gets it too
 * where there is one. */
struct log_leaf lsc_leaf(uint64_t *n, uint64_t value, struct merkle_edge *edge);

#endif
