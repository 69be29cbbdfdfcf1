/* SPDX-License-Identifier: ISC */
/* The keeper over a real log: keys that are added and retired, what is revoked,
 * and the list of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/ssh/krl.h"
#include "tests/unit/keepercase.h"

static void
make_key(struct statement *s, const char *by, uint8_t key, bool add)
{
	fixture_statement(s, ST_KEY, by);
	s->u.k.add = add;
	assert_int_equal(pubkey_dup(fixture_key(key), &s->u.k.key), 0);
}

static void
a_new_key_counts_at_once_where_policy_says_self(void **state)
{
	struct world *w = *state;
	struct statement s, request;

	kpc_request(&request, ALICE, SEED_ALICE_NEW);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_DENIED);
	make_key(&s, ALICE, SEED_ALICE_NEW, true);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE, SEED_ALICE_NEW));
	assert_int_equal(kpc_apply(w, &s, NULL, 0), 0);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_int_equal(kpc_apply(w, &s, NULL, 0), ERR_EXISTS);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_WAIT);
	kpc_again(w);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_WAIT);
	statement_clear(&s);

	make_key(&s, ALICE, SEED_ALICE_NEW, false);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(kpc_apply(w, &s, NULL, 0), 0);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_DENIED);
	kpc_again(w);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_DENIED);
	statement_clear(&s);
	statement_clear(&request);
}

static void
a_new_key_waits_for_officers_where_policy_says_so(void **state)
{
	struct world *w = *state;
	struct statement s, yes, *given[] = {&yes};
	const struct pubkey *key = fixture_key(SEED_ALICE_NEW);

	make_key(&s, CAROL, SEED_ALICE_NEW, true);
	fixture_sign(&s, FIXTURE_BY(SEED_CAROL, SEED_ALICE_NEW));
	assert_int_equal(kpc_apply(w, &s, NULL, 0), ERR_WAIT);
	assert_int_equal(ledger_size(w->ledger), 1);
	assert_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	fixture_statement(&yes, ST_DECISION, OLGA);
	yes.u.d.approve = true;
	yes.u.d.policy = w->trust.policy->hash;
	yes.u.d.keys = malloc(sizeof(struct hash));
	assert_non_null(yes.u.d.keys);
	yes.u.d.keys[0] = s.hash;
	yes.u.d.n_keys = 1;
	fixture_sign(&yes, FIXTURE_BY(SEED_OLGA));
	assert_int_equal(kpc_apply(w, &s, given, 1), 0);
	assert_int_equal(ledger_size(w->ledger), 2);
	assert_non_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	kpc_again(w);
	assert_non_null(standing_person_of_key(keeper_standing(w->keeper),
	    w->trust.policy, key, NULL));
	statement_clear(&s);
	statement_clear(&yes);
}

static void
make_revoke(struct statement *s, const char *by, uint64_t serial,
    const char *person, uint8_t key, const char *key_id)
{
	fixture_statement(s, ST_REVOKE, by);
	s->u.v.reason = strdup("lost on a train");
	if (serial != 0) {
		s->u.v.serials = malloc(sizeof(serial));
		assert_non_null(s->u.v.serials);
		s->u.v.serials[0] = serial;
		s->u.v.n_serials = 1;
	}
	if (person != NULL)
		s->u.v.person = strdup(person);
	if (key_id != NULL)
		s->u.v.key_id = strdup(key_id);
	if (key != 0)
		assert_int_equal(pubkey_dup(fixture_key(key), &s->u.v.key), 0);
}

/* Sign, apply, expect. */
static void
revoke(struct world *w, struct statement *s, uint8_t seed, int want)
{
	int r;

	fixture_sign(s, FIXTURE_BY(seed));
	r = kpc_apply(w, s, NULL, 0);
	if (r != want)
		fail_msg("revoke: %d '%s', expected %d", r, w->e.msg, want);
	statement_clear(s);
}

static void
a_serial_is_revoked_by_its_owner_and_by_officers_alone(void **state)
{
	struct world *w = *state;
	uint64_t first = kpc_issue_one(w), second = kpc_issue_one(w);
	struct statement s;
	uint64_t size = ledger_size(w->ledger);

	make_revoke(&s, BOB, first, NULL, 0, NULL);
	revoke(w, &s, SEED_BOB, ERR_DENIED);
	assert_int_equal(ledger_size(w->ledger), size);
	make_revoke(&s, ALICE, first, NULL, 0, NULL);
	revoke(w, &s, SEED_ALICE, 0);
	make_revoke(&s, IVAN, second, NULL, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	kpc_again(w);
	assert_true(standing_serial_revoked(keeper_standing(w->keeper), first));
	assert_true(standing_serial_revoked(keeper_standing(w->keeper),
	    second));
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.realm = fixture_hash(3);
	s.u.v.reason = strdup("of another realm");
	s.u.v.person = strdup(BOB);
	revoke(w, &s, SEED_OLGA, ERR_DENIED);
	assert_non_null(strstr(w->e.msg, "realm"));
}

static void
a_revoked_person_asks_and_decides_nothing(void **state)
{
	struct world *w = *state;
	struct statement s, request, yes, *given[] = {&yes};

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	assert_int_equal(kpc_ask(w, &request, NULL, 0).r, ERR_WAIT);
	make_revoke(&s, IVAN, 0, ALICE, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	assert_int_equal(kpc_ask(w, &request, given, 1).r, ERR_DENIED);
	kpc_again(w);
	assert_int_equal(kpc_ask(w, &request, given, 1).r, ERR_DENIED);
	statement_clear(&request);
	statement_clear(&yes);
	kpc_request(&request, BOB, SEED_BOB);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	make_revoke(&s, IVAN, 0, OLGA, 0, NULL);
	revoke(w, &s, SEED_IVAN, 0);
	assert_int_equal(kpc_ask(w, &request, given, 1).r, ERR_WAIT);
	statement_clear(&request);
	statement_clear(&yes);
}

static bool
listed(struct krl *k, const char *key_id, uint64_t serial, uint8_t subject)
{
	struct cert c;
	bool revoked = false;

	cert_init(&c);
	c.kind = CERT_USER;
	c.serial = serial;
	assert_int_equal(pubkey_dup(fixture_key(subject), &c.key), 0);
	assert_int_equal(pubkey_dup(fixture_key(SEED_USER_CA), &c.ca), 0);
	c.key_id = strdup(key_id);
	revoked = krl_revokes_cert(k, &c);
	cert_clear(&c);
	return revoked;
}

static void
the_list_has_what_was_revoked_and_nothing_else(void **state)
{
	struct world *w = *state;
	uint64_t mine = kpc_issue_one(w), other = 4711;
	struct statement s;
	struct krl *k = NULL;
	struct buf *b = NULL;

	make_revoke(&s, OLGA, 12345, NULL, 0, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	make_revoke(&s, OLGA, 0, NULL, 0,
	    "bob@example.com/00112233445566778899aabbccddeeff");
	revoke(w, &s, SEED_OLGA, 0);
	make_revoke(&s, OLGA, 0, NULL, SEED_MALLORY, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	/* A person: certificates that are still good, and keys, those of the
	   policy and those that were added. */
	make_key(&s, ALICE, SEED_ALICE_NEW, true);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE, SEED_ALICE_NEW));
	assert_int_equal(kpc_apply(w, &s, NULL, 0), 0);
	statement_clear(&s);
	make_revoke(&s, OLGA, 0, ALICE, 0, NULL);
	revoke(w, &s, SEED_OLGA, 0);
	kpc_again(w);
	for (int ended = 0; ended < 2; ended++) {
		assert_int_equal(buf_new(&b, KRL_MAX), 0);
		assert_int_equal(keeper_krl(w->keeper, 7,
				     ended ? FIXTURE_NOW + HOUR : FIXTURE_NOW,
				     b, &w->e),
		    0);
		assert_int_equal(krl_parse(buf_slice(b), &k, &w->e), 0);
		assert_true(listed(k, "x", 12345, SEED_SUBJECT));
		assert_true(listed(k,
		    "bob@example.com/00112233445566778899aabbccddeeff", other,
		    SEED_SUBJECT));
		assert_true(listed(k, "x", other, SEED_MALLORY));
		assert_true(listed(k, "x", other, SEED_ALICE));
		assert_true(listed(k, "x", other, SEED_ALICE_2));
		assert_true(listed(k, "x", other, SEED_ALICE_NEW));
		/* Its end takes a certificate off the list. */
		assert_int_equal(listed(k, "x", mine, SEED_SUBJECT), !ended);
		assert_false(listed(k, "x", other, SEED_SUBJECT));
		assert_false(listed(k, "x", other, SEED_BOB));
		assert_false(listed(k, "x", 12344, SEED_SUBJECT));
		assert_false(listed(k, "x", 12346, SEED_SUBJECT));
		krl_free(k);
		buf_free(b);
		k = NULL;
		b = NULL;
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, kpc_setup, kpc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_new_key_counts_at_once_where_policy_says_self),
	    T(a_new_key_waits_for_officers_where_policy_says_so),
	    T(a_serial_is_revoked_by_its_owner_and_by_officers_alone),
	    T(a_revoked_person_asks_and_decides_nothing),
	    T(the_list_has_what_was_revoked_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
