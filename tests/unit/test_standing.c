/* SPDX-License-Identifier: ISC */
/* Standing: who may revoke what, each right and the least step past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/standing.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/standcase.h"

/* --- revocations --- */

static const struct {
	const char *name, *by;
	struct sd_what what;
	uint8_t seeds[4];
	int r;
} revocations[] = {
    {"an officer, any serial", OLGA, {.serials = {5, 105}}, {SEED_OLGA}, 0},
    {"an officer, a serial nobody has", OLGA, {.serials = {99999}}, {SEED_OLGA},
	0},
    {"an officer, any key id", OLGA, {.key_id = "x"}, {SEED_OLGA}, 0},
    {"an officer, any person", OLGA, {.person = BOB}, {SEED_OLGA}, 0},
    {"an officer, another officer", OLGA, {.person = IVAN}, {SEED_OLGA_2}, 0},
    {"an officer, a key", OLGA, {.key = SEED_BOB}, {SEED_OLGA}, 0},
    {"an officer, a key of root.yaml", OLGA, {.key = SEED_IVAN}, {SEED_OLGA},
	0},
    {"an officer, a key nobody has", OLGA, {.key = SEED_MALLORY}, {SEED_OLGA},
	0},
    {"one officer, a user CA", OLGA, {.key = SEED_USER_CA}, {SEED_OLGA},
	STANDING_IDLE},
    {"one officer with two keys, a user CA", OLGA, {.key = SEED_USER_CA},
	{SEED_OLGA, SEED_OLGA_2}, STANDING_IDLE},
    {"an officer and another person, a CA", OLGA, {.key = SEED_HOST_CA},
	{SEED_OLGA, SEED_ALICE}, STANDING_IDLE},
    {"two officers, a user CA", OLGA, {.key = SEED_USER_CA},
	{SEED_OLGA, SEED_IVAN}, 0},
    {"two officers, a log key", IVAN, {.key = SEED_LOG}, {SEED_OLGA, SEED_IVAN},
	0},
    {"one officer, a log key", IVAN, {.key = SEED_LOG}, {SEED_IVAN},
	STANDING_IDLE},
    {"a person, himself", ALICE, {.person = ALICE}, {SEED_ALICE}, 0},
    {"a person, another", ALICE, {.person = BOB}, {SEED_ALICE}, STANDING_IDLE},
    {"a person, his key", ALICE, {.key = SEED_ALICE_2}, {SEED_ALICE}, 0},
    {"a person, that very key", ALICE, {.key = SEED_ALICE}, {SEED_ALICE}, 0},
    {"a person, another's key", ALICE, {.key = SEED_BOB}, {SEED_ALICE},
	STANDING_IDLE},
    {"a person, a key nobody has", ALICE, {.key = SEED_MALLORY}, {SEED_ALICE},
	STANDING_IDLE},
    {"a person, his serials", ALICE, {.serials = {5, 6}}, {SEED_ALICE}, 0},
    {"a person, one serial of another among his", ALICE,
	{.serials = {5, 105, 6}}, {SEED_ALICE}, STANDING_IDLE},
    {"a person, a serial nobody has", ALICE, {.serials = {99999}}, {SEED_ALICE},
	STANDING_IDLE},
    {"a person, his key id", ALICE, {.key_id = ALICE_ID}, {SEED_ALICE}, 0},
    {"a person, another's key id", BOB, {.key_id = ALICE_ID}, {SEED_BOB},
	STANDING_IDLE},
    {"a person, a key id that starts alike", ALICE, {.key_id = ALICE "/x"},
	{SEED_ALICE}, STANDING_IDLE},
    {"a person, a key id a digit short", ALICE,
	{.key_id = ALICE "/000102030405060708090a0b0c0d0e0"}, {SEED_ALICE},
	STANDING_IDLE},
    {"a person, a key id with more behind", ALICE, {.key_id = ALICE_ID "-"},
	{SEED_ALICE}, STANDING_IDLE},
    {"a person, an officer's signature beside his", ALICE, {.person = BOB},
	{SEED_ALICE, SEED_OLGA}, STANDING_IDLE},
    {"an operator, a person", PETRA, {.person = BOB}, {SEED_PETRA},
	STANDING_IDLE},
    {"a stranger", ALICE, {.person = ALICE}, {SEED_MALLORY}, STANDING_IDLE},
    {"an officer's name, a person's key", OLGA, {.person = BOB}, {SEED_ALICE},
	STANDING_IDLE},
};

static bool
is_revoked(const struct standing *st, const struct sd_what *what)
{
	if (what->key_id != NULL)
		return standing_key_id_revoked(st, what->key_id);
	if (what->person != NULL)
		return standing_person_revoked(st, what->person);
	if (what->key != 0)
		return standing_key_revoked(st, fixture_key(what->key));
	for (size_t i = 0; i < 3 && what->serials[i] != 0; i++)
		if (!standing_serial_revoked(st, what->serials[i]))
			return false;
	return true;
}

static void
who_may_revoke_what(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(revocations) / sizeof(revocations[0]);
	     i++) {
		struct sd_world *w = NULL;
		struct sd_effect x;

		(void)sd_set_up((void **)&w);
		x = sd_revoke(w, revocations[i].by, &revocations[i].what,
		    revocations[i].seeds);
		if (x.r != revocations[i].r ||
		    is_revoked(w->st, &revocations[i].what) != (x.r == 0))
			fail_msg("%s: %d '%s'", revocations[i].name, x.r,
			    x.why.msg);
		if (x.r != 0 && x.why.msg[0] == '\0')
			fail_msg("%s: no reason", revocations[i].name);
		(void)sd_tear_down((void **)&w);
	}
}

static void
one_officer_is_called_as_one(void **state)
{
	const struct sd_what ca = {.key = SEED_USER_CA};
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_revoke(w, OLGA, &ca, FIXTURE_BY(SEED_OLGA));
	assert_non_null(strstr(x.why.msg, "1 officer signed, expected 2"));
}

static void
what_is_revoked_stays_so_and_is_revoked_once(void **state)
{
	const struct sd_what bob = {.person = BOB}, key = {.key = SEED_ALICE},
			     some = {.serials = {1, 2}},
			     more = {.serials = {2, 3}};
	struct sd_world *w = *state;
	struct err e = {0};

	assert_int_equal(sd_revoke(w, OLGA, &bob, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(sd_revoke(w, IVAN, &bob, FIXTURE_BY(SEED_IVAN))
			     .why.code,
	    ERR_EXISTS);
	assert_null(standing_person_of_key(w->st, w->p, fixture_key(SEED_BOB),
	    &e));
	assert_non_null(strstr(e.msg, "revoked"));
	/* A revoked person says nothing any more. */
	assert_int_equal(sd_revoke(w, BOB, &(struct sd_what){.serials = {105}},
			     FIXTURE_BY(SEED_BOB))
			     .r,
	    STANDING_IDLE);
	/* A revoked key neither, though the person does with another. */
	assert_int_equal(sd_revoke(w, OLGA, &key, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE_2)).r, 0);
	assert_int_equal(sd_revoke(w, OLGA, &some, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(sd_revoke(w, OLGA, &more, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_true(standing_serial_revoked(w->st, 3));
	assert_false(standing_serial_revoked(w->st, 4));
}

static void
revoked_officers_do_not_count_towards_a_threshold(void **state)
{
	const struct sd_what ivan = {.key = SEED_IVAN},
			     ca = {.key = SEED_USER_CA};
	struct sd_world *w = *state;

	assert_int_equal(sd_revoke(w, OLGA, &ivan, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(
	    sd_revoke(w, OLGA, &ca, FIXTURE_BY(SEED_OLGA, SEED_IVAN)).r,
	    STANDING_IDLE);
}

static void
other_and_unverified_statements_are_idle(void **state)
{
	struct sd_world *w = *state;
	struct statement s;
	struct err why = {0};

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(standing_apply(w->st, w->p, &s, NULL, NULL, &why),
	    STANDING_IDLE);
	statement_clear(&s);
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(BOB);
	s.u.v.reason = str_dup("left");
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	s.verified = false;
	assert_int_equal(standing_apply(w->st, w->p, &s, NULL, NULL, &why),
	    STANDING_IDLE);
	assert_int_equal(why.code, ERR_BADSIG);
	assert_false(standing_person_revoked(w->st, BOB));
	statement_clear(&s);
}

/* --- all of it --- */

static int
count_items(void *ctx, const struct standing_item *i)
{
	size_t *n = ctx;
	int kinds = (i->serial != 0) + (i->key_id != NULL) +
	    (i->person != NULL) + (i->key != NULL);

	assert_int_equal(kinds, 1);
	return ++*n == 4 ? 7 : 0;
}

static void
what_is_revoked_is_listed_in_the_order_of_the_log(void **state)
{
	struct sd_world *w = *state;
	size_t n = 0;

	assert_int_equal(standing_each_revoked(w->st, count_items, &n), 0);
	assert_int_equal(n, 0);
	(void)sd_revoke(w, OLGA, &(struct sd_what){.serials = {9, 8}},
	    FIXTURE_BY(SEED_OLGA));
	(void)sd_key(w, ALICE, false, SEED_ALICE_2, FIXTURE_BY(SEED_ALICE));
	(void)sd_revoke(w, OLGA, &(struct sd_what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_each_revoked(w->st, count_items, &n), 0);
	assert_int_equal(n, 3); /* not the retired one */
	n = 0;
	(void)sd_revoke(w, OLGA, &(struct sd_what){.key = SEED_LENA},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_each_revoked(w->st, count_items, &n), 7);
}

static int
note_key(void *ctx, const struct person *who, const struct pubkey *k,
    const char *comment)
{
	struct str *s = ctx;

	assert_non_null(comment);
	for (unsigned seed = 1; seed < 256; seed++)
		if (pubkey_equal(fixture_key((uint8_t)seed), k))
			str_addf(s, "%.*s%u ", 2, who->id, seed);
	return 0;
}

static void
keys_are_listed_as_they_are_now(void **state)
{
	struct sd_world *w = *state;
	struct str s = STR_INIT;

	(void)sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)sd_key(w, ALICE, false, SEED_ALICE_2, FIXTURE_BY(SEED_ALICE));
	(void)sd_revoke(w, OLGA, &(struct sd_what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	(void)sd_revoke(w, OLGA, &(struct sd_what){.key = SEED_OLGA_2},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_each_key(w->st, w->p, note_key, &s), 0);
	assert_string_equal(s.p, "al4 al24 ca7 iv2 le6 ol1 pe3 ");
	str_clear(&s);
}

static void
a_copy_goes_its_own_way(void **state)
{
	struct sd_world *w = *state, other = {.p = w->p};
	struct sd_effect x;

	x = sd_key(w, CAROL, true, 30, FIXTURE_BY(30, SEED_CAROL));
	(void)sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)sd_revoke(w, OLGA, &(struct sd_what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_dup(w->st, &other.st), 0);
	assert_string_equal(sd_id_of_key(&other, NEW), ALICE);
	assert_true(standing_person_revoked(other.st, BOB));
	assert_int_equal(
	    sd_decide(&other, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(sd_revoke(&other, OLGA, &(struct sd_what){.key = NEW},
			     FIXTURE_BY(SEED_OLGA))
			     .r,
	    0);
	assert_string_equal(sd_id_of_key(&other, 30), CAROL);
	assert_null(sd_id_of_key(w, 30));
	assert_string_equal(sd_id_of_key(w, NEW), ALICE);
	standing_free(other.st);
}

static void
thousands_of_serials_are_found(void **state)
{
	struct sd_world *w = *state;

	for (uint64_t base = 0; base < 3; base++) {
		struct statement s;

		fixture_statement(&s, ST_REVOKE, OLGA);
		s.u.v.reason = str_dup("stolen");
		s.u.v.serials =
		    calloc(REVOKE_SERIALS_MAX, sizeof(*s.u.v.serials));
		assert_non_null(s.u.v.serials);
		s.u.v.n_serials = REVOKE_SERIALS_MAX;
		for (uint64_t i = 0; i < REVOKE_SERIALS_MAX; i++)
			s.u.v.serials[i] = base * 500 + i + 1;
		assert_int_equal(sd_apply(w, &s, FIXTURE_BY(SEED_OLGA)).r, 0);
	}
	for (uint64_t i = 1; i <= 2000; i++)
		assert_true(standing_serial_revoked(w->st, i));
	assert_false(standing_serial_revoked(w->st, 2001));
}

/* --- memory --- */

struct attempt {
	const struct standing *from;
	const struct policy *p;
	const struct statement *s;
};

/* Applied to a copy; what failed left the copy as it was. */
static int
apply_once(void *arg)
{
	const struct attempt *a = arg;
	struct standing *st = NULL;
	int r;

	if ((r = standing_dup(a->from, &st)) != 0)
		return r;
	r = standing_apply(st, a->p, a->s, sd_owner, NULL, NULL);
	standing_free(st);
	return r == STANDING_IDLE ? 0 : r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct sd_world *w = *state;
	struct attempt a = {.from = w->st, .p = w->p};
	struct statement s;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, 30, FIXTURE_BY(30, SEED_CAROL));
	(void)sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)sd_revoke(w, OLGA, &(struct sd_what){.key_id = "x"},
	    FIXTURE_BY(SEED_OLGA));
	for (int i = 0; i < 5; i++) {
		fixture_statement(&s,
		    i < 2        ? ST_KEY
			: i == 2 ? ST_DECISION
				 : ST_REVOKE,
		    i == 0       ? ALICE
			: i == 1 ? CAROL
				 : OLGA);
		if (i < 2) {
			s.u.k.add = true;
			assert_int_equal(pubkey_dup(fixture_key(31),
					     &s.u.k.key),
			    0);
		} else if (i == 2) {
			s.u.d.approve = true;
			s.u.d.keys = malloc(sizeof(x.name));
			assert_non_null(s.u.d.keys);
			s.u.d.keys[0] = x.name;
			s.u.d.n_keys = 1;
		} else {
			s.u.v.reason = str_dup("lost");
			if (i == 3)
				s.u.v.person = str_dup(BOB);
			else
				assert_int_equal(
				    pubkey_dup(fixture_key(SEED_BOB),
					&s.u.v.key),
				    0);
		}
		fixture_sign(&s,
		    i == 0       ? FIXTURE_BY(31, SEED_ALICE)
			: i == 1 ? FIXTURE_BY(31, SEED_CAROL)
				 : FIXTURE_BY(SEED_OLGA));
		a.s = &s;
		assert_true(alloc_each(apply_once, &a) > 10);
		statement_clear(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_may_revoke_what),
	    TEST(one_officer_is_called_as_one),
	    TEST(what_is_revoked_stays_so_and_is_revoked_once),
	    TEST(revoked_officers_do_not_count_towards_a_threshold),
	    TEST(other_and_unverified_statements_are_idle),
	    TEST(what_is_revoked_is_listed_in_the_order_of_the_log),
	    TEST(keys_are_listed_as_they_are_now),
	    TEST(a_copy_goes_its_own_way),
	    TEST(thousands_of_serials_are_found),
	    TEST(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
