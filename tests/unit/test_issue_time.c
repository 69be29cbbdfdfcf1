/* SPDX-License-Identifier: ISC */
/* When a certificate starts and ends; hours, in zones whose clocks change. */
#include "ca/issue/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/issue_case.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define HOUR   3600

#define VILNIUS  "EET-2EEST,M3.5.0/3,M10.5.0/4"
#define NEW_YORK "EST5EDT,M3.2.0,M11.1.0"
#define SYDNEY   "AEST-10AEDT,M10.1.0,M4.1.0/3"

enum {
	SUN = 1,
	MON = 2,
	TUE = 4,
	FRI = 32,
	SAT = 64,
	WORKDAYS = 62,
	EVERY = 127,
};

static int64_t
time_of(const char *text)
{
	int64_t t = 0;

	if (clock_parse(text, &t) != 0)
		fail_msg("no time: %s", text);
	return t;
}

static struct hours
hours_of(const char *rule, unsigned days, int from, int to)
{
	struct hours h = {
	    .set = true,
	    .days = days,
	    .from_min = from,
	    .to_min = to,
	    .has_rule = true,
	};

	assert_int_equal(tz_parse(rule, &h.rule), 0);
	return h;
}

static const struct wall_case {
	const char *name, *rule;
	unsigned days;
	int from, to;         /* minutes */
	const char *at, *end; /* end NULL: outside */
} wall_cases[] = {
    /* 07:00 to 20:00 in Vilnius is 05:00Z to 18:00Z in winter. */
    {"the first second", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T05:00:00Z",
	"2026-03-02T18:00:00Z"},
    {"one second before", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T04:59:59Z",
	NULL},
    {"one minute before", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T04:59:00Z",
	NULL},
    {"the last second", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T17:59:59Z",
	"2026-03-02T18:00:00Z"},
    {"the end", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T18:00:00Z", NULL},
    {"one minute after", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T18:01:00Z",
	NULL},
    {"an hour after", VILNIUS, WORKDAYS, 420, 1200, "2026-03-02T19:00:00Z",
	NULL},
    {"a Saturday", VILNIUS, WORKDAYS, 420, 1200, "2026-03-07T10:00:00Z", NULL},
    {"the same hours in summer", VILNIUS, WORKDAYS, 420, 1200,
	"2026-03-30T04:00:00Z", "2026-03-30T17:00:00Z"},
    {"one second before those", VILNIUS, WORKDAYS, 420, 1200,
	"2026-03-30T03:59:59Z", NULL},

    /* Past midnight: the day is the one on which they began. */
    {"Friday night", VILNIUS, FRI, 1320, 360, "2026-03-06T20:00:00Z",
	"2026-03-07T04:00:00Z"},
    {"Friday night, on Saturday", VILNIUS, FRI, 1320, 360,
	"2026-03-07T03:59:59Z", "2026-03-07T04:00:00Z"},
    {"its end", VILNIUS, FRI, 1320, 360, "2026-03-07T04:00:00Z", NULL},
    {"Saturday night", VILNIUS, FRI, 1320, 360, "2026-03-07T20:00:00Z", NULL},
    {"Thursday's night, on Friday", VILNIUS, FRI, 1320, 360,
	"2026-03-05T23:00:00Z", NULL},
    {"a whole day from noon", VILNIUS, MON, 720, 720, "2026-03-03T09:59:59Z",
	"2026-03-03T10:00:00Z"},
    {"to midnight", VILNIUS, MON, 1200, 1440, "2026-03-02T21:59:59Z",
	"2026-03-02T22:00:00Z"},
    {"days that touch are one", VILNIUS, MON | TUE, 0, 1440,
	"2026-03-02T10:00:00Z", "2026-03-03T22:00:00Z"},
    {"nights that touch are one", VILNIUS, MON | TUE, 720, 720,
	"2026-03-02T10:00:00Z", "2026-03-04T10:00:00Z"},
    {"no day at all", VILNIUS, 0, 0, 1440, "2026-03-02T10:00:00Z", NULL},

    /* 2026-03-29, 03:00 is 04:00 in Vilnius: 01:00Z. */
    {"an hour is missing", VILNIUS, SUN, 120, 300, "2026-03-29T00:30:00Z",
	"2026-03-29T02:00:00Z"},
    {"the end is missing", VILNIUS, SUN, 120, 210, "2026-03-29T00:30:00Z",
	"2026-03-29T01:00:00Z"},
    {"the start is missing", VILNIUS, SUN, 210, 360, "2026-03-29T01:00:00Z",
	"2026-03-29T03:00:00Z"},
    {"a second before", VILNIUS, SUN, 210, 360, "2026-03-29T00:59:59Z", NULL},
    {"all of them are missing", VILNIUS, SUN, 190, 220, "2026-03-29T01:00:00Z",
	NULL},
    {"a night with 23 hours", VILNIUS, SAT, 1320, 480, "2026-03-28T20:00:00Z",
	"2026-03-29T05:00:00Z"},

    /* 2026-10-25, 04:00 is 03:00 again in Vilnius: 01:00Z. */
    {"an hour comes twice", VILNIUS, SUN, 120, 300, "2026-10-24T23:30:00Z",
	"2026-10-25T03:00:00Z"},
    {"the end comes twice: its first pass", VILNIUS, SUN, 120, 210,
	"2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z"},
    {"between the passes", VILNIUS, SUN, 120, 210, "2026-10-25T00:45:00Z",
	NULL},
    {"in the second pass", VILNIUS, SUN, 120, 210, "2026-10-25T01:15:00Z",
	"2026-10-25T01:30:00Z"},
    {"an end at the change: when it is reached", VILNIUS, SUN, 120, 240,
	"2026-10-24T23:30:00Z", "2026-10-25T02:00:00Z"},
    {"a night with 25 hours", VILNIUS, SAT, 1320, 480, "2026-10-24T19:00:00Z",
	"2026-10-25T06:00:00Z"},

    {"west of Greenwich, the end is missing", NEW_YORK, SUN, 60, 150,
	"2026-03-08T06:30:00Z", "2026-03-08T07:00:00Z"},
    {"west of Greenwich, it is still Monday", NEW_YORK, MON, 1200, 1440,
	"2026-03-03T04:59:59Z", "2026-03-03T05:00:00Z"},
    {"in the south, an hour twice in April", SYDNEY, SUN, 60, 240,
	"2026-04-04T14:30:00Z", "2026-04-04T18:00:00Z"},
};

static void
hours_are_those_of_the_clock_on_the_wall(void **state)
{
	(void)state;
	for (size_t i = 0; i < LEN(wall_cases); i++) {
		const struct wall_case *c = &wall_cases[i];
		struct hours h = hours_of(c->rule, c->days, c->from, c->to);
		int64_t at = time_of(c->at), end;
		char text[CLOCK_TEXT];

		if (issue_hours_hold(&h, at) != (c->end != NULL))
			fail_msg("%s: held or not", c->name);
		end = issue_hours_end(&h, at, at + 10 * 86400);
		if (c->end == NULL) {
			assert_true(end == at);
			continue;
		}
		clock_format(end, text);
		if (strcmp(text, c->end) != 0)
			fail_msg("%s: until %s, expected %s", c->name, text,
			    c->end);
		assert_true(issue_hours_end(&h, at, end - 1) == end - 1);
	}
}

/* The end is where holding stops: walked second by second over each change. */
static void
end_of_hours_is_the_first_second_they_do_not_hold(void **state)
{
	static const char *const from[] = {
	    "2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"};

	(void)state;
	for (size_t i = 0; i < LEN(from); i++)
		for (int to = 0; to <= 360; to += 15) {
			struct hours h =
			    hours_of(VILNIUS, SUN, 0, to == 0 ? 1440 : to);
			int64_t t = time_of(from[i]), end;

			assert_true(issue_hours_hold(&h, t));
			end = issue_hours_end(&h, t, t + 2 * 86400);
			while (issue_hours_hold(&h, t))
				t++;
			if (t != end)
				fail_msg("to minute %d: %lld, expected %lld",
				    to, (long long)end, (long long)t);
		}
}

static void
next_hours_are_found_a_week_ahead(void **state)
{
	struct hours h = hours_of(VILNIUS, WORKDAYS, 420, 1200);
	struct str text = STR_INIT;

	(void)state;
	assert_true(issue_hours_next(&h, time_of("2026-03-06T18:00:00Z")) ==
	    time_of("2026-03-09T05:00:00Z"));
	h.zone = strdup("Europe/Vilnius");
	issue_hours_text(&h, &text);
	assert_string_equal(text.p,
	    "mon,tue,wed,thu,fri 07:00-20:00 Europe/Vilnius");
	str_clear(&text);
	free(h.zone);
	h.days = 0;
	assert_true(issue_hours_next(&h, time_of("2026-03-06T18:00:00Z")) < 0);
}

static void
hours_of_the_grant_cut_or_refuse(void **state)
{
	/* office: mon-fri 07:00 to 20:00 in Vilnius, 12h; asked at `at`. */
	static const struct {
		const char *name, *rule, *at, *not_before, *end, *hint;
	} cases[] = {
	    {"in the morning", "ready", "2026-03-02T05:00:00Z", NULL,
		"2026-03-02T17:00:00Z", NULL},
	    {"later: cut at the end", "ready", "2026-03-02T10:00:00Z", NULL,
		"2026-03-02T18:00:00Z", NULL},
	    {"one minute before they begin", "hours", "2026-03-02T04:59:00Z",
		NULL, NULL, "--not-before 2026-03-02T05:00:00Z"},
	    {"one minute after", "hours", "2026-03-02T18:01:00Z", NULL, NULL,
		"--not-before 2026-03-03T05:00:00Z"},
	    {"on a Saturday, Monday is too far", "hours",
		"2026-03-07T10:00:00Z", NULL, NULL, NULL},
	    {"asked at night for the morning", "ready", "2026-03-02T20:00:00Z",
		"2026-03-03T05:00:00Z", "2026-03-03T17:00:00Z", NULL},
	    {"asked by day for the night", "hours", "2026-03-02T10:00:00Z",
		"2026-03-02T18:00:00Z", NULL, "ask again"},
	    {"the first Monday of summer", "ready", "2026-03-30T04:00:00Z",
		NULL, "2026-03-30T16:00:00Z", NULL},
	    {"the first Monday of winter", "hours", "2026-10-26T04:00:00Z",
		NULL, NULL, "--not-before 2026-10-26T05:00:00Z"},
	};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	c.policy->expires = 0;
	c.policy->root_expires = 0;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct request *q = &c.request.u.r;

		issue_case_again(&c, ALICE);
		issue_case_text(&q->grant, "office");
		issue_case_words(&q->principals, "viewer");
		q->length = 12 * HOUR;
		c.request.at = c.in.now = time_of(cases[i].at);
		if (cases[i].not_before != NULL)
			q->not_before = time_of(cases[i].not_before);
		issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
		issue_case_expect(&c, cases[i].name, cases[i].rule);
		if (cases[i].end != NULL && c.r.end != time_of(cases[i].end))
			fail_msg("%s: %lld s", cases[i].name,
			    (long long)(c.r.end - c.r.start));
		if (cases[i].hint == NULL && c.r.why.hint[0] != '\0')
			fail_msg("%s: hint '%s'", cases[i].name, c.r.why.hint);
		if (cases[i].hint != NULL &&
		    strstr(c.r.why.hint, cases[i].hint) == NULL)
			fail_msg("%s: hint '%s'", cases[i].name, c.r.why.hint);
	}
	issue_case_close(&c);
}

static void
hours_without_the_rule_of_their_zone_refuse(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_text(&c.request.u.r.grant, "office");
	issue_case_words(&c.request.u.r.principals, "viewer");
	issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
	issue_case_expect(&c, "with the rule", "ready");
	issue_case_grant(&c, "office")->hours.has_rule = false;
	issue_case_expect(&c, "without it", "hours");
	issue_case_close(&c);
}

/* All times are seconds after the request; deploy, one hour asked. */
static void
start_is_when_the_terms_were_met(void **state)
{
	static const struct {
		const char *name, *rule;
		int64_t at[3]; /* of olga, ivan, petra in log order */
		size_t n;
		unsigned need;
		int64_t not_before, now, start;
	} cases[] = {
	    {"signed at once", "ready", {60}, 1, 1, 0, 60, 60},
	    {"signed later", "ready", {60}, 1, 1, 0, 360, 60},
	    {"the last of two", "ready", {60, 120}, 2, 2, 0, 360, 120},
	    {"the last of two, logged first", "ready", {120, 60}, 2, 2, 0, 360,
		120},
	    {"the second was not needed", "ready", {60, 120}, 2, 1, 0, 360, 60},
	    {"nor was the first in the log", "ready", {120, 60}, 2, 1, 0, 360,
		60},
	    {"two of three", "ready", {300, 60, 120}, 3, 2, 0, 360, 120},
	    {"a clock ahead starts nothing in the future", "ready", {300}, 1, 1,
		0, 60, 60},
	    {"a clock behind starts nothing before the request", "ready",
		{-200}, 1, 1, 0, 60, 0},
	    {"not before", "ready", {60}, 1, 1, 2 * HOUR, 60, 2 * HOUR},
	    {"not before, past when approved", "ready", {600}, 1, 1, 300, 600,
		600},
	    {"the last second of it", "ready", {60}, 1, 1, 0, 60 + HOUR - 1,
		60},
	    {"ended when signed", "past", {60}, 1, 1, 0, 60 + HOUR, 0},
	};
	static const char *const who[] = {OLGA, IVAN, PETRA};
	static const uint8_t seeds[] = {SEED_OLGA, SEED_IVAN, SEED_PETRA};
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	for (size_t i = 0; i < LEN(cases); i++) {
		issue_case_again(&c, ALICE);
		issue_case_grant(&c, "deploy")->approve[0].n = cases[i].need;
		if (cases[i].not_before != 0)
			c.request.u.r.not_before =
			    FIXTURE_NOW + cases[i].not_before;
		issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
		for (size_t j = 0; j < cases[i].n; j++) {
			issue_case_decision(&c, who[j])->at =
			    FIXTURE_NOW + cases[i].at[j];
			issue_case_decide(&c, FIXTURE_BY(seeds[j]));
		}
		c.in.now = FIXTURE_NOW + cases[i].now;
		issue_case_expect(&c, cases[i].name, cases[i].rule);
		if (c.r.verdict != ISSUE_READY)
			continue;
		if (c.r.start != FIXTURE_NOW + cases[i].start)
			fail_msg("%s: start %lld", cases[i].name,
			    (long long)(c.r.start - FIXTURE_NOW));
		assert_true(c.r.end == c.r.start + HOUR);
		assert_true(c.r.cert.valid_after == (uint64_t)c.r.start - 60);
		assert_true(c.r.cert.valid_before == (uint64_t)c.r.end);
	}
	issue_case_close(&c);
}

static void
request_ahead_of_the_clock_starts_now(void **state)
{
	struct issue_case c;

	(void)state;
	issue_case_open(&c);
	issue_case_text(&c.request.u.r.grant, "free");
	issue_case_words(&c.request.u.r.principals, "viewer");
	c.request.at = FIXTURE_NOW + 200;
	issue_case_ask(&c, FIXTURE_BY(SEED_ALICE));
	issue_case_expect(&c, "a clock ahead", "ready");
	assert_true(c.r.start == FIXTURE_NOW);
	issue_case_close(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hours_are_those_of_the_clock_on_the_wall),
	    cmocka_unit_test(end_of_hours_is_the_first_second_they_do_not_hold),
	    cmocka_unit_test(next_hours_are_found_a_week_ahead),
	    cmocka_unit_test(hours_of_the_grant_cut_or_refuse),
	    cmocka_unit_test(hours_without_the_rule_of_their_zone_refuse),
	    cmocka_unit_test(start_is_when_the_terms_were_met),
	    cmocka_unit_test(request_ahead_of_the_clock_starts_now),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
