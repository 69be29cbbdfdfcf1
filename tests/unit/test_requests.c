/* SPDX-License-Identifier: ISC */
/* Leaves into rows: what the log says, judged by the policy of its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/unit/requestscase.h"

#define HOUR INT64_C(3600)

static void
a_request_waits_as_long_as_its_grant_says(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	struct request_row row;

	rcase_apply(w, 1);
	assert_int_equal(rcase_state(w, s), REQUEST_WAITING);
	assert_int_equal(requests_get(w->q, &s->hash, FIXTURE_NOW + 12 * HOUR,
			     &row, &w->e),
	    0);
	assert_int_equal(row.state, REQUEST_ENDED);
	assert_true(row.ends == FIXTURE_NOW + 12 * HOUR);
	request_row_clear(&row);
	assert_int_equal(w->changes[CHANGE_NEW], 1);
}

/* Lent or a copy, at hand or stored: the row is the same. */
static void
a_lent_row_is_the_row(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	struct request_row lent, row;
	struct hash found;
	char hex[HASH_HEX];

	hash_hex(&s->hash, hex);
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(requests_apply(w->q, i, &w->leaves[i], &w->e),
		    0);
	for (int stored = 0; stored < 2; stored++) {
		assert_int_equal(requests_find(w->q, hex, &found, &w->e), 0);
		assert_int_equal(requests_lend(w->q, &found,
				     FIXTURE_NOW + 12 * HOUR, &lent, &w->e),
		    0);
		/* By all of its digits it is found without a flush. */
		assert_int_equal(lent.lent, stored == 0);
		assert_int_equal(requests_get(w->q, &s->hash, FIXTURE_NOW, &row,
				     &w->e),
		    0);
		assert_false(row.lent);
		assert_int_equal(lent.state, REQUEST_ENDED);
		assert_int_equal(row.state, REQUEST_WAITING);
		assert_string_equal(lent.person, row.person);
		assert_true(slice_equal(slice_of(lent.statement,
					    lent.statement_len),
		    slice_of(row.statement, row.statement_len)));
		request_row_clear(&lent);
		request_row_clear(&row);
		assert_int_equal(requests_flush(w->q, &w->e), 0);
	}
	memset(&found, 0xff, sizeof(found));
	assert_int_equal(requests_lend(w->q, &found, FIXTURE_NOW, &lent, &w->e),
	    1);
}

static void
whose_denial_ends_it(void **state)
{
	static const struct {
		const char *by;
		uint8_t seed;
		enum request_state want;
	} cases[] = {
	    {OLGA, SEED_OLGA, REQUEST_DENIED},
	    {ALICE, SEED_ALICE, REQUEST_WAITING}, /* her own */
	    {BOB, SEED_BOB, REQUEST_WAITING},     /* no approver */
	};
	struct rcase *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct statement *s = rcase_ask(w);

		rcase_decide(w, s, cases[i].by, cases[i].seed, false);
		rcase_apply(w, 100);
		if (rcase_state(w, s) != cases[i].want)
			fail_msg("denied by %s", cases[i].by);
	}
	assert_int_equal(w->changes[CHANGE_DENIED], 1);
}

/* A decision on several may become a leaf before one of its requests does. */
static void
a_denial_may_come_first(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	struct leaf request;

	rcase_decide(w, s, OLGA, SEED_OLGA, false);
	request = w->leaves[1];
	w->leaves[1] = w->leaves[2];
	w->leaves[2] = request;
	rcase_apply(w, 100);
	assert_int_equal(rcase_state(w, &w->leaves[2].u.s), REQUEST_DENIED);
}

static void
an_approval_alone_changes_no_state(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	bool known = false;

	rcase_decide(w, s, OLGA, SEED_OLGA, true);
	rcase_apply(w, 100);
	assert_int_equal(rcase_state(w, s), REQUEST_WAITING);
	assert_int_equal(w->changes[CHANGE_DECIDED], 1);
	assert_int_equal(requests_has_decision(w->q, &w->leaves[2].u.s.hash,
			     &known, &w->e),
	    0);
	assert_true(known);
	assert_int_equal(requests_has_decision(w->q, &s->hash, &known, &w->e),
	    0);
	assert_false(known);
}

static void
who_is_revoked_waits_for_nothing(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	struct request_row row;

	(void)rcase_ask(w);
	rcase_revoke(w, ALICE);
	rcase_apply(w, 100);
	assert_int_equal(requests_get(w->q, &s->hash, FIXTURE_NOW, &row, &w->e),
	    0);
	assert_int_equal(row.state, REQUEST_ENDED);
	assert_string_equal(row.why, ALICE " was revoked");
	assert_true(row.revoked);
	request_row_clear(&row);
	assert_int_equal(w->changes[CHANGE_ENDED], 2);
}

/* A request whose hash begins with those eight bytes. */
static const struct statement *
ask_at(struct rcase *w, uint64_t begin)
{
	struct leaf *l = &w->leaves[w->n];
	const struct statement *s = rcase_ask(w);

	for (size_t i = 0; i < 8; i++)
		l->u.s.hash.b[i] = (uint8_t)(begin >> (56 - 8 * i));
	return s;
}

static bool
is_revoked(struct rcase *w, const struct statement *s)
{
	struct request_row row;
	bool revoked;

	assert_int_equal(requests_get(w->q, &s->hash, FIXTURE_NOW, &row, &w->e),
	    0);
	revoked = row.revoked;
	request_row_clear(&row);
	return revoked;
}

/* A serial has not the first bit of the hash, and is never 0. */
static void
revoked_by_serial_alone(void **state)
{
	static const uint64_t begins[] = {0, 2, UINT64_C(0x1234567890abcdef),
	    UINT64_C(0x9234567890abcdee), UINT64_MAX, INT64_MAX - 1};
	const size_t n = sizeof(begins) / sizeof(begins[0]);
	const struct statement *v[sizeof(begins) / sizeof(begins[0])];
	struct rcase *w = *state;

	for (size_t i = 0; i < n; i++)
		v[i] = ask_at(w, begins[i]);
	for (size_t i = 0; i < n; i++) {
		struct statement s;

		fixture_statement(&s, ST_REVOKE, OLGA);
		s.u.v.serials = calloc(1, sizeof(uint64_t));
		assert_non_null(s.u.v.serials);
		s.u.v.serials[0] = leaf_serial(&v[i]->hash);
		s.u.v.n_serials = 1;
		s.u.v.reason = str_dup("lost");
		fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
		(void)rcase_add(w, &s);
		rcase_apply(w, 100);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(is_revoked(w, v[k]), k <= i);
	}
}

static void
found_by_its_first_digits(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	char hex[HASH_HEX];
	struct hash h;

	rcase_apply(w, 100);
	hash_hex(&s->hash, hex);
	for (size_t n = 64; n >= REQUEST_DIGITS_MIN; n--) {
		hex[n] = '\0';
		assert_int_equal(requests_find(w->q, hex, &h, &w->e), 0);
		assert_true(hash_equal(&h, &s->hash));
	}
	hex[REQUEST_DIGITS_MIN - 1] = '\0';
	assert_int_equal(requests_find(w->q, hex, &h, &w->e), ERR_PARSE);
	assert_int_equal(requests_find(w->q, "xxxxxxxx", &h, &w->e), ERR_PARSE);
	hex[0] = hex[0] == '0' ? '1' : '0';
	hex[REQUEST_DIGITS_MIN - 1] = '0';
	hex[REQUEST_DIGITS_MIN] = '\0';
	assert_int_equal(requests_find(w->q, hex, &h, &w->e), ERR_NOTFOUND);
}

static void
overdue_once_and_no_more(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	struct hash v[4];
	size_t n = 0;

	rcase_apply(w, 100);
	assert_int_equal(requests_overdue(w->q, FIXTURE_NOW + 12 * HOUR - 1, v,
			     4, &n, &w->e),
	    0);
	assert_int_equal(n, 0);
	assert_int_equal(requests_overdue(w->q, FIXTURE_NOW + 12 * HOUR, v, 4,
			     &n, &w->e),
	    0);
	assert_int_equal(n, 1);
	assert_true(hash_equal(&v[0], &s->hash));
	assert_int_equal(requests_close_one(w->q, &v[0], REQUEST_ENDED, "late",
			     &w->e),
	    0);
	assert_int_equal(requests_overdue(w->q, FIXTURE_NOW + 12 * HOUR, v, 4,
			     &n, &w->e),
	    0);
	assert_int_equal(n, 0);
	/* What has ended for one reason does not end for another. */
	assert_int_equal(requests_close_one(w->q, &v[0], REQUEST_REFUSED, "no",
			     &w->e),
	    0);
	assert_int_equal(rcase_state(w, s), REQUEST_ENDED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rcase_setup, rcase_teardown)
	    T(a_request_waits_as_long_as_its_grant_says),
	    T(a_lent_row_is_the_row),
	    T(whose_denial_ends_it),
	    T(a_denial_may_come_first),
	    T(an_approval_alone_changes_no_state),
	    T(who_is_revoked_waits_for_nothing),
	    T(revoked_by_serial_alone),
	    T(found_by_its_first_digits),
	    T(overdue_once_and_no_more),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
