/* SPDX-License-Identifier: ISC */
#include "lib/base/clock.h"

#include <stddef.h>
#include <string.h>

#define DAY     86400
#define NO_RULE ",M3.2.0,M11.1.0" /* what a dst without a rule means */

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Each reader below moves *s on and returns 0, or returns ERR_PARSE. */

/* Three letters or more, or <three or more of letters, digits, + and ->. */
static int
name(const char **s)
{
	const char *p = *s;
	size_t n = 0;

	if (*p == '<') {
		for (p++;
		     is_alpha(*p) || is_digit(*p) || *p == '+' || *p == '-';
		     p++)
			n++;
		if (*p++ != '>')
			return ERR_PARSE;
	} else {
		for (; is_alpha(*p); p++)
			n++;
	}
	if (n < 3)
		return ERR_PARSE;
	*s = p;
	return 0;
}

/* One to three digits with a value from min to max. */
static int
number(const char **s, int min, int max, int *out)
{
	const char *p = *s;
	int v = 0;

	for (; is_digit(*p) && p - *s < 3; p++)
		v = v * 10 + (*p - '0');
	if (p == *s || is_digit(*p) || v < min || v > max)
		return ERR_PARSE;
	*s = p;
	*out = v;
	return 0;
}

/* [+-]hh[:mm[:ss]], in seconds. */
static int
hms(const char **s, int max_hours, int *out)
{
	int sign = 1, h, m = 0, sec = 0;

	if (**s == '+' || **s == '-')
		sign = *(*s)++ == '-' ? -1 : 1;
	if (number(s, 0, max_hours, &h) != 0)
		return ERR_PARSE;
	if (**s == ':') {
		++*s;
		if (number(s, 0, 59, &m) != 0)
			return ERR_PARSE;
		if (**s == ':') {
			++*s;
			if (number(s, 0, 59, &sec) != 0)
				return ERR_PARSE;
		}
	}
	*out = sign * (h * 3600 + m * 60 + sec);
	return 0;
}

/* ,date[/time] */
static int
transition(const char **s, struct tz_date *d)
{
	*d = (struct tz_date){.kind = 'n', .time = 2 * 3600};
	if (*(*s)++ != ',')
		return ERR_PARSE;
	if (**s == 'M') {
		d->kind = *(*s)++;
		if (number(s, 1, 12, &d->month) != 0 || *(*s)++ != '.' ||
		    number(s, 1, 5, &d->week) != 0 || *(*s)++ != '.' ||
		    number(s, 0, 6, &d->day) != 0)
			return ERR_PARSE;
	} else if (**s == 'J') {
		d->kind = *(*s)++;
		if (number(s, 1, 365, &d->day) != 0)
			return ERR_PARSE;
	} else if (number(s, 0, 365, &d->day) != 0) {
		return ERR_PARSE;
	}
	if (**s == '/') {
		++*s;
		return hms(s, 167, &d->time);
	}
	return 0;
}

int
tz_parse(const char *rule, struct tz_rule *out)
{
	struct tz_rule z = {0};
	const char *s = rule;

	if (strnlen(rule, TZ_RULE_MAX) == TZ_RULE_MAX)
		return ERR_PARSE;
	if (name(&s) != 0 || hms(&s, 24, &z.std_offset) != 0)
		return ERR_PARSE;
	/* In the text positive is west of Greenwich. */
	z.std_offset = -z.std_offset;
	if (*s != '\0') {
		z.has_dst = true;
		if (name(&s) != 0)
			return ERR_PARSE;
		z.dst_offset = z.std_offset + 3600;
		if (*s != '\0' && *s != ',') {
			if (hms(&s, 24, &z.dst_offset) != 0)
				return ERR_PARSE;
			z.dst_offset = -z.dst_offset;
		}
		if (*s == '\0')
			s = NO_RULE;
		if (transition(&s, &z.start) != 0 ||
		    transition(&s, &z.end) != 0 || *s != '\0')
			return ERR_PARSE;
	}
	*out = z;
	return 0;
}

/* The day of the year's transition, since 1970-01-01. */
static int64_t
transition_day(const struct tz_date *d, int64_t year)
{
	int64_t first, next, day;
	int64_t jan1 = clock_days(year, 1, 1);
	bool leap = clock_days(year, 3, 1) - jan1 == 60;

	switch (d->kind) {
	case 'J': /* 1..365, 29 February is never counted */
		return jan1 + d->day - 1 + (leap && d->day >= 60 ? 1 : 0);
	case 'M':
		first = clock_days(year, d->month, 1);
		next = d->month == 12 ? clock_days(year + 1, 1, 1)
				      : clock_days(year, d->month + 1, 1);
		/* 1970-01-01 was a Thursday; years asked for may be older. */
		day = first + (d->day - (first + 4) % 7 + 14) % 7;
		day += (int64_t)7 * (d->week - 1);
		while (day >= next) /* week 5 is the last one */
			day -= 7;
		return day;
	default: /* 0..365, 29 February is counted */
		return jan1 + d->day;
	}
}

int
tz_offset(const struct tz_rule *z, int64_t t)
{
	int64_t best = INT64_MIN, at;
	int offset = z->std_offset;
	struct civil c;

	if (!z->has_dst)
		return z->std_offset;
	if (t > CLOCK_MAX)
		t = CLOCK_MAX;
	if (t < -CLOCK_MAX)
		t = -CLOCK_MAX;
	clock_civil(t, &c);
	/*
	 * What began last is in force.  A time may lie a week outside its day,
	 * so the neighbouring years count; of two at one instant the later in
	 * this order wins, so that a summer time that ends as the next year's
	 * begins lasts all year (RFC 8536 section 3.3.1).
	 */
	for (int64_t y = c.year - 2; y <= c.year + 1; y++) {
		at = transition_day(&z->start, y) * DAY + z->start.time -
		    z->std_offset;
		if (at <= t && at >= best) {
			best = at;
			offset = z->dst_offset;
		}
		at = transition_day(&z->end, y) * DAY + z->end.time -
		    z->dst_offset;
		if (at <= t && at >= best) {
			best = at;
			offset = z->std_offset;
		}
	}
	return offset;
}
