/* SPDX-License-Identifier: ISC */
/* Statements: every field, there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/statement/statement.h"
#include "tests/unit/fixture.h"
#include "tests/unit/statementcase.h"

static void
each_type_is_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SC_GOOD; i++) {
		struct str out = STR_INIT;
		struct statement s;
		struct err e = {0};
		struct hash h;

		statement_init(&s, 0);
		if (sc_parse(sc_good[i].text, &s, &e) != 0 ||
		    statement_encode(&s, &out, &e) != 0)
			fail_msg("%s: %s", sc_good[i].name, e.msg);
		assert_int_equal(s.type, sc_good[i].type);
		assert_string_equal(out.p, sc_good[i].text);
		assert_int_equal(s.at, FIXTURE_NOW);
		assert_string_equal(s.by, ALICE);
		hash_sha256(sc_good[i].text, strlen(sc_good[i].text), &h);
		assert_memory_equal(&s.hash, &h, sizeof(h));
		assert_true(slice_is(statement_message(&s), sc_good[i].text));
		assert_true(slice_is(statement_bytes(&s), sc_good[i].text));
		str_clear(&out);
		statement_clear(&s);
	}
}

static void
fields_arrive_in_the_struct(void **state)
{
	struct statement s;
	struct err e = {0};

	(void)state;
	statement_init(&s, 0);
	assert_int_equal(sc_parse(sc_good[1].text, &s, &e), 0);
	assert_int_equal(s.u.r.kind, CERT_HOST);
	assert_string_equal(s.u.r.grant, "hosts");
	assert_int_equal(s.u.r.principals.n, 2);
	assert_string_equal(s.u.r.reason, "d\xc5\xafvod \"x\"");
	assert_string_equal(s.u.r.ticket, "CHG-1");
	assert_int_equal(s.u.r.length, 90 * 86400);
	assert_int_equal(s.u.r.not_before, FIXTURE_NOW + 14 * 3600);
	assert_string_equal(s.u.r.source.v[1], "fd00::/8");
	assert_string_equal(s.u.r.force_command, "/bin/true");
	assert_true(s.u.r.has_extensions);
	assert_int_equal(s.u.r.extensions.n, 0);
	assert_int_equal(s.nonce[15], 0x0f);

	assert_int_equal(sc_parse(sc_good[3].text, &s, &e), 0);
	assert_true(s.u.d.approve);
	assert_int_equal(s.u.d.length, 1800);
	assert_int_equal(s.u.d.outcomes[0].n_requests, 2);
	assert_int_equal(s.u.d.outcomes[0].requests[1].b[0], 0xbb);

	assert_int_equal(sc_parse(sc_good[6].text, &s, &e), 0);
	assert_int_equal(s.u.v.n_serials, 2);
	assert_true(s.u.v.serials[1] == UINT64_MAX);

	assert_int_equal(sc_parse(sc_good[11].text, &s, &e), 0);
	assert_false(s.u.k.add);
	assert_string_equal(s.u.k.person, ALICE);

	assert_int_equal(sc_parse(sc_good[14].text, &s, &e), 0);
	assert_true(s.u.bundle.has_previous);
	assert_int_equal(s.u.bundle.n_zones, 2);
	assert_string_equal(s.u.bundle.zones[1].name, "Europe/Vilnius");
	statement_clear(&s);
}

static void
people_may_write_json_in_any_order_and_with_blanks(void **state)
{
	static const char text[] =
	    "{ \"file\": \"" HASH_A "\", \"version\": \"1\", \"type\": "
	    "\"r\\u006fot\", \"by\": \"alice@example.com\", \"v\": 1, "
	    "\"nonce\": \"" NONCE "\", \"at\": \"2026-03-02T10:00:00Z\", "
	    "\"realm\": \"" REALM "\" }\n";
	struct statement s;
	struct err e = {0};

	(void)state;
	statement_init(&s, 0);
	assert_int_equal(sc_parse(text, &s, &e), 0);
	assert_int_equal(s.type, ST_ROOT);
	statement_clear(&s);
}

static const struct {
	const char *name, *text;
	int want;
	const char *says; /* must be in the message */
} bad[] = {
    {"nothing", "", ERR_PARSE, "end of line"},
    {"no end of line", REQUEST "}", ERR_PARSE, "end of line"},
    {"an empty line", "\n", ERR_PARSE, "object"},
    {"a carriage return", REQUEST "}\r\n", ERR_PARSE, "CR LF"},
    {"a blank before", " " REQUEST "}\n", ERR_PARSE, "blanks"},
    {"a blank after", REQUEST "} \n", ERR_PARSE, "blanks"},
    {"a tab inside", REQUEST ",\t\"ticket\":\"x\"}\n", ERR_PARSE, "byte"},
    {"a second line", REQUEST "}\n\n", ERR_PARSE, "after the message"},
    {"an array", "[1]\n", ERR_PARSE, "object"},
    {"two objects", REQUEST "}{}\n", ERR_PARSE, "JSON"},
    {"bad UTF-8", REQUEST ",\"ticket\":\"\xff\"}\n", ERR_PARSE, "byte"},
    {"a bidirectional override", REQUEST ",\"ticket\":\"\xe2\x80\xae\"}\n",
	ERR_PARSE, "byte"},
    {"an escaped one", REQUEST ",\"ticket\":\"\\u202e\"}\n", ERR_PARSE,
	"ticket"},
    {"an escaped line end", REQUEST ",\"ticket\":\"a\\nb\"}\n", ERR_PARSE,
	"ticket"},
    {"an escaped NUL", REQUEST ",\"ticket\":\"a\\u0000b\"}\n", ERR_PARSE, ""},
    {"a zero-width blank", REQUEST ",\"ticket\":\"a\\u200bb\"}\n", ERR_PARSE,
	"ticket"},
    {"a key twice", REQUEST ",\"for\":\"8h\"}\n", ERR_PARSE, "for"},
    {"a key twice, escaped", REQUEST ",\"f\\u006fr\":\"8h\"}\n", ERR_PARSE,
	"for"},
    {"an unknown key", REQUEST ",\"admin\":true}\n", ERR_PARSE, "admin"},
    {"a key of another type", REQUEST ",\"version\":\"1\"}\n", ERR_PARSE,
	"version"},
    {"version 2", "{\"v\":2,\"type\":\"request\"}\n", ERR_LIMIT, "'v'"},
    {"version as a string", "{\"v\":\"1\",\"type\":\"request\"}\n", ERR_PARSE,
	"'v'"},
    {"no type", "{\"v\":1}\n", ERR_PARSE, "type"},
    {"an unknown type", HEAD("rumour") "}\n", ERR_PARSE, "rumour"},
    {"a leaf's type", HEAD("issue") "}\n", ERR_PARSE, "issue"},
    {"no nonce",
	"{\"v\":1,\"type\":\"root\",\"realm\":\"" REALM
	"\",\"by\":\"a\",\"at\":\"2026-03-02T10:00:00Z\"}\n",
	ERR_PARSE, "nonce"},
    {"a short realm",
	"{\"v\":1,\"type\":\"root\",\"realm\":\"11\",\"by\":\"a\"}\n",
	ERR_PARSE, "realm"},
    {"an id in capitals",
	"{\"v\":1,\"type\":\"root\",\"realm\":\"" REALM
	"\",\"by\":\"Alice\",\"at\":\"2026-03-02T10:00:00Z\"}\n",
	ERR_PARSE, "by"},
    {"a time with an offset",
	"{\"v\":1,\"type\":\"root\",\"realm\":\"" REALM
	"\",\"by\":\"a\",\"at\":\"2026-03-02T10:00:00+02:00\"}\n",
	ERR_LIMIT, "at"},
    {"no such day",
	"{\"v\":1,\"type\":\"root\",\"realm\":\"" REALM
	"\",\"by\":\"a\",\"at\":\"2026-02-30T10:00:00Z\"}\n",
	ERR_PARSE, "at"},
    /* request */
    {"no principals",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			"\",\"principals\":[],\"reason\":\"x\",\"for\":\"1h\"}"
			"\n",
	ERR_PARSE, "principals"},
    {"a principal twice",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			"\",\"principals\":[\"a\",\"b\",\"a\"],\"reason\":"
			"\"x\",\"for\":\"1h\"}\n",
	ERR_PARSE, "twice"},
    {"an empty principal",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			"\",\"principals\":[\"\"],\"reason\":\"x\","
			"\"for\":\"1h\"}\n",
	ERR_PARSE, "principals"},
    {"another kind",
	HEAD("request") ",\"kind\":\"root\",\"grant\":\"deploy\"}\n", ERR_PARSE,
	"user or host"},
    {"a key with a comment",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			" me\"}\n",
	ERR_PARSE, "comment"},
    {"a key with two blanks",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\","
			"\"key\":\"ssh-ed25519  AAAAC3NzaC1lZDI1NTE5AAAAIB5VAc4"
			"IsQv73W+91htMRpLTWUoqwlw1yA3dsVLNj4l+\"}\n",
	ERR_PARSE, "key"},
    {"no key at all",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\","
			"\"key\":\"hello\"}\n",
	ERR_PARSE, "key"},
    {"an empty source", REQUEST ",\"source\":[]}\n", ERR_PARSE, "source"},
    {"an empty reason",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			"\",\"principals\":[\"a\"],\"reason\":\"\","
			"\"for\":\"1h\"}\n",
	ERR_PARSE, "reason"},
    {"a span that is not canonical",
	HEAD("request") ",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY
			"\",\"principals\":[\"a\"],\"reason\":\"x\","
			"\"for\":\"60m\"}\n",
	ERR_PARSE, "1h"},
    {"a start in 1970", REQUEST ",\"not_before\":\"1970-01-01T00:00:00Z\"}\n",
	ERR_LIMIT, "not_before"},
    {"null", REQUEST ",\"ticket\":null}\n", ERR_PARSE, "ticket"},
    /* decision */
    {"a decision of nothing", DECISION(""), ERR_PARSE, "nothing"},
    {"no outcomes", DECISION(",\"outcomes\":[]"), ERR_PARSE, "outcomes"},
    {"no keys", DECISION(",\"keys\":[]"), ERR_PARSE, "keys"},
    {"an outcome that is a string", DECISION(",\"outcomes\":[\"x\"]"),
	ERR_PARSE, "outcome 1"},
    {"an outcome with an unknown key",
	DECISION(",\"outcomes\":[" OUTCOME ",{\"kind\":\"user\",\"x\":1}]"),
	ERR_PARSE, "outcome 2"},
    {"one request in two outcomes",
	DECISION(",\"outcomes\":[" OUTCOME "," OUTCOME "]"), ERR_PARSE,
	"two outcomes"},
    {"a key statement twice",
	DECISION(",\"keys\":[\"" HASH_A "\",\"" HASH_A "\"]"), ERR_PARSE,
	"twice"},
    {"a malformed hash", DECISION(",\"keys\":[\"AA\"]"), ERR_PARSE, "hex"},
    {"an outcome without requests",
	DECISION(",\"outcomes\":[{\"kind\":\"user\",\"principals\":[\"a\"],"
		 "\"for\":\"1h\",\"extensions\":[],\"requests\":[]}]"),
	ERR_PARSE, "requests"},
    {"an outcome without principals",
	DECISION(",\"outcomes\":[{\"kind\":\"user\",\"principals\":[],"
		 "\"for\":\"1h\",\"extensions\":[],\"requests\":[\"" HASH_A
		 "\"]}]"),
	ERR_PARSE, "principals"},
    {"an outcome whose extensions are not said",
	DECISION(",\"outcomes\":[{\"kind\":\"user\",\"principals\":[\"a\"],"
		 "\"for\":\"1h\",\"requests\":[\"" HASH_A "\"]}]"),
	ERR_PARSE, "extensions"},
    {"extensions not in order",
	DECISION(",\"outcomes\":[{\"kind\":\"user\",\"principals\":[\"a\"],"
		 "\"for\":\"1h\",\"extensions\":[\"permit-pty\",\"permit-X11-"
		 "forwarding\"],\"requests\":[\"" HASH_A "\"]}]"),
	ERR_PARSE, "sorted"},
    {"a denial that shortens",
	HEAD("decision") ",\"policy\":\"" HASH_B
			 "\",\"verdict\":\"deny\",\"for\":\"1h\","
			 "\"outcomes\":[" OUTCOME "]}\n",
	ERR_PARSE, "denial"},
    {"another verdict",
	HEAD("decision") ",\"policy\":\"" HASH_B "\",\"verdict\":\"maybe\"}\n",
	ERR_PARSE, "approve or deny"},
    /* revoke */
    {"a revocation of nothing", HEAD("revoke") ",\"reason\":\"x\"}\n",
	ERR_PARSE, "0 kinds"},
    {"a revocation of two kinds",
	HEAD("revoke") ",\"person\":\"a\",\"key_id\":\"b\",\"reason\":\"x\"}\n",
	ERR_PARSE, "2 kinds"},
    {"no serials", HEAD("revoke") ",\"serials\":[],\"reason\":\"x\"}\n",
	ERR_PARSE, "serials"},
    {"serial 0", HEAD("revoke") ",\"serials\":[\"0\"],\"reason\":\"x\"}\n",
	ERR_PARSE, "serials"},
    {"a serial as a number",
	HEAD("revoke") ",\"serials\":[1],\"reason\":\"x\"}\n", ERR_PARSE,
	"serials"},
    {"a serial past 64 bits",
	HEAD("revoke") ",\"serials\":[\"18446744073709551616\"],\"reason\":"
		       "\"x\"}\n",
	ERR_PARSE, "serials"},
    {"a serial twice",
	HEAD("revoke") ",\"serials\":[\"5\",\"6\",\"5\"],\"reason\":\"x\"}\n",
	ERR_PARSE, "twice"},
    {"no reason", HEAD("revoke") ",\"person\":\"a\"}\n", ERR_PARSE, "reason"},
    /* key, root, policy, krl */
    {"another action", HEAD("key") ",\"action\":\"drop\"}\n", ERR_PARSE,
	"add or retire"},
    {"root version 0",
	HEAD("root") ",\"version\":\"0\",\"file\":\"" HASH_A "\"}\n", ERR_LIMIT,
	"version"},
    {"a version with a leading zero",
	HEAD("root") ",\"version\":\"01\",\"file\":\"" HASH_A "\"}\n",
	ERR_PARSE, "version"},
    {"a version as a number",
	HEAD("root") ",\"version\":1,\"file\":\"" HASH_A "\"}\n", ERR_PARSE,
	"version"},
    {"version 1 with a previous one",
	BUNDLE("1", ",\"previous\":\"" HASH_B "\""), ERR_PARSE, "previous"},
    {"version 2 without one", BUNDLE("2", ""), ERR_PARSE, "previous"},
    {"no zones", BUNDLE("1", ",\"zones\":{}"), ERR_PARSE, "zones"},
    {"a zone that is a path", BUNDLE("1", ",\"zones\":{\"../etc\":\"EET-2\"}"),
	ERR_PARSE, "zone"},
    {"a rule that is none", BUNDLE("1", ",\"zones\":{\"UTC\":\"noon\"}"),
	ERR_PARSE, "rule"},
    {"a list of size 0",
	HEAD("krl") ",\"version\":\"7\",\"file\":\"" HASH_A
		    "\",\"size\":\"0\"}\n",
	ERR_LIMIT, "size"},
};

static void
bad_messages_are_refused_with_the_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct statement s;
		struct err e = {0};
		int r;

		statement_init(&s, ST_KEY);
		r = sc_parse(bad[i].text, &s, &e);
		if (r != bad[i].want || strstr(e.msg, bad[i].says) == NULL)
			fail_msg("%s: %d '%s'", bad[i].name, r, e.msg);
		assert_memory_equal(e.msg, "m: ", 3);
		/* What was there is there still. */
		assert_int_equal(s.type, ST_KEY);
		assert_null(s.bytes);
	}
}

static void
statements_are_told_in_words_and_as_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_SC_GOOD; i++) {
		struct str words = STR_INIT, text = STR_INIT, json = STR_INIT;
		json_t *o = NULL;
		struct statement s;
		struct err e = {0};
		struct jw w;

		statement_init(&s, 0);
		fixture_sign_text(sc_good[i].text,
		    statement_namespace(sc_good[i].type),
		    FIXTURE_BY(SEED_ALICE), &text);
		assert_int_equal(sc_verify(slice_of(text.p, text.n), &s, &e),
		    0);
		statement_describe(&s, &words);
		assert_memory_equal(words.p, statement_type_name(s.type),
		    strlen(statement_type_name(s.type)));
		assert_non_null(strstr(words.p, " by " ALICE "\n"));
		assert_non_null(strstr(words.p, "SHA256:"));
		jw_init(&w, &json, false);
		statement_json(&s, &w);
		if (json_read(slice_of(json.p, json.n), 100000, &o, &e) != 0)
			fail_msg("%s: %s", sc_good[i].name, e.msg);
		assert_true(json_is_true(json_object_get(o, "verified")));
		assert_int_equal(json_array_size(json_object_get(o,
				     "signatures")),
		    1);
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
	    cmocka_unit_test(
		people_may_write_json_in_any_order_and_with_blanks),
	    cmocka_unit_test(bad_messages_are_refused_with_the_field),
	    cmocka_unit_test(statements_are_told_in_words_and_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
