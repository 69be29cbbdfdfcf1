/* SPDX-License-Identifier: ISC */
/* Statements: every limit, and the least step past it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/statement/statement.h"
#include "lib/trust/policy.h"
#include "tests/unit/fixture.h"
#include "tests/unit/statementcase.h"

/* A request whose field `key` is a string, or a list, of n parts. */
static char *
long_text(const char *key, size_t n, bool list)
{
	struct str s = STR_INIT;
	char *out;

	str_addf(&s, REQUEST ",\"%s\":%s", key, list ? "[" : "\"");
	for (size_t i = 0; i < n; i++) {
		if (list)
			str_addf(&s, "%s\"e%zu\"", i > 0 ? "," : "", i);
		else
			str_addc(&s, 'x');
	}
	str_addf(&s, "%s}\n", list ? "]" : "\"");
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
fields_end_at_their_limits(void **state)
{
	static const struct {
		const char *key;
		size_t max;
		bool list;
	} cases[] = {
	    {"ticket", STATEMENT_TICKET_MAX, false},
	    {"force_command", 4096, false},
	    {"source", REQUEST_SOURCES_MAX, true},
	    {"extensions", 32, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			char *text = long_text(cases[i].key,
			    cases[i].max + over, cases[i].list);
			struct statement s;
			int r;

			statement_init(&s, 0);
			r = sc_parse(text, &s, NULL);
			if (r != (over ? ERR_LIMIT : 0))
				fail_msg("%s + %zu: %d", cases[i].key, over, r);
			statement_clear(&s);
			free(text);
		}
	}
}

/* A statement of the fixture's, with one thing made too large. */
static void
expect_encode(struct statement *s, int want)
{
	struct str out = STR_INIT;
	struct err e = {0};
	int r = statement_encode(s, &out, &e);

	if (r != want)
		fail_msg("%d, not %d: %s", r, want, e.msg);
	assert_true(want == 0 ? out.n > 0 : out.n == 0);
	str_clear(&out);
}

static void
fill(char **field, size_t n)
{
	free(*field);
	*field = malloc(n + 1);
	assert_non_null(*field);
	memset(*field, 'x', n);
	(*field)[n] = '\0';
}

static void
required_fields_end_at_their_limits(void **state)
{
	struct statement s;
	char p[16];

	(void)state;
	fixture_request(&s, ALICE);
	fill(&s.u.r.reason, STATEMENT_REASON_MAX);
	fill(&s.u.r.grant, STATEMENT_GRANT_MAX);
	fill(&s.by, ID_MAX);
	expect_encode(&s, 0);
	fill(&s.u.r.reason, STATEMENT_REASON_MAX + 1);
	expect_encode(&s, ERR_LIMIT);
	fill(&s.u.r.reason, 1);
	fill(&s.u.r.grant, STATEMENT_GRANT_MAX + 1);
	expect_encode(&s, ERR_LIMIT);
	fill(&s.u.r.grant, 1);
	fill(&s.by, ID_MAX + 1);
	expect_encode(&s, ERR_LIMIT);
	fill(&s.by, 1);
	while (s.u.r.principals.n < REQUEST_PRINCIPALS_MAX) {
		(void)snprintf(p, sizeof(p), "p%zu", s.u.r.principals.n);
		assert_int_equal(strs_add(&s.u.r.principals, p), 0);
	}
	expect_encode(&s, 0);
	assert_int_equal(strs_add(&s.u.r.principals, "more"), 0);
	expect_encode(&s, ERR_LIMIT);
	statement_clear(&s);
}

static void
a_decision_covers_200_requests_and_not_201(void **state)
{
	struct statement s;

	(void)state;
	for (size_t n = DECISION_REQUESTS_MAX; n <= DECISION_REQUESTS_MAX + 1;
	     n++) {
		struct statement *reqs = calloc(n, sizeof(*reqs));
		const struct statement **list = calloc(n, sizeof(*list));
		struct hash policy = fixture_hash(1);

		assert_non_null(reqs);
		assert_non_null(list);
		for (size_t i = 0; i < n; i++) {
			fixture_request(&reqs[i], ALICE);
			reqs[i].hash.b[0] = (uint8_t)i;
			reqs[i].hash.b[1] = (uint8_t)(i >> 8);
			list[i] = &reqs[i];
		}
		fixture_decision(&s, OLGA, &policy, list, n);
		expect_encode(&s, n <= DECISION_REQUESTS_MAX ? 0 : ERR_LIMIT);
		statement_clear(&s);
		for (size_t i = 0; i < n; i++)
			statement_clear(&reqs[i]);
		free(reqs);
		free(list);
	}
}

/* The grant's own list is shown where the request names none. */
static void
an_outcome_has_as_many_sources_as_a_grant(void **state)
{
	struct statement req, s;
	const struct statement *list[] = {&req};
	struct hash policy = fixture_hash(1);
	struct strs *source;
	char text[32];

	(void)state;
	fixture_request(&req, ALICE);
	fixture_decision(&s, OLGA, &policy, list, 1);
	source = &s.u.d.outcomes[0].source;
	while (source->n < POLICY_LIST_MAX) {
		(void)snprintf(text, sizeof(text), "2001:db8::%zx/128",
		    source->n);
		assert_int_equal(strs_add(source, text), 0);
	}
	expect_encode(&s, 0);
	assert_int_equal(strs_add(source, "10.0.0.0/8"), 0);
	expect_encode(&s, ERR_LIMIT);
	statement_clear(&s);
	statement_clear(&req);
}

static void
a_revocation_names_1000_serials_and_not_1001(void **state)
{
	struct statement s;

	(void)state;
	fixture_statement(&s, ST_REVOKE, OLGA);
	s.u.v.reason = str_dup("stolen laptop");
	s.u.v.serials = calloc(REVOKE_SERIALS_MAX + 1, sizeof(uint64_t));
	assert_non_null(s.u.v.serials);
	for (size_t i = 0; i <= REVOKE_SERIALS_MAX; i++)
		s.u.v.serials[i] = UINT64_MAX - i;
	s.u.v.n_serials = REVOKE_SERIALS_MAX;
	expect_encode(&s, 0);
	s.u.v.n_serials++;
	expect_encode(&s, ERR_LIMIT);
	statement_clear(&s);
}

static void
what_is_not_whole_is_not_encoded(void **state)
{
	struct statement s;

	(void)state;
	for (int t = 0; t <= ST_LAST + 1; t++) {
		statement_init(&s, (enum statement_type)t);
		expect_encode(&s, ERR_PARSE);
		s.by = str_dup(ALICE);
		expect_encode(&s,
		    t == ST_ROOT || t == ST_POLICY || t == ST_KRL ||
			    t == ST_FLEET || t == ST_JOB || t == ST_REPORT
			? ERR_LIMIT /* version 0, seq 0 */
			: ERR_PARSE);
		free(s.by);
	}
}

static void
a_statement_ends_at_60_kib(void **state)
{
	uint8_t *big = calloc(1, STATEMENT_MAX + 1);
	struct statement s;

	(void)state;
	assert_non_null(big);
	statement_init(&s, 0);
	assert_int_equal(statement_parse("t", slice_of(big, STATEMENT_MAX), &s,
			     NULL),
	    ERR_PARSE);
	assert_int_equal(statement_parse("t", slice_of(big, STATEMENT_MAX + 1),
			     &s, NULL),
	    ERR_LIMIT);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_end_at_their_limits),
	    cmocka_unit_test(required_fields_end_at_their_limits),
	    cmocka_unit_test(a_decision_covers_200_requests_and_not_201),
	    cmocka_unit_test(an_outcome_has_as_many_sources_as_a_grant),
	    cmocka_unit_test(a_revocation_names_1000_serials_and_not_1001),
	    cmocka_unit_test(what_is_not_whole_is_not_encoded),
	    cmocka_unit_test(a_statement_ends_at_60_kib),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
