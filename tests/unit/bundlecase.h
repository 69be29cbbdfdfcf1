/* SPDX-License-Identifier: ISC */
/*
 * Deliveries of signed policy, as somebody brings them, and what is held after
 * one; whatever fails ends the test.
 */
#ifndef TESTS_UNIT_BUNDLECASE_H
#define TESTS_UNIT_BUNDLECASE_H

#include "lib/bundle/bundles.h"
#include "lib/trust/bundle.h"
#include "tests/unit/fixture.h"

#define DAY          86400
#define ROOT_EXPIRES INT64_C(1856735999) /* 2028-11-01T23:59:59Z */

/* Root 2: ivan is gone, dora is an officer with a new key. */
extern const char bc_root2[];
/* Without ivan. */
extern const char bc_other_ca[];

/* One delivery: everything a bundle_input borrows. */
struct parcel {
	struct policy_files files;
	struct str statement, manifest;
	char *root_text[4];
	struct str root_sig[4];
	struct slice root_files[4], root_sigs[4];
	struct bundle_input in;
};
void bc_init(struct parcel *p);
void bc_clear(struct parcel *p);
/* p->in is what p has now. */
void bc_ready(struct parcel *p);
void bc_add_root(struct parcel *p, size_t at, uint64_t version,
    const char *yaml, const char *by, const uint8_t *seeds);
/* A bundle of this version over root (NULL: root 1), signed by olga. */
void bc_add_bundle(struct parcel *p, uint64_t version,
    const struct hash *previous, const char *root, const char *ca,
    const uint8_t *seeds);
/* Root 1 and bundle 1. */
void bc_first(struct parcel *p);
/* What somebody holds after that. */
void bc_hold_first(struct trust *t);

/* The hash that names the statement of a chain. */
struct hash bc_name_of(const struct bundle_chain *c);

/* Expect this answer and, on failure, words and an unchanged t. */
void bc_expect(const char *name, struct trust *t, const struct parcel *p,
    int64_t now, int want, const char *says);

#endif
