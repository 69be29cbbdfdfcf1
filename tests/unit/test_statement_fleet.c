/* SPDX-License-Identifier: ISC */
/* What is said of a fleet and by its hosts: every field and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/statement/leaf.h"
#include "lib/statement/statement.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"
#include "tests/unit/statementfleet.h"

static const struct {
	const char *name;
	enum statement_type type;
	uint8_t tag;
	const char *text;
	const char *told; /* must be in the words */
} good[] = {
    {"a first fleet", ST_FLEET, LTAG_FLEET, FLEET("1", ""), "version      1"},
    {"a later one", ST_FLEET, LTAG_FLEET,
	FLEET("9", ",\"previous\":\"" HASH_B "\""), "previous     bbbb"},
    {"a job", ST_JOB, LTAG_JOB, JOB("enforce", "2"), "mode         enforce"},
    {"a test", ST_JOB, LTAG_JOB, JOB("test", "0"), "mode         test"},
    {"a host that asks in", ST_ENROL, LTAG_ENROL,
	ENROL(",\"grains\":{\"os\":\"debian\",\"os.version\":\"12\"}" BOOT),
	"grain        os.version: 12"},
    {"one without grains", ST_ENROL, LTAG_ENROL, ENROL(BOOT),
	"Web-1 (as it says)"},
    {"an acceptance", ST_ACCEPT, LTAG_ACCEPT, ACCEPT(KEYS, UNTIL),
	"roles        none"},
    {"one with roles, for another", ST_ACCEPT, LTAG_ACCEPT,
	ACCEPT(KEYS,
	    ",\"roles\":[\"web\",\"db.main\"]" UNTIL ",\"replace\":\"" HASH_B
	    "\""),
	"replaces     bbbb"},
    {"one by a token", ST_ACCEPT, LTAG_ACCEPT,
	ACCEPT(KEYS, UNTIL ",\"token\":\"" HASH_B "\""), "token        bbbb"},
    {"a host turned out", ST_REJECT, LTAG_REJECT,
	BY_PETRA("reject") ",\"host\":\"web-1\",\"reason\":\"stolen\"}\n",
	"host         web-1"},
    {"a host not let in", ST_REJECT, LTAG_REJECT,
	BY_PETRA("reject") ",\"enrol\":\"" HASH_A
			   "\",\"reason\":\"unknown\"}\n",
	"enrol        aaaa"},
    {"a new name", ST_RENAME, LTAG_RENAME,
	BY_PETRA("rename") ",\"host\":\"web-1\",\"to\":\"web-2\","
			   "\"names\":[\"web-2\",\"www\"]}\n",
	"names        web-2, www"},
    {"a host that is gone", ST_FORGET, LTAG_FORGET,
	BY_PETRA("forget") ",\"host\":\"web-1\",\"reason\":\"scrapped\"}\n",
	"reason       scrapped"},
    {"a token", ST_TOKEN, LTAG_TOKEN, TOKEN("web-*.example.com", ""),
	"web-*.example.com, 1 of them"},
    {"one that gives roles", ST_TOKEN, LTAG_TOKEN,
	TOKEN("web-1.example.com", ",\"roles\":[\"web\"]"), "roles        web"},
    {"a renewal", ST_RENEW, LTAG_RENEW,
	BY_PETRA("renew") ",\"accept\":\"" HASH_A "\",\"key\":\"" KEY "\"}\n",
	"acceptance   aaaa"},
    {"a heartbeat", ST_REPORT, LTAG_REPORT,
	REPORT("1", ",\"kind\":\"heartbeat\"" HELD),
	"root 1, policy 2, fleet 3, krl 0"},
    {"an alarm", ST_REPORT, LTAG_REPORT,
	REPORT("2",
	    ",\"previous\":\"" HASH_A "\",\"kind\":\"alarm\"" HELD
	    ",\"message\":\"no master for 3 days\""),
	"no master for 3 days"},
    {"a run", ST_REPORT, LTAG_REPORT,
	REPORT("3",
	    ",\"previous\":\"" HASH_A "\",\"kind\":\"run\"" HELD
	    ",\"job\":\"" HASH_B
	    "\",\"mode\":\"test\",\"outcome\":\"failed\",\"plan\":\"" HASH_A
	    "\",\"states\":\"7\",\"changes\":[{\"state\":\"limits\","
	    "\"kind\":\"pam_limits\",\"result\":\"done\",\"diff\":\"" HASH_B
	    "\"},{\"state\":\"trust\",\"kind\":\"ssh_ca\","
	    "\"result\":\"skipped\"}],\"more\":\"2\""),
	"skipped      trust (ssh_ca)"},
    {"a drift that was put right", ST_REPORT, LTAG_REPORT,
	REPORT("1", ",\"kind\":\"drift\"" HELD RUN), "enforce: changed"},
    {"who logged in", ST_REPORT, LTAG_REPORT,
	REPORT("1",
	    ",\"kind\":\"logins\"" HELD
	    ",\"events\":[{\"what\":\"end\",\"at\":\"" LATER
	    "\",\"source\":\"file\",\"account\":\"deploy\"}],"
	    "\"lost\":\"2\""),
	"end          2026-03-02T22:00:00Z deploy\n"},
};
#define N_GOOD (sizeof(good) / sizeof(good[0]))

static void
each_type_is_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str out = STR_INIT;
		struct statement s;
		struct hash name, h;
		struct err e = {0};
		uint8_t tag;

		statement_init(&s, 0);
		if (sc_parse(good[i].text, &s, &e) != 0 ||
		    statement_encode(&s, &out, &e) != 0)
			fail_msg("%s: %s", good[i].name, e.msg);
		assert_int_equal(s.type, good[i].type);
		assert_string_equal(out.p, good[i].text);
		/* As a leaf it goes by its name. */
		leaf_classify(slice_str(good[i].text), &tag, &name);
		assert_int_equal(tag, good[i].tag);
		assert_int_equal(leaf_tag_of_type(s.type), good[i].tag);
		hash_sha256(good[i].text, strlen(good[i].text), &h);
		assert_memory_equal(&name, &h, sizeof(h));
		str_clear(&out);
		statement_clear(&s);
	}
	assert_int_equal(leaf_tag_of_type(ST_LAST + 1), LTAG_OTHER);
}

/* The row of this name. */
static void
parse_good(const char *name, struct statement *s)
{
	for (size_t i = 0; i < N_GOOD; i++) {
		if (strcmp(good[i].name, name) != 0)
			continue;
		assert_int_equal(sc_parse(good[i].text, s, NULL), 0);
		return;
	}
	fail_msg("no row '%s'", name);
}

static void
fields_arrive_in_the_struct(void **state)
{
	struct statement s;

	(void)state;
	statement_init(&s, 0);
	parse_good("a later one", &s);
	assert_int_equal(s.u.bundle.version, 9);
	assert_int_equal(s.u.bundle.manifest_size, 120);
	assert_true(s.u.bundle.has_previous);
	parse_good("a job", &s);
	assert_true(s.u.job.enforce);
	assert_int_equal(s.u.job.version, 4);
	assert_int_equal(s.u.job.bundle.b[0], 0xaa);
	assert_int_equal(s.u.job.targets.b[0], 0xbb);
	assert_int_equal(s.u.job.targets_size, 24);
	assert_int_equal(s.u.job.hosts, 2);
	assert_int_equal(s.u.job.tree.b[31], 0xaa);
	assert_int_equal(s.u.job.max_failures, 2);
	assert_int_equal(s.u.job.expires, FIXTURE_NOW + 12 * 3600);
	parse_good("a test", &s);
	assert_false(s.u.job.enforce);
	parse_good("a host that asks in", &s);
	assert_string_equal(s.u.enrol.hostname, "Web-1");
	assert_int_equal(s.u.enrol.n_grains, 2);
	assert_string_equal(s.u.enrol.grains[1].name, "os.version");
	assert_string_equal(s.u.enrol.grains[1].value, "12");
	assert_int_equal(s.u.enrol.boot_id[15], 0x0f);
	assert_false(pubkey_equal(s.u.enrol.host_key, s.u.enrol.transport_key));
	parse_good("one with roles, for another", &s);
	assert_string_equal(s.u.accept.host, "web-1.example.com");
	assert_int_equal(s.u.accept.names.n, 1);
	assert_string_equal(s.u.accept.roles.v[1], "db.main");
	assert_true(s.u.accept.has_replace);
	assert_false(s.u.accept.has_token);
	assert_int_equal(s.u.accept.renew_until,
	    FIXTURE_NOW + INT64_C(365) * 86400);
	parse_good("a host not let in", &s);
	assert_null(s.u.reject.host);
	assert_int_equal(s.u.reject.enrol.b[0], 0xaa);
	parse_good("a new name", &s);
	assert_string_equal(s.u.rename.host, "web-1");
	assert_string_equal(s.u.rename.to, "web-2");
	parse_good("a token", &s);
	assert_int_equal(s.u.token.count, 1);
	assert_int_equal(s.u.token.roles.n, 0);
	parse_good("a run", &s);
	assert_int_equal(s.u.report.seq, 3);
	assert_int_equal(s.u.report.kind, REPORT_RUN);
	assert_int_equal(s.u.report.outcome, RUN_FAILED);
	assert_int_equal(s.u.report.fleet_version, 3);
	assert_false(s.u.report.enforce);
	assert_int_equal(s.u.report.n_changes, 2);
	assert_true(s.u.report.changes[0].has_diff);
	assert_int_equal(s.u.report.changes[1].result, CHANGE_SKIPPED);
	assert_int_equal(s.u.report.more, 2);
	statement_clear(&s);
}

static void
what_no_reader_would_take_is_not_written(void **state)
{
	struct str out = STR_INIT;
	struct statement s;

	(void)state;
	statement_init(&s, 0);
	parse_good("a run", &s);
	s.u.report.outcome = RUN_REFUSED + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	parse_good("a run", &s);
	s.u.report.changes[1].result = CHANGE_SKIPPED + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	parse_good("a run", &s);
	s.u.report.kind = REPORT_LOGINS + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	parse_good("a job", &s);
	s.u.job.expires = -1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	assert_int_equal(out.n, 0);
	statement_clear(&s);
	assert_null(run_outcome_name(RUN_REFUSED + 1));
	assert_null(change_result_name(CHANGE_SKIPPED + 1));
	assert_null(report_kind_name(REPORT_LOGINS + 1));
}

/* --- signatures and near misses --- */

static void
no_signature_stands_for_another_type(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		for (int ns = ST_REQUEST; ns <= ST_LAST; ns++) {
			struct str text = STR_INIT;
			struct statement s;

			statement_init(&s, 0);
			fixture_sign_text(good[i].text,
			    statement_namespace((enum statement_type)ns),
			    FIXTURE_BY(SEED_PETRA), &text);
			assert_int_equal(sc_verify(slice_of(text.p, text.n), &s,
					     NULL),
			    ns == (int)good[i].type ? 0 : ERR_BADSIG);
			statement_clear(&s);
			str_clear(&text);
		}
	}
}

static void
must_not_verify(const uint8_t *p, size_t n, void *arg)
{
	struct statement s;

	statement_init(&s, 0);
	if (sc_verify(slice_of(p, n), &s, NULL) == 0)
		fail_msg("%s verifies: %s", (const char *)arg, mutate_what());
	statement_clear(&s);
}

static void
no_flipped_bit_and_no_cut_verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str text = STR_INIT;

		fixture_sign_text(good[i].text,
		    statement_namespace(good[i].type), FIXTURE_BY(SEED_PETRA),
		    &text);
		mutate_each(text.p, text.n, must_not_verify,
		    (void *)(uintptr_t)good[i].name);
		str_clear(&text);
	}
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
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str text = STR_INIT;
		struct statement s;

		fixture_sign_text(good[i].text,
		    statement_namespace(good[i].type), FIXTURE_BY(SEED_PETRA),
		    &text);
		assert_true(alloc_each(parse_once, &text) > 5);
		statement_init(&s, 0);
		assert_int_equal(sc_parse(good[i].text, &s, NULL), 0);
		assert_true(alloc_each(encode_once, &s) > 5);
		statement_clear(&s);
		str_clear(&text);
	}
}

static void
statements_are_told_in_words_and_as_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str words = STR_INIT, text = STR_INIT, json = STR_INIT;
		json_t *o = NULL;
		struct statement s;
		struct err e = {0};
		struct jw w;

		statement_init(&s, 0);
		fixture_sign_text(good[i].text,
		    statement_namespace(good[i].type), FIXTURE_BY(SEED_PETRA),
		    &text);
		assert_int_equal(sc_verify(slice_of(text.p, text.n), &s, &e),
		    0);
		statement_describe(&s, &words);
		if (strstr(words.p, good[i].told) == NULL)
			fail_msg("%s: %s", good[i].name, words.p);
		jw_init(&w, &json, false);
		statement_json(&s, &w);
		if (json_read(slice_of(json.p, json.n), 100000, &o, &e) != 0)
			fail_msg("%s: %s", good[i].name, e.msg);
		json_decref(o);
		statement_clear(&s);
		str_clear(&words);
		str_clear(&text);
		str_clear(&json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_type_is_read_and_written_back_byte_for_byte),
	    cmocka_unit_test(fields_arrive_in_the_struct),
	    cmocka_unit_test(what_no_reader_would_take_is_not_written),
	    cmocka_unit_test(no_signature_stands_for_another_type),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_verifies),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	    cmocka_unit_test(statements_are_told_in_words_and_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
