/* SPDX-License-Identifier: ISC */
/* Leaves: one spelling each, and what the ledger finds them by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/statement/leaf.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

#define REALM "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_A \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HASH_C \
	"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define ISSUE(now, version, decisions, tbs)                                  \
	"{\"v\":1,\"type\":\"issue\",\"realm\":\"" REALM "\",\"now\":\"" now \
	"\",\"rules\":\"1\",\"policy_version\":\"" version                   \
	"\",\"policy\":\"" HASH_A "\",\"request\":\"" HASH_B                 \
	"\",\"decisions\":[" decisions "],\"size\":\"12\",\"tbs\":\"" tbs    \
	"\"}\n"
#define CERTIFICATE(rest)                                      \
	"{\"v\":1,\"type\":\"certificate\",\"realm\":\"" REALM \
	"\",\"request\":\"" HASH_B "\",\"issue_index\":\"13\"" rest "}\n"
#define TICK                                                         \
	"{\"v\":1,\"type\":\"tick\",\"realm\":\"" REALM              \
	"\",\"at\":\"2026-03-02T10:00:00Z\",\"root_version\":\"1\"," \
	"\"policy_version\":\"18446744073709551615\",\"krl_version\":\"0\"}\n"
#define NOW "2026-03-02T10:00:00Z"

static int
parse(const char *text, struct leaf *l, struct err *e)
{
	return leaf_parse("leaf 7", slice_str(text), l, e);
}

/* Encode what was parsed, by kind. */
static int
encode(const struct leaf *l, struct str *out)
{
	switch (l->kind) {
	case LEAF_ISSUE:
		return issue_leaf_encode(&l->u.i, out);
	case LEAF_CERTIFICATE:
		return certificate_leaf_encode(&l->u.c, out);
	case LEAF_TICK:
		return tick_leaf_encode(&l->u.t, out);
	case LEAF_STATEMENT:
		break;
	}
	return ERR_PARSE;
}

static const struct {
	const char *text;
	enum leaf_kind kind;
	uint8_t tag;
} good[] = {
    {ISSUE(NOW, "3", "\"" HASH_C "\",\"" HASH_A "\"", "AAECAw=="), LEAF_ISSUE,
	LTAG_ISSUE},
    {ISSUE(NOW, "1", "", "AA=="), LEAF_ISSUE, LTAG_ISSUE},
    {CERTIFICATE(",\"certificate\":\"AAEC\""), LEAF_CERTIFICATE,
	LTAG_CERTIFICATE},
    {TICK, LEAF_TICK, LTAG_TICK},
};
#define N_GOOD (sizeof(good) / sizeof(good[0]))

static void
leaves_are_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str out = STR_INIT;
		struct leaf l;
		struct err e = {0};

		leaf_init(&l);
		if (parse(good[i].text, &l, &e) != 0)
			fail_msg("%zu: %s", i, e.msg);
		assert_int_equal(l.kind, good[i].kind);
		assert_int_equal(encode(&l, &out), 0);
		assert_string_equal(out.p, good[i].text);
		str_clear(&out);
		leaf_clear(&l);
	}
}

static void
fields_arrive_in_the_struct(void **state)
{
	struct leaf l;

	(void)state;
	leaf_init(&l);
	assert_int_equal(parse(good[0].text, &l, NULL), 0);
	assert_int_equal(l.u.i.now, FIXTURE_NOW);
	assert_int_equal(l.u.i.rules, ISSUE_RULES);
	assert_int_equal(l.u.i.policy_version, 3);
	assert_int_equal(l.u.i.policy.b[0], 0xaa);
	assert_int_equal(l.u.i.request.b[0], 0xbb);
	assert_int_equal(l.u.i.n_decisions, 2);
	assert_int_equal(l.u.i.decisions[0].b[0], 0xcc);
	assert_int_equal(l.u.i.size, 12);
	assert_int_equal(l.u.i.tbs_len, 4);
	assert_int_equal(l.u.i.tbs[3], 3);
	assert_int_equal(parse(good[2].text, &l, NULL), 0);
	assert_int_equal(l.u.c.issue_index, 13);
	assert_int_equal(l.u.c.blob_len, 3);
	assert_int_equal(parse(TICK, &l, NULL), 0);
	assert_int_equal(l.u.t.at, FIXTURE_NOW);
	assert_true(l.u.t.policy_version == UINT64_MAX);
	leaf_clear(&l);
}

static void
another_spelling_is_refused(void **state)
{
	static const struct {
		const char *name, *text;
	} cases[] = {
	    {"a blank",
		"{\"v\":1,\"type\":\"tick\", \"realm\":\"" REALM
		"\",\"at\":\"" NOW "\",\"root_version\":\"1\","
		"\"policy_version\":\"1\",\"krl_version\":\"0\"}\n"},
	    {"another order",
		"{\"v\":1,\"type\":\"tick\",\"at\":\"" NOW
		"\",\"realm\":\"" REALM "\",\"root_version\":\"1\","
		"\"policy_version\":\"1\",\"krl_version\":\"0\"}\n"},
	    {"an escape",
		"{\"v\":1,\"type\":\"tick\",\"re\\u0061lm\":\"" REALM
		"\",\"at\":\"" NOW "\",\"root_version\":\"1\","
		"\"policy_version\":\"1\",\"krl_version\":\"0\"}\n"},
	    {"a further key",
		"{\"v\":1,\"type\":\"tick\",\"realm\":\"" REALM
		"\",\"at\":\"" NOW "\",\"root_version\":\"1\","
		"\"policy_version\":\"1\",\"krl_version\":\"0\",\"x\":1}\n"},
	    {"a missing key",
		"{\"v\":1,\"type\":\"tick\",\"realm\":\"" REALM
		"\",\"at\":\"" NOW "\",\"root_version\":\"1\","
		"\"policy_version\":\"1\"}\n"},
	    {"a second line", TICK "\n"},
	    {"a signature",
		TICK "-----BEGIN SSH SIGNATURE-----\nAAAA\n"
		     "-----END SSH SIGNATURE-----\n"},
	    {"base64 with set spare bits", ISSUE(NOW, "1", "", "AB==")},
	    {"no tbs", ISSUE(NOW, "1", "", "")},
	    {"policy version 0", ISSUE(NOW, "0", "", "AA==")},
	    {"a leading zero", ISSUE(NOW, "01", "", "AA==")},
	    {"a decision twice",
		ISSUE(NOW, "1", "\"" HASH_A "\",\"" HASH_A "\"", "AA==")},
	    {"an offset in the time",
		ISSUE("2026-03-02T10:00:00+00:00", "1", "", "AA==")},
	    {"no certificate", CERTIFICATE("")},
	    {"a type nobody knows", "{\"v\":1,\"type\":\"gossip\"}\n"},
	    {"nothing", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = {0};
		struct leaf l;
		int r;

		leaf_init(&l);
		r = parse(cases[i].text, &l, &e);
		if (r != ERR_PARSE && r != ERR_LIMIT)
			fail_msg("%s: %d", cases[i].name, r);
		if (strncmp(e.msg, "leaf 7: ", 8) != 0)
			fail_msg("%s: %s", cases[i].name, e.msg);
		assert_int_equal(l.kind, 0);
	}
}

static void
a_certificate_of_32_kib_fits_and_more_does_not(void **state)
{
	struct certificate_leaf c = {.issue_index = UINT64_MAX};
	struct issue_leaf issue = {.rules = 1,
	    .policy_version = UINT64_MAX,
	    .now = FIXTURE_NOW,
	    .size = UINT64_MAX};
	struct str out = STR_INIT;
	struct hash many[257];
	struct leaf l;

	(void)state;
	leaf_init(&l);
	c.blob = calloc(1, CERT_MAX + 1);
	assert_non_null(c.blob);
	c.blob_len = CERT_MAX;
	assert_int_equal(certificate_leaf_encode(&c, &out), 0);
	assert_true(out.n <= LEAF_MAX);
	assert_int_equal(leaf_parse("l", slice_of(out.p, out.n), &l, NULL), 0);
	str_clear(&out);
	c.blob_len++;
	assert_int_equal(certificate_leaf_encode(&c, &out), ERR_LIMIT);

	for (size_t i = 0; i < 257; i++) {
		many[i] = fixture_hash(1);
		many[i].b[0] = (uint8_t)i;
		many[i].b[1] = (uint8_t)(i >> 8);
	}
	issue.tbs = c.blob;
	issue.tbs_len = CERT_MAX;
	issue.decisions = many;
	issue.n_decisions = 256;
	assert_int_equal(issue_leaf_encode(&issue, &out), 0);
	assert_true(out.n <= LEAF_MAX);
	assert_int_equal(leaf_parse("l", slice_of(out.p, out.n), &l, NULL), 0);
	str_clear(&out);
	issue.n_decisions++;
	assert_int_equal(issue_leaf_encode(&issue, &out), ERR_LIMIT);
	assert_int_equal(out.n, 0);
	free(c.blob);
	leaf_clear(&l);
}

static void
a_statement_is_a_leaf(void **state)
{
	struct statement s;
	struct leaf l;
	struct hash name;
	uint8_t tag;

	(void)state;
	leaf_init(&l);
	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	assert_int_equal(leaf_parse("l", statement_bytes(&s), &l, NULL), 0);
	assert_int_equal(l.kind, LEAF_STATEMENT);
	assert_memory_equal(&l.u.s.hash, &s.hash, sizeof(s.hash));
	leaf_classify(statement_bytes(&s), &tag, &name);
	assert_int_equal(tag, LTAG_REQUEST);
	assert_memory_equal(&name, &s.hash, sizeof(name));
	leaf_clear(&l);
	statement_clear(&s);
}

/* --- what is indexed --- */

static void
own_leaves_are_found_by_serial_and_ticks_by_content(void **state)
{
	struct hash name, want, request = fixture_hash(0xbb);
	uint8_t tag;

	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		leaf_classify(slice_str(good[i].text), &tag, &name);
		assert_int_equal(tag, good[i].tag);
		if (tag == LTAG_TICK)
			hash_sha256(good[i].text, strlen(good[i].text), &want);
		else
			leaf_serial_name(leaf_serial(&request), &want);
		assert_memory_equal(&name, &want, sizeof(name));
	}
	assert_true(leaf_serial(&request) == UINT64_C(0x3bbbbbbbbbbbbbbb));
	request = fixture_hash(0);
	assert_true(leaf_serial(&request) == 1);
	request.b[0] = 0x80;
	assert_true(leaf_serial(&request) == 1);
}

static void
statements_are_classified_in_any_spelling(void **state)
{
	static const struct {
		const char *line;
		uint8_t tag;
	} cases[] = {
	    {"{\"v\":1,\"type\":\"request\"}\n", LTAG_REQUEST},
	    {"{\"v\":1,\"type\":\"decision\"}\n", LTAG_DECISION},
	    {"{\"v\":1,\"type\":\"decision\",\"keys\":[]}\n",
		LTAG_KEY_DECISION},
	    {"{\"v\":1,\"type\":\"decision\",\"k\\u0065ys\":[]}\n",
		LTAG_KEY_DECISION},
	    {"{\"v\":1,\"type\":\"decision\",\"comment\":\"\\\"keys\\\"\"}\n",
		LTAG_DECISION},
	    {"{\"v\":1,\"type\":\"decision\",\"comment\":\"keys\"}\n",
		LTAG_DECISION},
	    {"{\"v\":1,\"type\":\"revoke\"}\n", LTAG_REVOKE},
	    {"{\"v\":1,\"type\":\"key\"}\n", LTAG_KEY},
	    {"{\"v\":1,\"type\":\"root\"}\n", LTAG_ROOT},
	    {"{\"v\":1,\"type\":\"policy\"}\n", LTAG_POLICY},
	    {"{\"v\":1,\"type\":\"krl\"}\n", LTAG_KRL},
	    {"{\"type\":\"krl\",\"v\":1}\n", LTAG_KRL},
	    {"{ \"v\": 1, \"type\": \"revoke\" }\n", LTAG_REVOKE},
	    {"{\"v\":1,\"type\":\"rev\\u006fke\"}\n", LTAG_REVOKE},
	    {"{\"v\":1,\"ty\\u0070e\":\"revoke\"}\n", LTAG_REVOKE},
	    {"{\"v\":1,\"type\":\"requests\"}\n", LTAG_OTHER},
	    {"{\"v\":1,\"type\":\"request\"}", LTAG_OTHER},
	    {"{\"type\":\"issue\",\"v\":1}\n", LTAG_OTHER},
	    {"{\"v\":1,\"type\":\"issue\",\"request\":\"zz\"}\n", LTAG_OTHER},
	    {"{\"v\":1,\"type\":\"issue\",\"request\":\"" HASH_A, LTAG_OTHER},
	    {"{\"v\":1,\"type\":\"", LTAG_OTHER},
	    {"[]\n", LTAG_OTHER},
	    {"\n", LTAG_OTHER},
	    {"", LTAG_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hash name, want;
		uint8_t tag;

		leaf_classify(slice_str(cases[i].line), &tag, &name);
		if (tag != cases[i].tag)
			fail_msg("%s: %d, not %d", cases[i].line, tag,
			    cases[i].tag);
		hash_sha256(cases[i].line, strlen(cases[i].line), &want);
		assert_memory_equal(&name, &want, sizeof(name));
	}
}

static void
the_name_of_a_statement_leaves_its_signatures_out(void **state)
{
	static const char line[] = "{\"v\":1,\"type\":\"revoke\"}\n";
	struct str s = STR_INIT;
	struct hash name, want;
	uint8_t tag;

	(void)state;
	str_add(&s, line);
	str_add(&s, "-----BEGIN SSH SIGNATURE-----\n");
	leaf_classify(slice_of(s.p, s.n), &tag, &name);
	hash_sha256(line, sizeof(line) - 1, &want);
	assert_memory_equal(&name, &want, sizeof(name));
	str_clear(&s);
}

/* --- near misses --- */

static void
is_refused_or_itself(const uint8_t *p, size_t n, void *arg)
{
	struct str out = STR_INIT;
	struct hash name;
	struct leaf l;
	uint8_t tag;

	(void)arg;
	leaf_init(&l);
	leaf_classify(slice_of(p, n), &tag, &name);
	if (leaf_parse("l", slice_of(p, n), &l, NULL) == 0) {
		/* A digit of a hash is another digit: fine, but the same
		   bytes must come out. */
		assert_int_equal(encode(&l, &out), 0);
		if (!slice_equal(slice_of(out.p, out.n), slice_of(p, n)))
			fail_msg("two spellings: %s", mutate_what());
	}
	str_clear(&out);
	leaf_clear(&l);
}

static void
what_is_read_after_a_flip_has_one_spelling_still(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++)
		mutate_each(good[i].text, strlen(good[i].text),
		    is_refused_or_itself, NULL);
}

static int
parse_once(void *arg)
{
	struct leaf l;
	int r;

	leaf_init(&l);
	r = parse(arg, &l, NULL);
	leaf_clear(&l);
	return r;
}

static void
every_failing_allocation_is_answered(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		char *text = str_dup(good[i].text);

		assert_true(alloc_each(parse_once, text) > 5);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(leaves_are_read_and_written_back_byte_for_byte),
	    cmocka_unit_test(fields_arrive_in_the_struct),
	    cmocka_unit_test(another_spelling_is_refused),
	    cmocka_unit_test(a_certificate_of_32_kib_fits_and_more_does_not),
	    cmocka_unit_test(a_statement_is_a_leaf),
	    cmocka_unit_test(
		own_leaves_are_found_by_serial_and_ticks_by_content),
	    cmocka_unit_test(statements_are_classified_in_any_spelling),
	    cmocka_unit_test(the_name_of_a_statement_leaves_its_signatures_out),
	    cmocka_unit_test(what_is_read_after_a_flip_has_one_spelling_still),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
