/* SPDX-License-Identifier: ISC */
/*
 * How far this host's clock is from the master's.  A master says what time it is,
 * once a connection and with each heartbeat; in between the clock that is never
 * set goes on from there, so that a wall clock which is set meanwhile is noticed
 * with the next report.
 */
#include "agent/minion/uplink.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/statement/statement.h"

#define TRIP_MAX_MS 20000 /* one that was longer says too little */

void
uplink_ask_clock(struct uplink *u)
{
	int64_t before = clock_mono_ms(), after, now = 0;
	json_t *answer = NULL;
	struct err e = {0};
	int r;

	r = uplink_call(u, "{\"call\":\"hello\"}", UPLINK_CALL_MS, &answer, &e);
	after = clock_mono_ms();
	if (r == 0 && clock_parse(uplink_text(answer, "now"), &now) != 0)
		r = err_set(&e, ERR_PARSE,
		    "'now' is malformed, expected a time");
	json_decref(answer);
	if (r != 0) {
		plog_err(PLOG_INFO, &e, "the master does not say the time",
		    NULL);
		return;
	}
	if (after - before > TRIP_MAX_MS)
		return;
	/* It was said halfway, and cut to a second. */
	u->has_clock = true;
	u->clock_zero_ms = now * 1000 + 500 - (before + after) / 2;
}

bool
uplink_clock(const struct uplink *u, int64_t *off)
{
	if (!u->has_clock)
		return false;
	*off = clock_now() - (u->clock_zero_ms + clock_mono_ms()) / 1000;
	return *off >= -REPORT_CLOCK_MAX && *off <= REPORT_CLOCK_MAX;
}
