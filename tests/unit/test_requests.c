/* SPDX-License-Identifier: ISC */
/* Leaves into rows: what the log says, judged by the policy of its time, the
 * same when the store is made anew. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/requests.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "tests/unit/fixture.h"
#include "tests/unit/tmpdir.h"

#define LEAVES_MAX 32
#define HOUR       INT64_C(3600)

struct world {
	char dir[TMPDIR_MAX];
	char *path;
	struct policy *policy;
	struct requests_config c;
	struct requests *q;
	struct leaf leaves[LEAVES_MAX]; /* the log */
	size_t n;
	unsigned changes[CHANGE_REVOKED + 1];
	struct err e;
};

static int
policy_of(void *ctx, const struct hash *h, const struct policy **out,
    struct err *e)
{
	struct world *w = ctx;

	if (!hash_equal(h, &w->policy->hash))
		return err_set(e, ERR_NOTFOUND, "no such policy");
	*out = w->policy;
	return 0;
}

static void
changed(void *ctx, const struct hash *request, enum request_change what)
{
	struct world *w = ctx;

	(void)request;
	w->changes[what]++;
}

static void
open_rows(struct world *w)
{
	if (requests_open(&w->c, &w->q, &w->e) != 0)
		fail_msg("%s", w->e.msg);
}

static int
set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct leaf *l;

	assert_non_null(w);
	tmpdir_make(w->dir, "requests");
	assert_int_equal(path_join(w->dir, "writ.db", &w->path), 0);
	w->policy = fixture_policy(NULL, NULL);
	w->c = (struct requests_config){.path = w->path,
	    .origin = "writ.invalid/0123456789abcdef/ca_log",
	    .policy_of = policy_of,
	    .changed = changed,
	    .ctx = w};
	open_rows(w);
	/* The log begins with the policy. */
	l = &w->leaves[w->n++];
	leaf_init(l);
	l->kind = LEAF_STATEMENT;
	statement_init(&l->u.s, ST_POLICY);
	l->u.s.hash = w->policy->hash;
	*state = w;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *w = *state;
	int r;

	requests_close(w->q);
	for (size_t i = 0; i < w->n; i++)
		leaf_clear(&w->leaves[i]);
	policy_free(w->policy);
	r = tmpdir_remove(w->dir);
	free(w->path);
	free(w);
	return r;
}

/* --- a log ---------------------------------------------------------------- */

static const struct statement *
add(struct world *w, struct statement *s)
{
	struct leaf *l = &w->leaves[w->n++];

	assert_true(w->n < LEAVES_MAX);
	leaf_init(l);
	l->kind = LEAF_STATEMENT;
	l->u.s = *s;
	statement_init(s, ST_REQUEST);
	return &l->u.s;
}

static const struct statement *
ask(struct world *w)
{
	struct statement s;

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	return add(w, &s);
}

static void
decide(struct world *w, const struct statement *request, const char *by,
    uint8_t seed, bool approve)
{
	const struct statement *list[] = {request};
	struct statement s;

	fixture_decision(&s, by, &w->policy->hash, list, 1);
	s.u.d.approve = approve;
	if (!approve)
		s.u.d.comment = str_dup("no");
	fixture_sign(&s, FIXTURE_BY(seed));
	(void)add(w, &s);
}

static void
revoke_person(struct world *w, const char *person)
{
	struct statement s;

	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.person = str_dup(person);
	s.u.v.reason = str_dup("gone");
	fixture_sign(&s, FIXTURE_BY(SEED_OLGA));
	(void)add(w, &s);
}

/* All leaves that it has not; written after as few or many as step says. */
static void
apply(struct world *w, size_t step)
{
	while (requests_applied(w->q) < w->n) {
		for (size_t i = 0; i < step && requests_applied(w->q) < w->n;
		     i++) {
			uint64_t at = requests_applied(w->q);

			if (requests_apply(w->q, at, &w->leaves[at], &w->e) !=
			    0)
				fail_msg("%s", w->e.msg);
		}
		assert_int_equal(requests_flush(w->q, &w->e), 0);
	}
}

static enum request_state
state_of(struct world *w, const struct statement *s)
{
	struct request_row row;
	enum request_state state;

	if (requests_get(w->q, &s->hash, FIXTURE_NOW, &row, &w->e) != 0)
		fail_msg("no row");
	state = row.state;
	request_row_clear(&row);
	return state;
}

/* --- everything the store says, as text ----------------------------------- */

struct dump {
	struct requests *q;
	struct str s;
	struct hash v[LEAVES_MAX];
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
dump(struct world *w)
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
a_request_waits_as_long_as_its_grant_says(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	struct request_row row;

	apply(w, 1);
	assert_int_equal(state_of(w, s), REQUEST_WAITING);
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
	struct world *w = *state;
	const struct statement *s = ask(w);
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
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct statement *s = ask(w);

		decide(w, s, cases[i].by, cases[i].seed, false);
		apply(w, 100);
		if (state_of(w, s) != cases[i].want)
			fail_msg("denied by %s", cases[i].by);
	}
	assert_int_equal(w->changes[CHANGE_DENIED], 1);
}

/* A decision on several may become a leaf before one of its requests does. */
static void
a_denial_may_come_first(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	struct leaf request;

	decide(w, s, OLGA, SEED_OLGA, false);
	request = w->leaves[1];
	w->leaves[1] = w->leaves[2];
	w->leaves[2] = request;
	apply(w, 100);
	assert_int_equal(state_of(w, &w->leaves[2].u.s), REQUEST_DENIED);
}

static void
an_approval_alone_changes_no_state(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	bool known = false;

	decide(w, s, OLGA, SEED_OLGA, true);
	apply(w, 100);
	assert_int_equal(state_of(w, s), REQUEST_WAITING);
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
	struct world *w = *state;
	const struct statement *s = ask(w);
	struct request_row row;

	(void)ask(w);
	revoke_person(w, ALICE);
	apply(w, 100);
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
ask_at(struct world *w, uint64_t begin)
{
	struct leaf *l = &w->leaves[w->n];
	const struct statement *s = ask(w);

	for (size_t i = 0; i < 8; i++)
		l->u.s.hash.b[i] = (uint8_t)(begin >> (56 - 8 * i));
	return s;
}

static bool
is_revoked(struct world *w, const struct statement *s)
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
	struct world *w = *state;

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
		(void)add(w, &s);
		apply(w, 100);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(is_revoked(w, v[k]), k <= i);
	}
}

static void
a_store_made_anew_has_the_same_rows(void **state)
{
	struct world *w = *state;
	const struct statement *s;
	char *live, *anew;

	decide(w, ask(w), OLGA, SEED_OLGA, true);
	decide(w, ask(w), IVAN, SEED_IVAN, false);
	s = ask(w);
	decide(w, s, BOB, SEED_BOB, false);
	decide(w, s, IVAN, SEED_IVAN, true);
	revoke_person(w, BOB);
	apply(w, 1);
	live = dump(w);
	for (size_t step = 1; step < 8; step++) {
		requests_close(w->q);
		assert_int_equal(store_remove(w->path, &w->e), 0);
		open_rows(w);
		assert_int_equal(requests_applied(w->q), 0);
		apply(w, step);
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
	struct world *w = *state;

	(void)ask(w);
	assert_int_equal(requests_apply(w->q, 1, &w->leaves[1], &w->e),
	    ERR_CORRUPT);
	assert_int_equal(requests_apply(w->q, 0, &w->leaves[0], &w->e), 0);
	assert_int_equal(requests_apply(w->q, 0, &w->leaves[0], &w->e),
	    ERR_CORRUPT);
	assert_int_equal(requests_applied(w->q), 1);
	apply(w, 100);
	assert_int_equal(requests_applied(w->q), 2);
	requests_close(w->q);
	open_rows(w);
	assert_int_equal(requests_applied(w->q), 2);
}

/* All that can be asked about one request by its hash, before it is written and
 * after. */
static void
check_by_hash(struct world *w, const struct statement *s, const char *told)
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
tell(struct world *w, const struct statement *s, const char *who, bool sent)
{
	assert_int_equal(requests_add_told(w->q, &s->hash, who, "mail",
			     FIXTURE_NOW, sent, &w->e),
	    0);
}

static void
what_is_not_written_yet_is_found_the_same(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);

	decide(w, s, OLGA, SEED_OLGA, true);
	decide(w, s, IVAN, SEED_IVAN, false);
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
	open_rows(w);
	check_by_hash(w, s, IVAN " mail 1\n" OLGA " mail 1\n");
}

/* Whatever was lost with the memory comes from the log again. */
static void
what_was_not_written_is_applied_again(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);

	apply(w, 100);
	decide(w, s, IVAN, SEED_IVAN, false);
	assert_int_equal(requests_apply(w->q, 2, &w->leaves[2], &w->e), 0);
	assert_int_equal(state_of(w, s), REQUEST_DENIED);
	requests_close(w->q);
	open_rows(w);
	assert_int_equal(state_of(w, s), REQUEST_WAITING);
	assert_int_equal(requests_applied(w->q), 2);
	apply(w, 100);
	assert_int_equal(state_of(w, s), REQUEST_DENIED);
}

static void
many_are_written_by_themselves(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	char name[32];

	apply(w, 100);
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
	open_rows(w);
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
found_by_its_first_digits(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	char hex[HASH_HEX];
	struct hash h;

	apply(w, 100);
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
a_store_is_of_one_log(void **state)
{
	struct world *w = *state;
	struct requests *other = NULL;

	requests_close(w->q);
	w->q = NULL;
	w->c.origin = "writ.invalid/0123456789abcdef/other_log";
	assert_int_equal(requests_open(&w->c, &other, &w->e), ERR_CORRUPT);
	assert_non_null(strstr(w->e.msg, "another log"));
	assert_non_null(strstr(w->e.hint, "writ-ca rebuild"));
}

static void
overdue_once_and_no_more(void **state)
{
	struct world *w = *state;
	const struct statement *s = ask(w);
	struct hash v[4];
	size_t n = 0;

	apply(w, 100);
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
	assert_int_equal(state_of(w, s), REQUEST_ENDED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	    T(a_request_waits_as_long_as_its_grant_says),
	    T(a_lent_row_is_the_row),
	    T(whose_denial_ends_it),
	    T(a_denial_may_come_first),
	    T(an_approval_alone_changes_no_state),
	    T(who_is_revoked_waits_for_nothing),
	    T(revoked_by_serial_alone),
	    T(a_store_made_anew_has_the_same_rows),
	    T(leaves_come_in_order_and_once),
	    T(what_is_not_written_yet_is_found_the_same),
	    T(what_was_not_written_is_applied_again),
	    T(many_are_written_by_themselves),
	    T(found_by_its_first_digits),
	    T(a_store_is_of_one_log),
	    T(overdue_once_and_no_more),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
