/* SPDX-License-Identifier: ISC */
#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

static void
times_are_written_and_read_back(void **state)
{
	static const struct {
		int64_t t;
		const char *text;
	} cases[] = {
	    {0, "1970-01-01T00:00:00Z"},
	    {951782399, "2000-02-28T23:59:59Z"},
	    {951782400, "2000-02-29T00:00:00Z"},
	    {1795401360, "2026-11-23T02:36:00Z"},
	    {INT64_C(4107542400), "2100-03-01T00:00:00Z"},
	    {CLOCK_MAX, "9999-12-31T23:59:59Z"},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char text[CLOCK_TEXT];
		int64_t t = -1;

		clock_format(cases[i].t, text);
		assert_string_equal(text, cases[i].text);
		assert_int_equal(clock_parse(text, &t), 0);
		assert_true(t == cases[i].t);
	}
}

static void
times_outside_the_range_are_written_as_its_ends(void **state)
{
	char text[CLOCK_TEXT];

	(void)state;
	clock_format(INT64_MIN, text);
	assert_string_equal(text, "1970-01-01T00:00:00Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void
calendar_agrees_with_the_c_library(void **state)
{
	(void)state;
	/* A prime step, so that all hours, days and leap rules are met. */
	for (int64_t t = -INT64_C(62135596800); t <= CLOCK_MAX; t += 86028121) {
		time_t tt = (time_t)t;
		struct civil c;
		struct tm tm;

		assert_non_null(gmtime_r(&tt, &tm));
		clock_civil(t, &c);
		assert_int_equal(c.year, tm.tm_year + 1900);
		assert_int_equal(c.month, tm.tm_mon + 1);
		assert_int_equal(c.day, tm.tm_mday);
		assert_int_equal(c.hour, tm.tm_hour);
		assert_int_equal(c.min, tm.tm_min);
		assert_int_equal(c.sec, tm.tm_sec);
		assert_int_equal(c.weekday, tm.tm_wday);
		assert_int_equal(c.yearday, tm.tm_yday);
		assert_true(clock_days(c.year, c.month, c.day) * 86400 +
			c.hour * 3600 + c.min * 60 + c.sec ==
		    t);
	}
}

static void
malformed_times_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "2026",
	    "2026-11-23",
	    "2026-11-23T02:36:00",
	    "2026-11-23T02:36:00z",
	    "2026-11-23t02:36:00Z",
	    "2026-11-23 02:36:00Z",
	    "2026-11-23T02:36:00Z ",
	    " 2026-11-23T02:36:00Z",
	    "2026-11-23T02:36:00+00:00",
	    "2026-11-23T02:36:00.0Z",
	    "2026-11-23T24:00:00Z",
	    "2026-11-23T02:60:00Z",
	    "2026-11-23T02:36:60Z",
	    "2026-00-23T02:36:00Z",
	    "2026-13-23T02:36:00Z",
	    "2026-11-00T02:36:00Z",
	    "2026-11-31T02:36:00Z",
	    "2026-02-29T02:36:00Z",
	    "2100-02-29T02:36:00Z",
	    "1969-12-31T23:59:59Z",
	    "+026-11-23T02:36:00Z",
	    "2026-1a-23T02:36:00Z",
	};

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		int64_t t = 42;

		if (clock_parse(bad[i], &t) != ERR_PARSE || t != 42)
			fail_msg("'%s' was read", bad[i]);
	}
}

static void
people_may_write_offsets_and_dates_alone(void **state)
{
	static const struct {
		const char *text, *same;
	} cases[] = {
	    {"2026-11-23T02:36:00Z", "2026-11-23T02:36:00Z"},
	    {"2026-11-23t02:36:00z", "2026-11-23T02:36:00Z"},
	    {"2026-11-23T02:36:00.999Z", "2026-11-23T02:36:00Z"},
	    {"2026-11-23T02:36:00+01:00", "2026-11-23T01:36:00Z"},
	    {"2026-11-23T02:36:00-05:30", "2026-11-23T08:06:00Z"},
	    {"2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00Z"},
	    {"2026-11-23T02:36:00-00:00", "2026-11-23T02:36:00Z"},
	    {"2026-11-23", "2026-11-23T23:59:59Z"},
	    {"2028-02-29", "2028-02-29T23:59:59Z"},
	};
	static const char *const bad[] = {
	    "2026-11-23T",
	    "2026-11-23T02:36:00",
	    "2026-11-23T02:36:00.Z",
	    "2026-11-23T02:36:00+1:00",
	    "2026-11-23T02:36:00+24:00",
	    "2026-11-23T02:36:00+01:60",
	    "2026-11-23T02:36:00+01:00x",
	    "2026-11-23Z",
	    "2026-02-30",
	    "1970-01-01T00:00:00+00:01",
	    "9999-12-31T23:59:59-00:01",
	    "1969-12-31",
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		int64_t t = -1, same = -2;

		assert_int_equal(clock_parse_lax(cases[i].text, &t), 0);
		assert_int_equal(clock_parse(cases[i].same, &same), 0);
		assert_true(t == same);
	}
	for (size_t i = 0; i < LEN(bad); i++) {
		int64_t t = 42;

		if (clock_parse_lax(bad[i], &t) != ERR_PARSE || t != 42)
			fail_msg("'%s' was read", bad[i]);
	}
}

static void
spans_are_one_number_and_one_unit(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t secs;
		const char *shortest;
	} cases[] = {
	    {"1s", 0, 1, "1s"},
	    {"90s", 0, 90, "90s"},
	    {"60s", 0, 60, "1m"},
	    {"15m", 0, 900, "15m"},
	    {"8h", 0, 28800, "8h"},
	    {"24h", 0, 86400, "1d"},
	    {"7d", 0, 604800, "7d"},
	    {"100000d", 0, INT64_C(8640000000), "100000d"},
	    {"8640000000s", 0, INT64_C(8640000000), "100000d"},
	    {"100001d", ERR_LIMIT, 0, NULL},
	    {"8640000001s", ERR_LIMIT, 0, NULL},
	    {"0s", ERR_LIMIT, 0, NULL},
	    {"99999999999999999999s", ERR_LIMIT, 0, NULL},
	    {"99999999999999999999999999999999d", ERR_LIMIT, 0, NULL},
	    {"99999999999999999999x999999999999d", ERR_PARSE, 0, NULL},
	    {"00000000000000000000000000000001d", ERR_PARSE, 0, NULL},
	    {"", ERR_PARSE, 0, NULL},
	    {"s", ERR_PARSE, 0, NULL},
	    {"8", ERR_PARSE, 0, NULL},
	    {"08h", ERR_PARSE, 0, NULL},
	    {"-8h", ERR_PARSE, 0, NULL},
	    {"+8h", ERR_PARSE, 0, NULL},
	    {"8 h", ERR_PARSE, 0, NULL},
	    {"8H", ERR_PARSE, 0, NULL},
	    {"8w", ERR_PARSE, 0, NULL},
	    {"1h30m", ERR_PARSE, 0, NULL},
	    {"1.5h", ERR_PARSE, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		char text[SPAN_TEXT];
		int64_t secs = 42;
		int r = span_parse(cases[i].text, &secs);

		if (r != cases[i].r)
			fail_msg("'%s' gave %d", cases[i].text, r);
		assert_true(secs == (r == 0 ? cases[i].secs : 42));
		if (r != 0)
			continue;
		span_format(secs, text);
		assert_string_equal(text, cases[i].shortest);
	}
}

static void
any_number_of_seconds_fits_the_text_of_a_span(void **state)
{
	char text[SPAN_TEXT];

	(void)state;
	span_format(0, text);
	assert_string_equal(text, "0s");
	span_format(INT64_MIN + 1, text);
	assert_string_equal(text, "-9223372036854775807s");
}

static void
now_is_after_this_was_written(void **state)
{
	(void)state;
	assert_true(clock_now() > 1700000000);
	assert_true(llabs((long long)clock_now() - (long long)time(NULL)) <= 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times_are_written_and_read_back),
	    cmocka_unit_test(times_outside_the_range_are_written_as_its_ends),
	    cmocka_unit_test(calendar_agrees_with_the_c_library),
	    cmocka_unit_test(malformed_times_are_refused),
	    cmocka_unit_test(people_may_write_offsets_and_dates_alone),
	    cmocka_unit_test(spans_are_one_number_and_one_unit),
	    cmocka_unit_test(any_number_of_seconds_fits_the_text_of_a_span),
	    cmocka_unit_test(now_is_after_this_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
