/* SPDX-License-Identifier: ISC */
/* Rows as the store keeps them: the same written or not, and made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/requestscase.h"

/* --- everything the store says, as text ----------------------------------- */

struct dump {
	struct requests *q;
	struct str s;
	struct hash v[RCASE_LEAVES];
	size_t n;
};

static int
dump_decision(void *ctx, const struct decision_row *d)
{
	struct dump *u = ctx;

	str_addf(&u->s, "  %s %d %s %lld %zu\n", d->person, d->approve,
	    d->comment, (long long)d->at, d->statement.n);
	return 0;
}

static int
dump_row(void *ctx, const struct request_row *r)
{
	struct dump *u = ctx;

	str_addf(&u->s, "%llu %llu %s %s %lld %lld %d '%s' %zu '%s' %d\n",
	    (unsigned long long)r->index, (unsigned long long)r->serial,
	    r->person, r->grant, (long long)r->at, (long long)r->ends,
	    (int)r->state, r->why, r->statement_len, r->key_id, r->revoked);
	u->v[u->n++] = r->hash;
	return 0;
}

static int
dump_act(void *ctx, uint64_t index, struct slice text)
{
	struct dump *u = ctx;

	str_addf(&u->s, "act %llu %zu\n", (unsigned long long)index, text.n);
	return 0;
}

static int
dump_told(void *ctx, const char *person, const char *how, int64_t at, bool sent)
{
	struct dump *u = ctx;

	(void)at;
	str_addf(&u->s, "%s %s %d\n", person, how, sent);
	return 0;
}

static char *
dump(struct rcase *w)
{
	struct dump u = {.q = w->q, .s = STR_INIT};
	char *text = NULL;

	assert_int_equal(requests_of_person(w->q, ALICE, FIXTURE_NOW, 1000,
			     dump_row, &u, &w->e),
	    0);
	for (size_t i = 0; i < u.n; i++)
		assert_int_equal(requests_decisions(w->q, &u.v[i],
				     dump_decision, &u, &w->e),
		    0);
	assert_int_equal(requests_acts(w->q, 0, 1000, dump_act, &u, &w->e), 0);
	assert_int_equal(str_take(&u.s, &text), 0);
	return text;
}

/* --- tests ---------------------------------------------------------------- */

static void
a_store_made_anew_has_the_same_rows(void **state)
{
	struct rcase *w = *state;
	const struct statement *s;
	char *live, *anew;

	rcase_decide(w, rcase_ask(w), OLGA, SEED_OLGA, true);
	rcase_decide(w, rcase_ask(w), IVAN, SEED_IVAN, false);
	s = rcase_ask(w);
	rcase_decide(w, s, BOB, SEED_BOB, false);
	rcase_decide(w, s, IVAN, SEED_IVAN, true);
	rcase_revoke(w, BOB);
	rcase_apply(w, 1);
	live = dump(w);
	for (size_t step = 1; step < 8; step++) {
		requests_close(w->q);
		assert_int_equal(store_remove(w->path, &w->e), 0);
		rcase_open(w);
		assert_int_equal(requests_applied(w->q), 0);
		rcase_apply(w, step);
		anew = dump(w);
		assert_string_equal(anew, live);
		free(anew);
	}
	assert_non_null(strstr(live, "denied it"));
	free(live);
}

static void
leaves_come_in_order_and_once(void **state)
{
	struct rcase *w = *state;

	(void)rcase_ask(w);
	assert_int_equal(requests_apply(w->q, 1, &w->leaves[1], &w->e),
	    ERR_CORRUPT);
	assert_int_equal(requests_apply(w->q, 0, &w->leaves[0], &w->e), 0);
	assert_int_equal(requests_apply(w->q, 0, &w->leaves[0], &w->e),
	    ERR_CORRUPT);
	assert_int_equal(requests_applied(w->q), 1);
	rcase_apply(w, 100);
	assert_int_equal(requests_applied(w->q), 2);
	requests_close(w->q);
	rcase_open(w);
	assert_int_equal(requests_applied(w->q), 2);
}

/* All that can be asked about one request by its hash, before it is written and
 * after. */
static void
check_by_hash(struct rcase *w, const struct statement *s, const char *told)
{
	struct request_row row;
	struct dump u = {.q = w->q, .s = STR_INIT};

	assert_int_equal(requests_get(w->q, &s->hash, FIXTURE_NOW, &row, &w->e),
	    0);
	assert_int_equal(row.index, 1);
	assert_int_equal(row.state, REQUEST_DENIED);
	assert_string_equal(row.why, IVAN " denied it: 'no'");
	assert_string_equal(row.person, ALICE);
	assert_int_equal(row.statement_len, s->n_bytes);
	assert_memory_equal(row.statement, s->bytes, s->n_bytes);
	assert_int_equal(row.certificate_len, 4);
	assert_memory_equal(row.certificate, "blob", 4);
	request_row_clear(&row);
	assert_int_equal(requests_decisions(w->q, &s->hash, dump_decision, &u,
			     &w->e),
	    0);
	assert_non_null(strstr(u.s.p, OLGA " 1"));
	assert_non_null(strstr(strstr(u.s.p, OLGA " 1"), IVAN " 0"));
	str_reset(&u.s);
	assert_int_equal(requests_each_told(w->q, &s->hash, dump_told, &u,
			     &w->e),
	    0);
	assert_string_equal(u.s.p, told);
	str_clear(&u.s);
}

static void
tell(struct rcase *w, const struct statement *s, const char *who, bool sent)
{
	assert_int_equal(requests_add_told(w->q, &s->hash, who, "mail",
			     FIXTURE_NOW, sent, &w->e),
	    0);
}

static void
what_is_not_written_yet_is_found_the_same(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);

	rcase_decide(w, s, OLGA, SEED_OLGA, true);
	rcase_decide(w, s, IVAN, SEED_IVAN, false);
	for (size_t i = 0; i < w->n; i++)
		assert_int_equal(requests_apply(w->q, i, &w->leaves[i], &w->e),
		    0);
	assert_int_equal(requests_set_certificate(w->q, &s->hash,
			     slice_str("blob"), &w->e),
	    0);
	tell(w, s, IVAN, true);
	tell(w, s, OLGA, false);
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 0\n");
	assert_true(requests_lag(w->q));
	assert_int_equal(requests_flush(w->q, &w->e), 0);
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 0\n");
	/* Once more in the same way: the last time counts, written or not. */
	tell(w, s, OLGA, true);
	assert_false(requests_lag(w->q));
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 1\n");
	assert_int_equal(requests_flush(w->q, &w->e), 0);
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 1\n");
	requests_close(w->q);
	rcase_open(w);
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 1\n");
}

/* Whatever was lost with the memory comes from the log again. */
static void
what_was_not_written_is_applied_again(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);

	rcase_apply(w, 100);
	rcase_decide(w, s, IVAN, SEED_IVAN, false);
	assert_int_equal(requests_apply(w->q, 2, &w->leaves[2], &w->e), 0);
	assert_int_equal(rcase_state(w, s), REQUEST_DENIED);
	requests_close(w->q);
	rcase_open(w);
	assert_int_equal(rcase_state(w, s), REQUEST_WAITING);
	assert_int_equal(requests_applied(w->q), 2);
	rcase_apply(w, 100);
	assert_int_equal(rcase_state(w, s), REQUEST_DENIED);
}

static void
many_are_written_by_themselves(void **state)
{
	struct rcase *w = *state;
	const struct statement *s = rcase_ask(w);
	char name[32];

	rcase_apply(w, 100);
	for (size_t i = 0; i < 4500; i++) {
		struct hash h = {{(uint8_t)i, (uint8_t)(i >> 8), 1}};

		snprintf(name, sizeof(name), "p%zu", i);
		assert_int_equal(requests_add_told(w->q, &h, name, "mail", 1,
				     true, &w->e),
		    0);
		assert_int_equal(requests_flush_full(w->q, &w->e), 0);
	}
	tell(w, s, IVAN, true);
	requests_close(w->q);
	rcase_open(w);
	for (size_t i = 0; i < 4096; i++) {
		struct hash h = {{(uint8_t)i, (uint8_t)(i >> 8), 1}};
		struct dump u = {.q = w->q, .s = STR_INIT};

		assert_int_equal(requests_each_told(w->q, &h, dump_told, &u,
				     &w->e),
		    0);
		assert_true(u.s.n > 0);
		str_clear(&u.s);
	}
}

static void
a_store_is_of_one_log(void **state)
{
	struct rcase *w = *state;
	struct requests *other = NULL;

	requests_close(w->q);
	w->q = NULL;
	w->c.origin = "writ.invalid/0123456789abcdef/other_log";
	assert_int_equal(requests_open(&w->c, &other, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg, "another log"));
	assert_non_null(strstr(w->e.hint, "writ-ca rebuild"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, rcase_setup, rcase_teardown)
	    T(a_store_made_anew_has_the_same_rows),
	    T(leaves_come_in_order_and_once),
	    T(what_is_not_written_yet_is_found_the_same),
	    T(what_was_not_written_is_applied_again),
	    T(many_are_written_by_themselves),
	    T(a_store_is_of_one_log),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
