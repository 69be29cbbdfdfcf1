/* SPDX-License-Identifier: ISC */
/* The keeper over a real log in a directory: what the log knows counts, whether
 * its file is still there or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/keepercase.h"

static void
a_request_waits_is_approved_and_issued_once(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct kpc_outcome o;

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = kpc_ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.new_leaves, 1); /* the request */
	o = kpc_ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.new_leaves, 0); /* is not added twice */
	o = kpc_ask(w, &request, given, 1);
	assert_int_equal(o.r, 0);
	assert_int_equal(o.new_leaves, 3); /* decision, tbs, certificate */
	assert_false(o.again);
	o = kpc_ask(w, &request, given, 1);
	assert_int_equal(o.r, 0);
	assert_true(o.again);
	assert_int_equal(o.new_leaves, 0);
	kpc_again(w);
	w->now += HOUR / 2;
	o = kpc_ask(w, &request, NULL, 0);
	assert_int_equal(o.r, 0); /* and without the decision's file */
	assert_true(o.again);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);
	statement_clear(&yes);
}

static void
a_denial_stays_when_its_file_is_gone(void **state)
{
	struct world *w = *state;
	struct statement request, no, yes, *given[] = {&no}, *other[] = {&yes};
	struct kpc_outcome o;

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &no, IVAN, SEED_IVAN, false, &request);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	o = kpc_ask(w, &request, given, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 2); /* a denial is an act */
	o = kpc_ask(w, &request, other, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, IVAN));
	kpc_again(w);
	o = kpc_ask(w, &request, other, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, IVAN));
	statement_clear(&request);
	statement_clear(&no);
	statement_clear(&yes);
}

static void
the_first_decision_of_a_person_counts(void **state)
{
	struct world *w = *state;
	struct statement request, shorter, no, *given[] = {&shorter},
					       *later[] = {&no};
	struct kpc_outcome o;

	/* Two terms, so that the first approval waits. */
	fixture_request(&request, BOB);
	strs_clear(&request.u.r.principals);
	assert_int_equal(strs_add(&request.u.r.principals, "root-change"), 0);
	free(request.u.r.grant);
	request.u.r.grant = strdup("root-change");
	request.u.r.ticket = strdup("CHG-7");
	fixture_sign(&request, FIXTURE_BY(SEED_BOB));
	kpc_decision(w, &shorter, OLGA, SEED_OLGA, true, &request);
	kpc_decision(w, &no, OLGA, SEED_OLGA, false, &request);
	o = kpc_ask(w, &request, given, 1);
	if (o.r != ERR_WAIT)
		fail_msg("%d %s", o.r, o.why);
	o = kpc_ask(w, &request, later, 1);
	/* The approval is in the log: a change of mind comes too late. */
	assert_int_equal(o.r, ERR_WAIT);
	assert_true(o.notes > 0);
	statement_clear(&request);
	statement_clear(&shorter);
	statement_clear(&no);
}

static void
what_nobody_said_is_not_recorded(void **state)
{
	struct world *w = *state;
	struct statement request, yes, bad, *given[] = {&yes, &bad};
	struct kpc_outcome o;

	kpc_request(&request, ALICE, SEED_MALLORY);
	o = kpc_ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);

	fixture_request(&request, ALICE);
	request.realm = fixture_hash(3);
	fixture_sign(&request, FIXTURE_BY(SEED_ALICE));
	o = kpc_ask(w, &request, NULL, 0);
	assert_int_equal(o.r, ERR_DENIED);
	assert_int_equal(o.new_leaves, 0);
	statement_clear(&request);

	/* A decision by nobody is named, passed over, and no leaf. */
	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_MALLORY, true, &request);
	kpc_decision(w, &bad, IVAN, SEED_IVAN, true, &request);
	bad.verified = false;
	bad.bytes[bad.message_len - 3] ^= 1;
	o = kpc_ask(w, &request, given, 2);
	assert_int_equal(o.r, ERR_WAIT);
	assert_int_equal(o.notes, 2);
	assert_int_equal(o.new_leaves, 1);
	statement_clear(&request);
	statement_clear(&yes);
	statement_clear(&bad);
}

static void
twins_in_a_batch_are_one_certificate(void **state)
{
	struct world *w = *state;
	struct statement request, other, yes, too, *given[] = {&yes, &too};
	struct keeper_item items[3];

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_request(&other, BOB, SEED_BOB);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	kpc_decision(w, &too, OLGA, SEED_OLGA, true, &other);
	for (size_t i = 0; i < 3; i++) {
		keeper_item_init(&items[i]);
		items[i].request = i == 1 ? &other : &request;
		items[i].given = given;
		items[i].n_given = 2;
	}
	kpc_issue(w, items, 3);
	assert_int_equal(items[0].r, 0);
	assert_int_equal(items[1].r, 0);
	assert_int_equal(items[2].r, ERR_EXISTS);
	assert_null(items[2].cert);
	/* 2 requests, 2 decisions, 2 to be signed, 2 signed. */
	assert_int_equal(ledger_size(w->ledger), 8);
	for (size_t i = 0; i < 3; i++)
		keeper_item_clear(&items[i]);
	statement_clear(&request);
	statement_clear(&other);
	statement_clear(&yes);
	statement_clear(&too);
}

/* The log of another request whose hash comes to the same serial. */
static void
another_request_with_the_same_serial_is_refused(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct issue_leaf leaf = {.realm = *fixture_realm(),
	    .now = FIXTURE_NOW,
	    .rules = ISSUE_RULES,
	    .policy_version = 1};
	struct ledger_receipt receipt;
	struct keeper_item it;
	struct keeper_leaves leaves = {0};
	struct str text = STR_INIT;
	struct slice bytes;
	struct kpc_outcome o;

	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	keeper_item_init(&it);
	it.request = &request;
	it.given = given;
	it.n_given = 1;
	assert_int_equal(keeper_prepare(w->keeper, &it, 1, w->now,
			     fixture_key(SEED_USER_CA), NULL, &leaves, &w->e),
	    0);
	assert_int_equal(it.r, 0);
	/* Its very certificate, but of a request with other last bytes. */
	leaf.tbs = it.leaf.tbs;
	leaf.tbs_len = it.leaf.tbs_len;
	leaf.policy = it.leaf.policy;
	leaf.request = request.hash;
	leaf.request.b[HASH_LEN - 1] ^= 1;
	assert_int_equal(leaf_serial(&leaf.request),
	    leaf_serial(&request.hash));
	assert_int_equal(issue_leaf_encode(&leaf, &text), 0);
	bytes = slice_of(text.p, text.n);
	assert_int_equal(ledger_commit(w->ledger, &bytes, 1, &receipt, &w->e),
	    0);
	keeper_leaves_clear(&leaves);
	keeper_item_clear(&it);
	o = kpc_ask(w, &request, given, 1);
	assert_int_equal(o.r, ERR_DENIED);
	assert_non_null(strstr(o.why, "another request has this serial"));
	str_clear(&text);
	statement_clear(&request);
	statement_clear(&yes);
}

static void
without_a_ca_that_kind_is_refused(void **state)
{
	struct world *w = *state;
	struct statement request, yes, *given[] = {&yes};
	struct keeper_leaves leaves = {0};
	struct keeper_item *items;

	items = calloc(KEEPER_BATCH_MAX + 1, sizeof(*items));
	assert_non_null(items);
	assert_int_equal(keeper_prepare(w->keeper, items, KEEPER_BATCH_MAX + 1,
			     w->now, fixture_key(SEED_USER_CA), NULL, &leaves,
			     &w->e),
	    ERR_LIMIT);
	kpc_request(&request, ALICE, SEED_ALICE);
	kpc_decision(w, &yes, OLGA, SEED_OLGA, true, &request);
	keeper_item_init(&items[0]);
	items[0].request = &request;
	items[0].given = given;
	items[0].n_given = 1;
	assert_int_equal(keeper_prepare(w->keeper, items, 1, w->now,
			     fixture_key(SEED_MALLORY), NULL, &leaves, &w->e),
	    0);
	assert_int_equal(items[0].r, ERR_DENIED);
	keeper_item_clear(&items[0]);
	keeper_leaves_clear(&leaves);
	free(items);
	statement_clear(&request);
	statement_clear(&yes);
}

#define T(f) cmocka_unit_test_setup_teardown(f, kpc_setup, kpc_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(a_request_waits_is_approved_and_issued_once),
	    T(a_denial_stays_when_its_file_is_gone),
	    T(the_first_decision_of_a_person_counts),
	    T(what_nobody_said_is_not_recorded),
	    T(twins_in_a_batch_are_one_certificate),
	    T(another_request_with_the_same_serial_is_refused),
	    T(without_a_ca_that_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
