/* SPDX-License-Identifier: ISC */
/*
 * A wall clock that tests set forward instead of waiting: all test programs are
 * linked with --wrap for clock_now().  Of this process alone.
 */
#ifndef TESTS_UNIT_AHEAD_H
#define TESTS_UNIT_AHEAD_H

#include <stdint.h>

/* clock_now() is so many seconds later from now on, for the rest of the
 * program. */
void ahead(int64_t seconds);

#endif
