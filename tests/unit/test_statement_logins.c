/* SPDX-License-Identifier: ISC */
/* Reports of who logged in: which field goes with what, and every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/statement/statement.h"
#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/statementcase.h"

#define AT    "2026-03-02T10:00:00Z"
#define LATER "2026-03-02T10:59:59Z"
#define FP_A  "SHA256:qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo"
#define FP_B  "SHA256:u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7u7s"

#define REPORT(kind, rest)                                                   \
	HEAD("report")                                                       \
	",\"seq\":\"1\",\"kind\":\"" kind "\",\"boot_id\":\"" NONCE          \
	"\",\"root_version\":\"1\",\"policy_version\":\"2\","                \
	"\"fleet_version\":\"3\",\"krl_version\":\"0\",\"quiet\":\"0\"" rest \
	"}\n"
#define EVENT(what, rest) "{\"what\":\"" what "\",\"at\":\"" AT "\"," rest "}"
#define J                 "\"source\":\"journal\""
#define F                 "\"source\":\"file\""
#define WHO               ",\"account\":\"deploy\""
#define SESS              ",\"session\":\"00010203.811.17\""
#define PEER              ",\"from\":\"fd00::7\",\"port\":50112"
#define PK                ",\"method\":\"publickey\""
#define PKEY              ",\"key\":\"" FP_A "\""
#define CERT              ",\"ca\":\"" FP_B "\",\"serial\":\"41\",\"key_id\":\"alice/9\""
#define SUDO              ",\"command\":\"/usr/bin/id\",\"as\":\"root\""
#define SUM               "\"until\":\"" LATER "\",\"count\":\"12\"," J

static const struct {
	const char *name, *event, *told;
} good[] = {
    {"a login with a certificate",
	EVENT("login", J SESS WHO PEER PK PKEY CERT ",\"signatures\":\"9\""),
	"deploy from fd00::7 by publickey, key " FP_A
	", certificate 'alice/9' serial 41 CA " FP_B
	", session 00010203.811.17"},
    {"one by a key", EVENT("login", F WHO PEER PK PKEY), "key " FP_A},
    {"one by a password", EVENT("login", J WHO ",\"method\":\"password\""),
	"deploy by password"},
    {"one that the host had whole",
	EVENT("login", J WHO PK CERT ",\"tbs\":\"" FP_A "\""),
	"serial 41 CA " FP_B " (whole, " FP_A ")"},
    {"a certificate without a key id",
	EVENT("login",
	    J WHO PK ",\"ca\":\"" FP_B "\",\"serial\":\"0\",\"key_id\":\"\""),
	"certificate '' serial 0"},
    {"a certificate refused",
	EVENT("refused", J SESS WHO PEER PK PKEY CERT ",\"why\":\"expired\""),
	", expired"},
    {"one whose account is not named",
	EVENT("refused", J CERT ",\"why\":\"expired\""), ", expired"},
    {"a key refused", EVENT("refused", J PKEY ",\"why\":\"revoked\""),
	", revoked"},
    {"an end", EVENT("end", J SESS WHO PEER), "deploy from fd00::7"},
    {"a sudo", EVENT("sudo", J SESS WHO SUDO), "deploy as root: /usr/bin/id"},
    {"one that was not let",
	EVENT("sudo",
	    J WHO ",\"command\":\"/bin/sh\",\"why\":\"not in sudoers\""),
	": /bin/sh, not in sudoers"},
    {"a sum", EVENT("failed", SUM), "to " LATER ": 12 refused"},
};
#define N_GOOD (sizeof(good) / sizeof(good[0]))

static char *
report_of(const char *events)
{
	struct str s = STR_INIT;
	const char *text = REPORT("logins", ",\"events\":[");
	char *out;

	str_addn(&s, text, strlen(text) - 2);
	str_addf(&s, "%s]}\n", events);
	assert_int_equal(str_take(&s, &out), 0);
	return out;
}

static void
each_event_is_read_and_written_back_byte_for_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		char *text = report_of(good[i].event);
		struct str out = STR_INIT, words = STR_INIT;
		struct statement s;
		struct err e = {0};

		statement_init(&s, 0);
		if (sc_parse(text, &s, &e) != 0 ||
		    statement_encode(&s, &out, &e) != 0)
			fail_msg("%s: %s", good[i].name, e.msg);
		assert_string_equal(out.p, text);
		statement_describe(&s, &words);
		if (strstr(words.p, good[i].told) == NULL)
			fail_msg("%s: %s", good[i].name, words.p);
		str_clear(&words);
		str_clear(&out);
		statement_clear(&s);
		free(text);
	}
}

static void
fields_arrive_in_the_struct(void **state)
{
	char *text = report_of(EVENT("login",
	    F SESS WHO PEER PK PKEY CERT
	    ",\"signatures\":\"9\"") "," EVENT("failed", SUM) "," EVENT("sudo",
	    J WHO SUDO));
	const struct login_event *ev;
	struct statement s;

	(void)state;
	statement_init(&s, 0);
	assert_int_equal(sc_parse(text, &s, NULL), 0);
	assert_int_equal(s.u.report.kind, REPORT_LOGINS);
	assert_int_equal(s.u.report.n_events, 3);
	assert_int_equal(s.u.report.lost, 0);
	ev = s.u.report.events;
	assert_int_equal(ev[0].what, LOGIN_IN);
	assert_int_equal(ev[0].at, FIXTURE_NOW);
	assert_int_equal(ev[0].source, LOGIN_FROM_FILE);
	assert_string_equal(ev[0].session, "00010203.811.17");
	assert_string_equal(ev[0].account, "deploy");
	assert_string_equal(ev[0].from, "fd00::7");
	assert_int_equal(ev[0].port, 50112);
	assert_string_equal(ev[0].method, "publickey");
	assert_true(ev[0].has_key && ev[0].has_cert);
	assert_int_equal(ev[0].key.b[0], 0xaa);
	assert_int_equal(ev[0].ca.b[0], 0xbb);
	assert_int_equal(ev[0].serial, 41);
	assert_string_equal(ev[0].key_id, "alice/9");
	assert_int_equal(ev[0].signatures, 9);
	assert_int_equal(ev[1].what, LOGIN_FAILED);
	assert_int_equal(ev[1].until, FIXTURE_NOW + 3599);
	assert_int_equal(ev[1].count, 12);
	assert_false(ev[1].has_key || ev[1].has_cert);
	assert_null(ev[1].account);
	assert_string_equal(ev[2].command, "/usr/bin/id");
	assert_string_equal(ev[2].as, "root");
	statement_clear(&s);
	free(text);
}

/* --- what is refused --- */

static const struct {
	const char *name, *event;
	int want;
	const char *says;
} bad[] = {
    {"a word", "\"login\"", ERR_PARSE, "event 1: not an object"},
    {"another kind", EVENT("logout", J WHO), ERR_PARSE,
	"login, refused, end, sudo, failed"},
    {"no kind", "{\"at\":\"" AT "\"," J WHO "}", ERR_PARSE, "what"},
    {"no source", EVENT("end", "\"account\":\"a\""), ERR_PARSE, "source"},
    {"another source", EVENT("end", "\"source\":\"rumour\"" WHO), ERR_PARSE,
	"journal or file"},
    {"no time", "{\"what\":\"end\"," J WHO "}", ERR_PARSE, "'at'"},
    {"a time in a zone",
	"{\"what\":\"end\",\"at\":\"2026-03-02T10:00:00+02:00\"," J WHO "}",
	ERR_LIMIT, "'at'"},
    {"a time before 1970",
	"{\"what\":\"end\",\"at\":\"1969-12-31T23:59:59Z\"," J WHO "}",
	ERR_PARSE, "'at'"},
    {"a field of nobody's", EVENT("end", J WHO ",\"shell\":\"sh\""), ERR_PARSE,
	"shell"},
    {"a login of nobody", EVENT("login", J PK), ERR_PARSE, "'account' is"},
    {"a login by nothing", EVENT("login", J WHO), ERR_PARSE, "'method' is"},
    {"a login with a reason", EVENT("login", J WHO PK ",\"why\":\"x\""),
	ERR_PARSE, "'why' in an event of kind login"},
    {"a login with a command", EVENT("login", J WHO PK SUDO), ERR_PARSE,
	"'command' in an event of kind login"},
    {"a login that is a sum", EVENT("login", SUM WHO PK), ERR_PARSE,
	"'until' in an event of kind login"},
    {"a refusal without a reason", EVENT("refused", J WHO PK CERT), ERR_PARSE,
	"'why' is missing"},
    {"an end of nobody", EVENT("end", J SESS), ERR_PARSE, "'account' is"},
    {"an end with a key", EVENT("end", J WHO PKEY), ERR_PARSE, "'key' in"},
    {"a sudo of nothing", EVENT("sudo", J WHO ",\"as\":\"root\""), ERR_PARSE,
	"'command' is"},
    {"a sudo from afar", EVENT("sudo", J WHO SUDO PEER), ERR_PARSE, "'from'"},
    {"a sum of whom", EVENT("failed", SUM WHO), ERR_PARSE, "'account' in"},
    {"a sum without an end", EVENT("failed", "\"count\":\"1\"," J), ERR_PARSE,
	"'until' is"},
    {"a sum of nothing",
	EVENT("failed", "\"until\":\"" AT "\",\"count\":\"0\"," J), ERR_LIMIT,
	"count"},
    {"a sum of no number", EVENT("failed", "\"until\":\"" AT "\"," J),
	ERR_PARSE, "'count' is"},
    {"a sum that ends before it begins",
	EVENT("failed",
	    "\"until\":\"2026-03-02T09:59:59Z\",\"count\":\"1\"," J),
	ERR_PARSE, "'until' is before"},
    {"a CA alone", EVENT("login", J WHO PK ",\"ca\":\"" FP_B "\""), ERR_PARSE,
	"'serial' is missing"},
    {"a serial alone", EVENT("login", J WHO PK ",\"serial\":\"41\""), ERR_PARSE,
	"'ca' is missing"},
    {"a key id alone", EVENT("login", J WHO PK ",\"key_id\":\"a\""), ERR_PARSE,
	"'ca' is missing"},
    {"a whole of nothing", EVENT("login", J WHO PK ",\"tbs\":\"" FP_A "\""),
	ERR_PARSE, "'ca' is missing"},
    {"a whole that is none", EVENT("login", J WHO PK CERT ",\"tbs\":\"x\""),
	ERR_PARSE, "'tbs' is malformed"},
    {"a whole of a refusal",
	EVENT("refused", J PK CERT ",\"why\":\"x\",\"tbs\":\"" FP_A "\""),
	ERR_PARSE, "'tbs' in an event of kind refused"},
    {"a serial that is a number",
	EVENT("login",
	    J WHO PK ",\"ca\":\"" FP_B "\",\"serial\":41,\"key_id\":\"a\""),
	ERR_PARSE, "serial"},
    {"a serial of 65 bits",
	EVENT("login",
	    J WHO PK ",\"ca\":\"" FP_B
		     "\",\"serial\":\"18446744073709551616\",\"key_id\":\"\""),
	ERR_LIMIT, "serial"},
    {"a key by its type", EVENT("login", J WHO PK ",\"key\":\"" KEY "\""),
	ERR_LIMIT, "key"},
    {"a key by MD5", EVENT("login", J WHO PK ",\"key\":\"MD5:00:11\""),
	ERR_PARSE, "fingerprint"},
    {"port 0", EVENT("end", J WHO ",\"port\":0"), ERR_LIMIT, "port"},
    {"port 65536", EVENT("end", J WHO ",\"port\":65536"), ERR_LIMIT, "port"},
    {"a port that is a text", EVENT("end", J WHO ",\"port\":\"22\""), ERR_PARSE,
	"port"},
    {"no signature", EVENT("login", J WHO PK ",\"signatures\":\"0\""),
	ERR_LIMIT, "signatures"},
    {"a session with a blank", EVENT("end", J WHO ",\"session\":\"a b\""),
	ERR_PARSE, "session"},
    {"an account that is empty", EVENT("end", J ",\"account\":\"\""), ERR_PARSE,
	"account"},
    {"an account in another script",
	EVENT("end",
	    J ",\"account\":\"ju\xc5\xa1"
	      "as\""),
	ERR_PARSE, "printable"},
    {"an escape in a key id",
	EVENT("login",
	    J WHO PK ",\"ca\":\"" FP_B
		     "\",\"serial\":\"1\",\"key_id\":\"\\u001b[2J\""),
	ERR_PARSE, "key_id"},
};

static void
bad_events_are_refused_with_the_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = report_of(bad[i].event);
		struct statement s;
		struct err e = {0};
		int r;

		statement_init(&s, 0);
		r = sc_parse(text, &s, &e);
		if (r != bad[i].want || strstr(e.msg, bad[i].says) == NULL)
			fail_msg("%s: %d '%s'", bad[i].name, r, e.msg);
		assert_null(s.bytes);
		free(text);
	}
}

static void
events_stand_in_reports_of_logins_alone(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
	    {REPORT("heartbeat", ",\"events\":[" EVENT("end", J WHO) "]"),
		"'events' in a report of kind heartbeat"},
	    {REPORT("heartbeat", ",\"lost\":\"1\""), "'lost' in a report"},
	    {REPORT("logins",
		 ",\"mode\":\"test\",\"outcome\":\"changed\",\"states\":\"1\""),
		"'mode' in a report of kind logins"},
	    {REPORT("logins", ""), "'events' is missing"},
	    {REPORT("logins", ",\"events\":[]"), "'events'"},
	    {REPORT("logins", ",\"lost\":\"1\""), "'events' is missing"},
	    {REPORT("logins",
		 ",\"events\":[" EVENT("end", J WHO) "],\"lost\":\"0\""),
		"'lost'"},
	    {REPORT("logins",
		 ",\"events\":[" EVENT("end", J WHO) "," EVENT("end", J) "]"),
		"event 2: field 'account'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct statement s;
		struct err e = {0};

		statement_init(&s, 0);
		assert_true(sc_parse(cases[i].text, &s, &e) != 0);
		if (strstr(e.msg, cases[i].says) == NULL)
			fail_msg("%s, not %s", e.msg, cases[i].says);
	}
}

/* How far the host's clock is off stands in reports of every kind. */
static void
a_clock_may_be_off_by_a_century(void **state)
{
	static const struct {
		const char *text;
		int64_t clock;
		const char *says; /* NULL: it is good */
	} cases[] = {
	    {REPORT("heartbeat", ",\"clock\":0"), 0, NULL},
	    {REPORT("heartbeat", ",\"clock\":-10800"), -10800, NULL},
	    {REPORT("logins",
		 ",\"clock\":4000000000,\"events\":[" EVENT("end", J WHO) "]"),
		REPORT_CLOCK_MAX, NULL},
	    {REPORT("heartbeat", ",\"clock\":4000000001"), 0, "'clock'"},
	    {REPORT("heartbeat", ",\"clock\":-4000000001"), 0, "'clock'"},
	    {REPORT("heartbeat", ",\"clock\":\"1\""), 0, "'clock'"},
	    {REPORT("heartbeat", ",\"clock\":1.5"), 0, "whole number"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str again = STR_INIT;
		struct statement s;
		struct err e = {0};
		int r;

		statement_init(&s, 0);
		r = sc_parse(cases[i].text, &s, &e);
		if ((r == 0) != (cases[i].says == NULL) ||
		    (r != 0 && strstr(e.msg, cases[i].says) == NULL))
			fail_msg("%s: %d %s", cases[i].text, r, e.msg);
		if (r != 0)
			continue;
		assert_true(s.u.report.has_clock);
		assert_int_equal(s.u.report.clock, cases[i].clock);
		assert_int_equal(statement_encode(&s, &again, &e), 0);
		assert_string_equal(again.p, cases[i].text);
		str_clear(&again);
		statement_clear(&s);
	}
}

static void
a_clock_is_described_near_enough(void **state)
{
	static const struct {
		int64_t clock;
		const char *want;
	} cases[] = {
	    {61, "its clock is 1m ahead"},
	    {-10800, "its clock is 3h behind"},
	    {10801, "its clock is 3h ahead"},
	    {7199, "its clock is 119m ahead"},
	    {-172800, "its clock is 2d behind"},
	    {REPORT_CLOCK_MAX, "its clock is 46296d ahead"},
	    {-59, "its clock is 59s behind"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct str s = STR_INIT;

		login_clock_describe(cases[i].clock, &s);
		assert_string_equal(s.p, cases[i].want);
		str_clear(&s);
	}
}

/* --- limits --- */

static char *
letters(size_t n)
{
	char *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, 'x', n);
	p[n] = '\0';
	return p;
}

static void
texts_end_at_their_limits(void **state)
{
	static const struct {
		const char *event; /* # is where the text goes */
		size_t max;
	} cases[] = {
	    {EVENT("end", J ",\"account\":\"#\""), LOGIN_ACCOUNT_MAX},
	    {EVENT("end", J WHO ",\"session\":\"#\""), LOGIN_SESSION_MAX},
	    {EVENT("end", J WHO ",\"from\":\"#\""), LOGIN_FROM_MAX},
	    {EVENT("login", J WHO ",\"method\":\"#\""), LOGIN_METHOD_MAX},
	    {EVENT("login",
		 J WHO PK ",\"ca\":\"" FP_B
			  "\",\"serial\":\"1\",\"key_id\":\"#\""),
		LOGIN_KEY_ID_MAX},
	    {EVENT("sudo", J WHO ",\"command\":\"#\""), LOGIN_COMMAND_MAX},
	    {EVENT("sudo", J WHO ",\"command\":\"a\",\"as\":\"#\""),
		LOGIN_ACCOUNT_MAX},
	    {EVENT("refused", J ",\"why\":\"#\""), LOGIN_WHY_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			const char *hash = strchr(cases[i].event, '#');
			char *x = letters(cases[i].max + over), *text;
			struct str ev = STR_INIT;
			struct statement s;
			int r;

			str_addn(&ev, cases[i].event,
			    (size_t)(hash - cases[i].event));
			str_addf(&ev, "%s%s", x, hash + 1);
			text = report_of(ev.p);
			statement_init(&s, 0);
			r = sc_parse(text, &s, NULL);
			if (r != (over ? ERR_LIMIT : 0))
				fail_msg("%s + %zu: %d", cases[i].event, over,
				    r);
			statement_clear(&s);
			str_clear(&ev);
			free(text);
			free(x);
		}
	}
}

static void
a_report_holds_200_events_and_not_201(void **state)
{
	(void)state;
	for (size_t n = LOGIN_EVENTS_MAX; n <= LOGIN_EVENTS_MAX + 1; n++) {
		struct str list = STR_INIT;
		struct statement s;
		char *text;
		int r;

		for (size_t i = 0; i < n; i++)
			str_addf(&list, "%s%s", i > 0 ? "," : "",
			    EVENT("end", J WHO));
		text = report_of(list.p);
		statement_init(&s, 0);
		r = sc_parse(text, &s, NULL);
		assert_int_equal(r, n > LOGIN_EVENTS_MAX ? ERR_LIMIT : 0);
		statement_clear(&s);
		str_clear(&list);
		free(text);
	}
}

static void
what_no_reader_would_take_is_not_written(void **state)
{
	char *text = report_of(EVENT("login", J WHO PK CERT));
	struct str out = STR_INIT;
	struct statement s;
	struct login_event *ev, was;

	(void)state;
	statement_init(&s, 0);
	assert_int_equal(sc_parse(text, &s, NULL), 0);
	ev = s.u.report.events;
	was = *ev;
	ev->what = LOGIN_FAILED + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	*ev = was;
	ev->source = LOGIN_FROM_FILE + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	*ev = was;
	ev->key_id = NULL;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	*ev = was;
	ev->at = CLOCK_MAX + 1;
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	*ev = was;
	ev->what = LOGIN_OUT; /* with a method and a certificate */
	assert_int_equal(statement_encode(&s, &out, NULL), ERR_PARSE);
	*ev = was;
	s.u.report.kind = REPORT_HEARTBEAT; /* which says nothing of them */
	assert_int_equal(statement_encode(&s, &out, NULL), 0);
	assert_null(strstr(out.p, "events"));
	assert_null(login_what_name(LOGIN_FAILED + 1));
	assert_null(login_source_name(LOGIN_FROM_FILE + 1));
	statement_clear(&s);
	str_clear(&out);
	free(text);
}

static void
names_are_read_back(void **state)
{
	enum login_what w;

	(void)state;
	for (int i = LOGIN_IN; i <= LOGIN_FAILED; i++) {
		const char *name = login_what_name((enum login_what)i);

		assert_int_equal(login_what_parse(name, &w), 0);
		assert_int_equal(w, i);
	}
	assert_int_equal(login_what_parse("", &w), ERR_PARSE);
	assert_int_equal(login_what_parse("logins", &w), ERR_PARSE);
}

/* --- memory --- */

static int
round_trip(void *arg)
{
	struct str out = STR_INIT;
	struct statement s;
	int r;

	statement_init(&s, 0);
	if ((r = sc_parse(arg, &s, NULL)) == 0)
		r = statement_encode(&s, &out, NULL);
	str_clear(&out);
	statement_clear(&s);
	return r;
}

static void
memory_may_run_out_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_GOOD; i++) {
		char *text = report_of(good[i].event);

		assert_true(alloc_each(round_trip, text) > 4);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_event_is_read_and_written_back_byte_for_byte),
	    cmocka_unit_test(fields_arrive_in_the_struct),
	    cmocka_unit_test(bad_events_are_refused_with_the_field),
	    cmocka_unit_test(events_stand_in_reports_of_logins_alone),
	    cmocka_unit_test(a_clock_may_be_off_by_a_century),
	    cmocka_unit_test(a_clock_is_described_near_enough),
	    cmocka_unit_test(texts_end_at_their_limits),
	    cmocka_unit_test(a_report_holds_200_events_and_not_201),
	    cmocka_unit_test(what_no_reader_would_take_is_not_written),
	    cmocka_unit_test(names_are_read_back),
	    cmocka_unit_test(memory_may_run_out_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
