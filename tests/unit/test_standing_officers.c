/* SPDX-License-Identifier: ISC */
/* Standing: officers let keys in; persons retire them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/trust/standing.h"
#include "tests/unit/fixture.h"
#include "tests/unit/standcase.h"

/* Two officers must let keys in; self: engineers alone. */
static const char strict_root[] =
    "version: 1\nexpires: 2028-11-01\ngrace: 14d\n"
    "officers:\n"
    "  olga@example.com: {keys: [<1>, <11>]}\n"
    "  ivan@example.com: {keys: [<2>]}\n"
    "  igor@example.com: {keys: [<9>]}\n"
    "operators:\n  petra@example.com: {keys: [<3>]}\n"
    "thresholds: {root: 2, policy: 2, fleet: 1}\n";

/* --- officers let keys in --- */

static void
officers_let_a_key_in(void **state)
{
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_null(sd_id_of_key(w, NEW));
	assert_int_equal(
	    sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_string_equal(sd_id_of_key(w, NEW), CAROL);
	/* Said once, done once. */
	assert_int_equal(
	    sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).why.code,
	    ERR_NOTFOUND);
}

static void
as_many_officers_as_the_policy_threshold_says(void **state)
{
	struct sd_world *w = *state;
	struct sd_effect x, y;

	policy_free(w->p);
	w->p = fixture_policy(strict_root, NULL);
	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(x.why.code, ERR_WAIT);
	y = sd_decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(y.r, STANDING_IDLE);
	assert_int_equal(y.why.code, ERR_WAIT);
	/* The same officer with another key is the same officer. */
	y = sd_decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA_2));
	assert_int_equal(y.why.code, ERR_EXISTS);
	/* Nor may he take back what he said first. */
	y = sd_decide(w, OLGA, false, &x.name, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(y.why.code, ERR_EXISTS);
	assert_null(sd_id_of_key(w, NEW));
	y = sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN));
	assert_int_equal(y.r, 0);
	assert_string_equal(sd_id_of_key(w, NEW), CAROL);
}

static void
one_denial_turns_a_key_down(void **state)
{
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(
	    sd_decide(w, IVAN, false, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(
	    sd_decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA)).r,
	    STANDING_IDLE);
	assert_null(sd_id_of_key(w, NEW));
}

static void
nobody_but_officers_decides_about_keys(void **state)
{
	static const struct {
		const char *name, *by;
		uint8_t seeds[3];
	} cases[] = {
	    {"the person", CAROL, {SEED_CAROL}},
	    {"an engineer", ALICE, {SEED_ALICE}},
	    {"an operator", PETRA, {SEED_PETRA}},
	    {"an engineer with an officer's signature", ALICE,
		{SEED_ALICE, SEED_OLGA}},
	    {"an officer's name", OLGA, {SEED_ALICE}},
	};
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sd_effect y =
		    sd_decide(w, cases[i].by, true, &x.name, cases[i].seeds);

		if (y.r != STANDING_IDLE || sd_id_of_key(w, NEW) != NULL)
			fail_msg("%s", cases[i].name);
	}
}

static void
an_officers_key_of_ca_yaml_is_not_an_officers_word(void **state)
{
	static const char ca[] =
	    "people:\n"
	    "  alice@example.com: {keys: [<4>], groups: [engineers]}\n"
	    "  carol@example.com: {keys: [<7>], groups: [clerks]}\n"
	    "  olga@example.com: {keys: [<50>], groups: [approvers]}\n"
	    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
	    " log: [ca_log, emergency_log]}\n"
	    "grants:\n  deploy: {to: [engineers, clerks],"
	    " principals: [deploy], max: 1h, approve: [{approvers: 1}]}\n";
	const struct sd_what person = {.person = ALICE};
	struct sd_world *w = *state;
	struct sd_effect x;

	policy_free(w->p);
	w->p = fixture_policy(NULL, ca);
	assert_string_equal(sd_id_of_key(w, 50), OLGA);
	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(sd_decide(w, OLGA, true, &x.name, FIXTURE_BY(50)).r,
	    STANDING_IDLE);
	assert_int_equal(sd_revoke(w, OLGA, &person, FIXTURE_BY(50)).r,
	    STANDING_IDLE);
	assert_int_equal(sd_revoke(w, OLGA, &person, FIXTURE_BY(SEED_OLGA)).r,
	    0);
}

static void
what_waits_ends_with_its_person_or_the_key_that_vouched(void **state)
{
	const struct sd_what cases[] = {
	    {.person = CAROL}, {.key = SEED_CAROL}, {.key = NEW}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sd_world *w = NULL;
		struct sd_effect x;

		(void)sd_set_up((void **)&w);
		x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
		assert_int_equal(
		    sd_revoke(w, OLGA, &cases[i], FIXTURE_BY(SEED_OLGA)).r, 0);
		assert_int_equal(sd_decide(w, IVAN, true, &x.name,
				     FIXTURE_BY(SEED_IVAN))
				     .why.code,
		    ERR_NOTFOUND);
		assert_null(sd_id_of_key(w, NEW));
		(void)sd_tear_down((void **)&w);
	}
}

static void
waiting_keys_of_a_person_end_at_8(void **state)
{
	struct sd_world *w = *state;
	struct sd_effect x = {0};

	for (uint8_t k = 0; k < 8; k++) {
		x = sd_key(w, CAROL, true, (uint8_t)(60 + k),
		    FIXTURE_BY((uint8_t)(60 + k), SEED_CAROL));
		assert_int_equal(x.why.code, ERR_WAIT);
	}
	assert_int_equal(sd_key(w, CAROL, true, 70, FIXTURE_BY(70, SEED_CAROL))
			     .why.code,
	    ERR_LIMIT);
	/* Not another's. */
	assert_int_equal(sd_key(w, BOB, true, 71, FIXTURE_BY(71, SEED_BOB))
			     .why.code,
	    ERR_WAIT);
	/* One let in makes room. */
	assert_int_equal(
	    sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(sd_key(w, CAROL, true, 70, FIXTURE_BY(70, SEED_CAROL))
			     .why.code,
	    ERR_WAIT);
}

static void
a_key_that_waits_twice_goes_to_one_person(void **state)
{
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(sd_key(w, BOB, true, NEW, FIXTURE_BY(NEW, SEED_BOB))
			     .why.code,
	    ERR_EXISTS);
	/* Taken meanwhile by one who needs nobody. */
	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r, 0);
	assert_int_equal(
	    sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r,
	    STANDING_IDLE);
	assert_string_equal(sd_id_of_key(w, NEW), ALICE);
}

/* --- keys retired --- */

static void
any_key_of_a_person_retires_any_for_good(void **state)
{
	struct sd_world *w = *state;
	struct err e = {0};

	assert_int_equal(
	    sd_key(w, ALICE, false, SEED_ALICE_2, FIXTURE_BY(SEED_ALICE)).r, 0);
	assert_null(standing_person_of_key(w->st, w->p,
	    fixture_key(SEED_ALICE_2), &e));
	assert_non_null(strstr(e.msg, "retired"));
	/* It signs nothing now, and cannot come back. */
	assert_int_equal(
	    sd_key(w, ALICE, false, SEED_ALICE, FIXTURE_BY(SEED_ALICE_2)).r,
	    STANDING_IDLE);
	assert_int_equal(sd_key(w, ALICE, true, SEED_ALICE_2,
			     FIXTURE_BY(SEED_ALICE_2, SEED_ALICE))
			     .why.code,
	    ERR_DENIED);
	/* Retired is not revoked. */
	assert_false(standing_key_revoked(w->st, fixture_key(SEED_ALICE_2)));
	/* A key may retire itself. */
	assert_int_equal(
	    sd_key(w, ALICE, false, SEED_ALICE, FIXTURE_BY(SEED_ALICE)).r, 0);
	assert_null(sd_id_of_key(w, SEED_ALICE));
}

static void
nobody_retires_anothers_key_or_one_of_root(void **state)
{
	struct sd_world *w = *state;

	assert_int_equal(sd_key(w, BOB, false, SEED_ALICE, FIXTURE_BY(SEED_BOB))
			     .r,
	    STANDING_IDLE);
	assert_int_equal(
	    sd_key(w, ALICE, false, SEED_ALICE, FIXTURE_BY(SEED_BOB)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    sd_key(w, OLGA, false, SEED_OLGA_2, FIXTURE_BY(SEED_OLGA)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    sd_key(w, ALICE, false, SEED_MALLORY, FIXTURE_BY(SEED_ALICE)).r,
	    STANDING_IDLE);
	assert_string_equal(sd_id_of_key(w, SEED_ALICE), ALICE);
	assert_string_equal(sd_id_of_key(w, SEED_OLGA_2), OLGA);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(officers_let_a_key_in),
	    TEST(as_many_officers_as_the_policy_threshold_says),
	    TEST(one_denial_turns_a_key_down),
	    TEST(nobody_but_officers_decides_about_keys),
	    TEST(an_officers_key_of_ca_yaml_is_not_an_officers_word),
	    cmocka_unit_test(
		what_waits_ends_with_its_person_or_the_key_that_vouched),
	    TEST(waiting_keys_of_a_person_end_at_8),
	    TEST(a_key_that_waits_twice_goes_to_one_person),
	    TEST(any_key_of_a_person_retires_any_for_good),
	    TEST(nobody_retires_anothers_key_or_one_of_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
