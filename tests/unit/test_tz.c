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

static int
offset_at(const char *rule, const char *when)
{
	struct tz_rule z;
	int64_t t;

	assert_int_equal(tz_parse(rule, &z), 0);
	assert_int_equal(clock_parse(when, &t), 0);
	return tz_offset(&z, t);
}

/*
 * The C library reads the same rules; it is asked every 30,011 seconds of ten
 * years.  (It knows no times beyond a day and reads all-year summer time in
 * another way, so those have tests of their own.)
 */
static void
offsets_agree_with_the_c_library(void **state)
{
	static const char *const rules[] = {
	    "UTC0",
	    "CET-1CEST,M3.5.0,M10.5.0/3",
	    "EST5EDT,M3.2.0,M11.1.0",
	    "AEST-10AEDT,M10.1.0,M4.1.0/3",
	    "IST-1GMT0,M10.5.0,M3.5.0/1",
	    "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
	    "NZST-12NZDT,M9.5.0,M4.1.0/3",
	    "XXX-3YYY,J59/1,J300/4:30:15",
	    "XXX3YYY,59,300",
	    "<-03>3",
	    "IST-5:30",
	};

	(void)state;
	for (size_t i = 0; i < LEN(rules); i++) {
		struct tz_rule z;

		assert_int_equal(tz_parse(rules[i], &z), 0);
		assert_int_equal(setenv("TZ", rules[i], 1), 0);
		tzset();
		for (int64_t t = 1700000000; t < 2000000000; t += 30011) {
			time_t tt = (time_t)t;
			struct tm tm;

			assert_non_null(localtime_r(&tt, &tm));
			if (tz_offset(&z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, expected %ld",
				    rules[i], (long long)t, tz_offset(&z, t),
				    tm.tm_gmtoff);
		}
	}
}

static void
summer_time_begins_and_ends_on_the_second(void **state)
{
	static const char cet[] = "CET-1CEST,M3.5.0,M10.5.0/3";

	(void)state;
	assert_int_equal(offset_at(cet, "2026-03-29T00:59:59Z"), 3600);
	assert_int_equal(offset_at(cet, "2026-03-29T01:00:00Z"), 7200);
	assert_int_equal(offset_at(cet, "2026-10-25T00:59:59Z"), 7200);
	assert_int_equal(offset_at(cet, "2026-10-25T01:00:00Z"), 3600);
}

static void
times_beyond_a_day_move_to_another_day(void **state)
{
	/* Greenland: the evening before the last Sunday, in local time. */
	static const char nuuk[] = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
	/* Gaza as of 2023: 50 hours after the fourth Thursday. */
	static const char gaza[] = "EET-2EEST,M3.4.4/50,M10.4.4/50";

	(void)state;
	assert_int_equal(offset_at(nuuk, "2026-03-29T00:59:59Z"), -7200);
	assert_int_equal(offset_at(nuuk, "2026-03-29T01:00:00Z"), -3600);
	assert_int_equal(offset_at(nuuk, "2026-10-25T00:59:59Z"), -3600);
	assert_int_equal(offset_at(nuuk, "2026-10-25T01:00:00Z"), -7200);
	assert_int_equal(offset_at(gaza, "2026-03-27T23:59:59Z"), 7200);
	assert_int_equal(offset_at(gaza, "2026-03-28T00:00:00Z"), 10800);
	assert_int_equal(offset_at(gaza, "2026-10-23T22:59:59Z"), 10800);
	assert_int_equal(offset_at(gaza, "2026-10-23T23:00:00Z"), 7200);
}

static void
summer_time_may_last_all_year(void **state)
{
	/* RFC 8536 section 3.3.1 */
	static const char rule[] = "EST5EDT,0/0,J365/25";
	struct tz_rule z;

	(void)state;
	assert_int_equal(tz_parse(rule, &z), 0);
	for (int64_t t = 1700000000; t < 1900000000; t += 3599)
		assert_int_equal(tz_offset(&z, t), -4 * 3600);
	assert_int_equal(offset_at(rule, "2028-12-31T23:59:59Z"), -4 * 3600);
	assert_int_equal(offset_at(rule, "2029-01-01T04:00:00Z"), -4 * 3600);
	assert_int_equal(offset_at(rule, "2029-01-01T05:00:00Z"), -4 * 3600);
}

static void
summer_time_without_a_rule_goes_by_the_american_one(void **state)
{
	(void)state;
	assert_int_equal(offset_at("EST5EDT", "2026-03-08T06:59:59Z"),
	    -5 * 3600);
	assert_int_equal(offset_at("EST5EDT", "2026-03-08T07:00:00Z"),
	    -4 * 3600);
	assert_int_equal(offset_at("EST5EDT4", "2026-11-01T06:00:00Z"),
	    -5 * 3600);
}

static void
days_before_1970_are_found_too(void **state)
{
	struct tz_rule z;

	(void)state;
	assert_int_equal(tz_parse("CET-1CEST,M3.5.0,M10.5.0/3", &z), 0);
	/* 1960-03-27 was a Sunday; 01:00 UTC that day. */
	int64_t t = clock_days(1960, 3, 27) * 86400 + 3600;
	assert_int_equal(tz_offset(&z, t - 1), 3600);
	assert_int_equal(tz_offset(&z, t), 7200);
	/* No overflow at either end. */
	(void)tz_offset(&z, INT64_MIN);
	(void)tz_offset(&z, INT64_MAX);
}

static void
malformed_rules_are_refused(void **state)
{
	static const char *const bad[] = {
	    "",
	    "C-1",
	    "CE-1",
	    "CET",
	    "CET-",
	    "CET-25",
	    "CET-1:60",
	    "CET-1:30:60",
	    "CET-1 ",
	    "<CET-1",
	    "<C>-1",
	    "<C_T>-1",
	    "CET-1CE",
	    "CET-1CEST,",
	    "CET-1CEST,M3.5.0",
	    "CET-1CEST,M3.5.0,",
	    "CET-1CEST,M0.5.0,M10.5.0",
	    "CET-1CEST,M13.5.0,M10.5.0",
	    "CET-1CEST,M3.0.0,M10.5.0",
	    "CET-1CEST,M3.6.0,M10.5.0",
	    "CET-1CEST,M3.5.7,M10.5.0",
	    "CET-1CEST,M3.5,M10.5.0",
	    "CET-1CEST,J0,J365",
	    "CET-1CEST,J1,J366",
	    "CET-1CEST,0,366",
	    "CET-1CEST,M3.5.0/168,M10.5.0",
	    "CET-1CEST,M3.5.0/-168,M10.5.0",
	    "CET-1CEST,M3.5.0/,M10.5.0",
	    "CET-1CEST,M3.5.0,M10.5.0/3x",
	    "CET-1CEST,M3.5.0,M10.5.0,M3.5.0",
	    "CET-1,M3.5.0,M10.5.0",
	    "CET-99999999999CEST",
	    ":Europe/Berlin",
	    "Europe/Berlin",
	};
	char text[TZ_RULE_MAX + 2];

	(void)state;
	for (size_t i = 0; i < LEN(bad); i++) {
		struct tz_rule z = {.std_offset = 42};

		if (tz_parse(bad[i], &z) != ERR_PARSE || z.std_offset != 42)
			fail_msg("'%s' was read", bad[i]);
	}
	/* The longest that is read, and one more. */
	memset(text, 'A', sizeof(text));
	memcpy(text + TZ_RULE_MAX - 2, "1", 2);
	assert_int_equal(tz_parse(text, &(struct tz_rule){0}), 0);
	memset(text, 'A', sizeof(text));
	memcpy(text + TZ_RULE_MAX - 1, "1", 2);
	assert_int_equal(tz_parse(text, &(struct tz_rule){0}), ERR_PARSE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(offsets_agree_with_the_c_library),
	    cmocka_unit_test(summer_time_begins_and_ends_on_the_second),
	    cmocka_unit_test(times_beyond_a_day_move_to_another_day),
	    cmocka_unit_test(summer_time_may_last_all_year),
	    cmocka_unit_test(
		summer_time_without_a_rule_goes_by_the_american_one),
	    cmocka_unit_test(days_before_1970_are_found_too),
	    cmocka_unit_test(malformed_rules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
