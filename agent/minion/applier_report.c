/* SPDX-License-Identifier: ISC */
/* Heartbeats, alarms of the link's, reports that are not sent, diffs. */
#include <stdlib.h>

#include "agent/minion/applier.h"
#include "lib/trust/fleet_bundle.h"

#define ALARM_TEXT_MAX 900

/* Said once for each version. */
static int
say_past(struct applier *a, const char *what, uint64_t version,
    const char *then)
{
	struct err why = {0};

	(void)err_set(&why, ERR_EXPIRED, "%s version %llu is past its %s", what,
	    (unsigned long long)version, then);
	return applier_alarm(a, "expiry", &why);
}

/*
 * What is past its time goes on in force.  A list of revocations is followed by
 * another before its time is over, though there is nothing new: where none has
 * come, somebody keeps it back, or the CA is away.
 */
static int
say_expiry(struct applier *a, struct err *e)
{
	static const char stays[] = "expiry, and stays in force here";
	const struct held *h = &a->held;
	struct str text = STR_INIT;
	int policy, fleet, r = 0;

	policy = trust_expiry(&a->trust, a->now, &text, NULL);
	fleet = h->fleet.have
	    ? fleet_expiry(&h->fleet, &a->trust, a->now, &text, NULL)
	    : 0;
	if (policy != 0 && policy != ERR_NOMEM)
		r = say_past(a, "policy", h->policy_version, stays);
	if (r == 0 && fleet != 0 && fleet != ERR_NOMEM)
		r = say_past(a, "fleet", h->fleet.version, stays);
	if (r == 0 && h->krl_next != 0 && a->now > h->krl_next)
		r = say_past(a, "revocation list", h->krl_version,
		    "next update: what was revoked since is not known here");
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
