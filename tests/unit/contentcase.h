/* SPDX-License-Identifier: ISC */
/*
 * What a master carries, for tests: no more of it than who is trusted, or all of
 * it on disk.  Whatever fails here ends the test.
 */
#ifndef TESTS_UNIT_CONTENTCASE_H
#define TESTS_UNIT_CONTENTCASE_H

#include "agent/master/content.h"

/* Under fixture_realm().  p is borrowed; free() it. */
struct content *contentcase_new(struct policy *p);

/* Policy v of fixture.h's files, by Olga; bundle_chain_clear() it. */
void contentcase_policy(uint64_t v, const struct hash *previous,
    struct bundle_chain *c);
/* Policy 1, below dir. */
void contentcase_store(const char *dir);
/* dir, and all that is in it. */
void contentcase_remove(const char *dir);
/* Fleet v with pillars of a few hosts and roles (contentcase.c), signed by that
 * seed; fleet_chain_clear() it. */
void contentcase_fleet(uint64_t v, const struct hash *previous, uint8_t seed,
    struct fleet_chain *c);

#endif
