/* SPDX-License-Identifier: ISC */
/* What a master carries, where a test needs no more of it than who is trusted. */
#ifndef TESTS_UNIT_CONTENTCASE_H
#define TESTS_UNIT_CONTENTCASE_H

#include "agent/master/content.h"

/* Under fixture_realm().  p is borrowed; free() it. */
struct content *contentcase_new(struct policy *p);

#endif
