/* SPDX-License-Identifier: ISC */
/*
 * A policy and what statements made of it, and statements of each kind applied,
 * for tests of standing.
 */
#ifndef TESTS_UNIT_STANDCASE_H
#define TESTS_UNIT_STANDCASE_H

#include "lib/trust/standing.h"
#include "tests/unit/fixture.h"

#define NEW      SEED_ALICE_NEW
#define ALICE_ID ALICE "/000102030405060708090a0b0c0d0e0f"

struct sd_world {
	struct policy *p;
	struct standing *st;
};
int sd_set_up(void **state);
int sd_tear_down(void **state);
#define TEST(f) cmocka_unit_test_setup_teardown(f, sd_set_up, sd_tear_down)

/* Serials below 100 are alice's, the others bob's; 99999 nobody's. */
const char *sd_owner(void *ctx, uint64_t serial);

/* What a statement does: 0, or idle with a code and words. */
struct sd_effect {
	int r;
	struct err why;
	struct hash name;
};
/* Signed by seeds and applied; s is cleared. */
struct sd_effect sd_apply(struct sd_world *w, struct statement *s,
    const uint8_t *seeds);
/* A key (a seed) added, or retired. */
struct sd_effect sd_key(struct sd_world *w, const char *by, bool add,
    uint8_t key, const uint8_t *seeds);
/* A decision about the statement that adds a key. */
struct sd_effect sd_decide(struct sd_world *w, const char *by, bool approve,
    const struct hash *key, const uint8_t *seeds);

/* One of the four kinds: serial, key id, person, key (a seed). */
struct sd_what {
	uint64_t serials[3];
	const char *key_id, *person;
	uint8_t key;
};
struct sd_effect sd_revoke(struct sd_world *w, const char *by,
    const struct sd_what *what, const uint8_t *seeds);

/* Whose key it is now; NULL: nobody's. */
const char *sd_id_of_key(struct sd_world *w, uint8_t seed);

#endif
