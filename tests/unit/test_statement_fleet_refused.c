/* SPDX-License-Identifier: ISC */
/* What is said of a fleet and by its hosts: what is refused, and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/fixture.h"
#include "tests/unit/statementfleet.h"

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
		r = sc_parse(bad[i].text, &s, &e);
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
			r = sc_parse(text, &s, NULL);
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
			r = sc_parse(text.p, &s, NULL);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bad_messages_are_refused_with_the_field),
	    cmocka_unit_test(lists_end_at_their_limits),
	    cmocka_unit_test(texts_end_at_their_limits),
	    cmocka_unit_test(the_largest_report_leaves_room_for_its_signature),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
