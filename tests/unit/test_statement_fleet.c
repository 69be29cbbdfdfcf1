/* SPDX-License-Identifier: ISC */
/* What is said of a fleet and by its hosts: every field and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/statement/leaf.h"
#include "lib/statement/statement.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mutate.h"
#include "tests/unit/statementcase.h"

#define KEY_2          \
	"ssh-ed25519 " \
	"AAAAC3NzaC1lZDI1NTE5AAAAILq0uLV+GvWAcMIAbgAGqDrAFpKCj5XX6b3J2IN3zx9T"
#define LATER "2026-03-02T22:00:00Z"

#define BY_PETRA(type)                                                     \
	"{\"v\":1,\"type\":\"" type "\",\"realm\":\"" REALM                \
	"\",\"by\":\"petra@example.com\",\"at\":\"2026-03-02T10:00:00Z\"," \
	"\"nonce\":\"" NONCE "\""
#define FLEET(version, rest)                                     \
	BY_PETRA("fleet")                                        \
	",\"version\":\"" version "\",\"expires\":\"" LATER "\"" \
	",\"manifest\":\"" HASH_A "\",\"size\":\"120\"" rest "}\n"
#define HOSTS ",\"hosts\":\"2\",\"tree\":\"" HASH_A "\""
#define JOB(mode, failures)                                                  \
	BY_PETRA("job")                                                      \
	",\"version\":\"4\",\"bundle\":\"" HASH_A "\",\"targets\":\"" HASH_B \
	"\",\"size\":\"24\"" HOSTS ",\"mode\":\"" mode                       \
	"\",\"max_failures\":\"" failures "\",\"expires\":\"" LATER "\"}\n"
#define JOB_OF(hosts)                                                        \
	BY_PETRA("job")                                                      \
	",\"version\":\"4\",\"bundle\":\"" HASH_A "\",\"targets\":\"" HASH_B \
	"\",\"size\":\"24\"" hosts ",\"mode\":\"test\""                      \
	",\"max_failures\":\"0\",\"expires\":\"" LATER "\"}\n"
#define KEYS        ",\"host_key\":\"" KEY "\",\"transport_key\":\"" KEY_2 "\""
#define ENROL(rest) BY_PETRA("enrol") KEYS ",\"hostname\":\"Web-1\"" rest "}\n"
#define BOOT        ",\"boot_id\":\"" NONCE "\""
#define ACCEPT(keys, rest)                                              \
	BY_PETRA("accept")                                              \
	",\"host\":\"web-1.example.com\",\"enrol\":\"" HASH_A "\"" keys \
	",\"names\":[\"web-1.example.com\"]" rest "}\n"
#define UNTIL ",\"renew_until\":\"2027-03-02T10:00:00Z\""
#define TOKEN(hosts, rest)                                              \
	BY_PETRA("token")                                               \
	",\"key\":\"" KEY "\",\"hosts\":\"" hosts "\",\"count\":\"1\"," \
	"\"expires\":\"" LATER "\"" rest "}\n"
#define REPORT(seq, rest)  \
	BY_PETRA("report") \
	",\"seq\":\"" seq "\"" rest "}\n"
#define HELD                                                     \
	BOOT ",\"root_version\":\"1\",\"policy_version\":\"2\"," \
	     "\"fleet_version\":\"3\",\"krl_version\":\"0\",\"quiet\":\"0\""
#define RUN ",\"mode\":\"enforce\",\"outcome\":\"changed\",\"states\":\"7\""

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

static int
parse_text(const char *text, struct statement *s, struct err *e)
{
	return statement_parse_message("m", slice_str(text), s, e);
}

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
		if (parse_text(good[i].text, &s, &e) != 0 ||
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
		assert_int_equal(parse_text(good[i].text, s, NULL), 0);
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

/* --- what is refused --- */

static const struct {
	const char *name, *text;
	int want;
	const char *says;
} bad[] = {
    {"a fleet with zones", FLEET("1", ",\"zones\":{\"UTC\":\"UTC0\"}"),
	ERR_PARSE, "zones"},
    {"a fleet without the one before", FLEET("2", ""), ERR_PARSE, "previous"},
    {"a first fleet with one before",
	FLEET("1", ",\"previous\":\"" HASH_A "\""), ERR_PARSE, "previous"},
    {"fleet version 0", FLEET("0", ""), ERR_LIMIT, "version"},
    {"a job of another mode", JOB("force", "0"), ERR_PARSE, "enforce or test"},
    {"a budget without end", JOB("test", "100001"), ERR_LIMIT, "max_failures"},
    {"a negative budget", JOB("test", "-1"), ERR_PARSE, "max_failures"},
    {"a job without targets",
	BY_PETRA("job") ",\"version\":\"4\",\"bundle\":\"" HASH_A "\"}\n",
	ERR_PARSE, "targets"},
    {"a job whose targets have no bytes",
	BY_PETRA("job") ",\"version\":\"4\",\"bundle\":\"" HASH_A
			"\",\"targets\":\"" HASH_B "\",\"size\":\"0\"}\n",
	ERR_LIMIT, "size"},
    {"a job whose targets are too large",
	BY_PETRA("job") ",\"version\":\"4\",\"bundle\":\"" HASH_A
			"\",\"targets\":\"" HASH_B "\",\"size\":\"4194305\"}\n",
	ERR_LIMIT, "size"},
    {"a job that says no tree", JOB_OF(",\"hosts\":\"2\""), ERR_PARSE, "tree"},
    {"a job that says no number of hosts", JOB_OF(",\"tree\":\"" HASH_A "\""),
	ERR_PARSE, "hosts"},
    {"a job to no host", JOB_OF(",\"hosts\":\"0\",\"tree\":\"" HASH_A "\""),
	ERR_LIMIT, "hosts"},
    {"a job to too many hosts",
	JOB_OF(",\"hosts\":\"100001\",\"tree\":\"" HASH_A "\""), ERR_LIMIT,
	"hosts"},
    {"a job whose tree is no hash", JOB_OF(",\"hosts\":\"2\",\"tree\":\"aa\""),
	ERR_PARSE, "tree"},
    {"one key for both",
	BY_PETRA("enrol") ",\"host_key\":\"" KEY "\",\"transport_key\":\"" KEY
			  "\"}\n",
	ERR_PARSE, "one key"},
    {"no transport key", BY_PETRA("enrol") ",\"host_key\":\"" KEY "\"}\n",
	ERR_PARSE, "transport_key"},
    {"grains that are none", ENROL(",\"grains\":{}" BOOT), ERR_PARSE, "grains"},
    {"a grain with a number", ENROL(",\"grains\":{\"cpus\":4}" BOOT), ERR_PARSE,
	"cpus"},
    {"a grain in capitals", ENROL(",\"grains\":{\"OS\":\"x\"}" BOOT), ERR_PARSE,
	"OS"},
    {"a grain with a line end", ENROL(",\"grains\":{\"os\":\"a\\nb\"}" BOOT),
	ERR_PARSE, "os"},
    {"no boot", ENROL(""), ERR_PARSE, "boot_id"},
    {"a short boot", ENROL(",\"boot_id\":\"00\""), ERR_PARSE, "boot_id"},
    {"an id that is a path", BY_PETRA("accept") ",\"host\":\"../etc\"}\n",
	ERR_PARSE, "host"},
    {"an id in capitals", BY_PETRA("accept") ",\"host\":\"WEB\"}\n", ERR_PARSE,
	"host"},
    {"an acceptance of one key",
	ACCEPT(",\"host_key\":\"" KEY "\",\"transport_key\":\"" KEY "\"",
	    UNTIL),
	ERR_PARSE, "one key"},
    {"one without names",
	BY_PETRA("accept") ",\"host\":\"w\",\"enrol\":\"" HASH_A "\"" KEYS
			   ",\"names\":[]}\n",
	ERR_PARSE, "names"},
    {"one with no roles in a list", ACCEPT(KEYS, ",\"roles\":[]" UNTIL),
	ERR_PARSE, "roles"},
    {"a role with a blank", ACCEPT(KEYS, ",\"roles\":[\"a b\"]" UNTIL),
	ERR_PARSE, "a b"},
    {"a role twice", ACCEPT(KEYS, ",\"roles\":[\"a\",\"a\"]" UNTIL), ERR_PARSE,
	"twice"},
    {"one for ever", ACCEPT(KEYS, ""), ERR_PARSE, "renew_until"},
    {"a token that replaces",
	ACCEPT(KEYS,
	    UNTIL ",\"replace\":\"" HASH_A "\",\"token\":\"" HASH_B "\""),
	ERR_PARSE, "operator"},
    {"a rejection of nothing", BY_PETRA("reject") ",\"reason\":\"x\"}\n",
	ERR_PARSE, "nothing"},
    {"a rejection of two",
	BY_PETRA("reject") ",\"host\":\"w\",\"enrol\":\"" HASH_A
			   "\",\"reason\":\"x\"}\n",
	ERR_PARSE, "two things"},
    {"a rejection without a reason", BY_PETRA("reject") ",\"host\":\"w\"}\n",
	ERR_PARSE, "reason"},
    {"the same name", BY_PETRA("rename") ",\"host\":\"w\",\"to\":\"w\"}\n",
	ERR_PARSE, "another"},
    {"a name of nobody", BY_PETRA("rename") ",\"host\":\"w\",\"to\":\"x\"}\n",
	ERR_PARSE, "names"},
    {"forgotten without a reason", BY_PETRA("forget") ",\"host\":\"w\"}\n",
	ERR_PARSE, "reason"},
    {"a token for everybody", TOKEN("*", ""), ERR_PARSE, "not all hosts"},
    {"a token for everybody, twice said", TOKEN("**", ""), ERR_PARSE,
	"not all hosts"},
    {"a token with another pattern", TOKEN("web-[12]", ""), ERR_PARSE,
	"web-[12]"},
    {"a token for no host",
	BY_PETRA("token") ",\"key\":\"" KEY "\",\"hosts\":\"a\","
			  "\"count\":\"0\"}\n",
	ERR_LIMIT, "count"},
    {"a renewal without a key",
	BY_PETRA("renew") ",\"accept\":\"" HASH_A "\"}\n", ERR_PARSE, "key"},
    {"report 0", REPORT("0", ""), ERR_LIMIT, "seq"},
    {"a report without the one before", REPORT("2", ""), ERR_PARSE, "previous"},
    {"a first report with one before",
	REPORT("1", ",\"previous\":\"" HASH_A "\""), ERR_PARSE, "previous"},
    {"a report of another kind", REPORT("1", ",\"kind\":\"gossip\""), ERR_PARSE,
	"heartbeat, run, drift, alarm, logins"},
    {"an alarm without words", REPORT("1", ",\"kind\":\"alarm\"" HELD),
	ERR_PARSE, "message"},
    {"a heartbeat with an outcome",
	REPORT("1", ",\"kind\":\"heartbeat\"" HELD RUN), ERR_PARSE,
	"heartbeat"},
    {"a run without an outcome", REPORT("1", ",\"kind\":\"run\"" HELD),
	ERR_PARSE, "mode"},
    {"another outcome",
	REPORT("1",
	    ",\"kind\":\"run\"" HELD ",\"mode\":\"test\",\"outcome\":\"fine\""),
	ERR_PARSE, "unchanged, changed"},
    {"no change in a list",
	REPORT("1", ",\"kind\":\"run\"" HELD RUN ",\"changes\":[]"), ERR_PARSE,
	"changes"},
    {"a change that is a word",
	REPORT("1", ",\"kind\":\"run\"" HELD RUN ",\"changes\":[\"x\"]"),
	ERR_PARSE, "change 1"},
    {"a change with its diff",
	REPORT("1",
	    ",\"kind\":\"run\"" HELD RUN
	    ",\"changes\":[{\"state\":\"a\",\"kind\":\"b\",\"result\":"
	    "\"done\",\"text\":\"-x\"}]"),
	ERR_PARSE, "text"},
    {"changes of an unchanged run",
	REPORT("1",
	    ",\"kind\":\"run\"" HELD
	    ",\"mode\":\"test\",\"outcome\":\"unchanged\",\"states\":\"1\","
	    "\"changes\":[{\"state\":\"a\",\"kind\":\"b\",\"result\":"
	    "\"done\"}]"),
	ERR_PARSE, "unchanged"},
    {"more of nothing",
	REPORT("1", ",\"kind\":\"run\"" HELD RUN ",\"more\":\"1\""), ERR_PARSE,
	"more"},
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
		assert_null(s.bytes);
	}
}

/* --- limits --- */

/* A good text with a list of n parts before its end; # is the part's number. */
static char *
with_parts(const char *text, const char *open, const char *part,
    const char *close, size_t n)
{
	struct str s = STR_INIT;
	char *out;

	str_addn(&s, text, strlen(text) - 2);
	str_add(&s, open);
	for (size_t i = 0; i < n; i++) {
		str_add(&s, i > 0 ? "," : "");
		for (const char *c = part; *c != '\0'; c++) {
			if (*c == '#')
				str_addf(&s, "%zu", i);
			else
				str_addc(&s, *c);
		}
	}
	str_addf(&s, "%s}\n", close);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
lists_end_at_their_limits(void **state)
{
	static const struct {
		const char *text, *open, *part, *close;
		size_t max;
	} cases[] = {
	    {ENROL(BOOT), ",\"grains\":{", "\"g#\":\"x\"", "}",
		ENROL_GRAINS_MAX},
	    {ACCEPT(KEYS, UNTIL), ",\"roles\":[", "\"r#\"", "]",
		HOST_ROLES_MAX},
	    {BY_PETRA("rename") ",\"host\":\"a\",\"to\":\"b\"}\n",
		",\"names\":[", "\"n#\"", "]", HOST_NAMES_MAX},
	    {REPORT("1", ",\"kind\":\"run\"" HELD RUN), ",\"changes\":[",
		"{\"state\":\"s#\",\"kind\":\"file\",\"result\":\"done\"}", "]",
		REPORT_CHANGES_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			char *text = with_parts(cases[i].text, cases[i].open,
			    cases[i].part, cases[i].close, cases[i].max + over);
			struct statement s;
			int r;

			statement_init(&s, 0);
			r = parse_text(text, &s, NULL);
			if (r != (over ? ERR_LIMIT : 0))
				fail_msg("%s + %zu: %d", cases[i].open, over,
				    r);
			statement_clear(&s);
			free(text);
		}
	}
}

static void
texts_end_at_their_limits(void **state)
{
	static const struct {
		const char *before, *after;
		size_t max;
		int over;
	} cases[] = {
	    {BY_PETRA("enrol") KEYS ",\"hostname\":\"", "\"" BOOT "}\n",
		HOST_CERT_NAME_MAX, ERR_LIMIT},
	    {BY_PETRA("forget") ",\"host\":\"a\",\"reason\":\"", "\"}\n",
		STATEMENT_REASON_MAX, ERR_LIMIT},
	    {BY_PETRA("forget") ",\"reason\":\"a\",\"host\":\"", "\"}\n",
		ID_MAX, ERR_LIMIT},
	    {REPORT("1", ",\"kind\":\"alarm\"" HELD ",\"message\":\""), "",
		STATEMENT_COMMENT_MAX, ERR_LIMIT},
	    {BY_PETRA("enrol") KEYS BOOT
		",\"hostname\":\"a\",\"grains\":{\"os\":\"",
		"\"}}\n", ENROL_GRAIN_MAX, ERR_LIMIT},
	    {BY_PETRA("enrol") KEYS BOOT ",\"hostname\":\"a\",\"grains\":{\"",
		"\":\"x\"}}\n", ENROL_GRAIN_NAME_MAX, ERR_PARSE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			struct str text = STR_INIT;
			size_t n = strlen(cases[i].before);
			struct statement s;
			int r;

			/* REPORT() closes what it opens. */
			if (cases[i].after[0] == '\0')
				n -= 2;
			str_addn(&text, cases[i].before, n);
			for (size_t j = 0; j < cases[i].max + over; j++)
				str_addc(&text, 'x');
			str_add(&text,
			    cases[i].after[0] == '\0' ? "\"}\n"
						      : cases[i].after);
			statement_init(&s, 0);
			r = parse_text(text.p, &s, NULL);
			if (r != (over ? cases[i].over : 0))
				fail_msg("%s + %zu: %d", cases[i].before, over,
				    r);
			statement_clear(&s);
			str_clear(&text);
		}
	}
}

static void
the_largest_report_leaves_room_for_its_signature(void **state)
{
	struct statement s;
	struct str out = STR_INIT;
	struct err e = {0};
	struct report_statement *p = &s.u.report;

	(void)state;
	fixture_statement(&s, ST_REPORT, "web-1.example.com");
	p->seq = UINT64_MAX;
	p->has_previous = p->has_job = p->has_plan = true;
	p->kind = REPORT_RUN;
	p->outcome = RUN_UNDONE;
	p->root_version = p->policy_version = p->fleet_version =
	    p->krl_version = p->quiet = p->states = p->more = UINT64_MAX;
	p->changes = calloc(REPORT_CHANGES_MAX, sizeof(*p->changes));
	assert_non_null(p->changes);
	for (; p->n_changes < REPORT_CHANGES_MAX; p->n_changes++) {
		struct report_change *c = &p->changes[p->n_changes];

		c->state = malloc(REPORT_NAME_MAX + 1);
		c->kind = malloc(REPORT_NAME_MAX + 1);
		assert_non_null(c->state);
		assert_non_null(c->kind);
		/* Escaped: two bytes each. */
		memset(c->state, '"', REPORT_NAME_MAX);
		memset(c->kind, '\\', REPORT_NAME_MAX);
		c->state[REPORT_NAME_MAX] = c->kind[REPORT_NAME_MAX] = '\0';
		c->result = CHANGE_SKIPPED;
		c->has_diff = true;
	}
	p->message = malloc(STATEMENT_COMMENT_MAX + 1);
	assert_non_null(p->message);
	memset(p->message, '"', STATEMENT_COMMENT_MAX);
	p->message[STATEMENT_COMMENT_MAX] = '\0';
	if (statement_encode(&s, &out, &e) != 0)
		fail_msg("%s", e.msg);
	str_clear(&out);
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
		assert_int_equal(parse_text(good[i].text, &s, NULL), 0);
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
	    cmocka_unit_test(bad_messages_are_refused_with_the_field),
	    cmocka_unit_test(lists_end_at_their_limits),
	    cmocka_unit_test(texts_end_at_their_limits),
	    cmocka_unit_test(the_largest_report_leaves_room_for_its_signature),
	    cmocka_unit_test(what_no_reader_would_take_is_not_written),
	    cmocka_unit_test(no_signature_stands_for_another_type),
	    cmocka_unit_test(no_flipped_bit_and_no_cut_verifies),
	    cmocka_unit_test(every_failing_allocation_is_answered),
	    cmocka_unit_test(statements_are_told_in_words_and_as_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
