/* SPDX-License-Identifier: ISC */
/* Standing: who may add, retire, revoke; each right and the least step past it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/standing.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"

#define NEW      SEED_ALICE_NEW
#define ALICE_ID ALICE "/000102030405060708090a0b0c0d0e0f"

/* Two officers must let keys in; self: engineers alone. */
static const char strict_root[] =
    "version: 1\nexpires: 2028-11-01\ngrace: 14d\n"
    "officers:\n"
    "  olga@example.com: {keys: [<1>, <11>]}\n"
    "  ivan@example.com: {keys: [<2>]}\n"
    "  igor@example.com: {keys: [<9>]}\n"
    "operators:\n  petra@example.com: {keys: [<3>]}\n"
    "thresholds: {root: 2, policy: 2, fleet: 1}\n";

struct world {
	struct policy *p;
	struct standing *st;
};

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->p = fixture_policy(NULL, NULL);
	assert_int_equal(standing_new(&w->st), 0);
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	standing_free(w->st);
	policy_free(w->p);
	free(w);
	return 0;
}

/* Serials below 100 are alice's, the others bob's. */
static const char *
owner(void *ctx, uint64_t serial)
{
	(void)ctx;
	return serial == 99999 ? NULL : serial < 100 ? ALICE : BOB;
}

/* What a statement does: 0, or idle with a code and words. */
struct effect {
	int r;
	struct err why;
	struct hash name;
};

static struct effect
apply(struct world *w, struct statement *s, const uint8_t *seeds)
{
	struct effect x = {0};

	fixture_sign(s, seeds);
	x.r = standing_apply(w->st, w->p, s, owner, NULL, &x.why);
	x.name = s->hash;
	statement_clear(s);
	return x;
}

static struct effect
key_statement(struct world *w, const char *by, bool add, uint8_t key,
    const uint8_t *seeds)
{
	struct statement s;

	fixture_statement(&s, ST_KEY, by);
	s.u.k.add = add;
	assert_int_equal(pubkey_dup(fixture_key(key), &s.u.k.key), 0);
	return apply(w, &s, seeds);
}

static struct effect
decide(struct world *w, const char *by, bool approve, const struct hash *key,
    const uint8_t *seeds)
{
	struct statement s;

	fixture_statement(&s, ST_DECISION, by);
	s.u.d.approve = approve;
	s.u.d.keys = malloc(sizeof(*key));
	assert_non_null(s.u.d.keys);
	s.u.d.keys[0] = *key;
	s.u.d.n_keys = 1;
	return apply(w, &s, seeds);
}

/* One of the four kinds: serial, key id, person, key (a seed). */
struct what {
	uint64_t serials[3];
	const char *key_id, *person;
	uint8_t key;
};

static struct effect
revoke(struct world *w, const char *by, const struct what *what,
    const uint8_t *seeds)
{
	struct statement s;
	struct revoke *v = &s.u.v;

	fixture_statement(&s, ST_REVOKE, by);
	v->reason = str_dup("lost");
	while (v->n_serials < 3 && what->serials[v->n_serials] != 0)
		v->n_serials++;
	if (v->n_serials > 0) {
		v->serials = calloc(3, sizeof(*v->serials));
		assert_non_null(v->serials);
		memcpy(v->serials, what->serials, sizeof(what->serials));
	}
	if (what->key_id != NULL)
		v->key_id = str_dup(what->key_id);
	if (what->person != NULL)
		v->person = str_dup(what->person);
	if (what->key != 0)
		assert_int_equal(pubkey_dup(fixture_key(what->key), &v->key),
		    0);
	return apply(w, &s, seeds);
}

static const char *
id_of_key(struct world *w, uint8_t seed)
{
	const struct person *who =
	    standing_person_of_key(w->st, w->p, fixture_key(seed), NULL);

	return who != NULL ? who->id : NULL;
}

/* --- whose key --- */

static void
keys_of_the_policy_are_their_persons(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_string_equal(id_of_key(w, SEED_ALICE), ALICE);
	assert_string_equal(id_of_key(w, SEED_ALICE_2), ALICE);
	assert_string_equal(id_of_key(w, SEED_OLGA), OLGA);
	assert_null(standing_person_of_key(w->st, w->p,
	    fixture_key(SEED_MALLORY), &e));
	assert_non_null(strstr(e.msg, "nobody's"));
	assert_null(id_of_key(w, SEED_USER_CA));
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
	struct world *w = *state;

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
	struct world *w = *state;
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
		struct world *w = NULL;
		struct effect x;
		const char *id;

		(void)set_up((void **)&w);
		id = id_of_key(w, adds[i].key);
		x = key_statement(w, adds[i].by, true, adds[i].key,
		    adds[i].seeds);
		if (x.r != adds[i].r || x.why.code != adds[i].code)
			fail_msg("%s: %d %d '%s'", adds[i].name, x.r,
			    x.why.code, x.why.msg);
		if (x.r == 0)
			assert_string_equal(id_of_key(w, adds[i].key),
			    adds[i].by);
		else
			assert_true(id_of_key(w, adds[i].key) == id);
		(void)tear_down((void **)&w);
	}
}

static void
an_added_key_is_a_key_like_others(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r,
	    0);
	/* It vouches for the next, */
	assert_int_equal(
	    key_statement(w, ALICE, true, 25, FIXTURE_BY(25, NEW)).r, 0);
	assert_string_equal(id_of_key(w, 25), ALICE);
	/* is not another's to have, */
	assert_int_equal(
	    key_statement(w, BOB, true, NEW, FIXTURE_BY(NEW, SEED_BOB)).r,
	    STANDING_IDLE);
	/* and is known already. */
	assert_int_equal(key_statement(w, ALICE, true, NEW,
			     FIXTURE_BY(NEW, SEED_ALICE))
			     .why.code,
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
change_policy(struct world *w, const char *root, const char *people)
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
	struct world *w = *state;
	struct err e = {0};
	size_t n = 0;

	assert_int_equal(
	    key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r,
	    0);
	change_policy(w, NULL, "  bob@example.com: {keys: [<5>]}\n");
	assert_null(standing_person_of_key(w->st, w->p, fixture_key(NEW), &e));
	assert_non_null(strstr(e.msg, "no longer"));
	/* Back, with the key in the policy as well: listed once. */
	change_policy(w, NULL,
	    "  bob@example.com: {keys: [<5>]}\n"
	    "  alice@example.com: {keys: [<4>, <24>]}\n");
	assert_string_equal(id_of_key(w, NEW), ALICE);
	assert_int_equal(standing_each_key(w->st, w->p, count_alice, &n), 0);
	assert_int_equal(n, 2);
	/* The officers' word goes before what a statement said. */
	change_policy(w, NULL, "  bob@example.com: {keys: [<5>, <24>]}\n");
	assert_string_equal(id_of_key(w, NEW), BOB);
}

static void
who_has_no_group_needs_officers(void **state)
{
	struct world *w = *state;

	change_policy(w, NULL, "  bob@example.com: {keys: [<5>]}\n");
	assert_int_equal(key_statement(w, BOB, true, NEW,
			     FIXTURE_BY(NEW, SEED_BOB))
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
	struct world *w = *state;
	struct effect x;

	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	change_policy(w, root, "  bob@example.com: {keys: [<5>]}\n");
	assert_int_equal(decide(w, CAROL, true, &x.name, FIXTURE_BY(SEED_CAROL))
			     .r,
	    STANDING_IDLE);
	assert_int_equal(decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA))
			     .r,
	    STANDING_IDLE);
	assert_null(id_of_key(w, NEW));
}

static void
keys_of_a_person_end_at_32(void **state)
{
	struct world *w = *state;

	for (uint8_t k = 2; k < POLICY_KEYS_MAX; k++)
		assert_int_equal(key_statement(w, ALICE, true,
				     (uint8_t)(120 + k),
				     FIXTURE_BY((uint8_t)(120 + k), SEED_ALICE))
				     .r,
		    0);
	assert_int_equal(key_statement(w, ALICE, true, 160,
			     FIXTURE_BY(160, SEED_ALICE))
			     .why.code,
	    ERR_LIMIT);
}

/* --- officers let keys in --- */

static void
officers_let_a_key_in(void **state)
{
	struct world *w = *state;
	struct effect x;

	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_null(id_of_key(w, NEW));
	assert_int_equal(
	    decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_string_equal(id_of_key(w, NEW), CAROL);
	/* Said once, done once. */
	assert_int_equal(decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN))
			     .why.code,
	    ERR_NOTFOUND);
}

static void
as_many_officers_as_the_policy_threshold_says(void **state)
{
	struct world *w = *state;
	struct effect x, y;

	policy_free(w->p);
	w->p = fixture_policy(strict_root, NULL);
	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(x.why.code, ERR_WAIT);
	y = decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(y.r, STANDING_IDLE);
	assert_int_equal(y.why.code, ERR_WAIT);
	/* The same officer with another key is the same officer. */
	y = decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA_2));
	assert_int_equal(y.why.code, ERR_EXISTS);
	/* Nor may he take back what he said first. */
	y = decide(w, OLGA, false, &x.name, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(y.why.code, ERR_EXISTS);
	assert_null(id_of_key(w, NEW));
	y = decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN));
	assert_int_equal(y.r, 0);
	assert_string_equal(id_of_key(w, NEW), CAROL);
}

static void
one_denial_turns_a_key_down(void **state)
{
	struct world *w = *state;
	struct effect x;

	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(
	    decide(w, IVAN, false, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(decide(w, OLGA, true, &x.name, FIXTURE_BY(SEED_OLGA))
			     .r,
	    STANDING_IDLE);
	assert_null(id_of_key(w, NEW));
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
	struct world *w = *state;
	struct effect x;

	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct effect y =
		    decide(w, cases[i].by, true, &x.name, cases[i].seeds);

		if (y.r != STANDING_IDLE || id_of_key(w, NEW) != NULL)
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
	const struct what person = {.person = ALICE};
	struct world *w = *state;
	struct effect x;

	policy_free(w->p);
	w->p = fixture_policy(NULL, ca);
	assert_string_equal(id_of_key(w, 50), OLGA);
	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(decide(w, OLGA, true, &x.name, FIXTURE_BY(50)).r,
	    STANDING_IDLE);
	assert_int_equal(revoke(w, OLGA, &person, FIXTURE_BY(50)).r,
	    STANDING_IDLE);
	assert_int_equal(revoke(w, OLGA, &person, FIXTURE_BY(SEED_OLGA)).r, 0);
}

static void
what_waits_ends_with_its_person_or_the_key_that_vouched(void **state)
{
	const struct what cases[] = {
	    {.person = CAROL}, {.key = SEED_CAROL}, {.key = NEW}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world *w = NULL;
		struct effect x;

		(void)set_up((void **)&w);
		x = key_statement(w, CAROL, true, NEW,
		    FIXTURE_BY(NEW, SEED_CAROL));
		assert_int_equal(
		    revoke(w, OLGA, &cases[i], FIXTURE_BY(SEED_OLGA)).r, 0);
		assert_int_equal(decide(w, IVAN, true, &x.name,
				     FIXTURE_BY(SEED_IVAN))
				     .why.code,
		    ERR_NOTFOUND);
		assert_null(id_of_key(w, NEW));
		(void)tear_down((void **)&w);
	}
}

static void
waiting_keys_of_a_person_end_at_8(void **state)
{
	struct world *w = *state;
	struct effect x = {0};

	for (uint8_t k = 0; k < 8; k++) {
		x = key_statement(w, CAROL, true, (uint8_t)(60 + k),
		    FIXTURE_BY((uint8_t)(60 + k), SEED_CAROL));
		assert_int_equal(x.why.code, ERR_WAIT);
	}
	assert_int_equal(key_statement(w, CAROL, true, 70,
			     FIXTURE_BY(70, SEED_CAROL))
			     .why.code,
	    ERR_LIMIT);
	/* Not another's. */
	assert_int_equal(
	    key_statement(w, BOB, true, 71, FIXTURE_BY(71, SEED_BOB)).why.code,
	    ERR_WAIT);
	/* One let in makes room. */
	assert_int_equal(
	    decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(key_statement(w, CAROL, true, 70,
			     FIXTURE_BY(70, SEED_CAROL))
			     .why.code,
	    ERR_WAIT);
}

static void
a_key_that_waits_twice_goes_to_one_person(void **state)
{
	struct world *w = *state;
	struct effect x;

	x = key_statement(w, CAROL, true, NEW, FIXTURE_BY(NEW, SEED_CAROL));
	assert_int_equal(key_statement(w, BOB, true, NEW,
			     FIXTURE_BY(NEW, SEED_BOB))
			     .why.code,
	    ERR_EXISTS);
	/* Taken meanwhile by one who needs nobody. */
	assert_int_equal(
	    key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r,
	    0);
	assert_int_equal(decide(w, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN))
			     .r,
	    STANDING_IDLE);
	assert_string_equal(id_of_key(w, NEW), ALICE);
}

/* --- keys retired --- */

static void
any_key_of_a_person_retires_any_for_good(void **state)
{
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(key_statement(w, ALICE, false, SEED_ALICE_2,
			     FIXTURE_BY(SEED_ALICE))
			     .r,
	    0);
	assert_null(standing_person_of_key(w->st, w->p,
	    fixture_key(SEED_ALICE_2), &e));
	assert_non_null(strstr(e.msg, "retired"));
	/* It signs nothing now, and cannot come back. */
	assert_int_equal(key_statement(w, ALICE, false, SEED_ALICE,
			     FIXTURE_BY(SEED_ALICE_2))
			     .r,
	    STANDING_IDLE);
	assert_int_equal(key_statement(w, ALICE, true, SEED_ALICE_2,
			     FIXTURE_BY(SEED_ALICE_2, SEED_ALICE))
			     .why.code,
	    ERR_DENIED);
	/* Retired is not revoked. */
	assert_false(standing_key_revoked(w->st, fixture_key(SEED_ALICE_2)));
	/* A key may retire itself. */
	assert_int_equal(key_statement(w, ALICE, false, SEED_ALICE,
			     FIXTURE_BY(SEED_ALICE))
			     .r,
	    0);
	assert_null(id_of_key(w, SEED_ALICE));
}

static void
nobody_retires_anothers_key_or_one_of_root(void **state)
{
	struct world *w = *state;

	assert_int_equal(
	    key_statement(w, BOB, false, SEED_ALICE, FIXTURE_BY(SEED_BOB)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    key_statement(w, ALICE, false, SEED_ALICE, FIXTURE_BY(SEED_BOB)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    key_statement(w, OLGA, false, SEED_OLGA_2, FIXTURE_BY(SEED_OLGA)).r,
	    STANDING_IDLE);
	assert_int_equal(key_statement(w, ALICE, false, SEED_MALLORY,
			     FIXTURE_BY(SEED_ALICE))
			     .r,
	    STANDING_IDLE);
	assert_string_equal(id_of_key(w, SEED_ALICE), ALICE);
	assert_string_equal(id_of_key(w, SEED_OLGA_2), OLGA);
}

/* --- revocations --- */

static const struct {
	const char *name, *by;
	struct what what;
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
is_revoked(const struct standing *st, const struct what *what)
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
		struct world *w = NULL;
		struct effect x;

		(void)set_up((void **)&w);
		x = revoke(w, revocations[i].by, &revocations[i].what,
		    revocations[i].seeds);
		if (x.r != revocations[i].r ||
		    is_revoked(w->st, &revocations[i].what) != (x.r == 0))
			fail_msg("%s: %d '%s'", revocations[i].name, x.r,
			    x.why.msg);
		if (x.r != 0 && x.why.msg[0] == '\0')
			fail_msg("%s: no reason", revocations[i].name);
		(void)tear_down((void **)&w);
	}
}

static void
what_is_revoked_stays_so_and_is_revoked_once(void **state)
{
	const struct what bob = {.person = BOB}, key = {.key = SEED_ALICE},
			  some = {.serials = {1, 2}},
			  more = {.serials = {2, 3}};
	struct world *w = *state;
	struct err e = {0};

	assert_int_equal(revoke(w, OLGA, &bob, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(revoke(w, IVAN, &bob, FIXTURE_BY(SEED_IVAN)).why.code,
	    ERR_EXISTS);
	assert_null(standing_person_of_key(w->st, w->p, fixture_key(SEED_BOB),
	    &e));
	assert_non_null(strstr(e.msg, "revoked"));
	/* A revoked person says nothing any more. */
	assert_int_equal(revoke(w, BOB, &(struct what){.serials = {105}},
			     FIXTURE_BY(SEED_BOB))
			     .r,
	    STANDING_IDLE);
	/* A revoked key neither, though the person does with another. */
	assert_int_equal(revoke(w, OLGA, &key, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(
	    key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE)).r,
	    STANDING_IDLE);
	assert_int_equal(
	    key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE_2)).r,
	    0);
	assert_int_equal(revoke(w, OLGA, &some, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(revoke(w, OLGA, &more, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_true(standing_serial_revoked(w->st, 3));
	assert_false(standing_serial_revoked(w->st, 4));
}

static void
revoked_officers_do_not_count_towards_a_threshold(void **state)
{
	const struct what ivan = {.key = SEED_IVAN}, ca = {.key = SEED_USER_CA};
	struct world *w = *state;

	assert_int_equal(revoke(w, OLGA, &ivan, FIXTURE_BY(SEED_OLGA)).r, 0);
	assert_int_equal(revoke(w, OLGA, &ca, FIXTURE_BY(SEED_OLGA, SEED_IVAN))
			     .r,
	    STANDING_IDLE);
}

static void
other_and_unverified_statements_are_idle(void **state)
{
	struct world *w = *state;
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
	struct world *w = *state;
	size_t n = 0;

	assert_int_equal(standing_each_revoked(w->st, count_items, &n), 0);
	assert_int_equal(n, 0);
	(void)revoke(w, OLGA, &(struct what){.serials = {9, 8}},
	    FIXTURE_BY(SEED_OLGA));
	(void)key_statement(w, ALICE, false, SEED_ALICE_2,
	    FIXTURE_BY(SEED_ALICE));
	(void)revoke(w, OLGA, &(struct what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_each_revoked(w->st, count_items, &n), 0);
	assert_int_equal(n, 3); /* not the retired one */
	n = 0;
	(void)revoke(w, OLGA, &(struct what){.key = SEED_LENA},
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
	struct world *w = *state;
	struct str s = STR_INIT;

	(void)key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)key_statement(w, ALICE, false, SEED_ALICE_2,
	    FIXTURE_BY(SEED_ALICE));
	(void)revoke(w, OLGA, &(struct what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	(void)revoke(w, OLGA, &(struct what){.key = SEED_OLGA_2},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_each_key(w->st, w->p, note_key, &s), 0);
	assert_string_equal(s.p, "al4 al24 ca7 iv2 le6 ol1 pe3 ");
	str_clear(&s);
}

static void
a_copy_goes_its_own_way(void **state)
{
	struct world *w = *state, other = {.p = w->p};
	struct effect x;

	x = key_statement(w, CAROL, true, 30, FIXTURE_BY(30, SEED_CAROL));
	(void)key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)revoke(w, OLGA, &(struct what){.person = BOB},
	    FIXTURE_BY(SEED_OLGA));
	assert_int_equal(standing_dup(w->st, &other.st), 0);
	assert_string_equal(id_of_key(&other, NEW), ALICE);
	assert_true(standing_person_revoked(other.st, BOB));
	assert_int_equal(
	    decide(&other, IVAN, true, &x.name, FIXTURE_BY(SEED_IVAN)).r, 0);
	assert_int_equal(revoke(&other, OLGA, &(struct what){.key = NEW},
			     FIXTURE_BY(SEED_OLGA))
			     .r,
	    0);
	assert_string_equal(id_of_key(&other, 30), CAROL);
	assert_null(id_of_key(w, 30));
	assert_string_equal(id_of_key(w, NEW), ALICE);
	standing_free(other.st);
}

static void
thousands_of_serials_are_found(void **state)
{
	struct world *w = *state;

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
		assert_int_equal(apply(w, &s, FIXTURE_BY(SEED_OLGA)).r, 0);
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
	r = standing_apply(st, a->p, a->s, owner, NULL, NULL);
	standing_free(st);
	return r == STANDING_IDLE ? 0 : r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	struct world *w = *state;
	struct attempt a = {.from = w->st, .p = w->p};
	struct statement s;
	struct effect x;

	x = key_statement(w, CAROL, true, 30, FIXTURE_BY(30, SEED_CAROL));
	(void)key_statement(w, ALICE, true, NEW, FIXTURE_BY(NEW, SEED_ALICE));
	(void)revoke(w, OLGA, &(struct what){.key_id = "x"},
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

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
	    TEST(keys_of_a_person_end_at_32),
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
	    cmocka_unit_test(who_may_revoke_what),
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
