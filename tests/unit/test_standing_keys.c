/* SPDX-License-Identifier: ISC */
/* Standing: whose key it is, and who may add one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/trust/standing.h"
#include "tests/unit/fixture.h"
#include "tests/unit/standcase.h"

/* --- whose key --- */

static void
keys_of_the_policy_are_their_persons(void **state)
{
	struct sd_world *w = *state;
	struct err e = {0};

	assert_string_equal(sd_id_of_key(w, SEED_ALICE), ALICE);
	assert_string_equal(sd_id_of_key(w, SEED_ALICE_2), ALICE);
	assert_string_equal(sd_id_of_key(w, SEED_OLGA), OLGA);
	assert_null(standing_person_of_key(w->st, w->p,
	    fixture_key(SEED_MALLORY), &e));
	assert_non_null(strstr(e.msg, "nobody's"));
	assert_null(sd_id_of_key(w, SEED_USER_CA));
}

static void
the_author_is_who_by_names_and_signed_himself(void **state)
{
	static const struct {
		const char *name, *by;
		uint8_t seeds[3];
		const char *says; /* NULL: passes */
	} cases[] = {
	    {"himself", ALICE, {SEED_ALICE}, NULL},
	    {"his second key", ALICE, {SEED_ALICE_2}, NULL},
	    {"himself and a stranger", ALICE, {SEED_MALLORY, SEED_ALICE}, NULL},
	    {"another", ALICE, {SEED_BOB}, "not signed by a key of " ALICE},
	    {"a stranger", ALICE, {SEED_MALLORY}, "nobody's"},
	    {"a person nobody knows", "eve@example.com", {SEED_ALICE},
		"not in the policy"},
	};
	struct sd_world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct person *who;
		struct statement s;
		struct err e = {0};

		fixture_request(&s, cases[i].by);
		fixture_sign(&s, cases[i].seeds);
		who = standing_author(w->st, w->p, &s, NULL, &e);
		if (cases[i].says == NULL &&
		    (who == NULL || strcmp(who->id, cases[i].by) != 0))
			fail_msg("%s: %s", cases[i].name, e.msg);
		if (cases[i].says != NULL &&
		    (who != NULL || strstr(e.msg, cases[i].says) == NULL))
			fail_msg("%s: '%s'", cases[i].name, e.msg);
		s.verified = false;
		assert_null(standing_author(w->st, w->p, &s, NULL, NULL));
		statement_clear(&s);
	}
}

static void
the_strongest_of_his_signatures_counts_and_only_his(void **state)
{
	struct sd_world *w = *state;
	struct statement s;
	struct sk_flags f = {0};

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE, SEED_ALICE_2, SEED_BOB));
	s.flags[0] = (struct sk_flags){.is_sk = true, .present = true};
	s.flags[1] = (struct sk_flags){.is_sk = true};
	s.flags[2] =
	    (struct sk_flags){.is_sk = true, .present = true, .verified = true};
	assert_non_null(standing_author(w->st, w->p, &s, &f, NULL));
	assert_true(f.present);
	assert_false(f.verified);
	statement_clear(&s);
}

/* --- keys added --- */

static const struct {
	const char *name, *by;
	uint8_t key, seeds[4];
	int r;
	enum err_code code;
} adds[] = {
    {"new and old key", ALICE, NEW, {NEW, SEED_ALICE}, 0, 0},
    {"the second old key", ALICE, NEW, {NEW, SEED_ALICE_2}, 0, 0},
    {"no proof of the new one", ALICE, NEW, {SEED_ALICE}, STANDING_IDLE,
	ERR_DENIED},
    {"the new one alone", ALICE, NEW, {NEW}, STANDING_IDLE, ERR_DENIED},
    {"vouched for by another", ALICE, NEW, {NEW, SEED_BOB}, STANDING_IDLE,
	ERR_DENIED},
    {"by another for himself", BOB, NEW, {NEW, SEED_ALICE}, STANDING_IDLE,
	ERR_DENIED},
    {"a key he has", ALICE, SEED_ALICE_2, {SEED_ALICE_2, SEED_ALICE},
	STANDING_IDLE, ERR_EXISTS},
    {"a key another has", ALICE, SEED_BOB, {SEED_BOB, SEED_ALICE},
	STANDING_IDLE, ERR_DENIED},
    {"an officer's key", ALICE, SEED_OLGA, {SEED_OLGA, SEED_ALICE},
	STANDING_IDLE, ERR_DENIED},
    {"an authority's key", ALICE, SEED_USER_CA, {SEED_USER_CA, SEED_ALICE},
	STANDING_IDLE, ERR_DENIED},
    {"an officer", OLGA, NEW, {NEW, SEED_OLGA}, STANDING_IDLE, ERR_DENIED},
    {"an operator", PETRA, NEW, {NEW, SEED_PETRA}, STANDING_IDLE, ERR_DENIED},
    {"one of whose groups does not say self", CAROL, NEW, {NEW, SEED_CAROL},
	STANDING_IDLE, ERR_WAIT},
    {"another with such a group", BOB, NEW, {NEW, SEED_BOB}, STANDING_IDLE,
	ERR_WAIT},
};

static void
a_key_is_added_by_new_and_old_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(adds) / sizeof(adds[0]); i++) {
		struct sd_world *w = NULL;
		struct sd_effect x;
		const char *id;

		(void)sd_set_up((void **)&w);
		id = sd_id_of_key(w, adds[i].key);
		x = sd_key(w, adds[i].by, true, adds[i].key, adds[i].seeds);
		if (x.r != adds[i].r || x.why.code != adds[i].code)
			fail_msg("%s: %d %d '%s'", adds[i].name, x.r,
			    x.why.code, x.why.msg);
		if (x.r == 0)
			assert_string_equal(sd_id_of_key(w, adds[i].key),
			    adds[i].by);
		else
			assert_true(sd_id_of_key(w, adds[i].key) == id);
		(void)sd_tear_down((void **)&w);
	}
}

static void
an_added_key_is_a_key_like_others(void **state)
{
	struct sd_world *w = *state;

	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r, 0);
	/* It vouches for the next, */
	assert_int_equal(sd_key(w, ALICE, true, 25, FIXTURE_BY(25, NEW)).r, 0);
	assert_string_equal(sd_id_of_key(w, 25), ALICE);
	/* is not another's to have, */
	assert_int_equal(sd_key(w, BOB, true, NEW, FIXTURE_BY(NEW, SEED_BOB)).r,
	    STANDING_IDLE);
	/* and is known already. */
	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).why.code,
	    ERR_EXISTS);
}

/* The policy without alice, or with what was added to her, or others. */
static const char ca_head[] =
    "authorities: {user: [user_ca, emergency_ca], host: [host_ca],"
    " log: [ca_log, emergency_log]}\n"
    "people:\n  olga@example.com: {groups: [approvers]}\n";
static const char ca_tail[] =
    "grants:\n  deploy: {to: [bob@example.com], principals: [deploy],"
    " max: 1h, approve: [{approvers: 1}]}\n";

static void
change_policy(struct sd_world *w, const char *root, const char *people)
{
	struct str ca = STR_INIT;

	str_addf(&ca, "%s%s%s", ca_head, people, ca_tail);
	policy_free(w->p);
	w->p = fixture_policy(root, ca.p);
	str_clear(&ca);
}

static int
count_alice(void *ctx, const struct person *who, const struct pubkey *k,
    const char *comment)
{
	(void)k;
	(void)comment;
	if (strcmp(who->id, ALICE) == 0)
		++*(size_t *)ctx;
	return 0;
}

static void
an_added_key_follows_the_policy(void **state)
{
	struct sd_world *w = *state;
	struct err e = {0};
	size_t n = 0;

	assert_int_equal(
	    sd_key(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r, 0);
	change_policy(w, NULL, "  bob@example.com: {keys: [<5>]}\n");
	assert_null(standing_person_of_key(w->st, w->p, fixture_key(NEW), &e));
	assert_non_null(strstr(e.msg, "no longer"));
	/* Back, with the key in the policy as well: listed once. */
	change_policy(w, NULL,
	    "  bob@example.com: {keys: [<5>]}\n"
	    "  alice@example.com: {keys: [<4>, <24>]}\n");
	assert_string_equal(sd_id_of_key(w, NEW), ALICE);
	assert_int_equal(standing_each_key(w->st, w->p, count_alice, &n), 0);
	assert_int_equal(n, 2);
	/* The officers' word goes before what a statement said. */
	change_policy(w, NULL, "  bob@example.com: {keys: [<5>, <24>]}\n");
	assert_string_equal(sd_id_of_key(w, NEW), BOB);
}

static void
who_has_no_group_needs_officers(void **state)
{
	struct sd_world *w = *state;

	change_policy(w, NULL, "  bob@example.com: {keys: [<5>]}\n");
	assert_int_equal(sd_key(w, BOB, true, NEW, FIXTURE_BY(NEW, SEED_BOB))
			     .why.code,
	    ERR_WAIT);
}

static void
who_became_an_officer_is_let_in_by_root_yaml_alone(void **state)
{
	static const char root[] =
	    "version: 1\nexpires: 2028-11-01\ngrace: 14d\n"
	    "officers:\n  olga@example.com: {keys: [<1>]}\n"
	    "  carol@example.com: {keys: [<7>]}\n"
	    "operators:\n  petra@example.com: {keys: [<3>]}\n"
	    "thresholds: {root: 1, policy: 1, fleet: 1}\n";
	struct sd_world *w = *state;
	struct sd_effect x;

	x = sd_key(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	change_policy(w, root, "  bob@example.com: {keys: [<5>]}\n");
	assert_int_equal(
	    sd_decide(w, CAROL, true, &x.name, FIXTURE_BY(SEED_CAROL)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    sd_decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA)).r,
	    STANDING_IDLE);
	assert_null(sd_id_of_key(w, NEW));
}

/* Two officers of three let a key in, and the approval of one who has been
 * revoked since, or is none any more, is of nobody. */
static void
the_word_of_an_officer_ends_with_him(void **state)
{
#define THREE(third)                                           \
	"version: 1\nexpires: 2028-11-01\ngrace: 14d\n"        \
	"officers:\n  olga@example.com: {keys: [<1>, <11>]}\n" \
	"  ivan@example.com: {keys: [<2>]}\n"                  \
	"  " third "@example.com: {keys: [<6>]}\n"             \
	"operators:\n  petra@example.com: {keys: [<3>]}\n"     \
	"thresholds: {root: 1, policy: 2, fleet: 1}\n"
	static const char people[] = "  bob@example.com: {keys: [<5>]}\n";
	static const struct sd_what whats[] = {
	    {.key = SEED_OLGA}, {.person = OLGA}, {.key_id = ALICE_ID}};

	(void)state;
	for (size_t i = 0; i <= 3; i++) {
		struct sd_world *w = NULL;
		struct sd_effect x;
		bool still = i == 2;

		(void)sd_set_up((void **)&w);
		change_policy(w, THREE("lena"), people);
		x = sd_key(w, BOB, true, NEW, FIXTURE_BY(NEW, SEED_BOB));
		assert_int_equal(x.why.code, ERR_WAIT);
		if (i < 3)
			(void)sd_decide(w, OLGA, true, &x.name,
			    FIXTURE_BY(SEED_OLGA));
		else
			(void)sd_decide(w, "lena@example.com", true, &x.name,
			    FIXTURE_BY(SEED_LENA));
		if (i < 3)
			assert_int_equal(sd_revoke(w, IVAN, &whats[i],
					     FIXTURE_BY(SEED_IVAN))
					     .r,
			    0);
		else
			change_policy(w, THREE("max"), people);
		assert_int_equal(
		    sd_decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r,
		    still ? 0 : STANDING_IDLE);
		assert_int_equal(sd_id_of_key(w, NEW) != NULL, still);
		/* With another key of hers she says it again. */
		if (i == 0)
			assert_int_equal(sd_decide(w, OLGA, true, &x.name,
					     FIXTURE_BY(SEED_OLGA_2))
					     .r,
			    0);
		assert_int_equal(sd_id_of_key(w, NEW) != NULL, still || i == 0);
		(void)sd_tear_down((void **)&w);
	}
#undef THREE
}

static void
keys_of_a_person_end_at_32(void **state)
{
	struct sd_world *w = *state;

	for (uint8_t k = 2; k < POLICY_KEYS_MAX; k++)
		assert_int_equal(sd_key(w, ALICE, true, (uint8_t)(120 + k),
				     FIXTURE_BY((uint8_t)(120 + k), SEED_ALICE))
				     .r,
		    0);
	assert_int_equal(
	    sd_key(w, ALICE, true, 160, FIXTURE_BY(160, SEED_ALICE)).why.code,
	    ERR_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(keys_of_the_policy_are_their_persons),
	    TEST(the_author_is_who_by_names_and_signed_himself),
	    TEST(the_strongest_of_his_signatures_counts_and_only_his),
	    cmocka_unit_test(a_key_is_added_by_new_and_old_together),
	    TEST(an_added_key_is_a_key_like_others),
	    TEST(an_added_key_follows_the_policy),
	    TEST(who_has_no_group_needs_officers),
	    TEST(who_became_an_officer_is_let_in_by_root_yaml_alone),
	    cmocka_unit_test(the_word_of_an_officer_ends_with_him),
	    TEST(keys_of_a_person_end_at_32),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
