/* SPDX-License-Identifier: ISC */
/* Heartbeats, alarms of the link's, reports that are not sent, diffs. */
#include <stdlib.h>

#include "agent/minion/applier.h"
#include "lib/trust/fleet_bundle.h"

#define ALARM_TEXT_MAX 900

/* What is past its time goes on in force, and is said once for each of it. */
static int
say_expiry(struct applier *a, struct err *e)
{
	struct str text = STR_INIT;
	struct err why = {0};
	int policy, fleet, r = 0;

	policy = trust_expiry(&a->trust, a->now, &text, NULL);
	fleet = a->held.fleet.have
	    ? fleet_expiry(&a->held.fleet, &a->trust, a->now, &text, NULL)
	    : 0;
	if (policy != 0 && policy != ERR_NOMEM) {
		(void)err_set(&why, ERR_EXPIRED,
		    "policy version %llu is past its expiry, and stays in "
		    "force here",
		    (unsigned long long)a->held.policy_version);
		r = applier_alarm(a, "expiry", &why);
	}
	if (r == 0 && fleet != 0 && fleet != ERR_NOMEM) {
		(void)err_set(&why, ERR_EXPIRED,
		    "fleet version %llu is past its expiry, and stays in "
		    "force here",
		    (unsigned long long)a->held.fleet.version);
		r = applier_alarm(a, "expiry", &why);
	}
	str_clear(&text);
	return r != 0 ? err_nomem(e) : 0;
}

int
verb_report(struct applier *a, struct err *e)
{
	struct report_statement rep = {.kind = REPORT_HEARTBEAT};
	const char *alarm = NULL;
	struct err why = {0};
	int r;

	if ((r = json_str(a->args, "alarm", JSON_OPTIONAL, ALARM_TEXT_MAX,
		 &alarm, e)) != 0)
		return r;
	if (alarm != NULL) {
		(void)err_set(&why, ERR_DENIED, "%s", alarm);
		return applier_alarm(a, "link", &why);
	}
	if ((r = applier_is_accepted(a, e)) != 0 || (r = say_expiry(a, e)) != 0)
		return r;
	return applier_say(a, &rep, e);
}

int
verb_unsent(struct applier *a, struct err *e)
{
	uint64_t acked = 0;
	int r;

	if ((r = json_u64(a->args, "acked", 0, 0, UINT64_MAX, &acked, e)) !=
		0 ||
	    (r = report_acked(a->state_dir, &a->reports, acked, e)) != 0)
		return r;
	return report_unsent(a->state_dir, &a->reports, &a->made,
	    &a->first_made, e);
}

int
verb_diff(struct applier *a, struct err *e)
{
	struct hash h;
	char *text = NULL;
	int r;

	if ((r = json_hex(a->args, "diff", 0, h.b, HASH_LEN, e)) != 0 ||
	    (r = diff_get(a->state_dir, &h, &text, e)) != 0)
		return r;
	jw_str(&a->w, "text", text);
	free(text);
	return 0;
}
