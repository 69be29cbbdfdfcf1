/* SPDX-License-Identifier: ISC */
/*
 * How far this host's clock is from the master's.  A master says what time it is,
 * once a connection and with each heartbeat; in between the clock that is never
 * set goes on from there, so that a wall clock which is set meanwhile is noticed
 * with the next report.
 *
 * That clock is one for all processes of a boot: what was said is kept in the spool,
 * so that a link which is started again while no master can be reached still knows.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/proc/plog.h"
#include "lib/statement/statement.h"

#define TRIP_MAX_MS 20000 /* one that was longer says too little */
#define KEPT_MAX    100   /* bytes of the file */
#define ZERO_MAX    (CLOCK_MAX * 1000)

/* BOOT ZERO.  Without it a report says nothing of the clock. */
static void
keep(struct uplink *u)
{
	const char *boot = json_text(u->held, "boot_id");
	struct str text = STR_INIT;
	struct err e = {0};
	int r;

	str_addf(&text, "%s %" PRId64 "\n", boot, u->clock_zero_ms);
	r = str_check(&text) != 0
	    ? err_nomem(&e)
	    : uplink_spool(u, SPOOL_CLOCK, text.p, text.n, &e);
	if (r != 0)
		plog_err(PLOG_INFO, &e, "the master's time is not kept", NULL);
	str_clear(&text);
}

void
uplink_clock_kept(struct uplink *u)
{
	const char *boot = json_text(u->held, "boot_id");
	size_t len = strlen(boot), n = 0;
	char *path = NULL, *text = NULL;
	uint64_t zero;

	if (len == 0 || path_join(u->spool, SPOOL_CLOCK, &path) != 0)
		return;
	if (file_read(path, KEPT_MAX, &text, &n, NULL) == 0 && n > len + 2 &&
	    memcmp(text, boot, len) == 0 && text[len] == ' ' &&
	    text[n - 1] == '\n') {
		text[n - 1] = '\0';
		if (parse_u64(text + len + 1, 0, ZERO_MAX, &zero) == 0) {
			u->has_clock = true;
			u->clock_zero_ms = (int64_t)zero;
		}
	}
	free(text);
	free(path);
}

void
uplink_ask_clock(struct uplink *u)
{
	int64_t before = clock_mono_ms(), after, now = 0;
	json_t *answer = NULL;
	struct err e = {0};
	int r;

	r = uplink_call(u, "{\"call\":\"hello\"}", UPLINK_CALL_MS, &answer, &e);
	after = clock_mono_ms();
	if (r == 0 && clock_parse(json_text(answer, "now"), &now) != 0)
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
	keep(u);
}

bool
uplink_clock(const struct uplink *u, int64_t *off)
{
	if (!u->has_clock)
		return false;
	*off = clock_now() - (u->clock_zero_ms + clock_mono_ms()) / 1000;
	return *off >= -REPORT_CLOCK_MAX && *off <= REPORT_CLOCK_MAX;
}
