/* SPDX-License-Identifier: ISC */
/*
 * Private keys that ssh-keygen made, in the directory of sshtool.h, for tests;
 * whatever fails ends the test.
 */
#ifndef TESTS_UNIT_KEYCASE_H
#define TESTS_UNIT_KEYCASE_H

#include "lib/key/key.h"
#include "tests/unit/sshtool.h"

#define PASS "a Passphrase with blanks"

/* One key of each, by its name, with no passphrase. */
#define N_KC_KINDS 5
extern const struct kc_kind {
	const char *name;
	enum pubkey_type type;
	const char *t, *bits; /* as ssh-keygen has it */
	const char *alg;
} kc_kinds[N_KC_KINDS];

extern struct err kc_err; /* of the test; kc_teardown() empties it */

int kc_setup(void **state); /* of the group; sshtool_teardown() is its end */
int kc_teardown(void **state);
#define T(f) cmocka_unit_test_teardown(f, kc_teardown)

/* Answers with this phrase, NULL: with none.  Counts in kc_asked from 0. */
struct passphrase kc_says(const char *phrase);
extern int kc_asked;

/* Of a file NAME.pub, to be freed. */
struct pubkey *kc_public_of(const char *name);
/* The key is that of NAME.pub, and what it signs verifies. */
void kc_assert_works(struct key *k, const struct pubkey *pub);
/* A copy of a key, converted by ssh-keygen -p with these options. */
void kc_convert(const char *from, const char *to, const char *o1,
    const char *v1, const char *pass);

#endif
