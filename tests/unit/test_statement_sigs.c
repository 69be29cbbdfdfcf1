/* SPDX-License-Identifier: ISC */
/* Statements: nobody's signature but one's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/statement/statement.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"
#include "tests/unit/statementcase.h"

static void
signed_request(struct str *out)
{
	struct statement s;

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	str_addn(out, (const char *)s.bytes, s.n_bytes);
	statement_clear(&s);
}

static void
a_signed_statement_verifies_and_knows_its_signers(void **state)
{
	struct statement s;

	(void)state;
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE, SEED_OLGA));
	assert_true(s.verified);
	assert_int_equal(s.n_sigs, 2);
	assert_int_equal(statement_signed_by(&s, fixture_key(SEED_ALICE)), 0);
	assert_int_equal(statement_signed_by(&s, fixture_key(SEED_OLGA)), 1);
	assert_int_equal(statement_signed_by(&s, fixture_key(SEED_IVAN)), -1);
	assert_false(s.flags[0].is_sk);
	s.verified = false;
	assert_int_equal(statement_signed_by(&s, fixture_key(SEED_ALICE)), -1);
	statement_clear(&s);
}

static void
each_type_has_a_namespace_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SC_GOOD; i++) {
		for (int ns = ST_REQUEST; ns <= ST_LAST; ns++) {
			struct str text = STR_INIT;
			struct statement s;
			int r;

			statement_init(&s, 0);
			fixture_sign_text(sc_good[i].text,
			    statement_namespace((enum statement_type)ns),
			    FIXTURE_BY(SEED_ALICE), &text);
			r = sc_verify(slice_of(text.p, text.n), &s, NULL);
			assert_int_equal(r,
			    ns == (int)sc_good[i].type ? 0 : ERR_BADSIG);
			assert_int_equal(s.verified, r == 0);
			statement_clear(&s);
			str_clear(&text);
		}
	}
	assert_string_equal(statement_namespace(ST_REQUEST), "request@writ");
	assert_string_equal(statement_type_name(ST_KRL), "krl");
	assert_null(statement_type_name(0));
	assert_null(statement_namespace(ST_LAST + 1));
}

static void
unsigned_text_is_refused(void **state)
{
	struct statement s;
	struct err e = {0};

	(void)state;
	statement_init(&s, 0);
	assert_int_equal(statement_parse("r1.req", slice_str(sc_good[0].text),
			     &s, &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "not signed"));
	assert_int_equal(sc_parse(sc_good[0].text, &s, &e), 0);
	assert_int_equal(statement_verify(&s, &e), ERR_BADSIG);
	statement_clear(&s);
}

static void
bytes_between_and_after_blocks_are_refused(void **state)
{
	static const char *const tails[] = {
	    "\n", " ", "x", "\r\n", "-----BEGIN SSH SIGNATURE-----\n", "{}\n"};
	struct str text = STR_INIT;
	size_t n;

	(void)state;
	signed_request(&text);
	n = text.n;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct statement s;

		statement_init(&s, 0);
		str_add(&text, tails[i]);
		assert_int_equal(statement_parse("t", slice_of(text.p, text.n),
				     &s, NULL),
		    ERR_PARSE);
		str_addn(&text, "", 0);
		text.n = n;
		text.p[n] = '\0';
	}
	str_clear(&text);
}

static void
one_bad_block_spoils_all(void **state)
{
	struct str text = STR_INIT, other = STR_INIT;
	struct statement s;
	struct err e = {0};
	const char *block;

	(void)state;
	statement_init(&s, 0);
	fixture_sign_text(sc_good[0].text, "request@writ",
	    FIXTURE_BY(SEED_ALICE), &text);
	fixture_sign_text(sc_good[1].text, "request@writ",
	    FIXTURE_BY(SEED_OLGA), &other);
	block = strstr(other.p, "-----BEGIN");
	assert_non_null(block);
	str_add(&text, block);
	assert_int_equal(sc_verify(slice_of(text.p, text.n), &s, &e),
	    ERR_BADSIG);
	assert_non_null(strstr(e.msg, "signature 2"));
	assert_false(s.verified);
	statement_clear(&s);
	str_clear(&text);
	str_clear(&other);
}

static void
a_key_may_not_sign_twice(void **state)
{
	struct str text = STR_INIT;
	struct statement s;
	struct err e = {0};

	(void)state;
	statement_init(&s, 0);
	fixture_sign_text(sc_good[0].text, "request@writ",
	    FIXTURE_BY(SEED_ALICE, SEED_OLGA, SEED_ALICE), &text);
	assert_int_equal(sc_verify(slice_of(text.p, text.n), &s, &e),
	    ERR_BADSIG);
	assert_non_null(strstr(e.msg, "twice"));
	statement_clear(&s);
	str_clear(&text);
}

static void
signatures_end_at_32(void **state)
{
	uint8_t seeds[STATEMENT_SIGS_MAX + 2] = {0};

	(void)state;
	for (size_t n = STATEMENT_SIGS_MAX; n <= STATEMENT_SIGS_MAX + 1; n++) {
		struct str text = STR_INIT;
		struct statement s;
		int r;

		for (size_t i = 0; i < n; i++)
			seeds[i] = (uint8_t)(i + 1);
		statement_init(&s, 0);
		fixture_sign_text(sc_good[0].text, "request@writ", seeds,
		    &text);
		r = sc_verify(slice_of(text.p, text.n), &s, NULL);
		assert_int_equal(r, n <= STATEMENT_SIGS_MAX ? 0 : ERR_LIMIT);
		statement_clear(&s);
		str_clear(&text);
	}
}

static void
must_not_verify(const uint8_t *p, size_t n, void *arg)
{
	struct statement s;

	(void)arg;
	statement_init(&s, 0);
	if (sc_verify(slice_of(p, n), &s, NULL) == 0)
		fail_msg("verifies: %s", mutate_what());
	assert_false(s.verified);
	statement_clear(&s);
}

static void
no_flipped_bit_and_no_cut_verifies(void **state)
{
	struct str text = STR_INIT;
	size_t n;

	(void)state;
	signed_request(&text);
	n = mutate_each(text.p, text.n, must_not_verify, NULL);
	assert_int_equal(n, 9 * text.n);
	str_clear(&text);
}

static int
parse_once(void *arg)
{
	const struct str *text = arg;
	struct statement s;
	int r;

	statement_init(&s, 0);
	r = sc_verify(slice_of(text->p, text->n), &s, NULL);
	statement_clear(&s);
	return r;
}

static int
encode_once(void *arg)
{
	struct str out = STR_INIT;
	int r = statement_encode(arg, &out, NULL);

	str_clear(&out);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SC_GOOD; i++) {
		struct str text = STR_INIT;
		struct statement s;

		fixture_sign_text(sc_good[i].text,
		    statement_namespace(sc_good[i].type),
		    FIXTURE_BY(SEED_ALICE, SEED_OLGA), &text);
		assert_true(alloc_each(parse_once, &text) > 5);
		statement_init(&s, 0);
		assert_int_equal(sc_parse(sc_good[i].text, &s, NULL), 0);
		assert_true(alloc_each(encode_once, &s) > 5);
		statement_clear(&s);
		str_clear(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_signed_statement_verifies_and_knows_its_signers),
	    cmocka_unit_test(each_type_has_a_namespace_of_its_own),
	    cmocka_unit_test(unsigned_text_is_refused),
	    cmocka_unit_test(bytes_between_and_after_blocks_are_refused),
	    cmocka_unit_test(one_bad_block_spoils_all),
	    cmocka_unit_test(a_key_may_not_sign_twice),
	    cmocka_unit_test(signatures_end_at_32),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_verifies),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
