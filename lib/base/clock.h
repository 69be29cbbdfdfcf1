/* SPDX-License-Identifier: ISC */
/*
 * Time: seconds since 1970-01-01T00:00:00Z in int64_t, RFC 3339 text, spans,
 * and the POSIX rule of a time zone.  All pure but clock_now() and
 * clock_mono_ms().
 */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"

#define CLOCK_TEXT 21                    /* "2026-11-23T02:36:00Z" and NUL */
#define CLOCK_MAX  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

int64_t clock_now(void); /* wall clock, CLOCK_REALTIME */
int64_t clock_mono_ms(void); /* never set: for waiting; starts anywhere */

/* RFC 3339 in UTC, seconds, 'Z': the form every statement and record uses. */
/* 0 <= t <= CLOCK_MAX; what lies outside is written as the nearer end. */
void clock_format(int64_t t, char out[CLOCK_TEXT]);
/* Exactly that form, and a day that exists.  ERR_PARSE. */
int clock_parse(const char *s, int64_t *out) MUST_CHECK;
/*
 * What people may write: RFC 3339 with Z or an offset (a fraction is cut off, a
 * leap second is ERR_PARSE), or a date alone, which is the end of that day UTC
 * (23:59:59).  ERR_PARSE: also outside 0..CLOCK_MAX.
 */
int clock_parse_lax(const char *s, int64_t *out) MUST_CHECK;

struct civil {
	int64_t year;
	int month, day; /* 1..12, 1..31 */
	int hour, min, sec;
	int weekday; /* 0 Sunday .. 6 Saturday */
	int yearday; /* 0..365 */
};
void clock_civil(int64_t t, struct civil *out);       /* UTC */
int64_t clock_days(int64_t year, int month, int day); /* since 1970-01-01 */

/*
 * A span: `90s 15m 8h 7d`, one number and one unit, 1 s to 100,000 d.
 * ERR_PARSE, ERR_LIMIT.  The text form uses the largest unit that divides it.
 */
#define SPAN_TEXT 24
int span_parse(const char *s, int64_t *out_secs) MUST_CHECK;
void span_format(int64_t secs, char out[SPAN_TEXT]);

/*
 * A POSIX TZ rule (POSIX.1-2017 section 8.3), as the last line of a TZif file
 * has it: std offset [dst [offset] [, rule]], Mm.w.d, Jn and n forms, times
 * from -167 to 167 hours (RFC 8536).  A dst without a rule goes by
 * ,M3.2.0,M11.1.0.  Less than TZ_RULE_MAX bytes.
 */
#define TZ_RULE_MAX 128
struct tz_date {
	char kind;            /* 'M', 'J' or 'n' */
	int month, week, day; /* M: month 1..12, week 1..5, day 0..6 */
	int time;             /* seconds after local midnight */
};
struct tz_rule {                    /* held by value; treat as opaque */
	int std_offset, dst_offset; /* seconds east of UTC */
	bool has_dst;
	struct tz_date start, end;
};
int tz_parse(const char *rule, struct tz_rule *out) MUST_CHECK; /* ERR_PARSE */
/* Seconds east of UTC in force at t. */
int tz_offset(const struct tz_rule *z, int64_t t);

#endif
