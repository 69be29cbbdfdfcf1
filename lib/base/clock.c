/* SPDX-License-Identifier: ISC */
#include "lib/base/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/str.h"

#define DAY      86400
#define SPAN_MAX (INT64_C(100000) * DAY)

int64_t
clock_now(void)
{
	struct timespec ts;

	/* Cannot fail for CLOCK_REALTIME and a valid pointer. */
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec;
}

int64_t
clock_mono_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Division that rounds down, as days before 1970 need it; b > 0. */
static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0 ? 1 : 0);
}

/*
 * Both conversions count years from 1 March, so that the leap day is the last
 * of its year: a month m (March is 0) then begins (153 m + 2) / 5 days in.
 * 719468 days lie between 0000-03-01 and 1970-01-01.
 */
int64_t
clock_days(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;
	int64_t leaps = floor_div(y, 4) - floor_div(y, 100) + floor_div(y, 400);

	return y * 365 + leaps + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool
is_leap(int64_t y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

void
clock_civil(int64_t t, struct civil *out)
{
	int64_t days = floor_div(t, DAY);
	int64_t secs = t - days * DAY;
	int64_t z = days + 719468;
	int64_t era = floor_div(z, 146097); /* 400 years have 146097 days */
	int64_t d = z - era * 146097;       /* day of the era */
	int64_t y = (d - d / 1460 + d / 36524 - d / 146096) / 365;
	int64_t yd = d - (365 * y + y / 4 - y / 100); /* from 1 March */
	int64_t m = (5 * yd + 2) / 153;

	out->day = (int)(yd - (153 * m + 2) / 5 + 1);
	out->month = (int)(m < 10 ? m + 3 : m - 9);
	out->year = y + era * 400 + (out->month <= 2 ? 1 : 0);
	out->hour = (int)(secs / 3600);
	out->min = (int)(secs / 60 % 60);
	out->sec = (int)(secs % 60);
	/* 1970-01-01 was a Thursday. */
	out->weekday = (int)(days + 4 - floor_div(days + 4, 7) * 7);
	out->yearday =
	    (int)(m < 10 ? yd + 59 + (is_leap(out->year) ? 1 : 0) : yd - 306);
}

static void
digits(char *out, int64_t v, int n)
{
	while (n-- > 0) {
		out[n] = (char)('0' + v % 10);
		v /= 10;
	}
}

void
clock_format(int64_t t, char out[CLOCK_TEXT])
{
	struct civil c;

	if (t < 0)
		t = 0;
	if (t > CLOCK_MAX)
		t = CLOCK_MAX;
	clock_civil(t, &c);
	memcpy(out, "0000-00-00T00:00:00Z", CLOCK_TEXT);
	digits(out, c.year, 4);
	digits(out + 5, c.month, 2);
	digits(out + 8, c.day, 2);
	digits(out + 11, c.hour, 2);
	digits(out + 14, c.min, 2);
	digits(out + 17, c.sec, 2);
}

/* Whether s begins as the shape does, where '0' stands for any digit. */
static bool
has_shape(const char *s, const char *shape)
{
	for (; *shape != '\0'; s++, shape++) {
		if (*shape == '0' ? *s < '0' || *s > '9' : *s != *shape)
			return false;
	}
	return true;
}

static int
number(const char *s, int n)
{
	int v = 0;

	while (n-- > 0)
		v = v * 10 + (*s++ - '0');
	return v;
}

/* "0000-00-00" at s, a day that exists. */
static int
date(const char *s, int64_t *out_days)
{
	static const int lengths[] = {
	    31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y, m, d;

	if (!has_shape(s, "0000-00-00"))
		return ERR_PARSE;
	y = number(s, 4);
	m = number(s + 5, 2);
	d = number(s + 8, 2);
	if (m < 1 || m > 12 || d < 1 ||
	    d > lengths[m - 1] + (m == 2 && is_leap(y) ? 1 : 0))
		return ERR_PARSE;
	*out_days = clock_days(y, m, d);
	return 0;
}

/* "00:00:00" at s; no leap second, which POSIX time cannot say. */
static int
time_of_day(const char *s, int64_t *out_secs)
{
	int h, m, sec;

	if (!has_shape(s, "00:00:00"))
		return ERR_PARSE;
	h = number(s, 2);
	m = number(s + 3, 2);
	sec = number(s + 6, 2);
	if (h > 23 || m > 59 || sec > 59)
		return ERR_PARSE;
	*out_secs = h * 3600 + m * 60 + sec;
	return 0;
}

static int
in_range(int64_t t, int64_t *out)
{
	if (t < 0 || t > CLOCK_MAX)
		return ERR_PARSE;
	*out = t;
	return 0;
}

int
clock_parse(const char *s, int64_t *out)
{
	int64_t days, secs;

	if (date(s, &days) != 0 || s[10] != 'T' ||
	    time_of_day(s + 11, &secs) != 0 || strcmp(s + 19, "Z") != 0)
		return ERR_PARSE;
	return in_range(days * DAY + secs, out);
}

/* "Z" or "+00:00" and the end, at s. */
static int
utc_offset(const char *s, int64_t *out)
{
	int h, m;

	if (strcmp(s, "Z") == 0 || strcmp(s, "z") == 0) {
		*out = 0;
		return 0;
	}
	if ((*s != '+' && *s != '-') || !has_shape(s + 1, "00:00") ||
	    s[6] != '\0')
		return ERR_PARSE;
	h = number(s + 1, 2);
	m = number(s + 4, 2);
	if (h > 23 || m > 59)
		return ERR_PARSE;
	*out = (*s == '-' ? -1 : 1) * (h * 3600 + m * 60);
	return 0;
}

int
clock_parse_lax(const char *s, int64_t *out)
{
	int64_t days, secs, offset;

	if (date(s, &days) != 0)
		return ERR_PARSE;
	s += 10;
	if (*s == '\0')
		return in_range(days * DAY + DAY - 1, out);
	if ((*s != 'T' && *s != 't') || time_of_day(s + 1, &secs) != 0)
		return ERR_PARSE;
	s += 9;
	if (*s == '.') { /* a fraction is cut off */
		size_t n = strspn(s + 1, "0123456789");

		if (n == 0)
			return ERR_PARSE;
		s += 1 + n;
	}
	if (utc_offset(s, &offset) != 0)
		return ERR_PARSE;
	return in_range(days * DAY + secs - offset, out);
}

static const struct {
	char unit;
	int64_t secs;
} units[] = {{'d', DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};

#define N_UNITS (sizeof(units) / sizeof(units[0]))

int
span_parse(const char *s, int64_t *out_secs)
{
	size_t n = strlen(s);
	char number_text[24];
	uint64_t v;
	int r;

	if (n < 2)
		return ERR_PARSE;
	for (size_t i = 0; i < N_UNITS; i++) {
		if (s[n - 1] != units[i].unit)
			continue;
		if (n > sizeof(number_text))
			return strspn(s, "0123456789") == n - 1 && *s != '0'
			    ? ERR_LIMIT
			    : ERR_PARSE;
		memcpy(number_text, s, n - 1);
		number_text[n - 1] = '\0';
		r = parse_u64(number_text, 1,
		    (uint64_t)(SPAN_MAX / units[i].secs), &v);
		if (r == 0)
			*out_secs = (int64_t)v * units[i].secs;
		return r;
	}
	return ERR_PARSE;
}

void
span_format(int64_t secs, char out[SPAN_TEXT])
{
	size_t i = 0;

	while (i < N_UNITS - 1 && (secs == 0 || secs % units[i].secs != 0))
		i++;
	(void)snprintf(out, SPAN_TEXT, "%lld%c",
	    (long long)(secs / units[i].secs), units[i].unit);
}
