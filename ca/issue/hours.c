/* SPDX-License-Identifier: ISC */
/*
 * Hours of a grant: windows of local wall clock, evaluated from the rule of
 * the zone that the signed bundle holds.
 */
#include "ca/issue/steps.h"

#include "lib/base/clock.h"

#define MINUTE      60
#define DAY         INT64_C(86400)
#define NEXT_MAX    (8 * DAY / MINUTE) /* minutes looked ahead */
#define CHANGES_MAX 8                  /* of the offset within one window */

/* What a clock on the wall shows, as if it were UTC. */
static int64_t
wall(const struct hours *h, int64_t t)
{
	return t + tz_offset(&h->rule, t);
}

static bool
day_listed(const struct hours *h, int weekday)
{
	return (h->days >> weekday & 1) != 0;
}

/*
 * Does a window hold t?  *end_wall gets where it ends on the wall clock.  Of
 * the two windows that may reach into a day, its own and one that began the
 * day before, at most one holds t, since a window is no longer than 24 hours.
 */
static bool
window_of(const struct hours *h, int64_t t, int64_t *end_wall)
{
	struct civil c;
	int64_t w = wall(h, t), midnight;
	int minute;
	bool past_midnight = h->to_min <= h->from_min;

	clock_civil(w, &c);
	minute = c.hour * 60 + c.min;
	midnight = w - (c.hour * 3600 + c.min * MINUTE + c.sec);

	if (day_listed(h, c.weekday) && minute >= h->from_min &&
	    (past_midnight || minute < h->to_min)) {
		*end_wall =
		    midnight + h->to_min * MINUTE + (past_midnight ? DAY : 0);
		return true;
	}
	if (past_midnight && minute < h->to_min &&
	    day_listed(h, (c.weekday + 6) % 7)) {
		*end_wall = midnight + h->to_min * MINUTE;
		return true;
	}
	return false;
}

/*
 * The first second from t on at which the wall clock shows end_wall or later.
 * Where clocks go forward over the end, that is the second of the change;
 * where they go back over it, its first pass.
 */
static int64_t
reach(const struct hours *h, int64_t t, int64_t end_wall)
{
	for (int i = 0; i < CHANGES_MAX; i++) {
		int64_t lo = t, hi = t + (end_wall - wall(h, t));

		if (hi <= lo)
			return t;
		if (wall(h, hi) < end_wall) { /* clocks went back */
			t = hi;
			continue;
		}
		while (hi - lo > 1) {
			int64_t mid = lo + (hi - lo) / 2;

			if (wall(h, mid) < end_wall)
				lo = mid;
			else
				hi = mid;
		}
		return hi;
	}
	return t; /* no real zone: the shorter answer */
}

bool
issue_hours_hold(const struct hours *h, int64_t t)
{
	int64_t end_wall;

	return window_of(h, t, &end_wall);
}

int64_t
issue_hours_end(const struct hours *h, int64_t t, int64_t limit)
{
	int64_t end_wall;

	while (t < limit && window_of(h, t, &end_wall)) {
		int64_t next = reach(h, t, end_wall);

		if (next <= t)
			break;
		t = next;
	}
	return t < limit ? t : limit;
}

int64_t
issue_hours_next(const struct hours *h, int64_t t)
{
	t -= t % MINUTE;
	for (int i = 0; i < NEXT_MAX; i++) {
		t += MINUTE;
		if (issue_hours_hold(h, t))
			return t;
	}
	return -1;
}

void
issue_hours_text(const struct hours *h, struct str *out)
{
	static const char *const names[] = {
	    "sun", "mon", "tue", "wed", "thu", "fri", "sat"};
	const char *sep = "";

	for (int i = 1; i <= 7; i++) { /* weeks of people begin on Monday */
		if (!day_listed(h, i % 7))
			continue;
		str_addf(out, "%s%s", sep, names[i % 7]);
		sep = ",";
	}
	str_addf(out, " %02d:%02d-%02d:%02d %s", h->from_min / 60,
	    h->from_min % 60, h->to_min / 60, h->to_min % 60,
	    h->zone != NULL ? h->zone : "");
}
