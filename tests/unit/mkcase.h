/* SPDX-License-Identifier: ISC */
/*
 * A master's keeper as far as calls need it: a store in a directory of its own,
 * and hosts.  Whatever fails ends the test.
 */
#ifndef TESTS_UNIT_MKCASE_H
#define TESTS_UNIT_MKCASE_H

#include "agent/master/mk_calls.h"

#define MKCASE_ORIGIN "writ.invalid/0123456789abcdef/master_1_log"

/* Zero but for its rows, which are empty. */
void mkcase_open(struct mk *mk);
/* Its rows and what it knows of hosts by the board, and the directory.  0, as
 * teardown says it. */
int  mkcase_close(struct mk *mk);

#endif
