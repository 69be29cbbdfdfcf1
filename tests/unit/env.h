/* SPDX-License-Identifier: ISC */
/* What a test finds around it. */
#ifndef TESTS_UNIT_ENV_H
#define TESTS_UNIT_ENV_H

/* A copy of a variable of the environment, to be put back; "" where it is not
 * set.  The caller frees. */
char *env_copy(const char *name);

#endif
