/* SPDX-License-Identifier: ISC */
/* Signed policy as time goes: versions, new roots, expiry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/bundle.h"
#include "tests/unit/bundlecase.h"
#include "tests/unit/fixture.h"

/* --- versions of the bundle --- */

static void
versions_go_one_by_one_and_never_back(void **state)
{
	struct hash wrong = fixture_hash(3), one, two;
	struct parcel p1, p2, p;
	struct trust t;

	(void)state;
	bc_hold_first(&t);
	one = t.policy->hash;
	bc_first(&p1); /* the same content with another nonce */
	bc_expect("version 1 again, other content", &t, &p1, FIXTURE_NOW,
	    ERR_ROLLBACK, "again");

	bc_init(&p);
	bc_add_bundle(&p, 2, &wrong, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	bc_expect("another past", &t, &p, FIXTURE_NOW, ERR_ROLLBACK,
	    "another version 1");
	bc_clear(&p);

	bc_init(&p);
	bc_add_bundle(&p, 3, &one, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	bc_expect("a gap", &t, &p, FIXTURE_NOW, ERR_ROLLBACK, "expected 2");
	bc_clear(&p);

	bc_init(&p);
	bc_add_bundle(&p, UINT64_MAX, &one, NULL, NULL, FIXTURE_BY(SEED_OLGA));
	bc_expect("fast-forward", &t, &p, FIXTURE_NOW, ERR_ROLLBACK,
	    "expected 2");
	bc_clear(&p);

	bc_init(&p2);
	bc_add_bundle(&p2, 2, &one, NULL, bc_other_ca, FIXTURE_BY(SEED_OLGA));
	bc_expect("the next", &t, &p2, FIXTURE_NOW, 0, "");
	assert_int_equal(t.policy->version, 2);
	two = t.policy->hash;
	bc_expect("the next again", &t, &p2, FIXTURE_NOW, 0, "");
	bc_expect("back to 1", &t, &p1, FIXTURE_NOW, ERR_ROLLBACK, "older");
	assert_memory_equal(&t.policy->hash, &two, sizeof(two));
	bc_clear(&p1);
	bc_clear(&p2);
	trust_clear(&t);
}

/* --- rotation of the root --- */

static void
a_new_root_needs_the_old_threshold_and_its_own(void **state)
{
	static const struct {
		const char *name;
		uint8_t seeds[5];
		int want;
		const char *says;
	} cases[] = {
	    {"the old officers alone", {1, 2}, ERR_DENIED, "dora@example.com"},
	    {"the new officers alone", {1, 8}, ERR_DENIED, IVAN},
	    {"one who was and is", {1, 11}, ERR_DENIED, IVAN},
	    {"all three", {1, 2, 8}, 0, ""},
	};
	struct hash one;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parcel p;
		struct trust t;

		bc_hold_first(&t);
		one = t.policy->hash;
		bc_init(&p);
		bc_add_root(&p, 0, 2, bc_root2, OLGA, cases[i].seeds);
		bc_add_bundle(&p, 2, &one, bc_root2, bc_other_ca,
		    FIXTURE_BY(1, 8));
		bc_expect(cases[i].name, &t, &p, FIXTURE_NOW, cases[i].want,
		    cases[i].says);
		assert_int_equal(t.root_version, cases[i].want == 0 ? 2 : 1);
		bc_clear(&p);
		trust_clear(&t);
	}
}

static void
a_removed_officer_counts_no_more(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	bc_hold_first(&t);
	one = t.policy->hash;
	bc_init(&p);
	bc_add_root(&p, 0, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_bundle(&p, 2, &one, bc_root2, bc_other_ca, FIXTURE_BY(1, 2));
	bc_expect("olga and ivan, who is gone", &t, &p, FIXTURE_NOW, ERR_DENIED,
	    "dora@example.com is missing");
	bc_clear(&p);
	trust_clear(&t);
}

static void
roots_come_without_a_gap_and_without_replay(void **state)
{
	static const char root3_yaml[] =
	    "version: 3\nexpires: 2029-12-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  dora@example.com: {keys: [<8>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 2, policy: 1, fleet: 1}\n";
	struct parcel p, old;
	struct trust t;
	struct hash one;

	(void)state;
	bc_hold_first(&t);
	one = t.policy->hash;
	bc_init(&p);
	bc_add_root(&p, 0, 3, root3_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_bundle(&p, 2, &one, root3_yaml, bc_other_ca, FIXTURE_BY(1));
	bc_expect("root 3 after 1", &t, &p, 0, ERR_ROLLBACK, "expected 2");
	bc_clear(&p);

	/* The file says 3, the statement 2. */
	bc_init(&p);
	bc_add_root(&p, 0, 2, root3_yaml, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_bundle(&p, 2, &one, root3_yaml, bc_other_ca, FIXTURE_BY(1));
	bc_expect("a statement of another version", &t, &p, 0, ERR_PARSE,
	    "version 3");
	bc_clear(&p);

	/* The statement of another file. */
	bc_init(&p);
	bc_add_root(&p, 0, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	free(p.root_text[0]);
	p.root_text[0] =
	    fixture_expand("version: 2\nexpires: 2029-11-01\ngrace: 14d\n"
			   "officers:\n  olga@example.com: {keys: [<1>]}\n"
			   "  mallory@example.com: {keys: [<200>]}\n"
			   "thresholds: {root: 1, policy: 1, fleet: 1}\n"
			   "operators:\n  petra@example.com: {keys: [<3>]}\n");
	bc_add_bundle(&p, 2, &one, bc_root2, bc_other_ca, FIXTURE_BY(1, 8));
	bc_expect("another file", &t, &p, 0, ERR_PARSE, "differs");
	bc_clear(&p);

	/* Two steps at once, then the past again. */
	bc_init(&p);
	bc_add_root(&p, 0, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_root(&p, 1, 3, root3_yaml, OLGA, FIXTURE_BY(1, 8));
	bc_add_bundle(&p, 2, &one, root3_yaml, bc_other_ca, FIXTURE_BY(1));
	bc_expect("2 and 3", &t, &p, 0, 0, "");
	assert_int_equal(t.root_version, 3);
	bc_init(&old);
	bc_add_root(&old, 0, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	bc_add_bundle(&old, 3, &t.policy->hash, bc_root2, bc_other_ca,
	    FIXTURE_BY(1, 8));
	bc_expect("root 2 again", &t, &old, 0, ERR_ROLLBACK, "expected 4");
	old.in.n_roots = 0;
	bc_expect("a bundle with root 2", &t, &old, 0, ERR_ROLLBACK,
	    "another root.yaml than root 3");
	bc_clear(&old);
	bc_clear(&p);
	trust_clear(&t);
}

static void
a_new_root_without_its_statement_is_not_the_bundles_to_bring(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	bc_hold_first(&t);
	one = t.policy->hash;
	bc_init(&p);
	bc_add_bundle(&p, 2, &one, bc_root2, bc_other_ca, FIXTURE_BY(1, 2));
	bc_expect("root 2 in the bundle alone", &t, &p, 0, ERR_ROLLBACK,
	    "another root.yaml");
	bc_clear(&p);
	trust_clear(&t);
}

static void
too_many_roots_are_refused(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	bc_first(&p);
	p.in.n_roots = BUNDLE_ROOTS_MAX + 1;
	bc_expect("1025 roots", &t, &p, 0, ERR_LIMIT, "1024");
	bc_clear(&p);
}

/* --- expiry --- */

static void
expiry_is_followed_by_grace_and_then_by_refusal(void **state)
{
	const int64_t bundle = FIXTURE_NOW + 180 * DAY;
	const struct {
		const char *name;
		int64_t now;
		int want;
		const char *words;
	} cases[] = {
	    {"fresh", FIXTURE_NOW, 0, NULL},
	    {"31 days ahead", bundle - 31 * DAY, 0, NULL},
	    {"30 days ahead", bundle - 30 * DAY, 0, "expires in 30 days"},
	    {"14 days ahead", bundle - 14 * DAY, 0, "plan it: policy"},
	    {"7 days ahead", bundle - 7 * DAY, 0, "soon: policy"},
	    {"1 day ahead", bundle - DAY, 0, "urgent: policy"},
	    {"the last second", bundle, 0, "urgent: policy"},
	    {"a second past", bundle + 1, BUNDLE_GRACE, "has expired"},
	    {"the last of grace", bundle + 14 * DAY, BUNDLE_GRACE,
		"has expired"},
	    {"past grace", bundle + 14 * DAY + 1, ERR_EXPIRED, NULL},
	    {"past the root's", ROOT_EXPIRES + 14 * DAY + 1, ERR_EXPIRED, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str words = STR_INIT;
		struct parcel p;
		struct trust t, held;
		struct err e = {0};
		int r;

		trust_init(&t);
		bc_first(&p);
		bc_expect(cases[i].name, &t, &p, cases[i].now, cases[i].want,
		    "expired at");
		bc_hold_first(&held);
		r = trust_expiry(&held, cases[i].now, &words, &e);
		if (r != cases[i].want ||
		    (cases[i].words == NULL
			    ? words.n != 0
			    : strstr(words.p, cases[i].words) == NULL))
			fail_msg("%s: %d '%s'", cases[i].name, r, words.p);
		str_clear(&words);
		trust_clear(&t);
		trust_clear(&held);
		bc_clear(&p);
	}
}

static void
an_expired_root_can_still_be_replaced(void **state)
{
	struct parcel p;
	struct trust t;
	struct hash one;

	(void)state;
	bc_hold_first(&t);
	one = t.policy->hash;
	assert_int_equal(trust_expiry(&t, ROOT_EXPIRES + 20 * DAY, NULL, NULL),
	    ERR_EXPIRED);
	bc_init(&p);
	bc_add_root(&p, 0, 2, bc_root2, OLGA, FIXTURE_BY(1, 2, 8));
	{
		struct fixture_bundle b = {.realm = *fixture_realm(),
		    .version = 2,
		    .previous = &one,
		    .expires = ROOT_EXPIRES + 100 * DAY,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1, 8)};

		fixture_files(&p.files, bc_root2, bc_other_ca);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		bc_ready(&p);
	}
	bc_expect("after its grace", &t, &p, ROOT_EXPIRES + 20 * DAY, 0, "");
	bc_clear(&p);
	trust_clear(&t);
}

static void
nothing_held_is_expired_and_no_clock_skips_expiry(void **state)
{
	struct parcel p;
	struct trust t;

	(void)state;
	trust_init(&t);
	assert_int_equal(trust_expiry(&t, FIXTURE_NOW, NULL, NULL),
	    ERR_EXPIRED);
	bc_init(&p);
	bc_add_root(&p, 0, 1, FIXTURE_ROOT_YAML, OLGA, FIXTURE_BY(1, 2));
	{
		struct fixture_bundle b = {.realm = *fixture_realm(),
		    .version = 1,
		    .expires = 1,
		    .by = OLGA,
		    .seeds = FIXTURE_BY(1)};

		fixture_files(&p.files, NULL, NULL);
		fixture_bundle(&b, &p.files, &p.statement, &p.manifest);
		bc_ready(&p);
	}
	bc_expect("long ago", &t, &p, FIXTURE_NOW, ERR_EXPIRED, "policy");
	bc_expect("re-run", &t, &p, 0, 0, "");
	bc_clear(&p);
	trust_clear(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(versions_go_one_by_one_and_never_back),
	    cmocka_unit_test(a_new_root_needs_the_old_threshold_and_its_own),
	    cmocka_unit_test(a_removed_officer_counts_no_more),
	    cmocka_unit_test(roots_come_without_a_gap_and_without_replay),
	    cmocka_unit_test(
		a_new_root_without_its_statement_is_not_the_bundles_to_bring),
	    cmocka_unit_test(too_many_roots_are_refused),
	    cmocka_unit_test(expiry_is_followed_by_grace_and_then_by_refusal),
	    cmocka_unit_test(an_expired_root_can_still_be_replaced),
	    cmocka_unit_test(nothing_held_is_expired_and_no_clock_skips_expiry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
