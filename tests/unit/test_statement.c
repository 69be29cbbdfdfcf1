/* SPDX-License-Identifier: ISC */
/* Statements: every field, every limit, and nobody's signature but one's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/statement/statement.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"

#define REALM "1111111111111111111111111111111111111111111111111111111111111111"
#define HASH_A \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_B \
	"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define NONCE "000102030405060708090a0b0c0d0e0f"
#define KEY            \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAIB5VAc4IsQv73W+91htMRpLTWUoqwlw1yA3dsVLNj4l+"

/* The start of a message of this type, signed by nobody. */
#define HEAD(type)                                                         \
	"{\"v\":1,\"type\":\"" type "\",\"realm\":\"" REALM                \
	"\",\"by\":\"alice@example.com\",\"at\":\"2026-03-02T10:00:00Z\"," \
	"\"nonce\":\"" NONCE "\""
#define REQUEST                                                  \
	HEAD("request")                                          \
	",\"kind\":\"user\",\"grant\":\"deploy\",\"key\":\"" KEY \
	"\",\"principals\":[\"deploy\"],\"reason\":\"ship it\",\"for\":\"1h\""
#define OUTCOME                                                          \
	"{\"kind\":\"user\",\"principals\":[\"deploy\"],\"for\":\"1h\"," \
	"\"extensions\":[],\"requests\":[\"" HASH_A "\"]}"
#define DECISION(rest)   \
	HEAD("decision") \
	",\"policy\":\"" HASH_B "\",\"verdict\":\"approve\"" rest "}\n"
#define BUNDLE(version, rest)                                                \
	HEAD("policy")                                                       \
	",\"version\":\"" version "\",\"expires\":\"2026-08-29T10:00:00Z\"," \
	"\"manifest\":\"" HASH_A "\",\"size\":\"120\"" rest "}\n"

static int
parse_text(const char *text, struct statement *s, struct err *e)
{
	return statement_parse_message("m", slice_str(text), s, e);
}

/* --- every type, there and back --- */

static const struct {
	const char *name;
	enum statement_type type;
	const char *text;
} good[] = {
    {"a request", ST_REQUEST, REQUEST "}\n"},
    {"a request with every option", ST_REQUEST,
	HEAD("request") ",\"kind\":\"host\",\"grant\":\"hosts\",\"key\":\"" KEY
			"\",\"principals\":[\"a.example.com\",\"b.example."
			"com\"],"
			"\"reason\":\"d\xc5\xafvod "
			"\\\"x\\\"\",\"ticket\":\"CHG-1\","
			"\"for\":\"90d\",\"not_before\":\"2026-03-03T00:00:"
			"00Z\","
			"\"source\":[\"10.0.0.0/8\",\"fd00::/8\"],"
			"\"force_command\":\"/bin/true\",\"extensions\":[]}\n"},
    {"a decision of one request", ST_DECISION,
	DECISION(",\"outcomes\":[" OUTCOME "]")},
    {"a decision that shortens and comments", ST_DECISION,
	DECISION(",\"for\":\"30m\",\"comment\":\"ok\",\"outcomes\":[{"
		 "\"kind\":\"user\",\"principals\":[\"deploy\"],\"for\":\"1h\","
		 "\"source\":[\"10.0.0.0/8\"],\"force_command\":\"/bin/true\","
		 "\"extensions\":[\"permit-X11-forwarding\",\"permit-pty\"],"
		 "\"requests\":[\"" HASH_A "\",\"" HASH_B "\"]}]")},
    {"a denial", ST_DECISION,
	HEAD("decision") ",\"policy\":\"" HASH_B
			 "\",\"verdict\":\"deny\",\"outcomes\":[" OUTCOME
			 "]}\n"},
    {"a decision of keys", ST_DECISION, DECISION(",\"keys\":[\"" HASH_A "\"]")},
    {"a revocation of serials", ST_REVOKE,
	HEAD("revoke") ",\"serials\":[\"1\",\"18446744073709551615\"],"
		       "\"reason\":\"lost\"}\n"},
    {"a revocation of a key id", ST_REVOKE,
	HEAD("revoke") ",\"key_id\":\"alice@example.com/00\","
		       "\"reason\":\"lost\"}\n"},
    {"a revocation of a person", ST_REVOKE,
	HEAD("revoke") ",\"person\":\"bob@example.com\",\"reason\":\"left\"}"
		       "\n"},
    {"a revocation of a key", ST_REVOKE,
	HEAD("revoke") ",\"key\":\"" KEY "\",\"reason\":\"stolen\"}\n"},
    {"a key added", ST_KEY,
	HEAD("key") ",\"action\":\"add\",\"key\":\"" KEY "\"}\n"},
    {"a key retired", ST_KEY,
	HEAD("key") ",\"action\":\"retire\",\"key\":\"" KEY "\"}\n"},
    {"a root", ST_ROOT,
	HEAD("root") ",\"version\":\"1\",\"file\":\"" HASH_A "\"}\n"},
    {"a first bundle", ST_POLICY, BUNDLE("1", "")},
    {"a later bundle with zones", ST_POLICY,
	BUNDLE("2",
	    ",\"previous\":\"" HASH_B
	    "\",\"zones\":{\"America/New_York\":\"EST5EDT,M3.2.0,M11.1.0\","
	    "\"Europe/Vilnius\":\"EET-2EEST,M3.5.0/3,M10.5.0/4\"}")},
    {"a revocation list", ST_KRL,
	HEAD("krl") ",\"version\":\"7\",\"file\":\"" HASH_A
		    "\",\"size\":\"44\",\"next_update\":"
		    "\"2026-03-02T11:00:00Z\"}\n"},
};
#define N_GOOD (sizeof(good) / sizeof(good[0]))

static void
each_type_is_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		struct str out = STR_INIT;
		struct statement s;
		struct err e = {0};
		struct hash h;

		statement_init(&s, 0);
		if (parse_text(good[i].text, &s, &e) != 0 ||
		    statement_encode(&s, &out, &e) != 0)
			fail_msg("%s: %s", good[i].name, e.msg);
		assert_int_equal(s.type, good[i].type);
		assert_string_equal(out.p, good[i].text);
		assert_int_equal(s.at, FIXTURE_NOW);
		assert_string_equal(s.by, ALICE);
		hash_sha256(good[i].text, strlen(good[i].text), &h);
		assert_memory_equal(&s.hash, &h, sizeof(h));
		assert_true(slice_is(statement_message(&s), good[i].text));
		assert_true(slice_is(statement_bytes(&s), good[i].text));
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
	assert_int_equal(parse_text(good[1].text, &s, &e), 0);
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

	assert_int_equal(parse_text(good[3].text, &s, &e), 0);
	assert_true(s.u.d.approve);
	assert_int_equal(s.u.d.length, 1800);
	assert_int_equal(s.u.d.outcomes[0].n_requests, 2);
	assert_int_equal(s.u.d.outcomes[0].requests[1].b[0], 0xbb);

	assert_int_equal(parse_text(good[6].text, &s, &e), 0);
	assert_int_equal(s.u.v.n_serials, 2);
	assert_true(s.u.v.serials[1] == UINT64_MAX);

	assert_int_equal(parse_text(good[11].text, &s, &e), 0);
	assert_false(s.u.k.add);
	assert_string_equal(s.u.k.person, ALICE);

	assert_int_equal(parse_text(good[14].text, &s, &e), 0);
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
	assert_int_equal(parse_text(text, &s, &e), 0);
	assert_int_equal(s.type, ST_ROOT);
	statement_clear(&s);
}

/* --- what is refused --- */

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
		r = parse_text(bad[i].text, &s, &e);
		if (r != bad[i].want || strstr(e.msg, bad[i].says) == NULL)
			fail_msg("%s: %d '%s'", bad[i].name, r, e.msg);
		assert_memory_equal(e.msg, "m: ", 3);
		/* What was there is there still. */
		assert_int_equal(s.type, ST_KEY);
		assert_null(s.bytes);
	}
}

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
			r = parse_text(text, &s, NULL);
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

/* --- signatures --- */

static void
signed_request(struct str *out)
{
	struct statement s;

	fixture_request(&s, ALICE);
	fixture_sign(&s, FIXTURE_BY(SEED_ALICE));
	str_addn(out, (const char *)s.bytes, s.n_bytes);
	statement_clear(&s);
}

static int
parse_and_verify(struct slice bytes, struct statement *s, struct err *e)
{
	int r = statement_parse("r1.req", bytes, s, e);

	return r != 0 ? r : statement_verify(s, e);
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
	for (size_t i = 0; i < N_GOOD; i++) {
		for (int ns = ST_REQUEST; ns <= ST_LAST; ns++) {
			struct str text = STR_INIT;
			struct statement s;
			int r;

			statement_init(&s, 0);
			fixture_sign_text(good[i].text,
			    statement_namespace((enum statement_type)ns),
			    FIXTURE_BY(SEED_ALICE), &text);
			r = parse_and_verify(slice_of(text.p, text.n), &s,
			    NULL);
			assert_int_equal(r,
			    ns == (int)good[i].type ? 0 : ERR_BADSIG);
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
	assert_int_equal(statement_parse("r1.req", slice_str(good[0].text), &s,
			     &e),
	    ERR_PARSE);
	assert_non_null(strstr(e.msg, "not signed"));
	assert_int_equal(parse_text(good[0].text, &s, &e), 0);
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
	fixture_sign_text(good[0].text, "request@writ", FIXTURE_BY(SEED_ALICE),
	    &text);
	fixture_sign_text(good[1].text, "request@writ", FIXTURE_BY(SEED_OLGA),
	    &other);
	block = strstr(other.p, "-----BEGIN");
	assert_non_null(block);
	str_add(&text, block);
	assert_int_equal(parse_and_verify(slice_of(text.p, text.n), &s, &e),
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
	fixture_sign_text(good[0].text, "request@writ",
	    FIXTURE_BY(SEED_ALICE, SEED_OLGA, SEED_ALICE), &text);
	assert_int_equal(parse_and_verify(slice_of(text.p, text.n), &s, &e),
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
		fixture_sign_text(good[0].text, "request@writ", seeds, &text);
		r = parse_and_verify(slice_of(text.p, text.n), &s, NULL);
		assert_int_equal(r, n <= STATEMENT_SIGS_MAX ? 0 : ERR_LIMIT);
		statement_clear(&s);
		str_clear(&text);
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

/* --- near misses --- */

static void
must_not_verify(const uint8_t *p, size_t n, void *arg)
{
	struct statement s;

	(void)arg;
	statement_init(&s, 0);
	if (parse_and_verify(slice_of(p, n), &s, NULL) == 0)
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
	r = parse_and_verify(slice_of(text->p, text->n), &s, NULL);
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
		    statement_namespace(good[i].type),
		    FIXTURE_BY(SEED_ALICE, SEED_OLGA), &text);
		assert_true(alloc_each(parse_once, &text) > 5);
		statement_init(&s, 0);
		assert_int_equal(parse_text(good[i].text, &s, NULL), 0);
		assert_true(alloc_each(encode_once, &s) > 5);
		statement_clear(&s);
		str_clear(&text);
	}
}

/* --- for people --- */

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
		    statement_namespace(good[i].type), FIXTURE_BY(SEED_ALICE),
		    &text);
		assert_int_equal(parse_and_verify(slice_of(text.p, text.n), &s,
				     &e),
		    0);
		statement_describe(&s, &words);
		assert_memory_equal(words.p, statement_type_name(s.type),
		    strlen(statement_type_name(s.type)));
		assert_non_null(strstr(words.p, " by " ALICE "\n"));
		assert_non_null(strstr(words.p, "SHA256:"));
		jw_init(&w, &json, false);
		statement_json(&s, &w);
		if (json_read(slice_of(json.p, json.n), 100000, &o, &e) != 0)
			fail_msg("%s: %s", good[i].name, e.msg);
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
	    cmocka_unit_test(fields_end_at_their_limits),
	    cmocka_unit_test(required_fields_end_at_their_limits),
	    cmocka_unit_test(a_decision_covers_200_requests_and_not_201),
	    cmocka_unit_test(a_revocation_names_1000_serials_and_not_1001),
	    cmocka_unit_test(what_is_not_whole_is_not_encoded),
	    cmocka_unit_test(a_signed_statement_verifies_and_knows_its_signers),
	    cmocka_unit_test(each_type_has_a_namespace_of_its_own),
	    cmocka_unit_test(unsigned_text_is_refused),
	    cmocka_unit_test(bytes_between_and_after_blocks_are_refused),
	    cmocka_unit_test(one_bad_block_spoils_all),
	    cmocka_unit_test(a_key_may_not_sign_twice),
	    cmocka_unit_test(signatures_end_at_32),
	    cmocka_unit_test(a_statement_ends_at_60_kib),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_verifies),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	    cmocka_unit_test(statements_are_told_in_words_and_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
