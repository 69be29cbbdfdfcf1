/* SPDX-License-Identifier: ISC */
/* The call `logins`: what may be asked, in pages, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/alloc.h"
#include "tests/unit/fixture.h"
#include "tests/unit/mkcase.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NOW    INT64_C(1800000000)
#define FP     "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"

static struct mk mk;

static int
setup(void **state)
{
	(void)state;
	mkcase_open(&mk);
	mk.now = NOW;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return mkcase_close(&mk);
}

/* n events in the report of leaf `index`, a second apart. */
static void
put_report(uint64_t index, const char *by, unsigned n)
{
	struct mk_item item = {.index = index};
	char account[] = "deploy", key_id[] = "alice@example.com/9c1b";

	fixture_statement(&item.s, ST_REPORT, by);
	item.s.u.report.seq = index;
	item.s.u.report.kind = REPORT_LOGINS;
	item.s.u.report.events = calloc(n, sizeof(struct login_event));
	assert_non_null(item.s.u.report.events);
	item.s.u.report.n_events = n;
	for (unsigned i = 0; i < n; i++)
		item.s.u.report.events[i] = (struct login_event){
		    .what = i % 2 == 0 ? LOGIN_IN : LOGIN_OUT,
		    .at = NOW + i,
		    .account = str_dup(account),
		    .has_cert = i % 2 == 0,
		    .serial = i,
		    .key_id = i % 2 == 0 ? str_dup(key_id) : NULL};
	assert_int_equal(mk_put_logins(&mk, &item, NOW + 5, NULL), 0);
	statement_clear(&item.s);
}

/* The answer to such a call, which the caller clears; or why not. */
static int
ask(const char *args, struct str *out, struct err *e)
{
	struct mk_call c = {.caller = CALLER_PERSON};
	int r;

	if ((r = json_read(slice_str(args), CALL_MAX, &c.args, e)) == 0)
		r = mk_logins(&mk, &c, out, e);
	json_decref(c.args);
	return r;
}

static void
an_event_is_told_with_where_it_came_from(void **state)
{
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	put_report(7, "web-1", 1);
	assert_int_equal(ask("{\"call\":\"logins\"}", &s, &e), 0);
	assert_non_null(strstr(s.p,
	    "{\"events\":[{\"host\":\"web-1\",\"seq\":\"7\",\"number\":0,"
	    "\"came\":\"2027-01-15T08:00:05Z\",\"index\":\"7\",\"report\":\""));
	assert_non_null(strstr(s.p,
	    "\",\"what\":\"login\",\"at\":\"2027-01-15T08:00:00Z\","
	    "\"source\":\"journal\",\"account\":\"deploy\",\"ca\":\"SHA256:"));
	assert_null(strstr(s.p, "\"next\""));
	str_clear(&s);
}

/* How the times of one event are told, where the host's clock is `clock` ahead. */
static void
a_clock_that_is_off_is_set_right(void **state)
{
	static const struct {
		bool has;
		int64_t clock, at;
		const char *want;
	} cases[] = {
	    {false, 0, NOW, "\"at\":\"2027-01-15T08:00:00Z\",\"until\":"},
	    {true, 60, NOW, "\"at\":\"2027-01-15T08:00:00Z\",\"until\":"},
	    {true, -60, NOW, "\"at\":\"2027-01-15T08:00:00Z\",\"until\":"},
	    {true, 61, NOW,
		"\",\"clock\":61,\"what\":\"failed\",\"at\":"
		"\"2027-01-15T07:58:59Z\",\"until\":\"2027-01-15T07:59:08Z\""},
	    {true, -10800, NOW - 10800,
		"\",\"clock\":-10800,\"what\":\"failed\",\"at\":"
		"\"2027-01-15T08:00:00Z\",\"until\":\"2027-01-15T08:00:09Z\""},
	    {true, REPORT_CLOCK_MAX, NOW,
		"\"at\":\"1970-01-01T00:00:00Z\",\"until\":"
		"\"1970-01-01T00:00:00Z\""},
	    {true, -REPORT_CLOCK_MAX, CLOCK_MAX - 9,
		"\",\"clock\":4000000000,\"what\":\"failed\",\"at\":"
		"\"2027-01-15T07:59:51Z\",\"until\":\"2027-01-15T08:00:00Z\""},
	    {false, 0, NOW + 291, "\"at\":\"2027-01-15T08:04:51Z\",\"until\":"},
	    {false, 0, NOW + 292,
		"\",\"clock\":301,\"what\":\"failed\",\"at\":"
		"\"2027-01-15T07:59:51Z\",\"until\":\"2027-01-15T08:00:00Z\""},
	    {true, 7200, NOW + 7600,
		"\",\"clock\":7609,\"what\":\"failed\",\"at\":"
		"\"2027-01-15T07:59:51Z\",\"until\":\"2027-01-15T08:00:00Z\""},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct login_event ev = {.what = LOGIN_FAILED,
		    .at = cases[i].at,
		    .until = cases[i].at + 9,
		    .count = 2};
		struct mk_item item = {.index = i + 1};
		char host[] = "web-0", args[64];
		struct str s = STR_INIT;
		struct err e = {0};

		host[4] = (char)('0' + i);
		fixture_statement(&item.s, ST_REPORT, host);
		item.s.u.report.kind = REPORT_LOGINS;
		item.s.u.report.has_clock = cases[i].has;
		item.s.u.report.clock = cases[i].clock;
		item.s.u.report.events = &ev;
		item.s.u.report.n_events = 1;
		assert_int_equal(mk_put_logins(&mk, &item, NOW, NULL), 0);
		/* What the host signed is as it was. */
		assert_int_equal(ev.at, cases[i].at);
		item.s.u.report.events = NULL;
		item.s.u.report.n_events = 0;
		statement_clear(&item.s);
		(void)snprintf(args, sizeof(args), "{\"host\":\"%s\"}", host);
		assert_int_equal(ask(args, &s, &e), 0);
		if (strstr(s.p, cases[i].want) == NULL ||
		    (strstr(s.p, "\"clock\"") != NULL) != (i > 2 && i != 7))
			fail_msg("%s: %s", cases[i].want, s.p);
		str_clear(&s);
	}
}

/* Three hours behind, and asked for by the time that it was. */
static void
who_asks_for_a_time_gets_what_was_then(void **state)
{
	struct login_event ev = {
	    .what = LOGIN_OUT, .at = NOW - 10800, .account = str_dup("deploy")};
	struct mk_item item = {.index = 1};
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	fixture_statement(&item.s, ST_REPORT, "web-1");
	item.s.u.report.kind = REPORT_LOGINS;
	item.s.u.report.has_clock = true;
	item.s.u.report.clock = -10800;
	item.s.u.report.events = &ev;
	item.s.u.report.n_events = 1;
	assert_int_equal(mk_put_logins(&mk, &item, NOW, NULL), 0);
	item.s.u.report.events = NULL;
	item.s.u.report.n_events = 0;
	statement_clear(&item.s);
	login_event_clear(&ev);
	assert_int_equal(ask("{\"since\":\"2027-01-15T07:59:59Z\"}", &s, &e),
	    0);
	assert_non_null(strstr(s.p, "\"account\":\"deploy\""));
	str_reset(&s);
	assert_int_equal(ask("{\"until\":\"2027-01-15T07:59:59Z\"}", &s, &e),
	    0);
	assert_string_equal(s.p, "{\"events\":[]}");
	str_clear(&s);
}

static size_t
count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		n++;
	return n;
}

static void
pages_lead_through_all_of_them(void **state)
{
	char args[512] = "{\"call\":\"logins\",\"limit\":7}";
	size_t n = 0, pages = 0;
	struct err e = {0};

	(void)state;
	put_report(1, "web-1", 20);
	put_report(2, "web-2", 20);
	for (;;) {
		struct str s = STR_INIT;
		const char *next;

		if (ask(args, &s, &e) != 0)
			fail_msg("%s: %s", args, e.msg);
		pages++;
		n += count(s.p, "{\"host\":");
		next = strstr(s.p, "\"next\":\"");
		if (next != NULL)
			(void)snprintf(args, sizeof(args),
			    "{\"call\":\"logins\",\"limit\":7,\"after\":\"%.*"
			    "s\"}",
			    (int)strcspn(next + 8, "\""), next + 8);
		str_clear(&s);
		if (next == NULL)
			break;
	}
	assert_int_equal(n, 40);
	assert_int_equal(pages, 6);
}

static const struct {
	const char *args;
	size_t n; /* of 20 */
} good[] = {
    {"{\"host\":\"web-1\"}", 20},
    {"{\"host\":\"web-2\"}", 0},
    {"{\"account\":\"deploy\"}", 20},
    {"{\"account\":\"root\"}", 0},
    {"{\"serial\":\"4\"}", 1},
    {"{\"serial\":\"5\"}", 0}, /* has no certificate */
    {"{\"ca\":\"" FP "\"}", 0},
    {"{\"what\":[\"login\"]}", 10},
    {"{\"what\":[\"login\",\"end\",\"login\"]}", 20},
    {"{\"what\":[\"sudo\",\"failed\",\"refused\"]}", 0},
    {"{\"since\":\"2027-01-15T08:00:10Z\"}", 10},
    {"{\"until\":\"2027-01-15T08:00:10Z\"}", 11},
    {"{\"since\":\"2027-01-15T08:00:10Z\",\"until\":\"2027-01-15T08:00:10Z\"}",
	1},
    {"{\"limit\":1}", 1},
    {"{\"limit\":1000}", 20},
    {"{\"after\":\"1800000018/1/18/web-1\"}", 1},
};

static void
it_tells_what_is_asked_for(void **state)
{
	struct err e = {0};

	(void)state;
	put_report(1, "web-1", 20);
	for (size_t i = 0; i < LEN(good); i++) {
		struct str s = STR_INIT;

		if (ask(good[i].args, &s, &e) != 0)
			fail_msg("%s: %s", good[i].args, e.msg);
		if (count(s.p, "{\"host\":") != good[i].n)
			fail_msg("%s: %s", good[i].args, s.p);
		str_clear(&s);
	}
}

static const struct {
	const char *args, *want;
} bad[] = {
    {"{\"host\":\"\"}", "'host'"},
    {"{\"host\":7}", "'host'"},
    {"{\"host\":\"Web\"}", "'host' is 'Web', expected a host's id"},
    {"{\"account\":\"\"}", "'account'"},
    {"{\"ca\":\"SHA256:x\"}", "'ca' is malformed"},
    {"{\"serial\":4}", "'serial'"},
    {"{\"serial\":\"-1\"}", "'serial'"},
    {"{\"what\":[]}", "'what'"},
    {"{\"what\":\"login\"}", "'what'"},
    {"{\"what\":[\"Login\"]}", "'what' has 'Login', expected login, refused"},
    {"{\"what\":[\"login\",\"login\",\"login\",\"login\",\"login\",\"login\"]}",
	"'what'"},
    {"{\"since\":\"yesterday\"}", "'since'"},
    {"{\"since\":\"2027-01-15T08:00:01Z\",\"until\":\"2027-01-15T08:00:00Z\"}",
	"'until' is before 'since'"},
    {"{\"after\":\"1\"}", "'after' is none"},
    {"{\"limit\":0}", "'limit'"},
    {"{\"limit\":1001}", "'limit'"},
    {"{\"limit\":\"5\"}", "'limit'"},
};

static void
what_is_no_question_is_refused(void **state)
{
	(void)state;
	put_report(1, "web-1", 2);
	for (size_t i = 0; i < LEN(bad); i++) {
		struct str s = STR_INIT;
		struct err e = {0};
		int r = ask(bad[i].args, &s, &e);

		if ((r != ERR_PARSE && r != ERR_LIMIT) ||
		    strstr(e.msg, bad[i].want) == NULL)
			fail_msg("%s: %d %s", bad[i].args, r, e.msg);
		assert_int_equal(s.n, 0);
		str_clear(&s);
	}
}

static void
an_answer_that_would_lack_some_is_none(void **state)
{
	struct str s = STR_INIT;
	struct err e = {0};

	(void)state;
	(void)err_set(&mk.store_why, ERR_RECORD, "the disk is full");
	mk.n_unstored = 1;
	assert_int_equal(ask("{}", &s, &e), ERR_RECORD);
	assert_non_null(strstr(e.msg, "lags behind the log: the disk is full"));
	mk.n_unstored = 0;
	mk.recover = true;
	assert_int_equal(ask("{}", &s, &e), ERR_RECORD);
	mk.recover = false;
	assert_int_equal(ask("{}", &s, &e), 0);
	str_clear(&s);
}

/* Long ones are in several answers, and none is too long to be sent. */
static void
an_answer_has_an_end(void **state)
{
	struct mk_item item = {.index = 1};
	struct login_event *v = calloc(1000, sizeof(*v));
	struct str s = STR_INIT;
	char command[LOGIN_COMMAND_MAX + 1];
	struct err e = {0};

	(void)state;
	assert_non_null(v);
	memset(command, '\\', LOGIN_COMMAND_MAX);
	command[LOGIN_COMMAND_MAX] = '\0';
	fixture_statement(&item.s, ST_REPORT, "web-1");
	item.s.u.report.events = v;
	for (unsigned i = 0; i < 200; i++)
		v[i] = (struct login_event){.what = LOGIN_SUDO,
		    .at = NOW,
		    .account = command,
		    .command = command};
	item.s.u.report.n_events = 200;
	for (item.index = 0; item.index < 5; item.index++)
		assert_int_equal(mk_put_logins(&mk, &item, NOW, NULL), 0);
	assert_int_equal(ask("{}", &s, &e), 0);
	assert_true(s.n < RESULT_MAX);
	assert_true(count(s.p, "{\"host\":") > 100);
	assert_non_null(strstr(s.p, "\"next\""));
	str_clear(&s);
	item.s.u.report.n_events = 0;
	item.s.u.report.events = NULL;
	statement_clear(&item.s);
	free(v);
}

static int
ask_for_much(void *arg)
{
	struct str s = STR_INIT;
	struct err e = {0};
	int r;

	(void)arg;
	r = ask("{\"host\":\"web-1\",\"what\":[\"login\",\"end\"],"
		"\"since\":\"2027-01-15T08:00:00Z\",\"limit\":3}",
	    &s, &e);
	if (r == 0)
		r = str_check(&s);
	str_clear(&s);
	return r;
}

static void
memory_may_run_out(void **state)
{
	(void)state;
	put_report(1, "web-1", 5);
	assert_true(alloc_each(ask_for_much, NULL) > 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(an_event_is_told_with_where_it_came_from),
	    T(a_clock_that_is_off_is_set_right),
	    T(who_asks_for_a_time_gets_what_was_then),
	    T(pages_lead_through_all_of_them),
	    T(it_tells_what_is_asked_for),
	    T(what_is_no_question_is_refused),
	    T(an_answer_that_would_lack_some_is_none),
	    T(an_answer_has_an_end),
	    T(memory_may_run_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
