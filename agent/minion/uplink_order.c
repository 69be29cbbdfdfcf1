/* SPDX-License-Identifier: ISC */
/* What the link looks at of an order before it wakes the applier, which believes
 * nothing of it: is it the one that is wanted, and is it to this host? */
#include <string.h>

#include "agent/minion/spool.h"
#include "agent/minion/uplink.h"
#include "lib/base/json.h"
#include "lib/statement/statement.h"
#include "lib/trust/fleet_place.h"

static int
ask(struct uplink *u, const char *hex, json_t **out, struct err *e)
{
	struct uplink_body b;

	uplink_begin(&b, "order");
	jw_str(&b.w, "job", hex);
	return uplink_end(u, &b, out, e);
}

static int
look(struct uplink *u, const struct hash *name, const char *job,
    const char *place, struct hash *bundle, struct err *e)
{
	const char *self = json_text(u->held, "host");
	struct statement s;
	struct place p;
	int r;

	statement_init(&s, ST_JOB);
	if ((r = statement_parse("order", slice_str(job), &s, e)) != 0)
		goto out;
	if (s.type != ST_JOB || !hash_equal(&s.hash, name))
		r = err_set(e, ERR_PARSE,
		    "an order that is not what it was asked as");
	else if ((r = place_parse(slice_str(place), &p, e)) == 0 &&
	    (r = place_check(&p, &s.u.job, e)) == 0 &&
	    strcmp(p.host, self) != 0)
		r = err_set(e, ERR_PARSE,
		    "place among targets of %s, expected that of %s", p.host,
		    self);
	if (r == 0)
		*bundle = s.u.job.bundle;
out:
	statement_clear(&s);
	return r;
}

int
uplink_fetch_order(struct uplink *u, const char *hex, struct hash *bundle,
    struct err *e)
{
	const char *job, *place;
	struct hash name;
	json_t *o = NULL;
	int r;

	if (hash_from_hex(hex, &name) != 0)
		return err_set(e, ERR_PARSE, "what it names is no hash");
	if ((r = ask(u, hex, &o, e)) != 0)
		return r;
	job = json_text(o, "statement");
	place = json_text(o, "place");
	if ((r = look(u, &name, job, place, bundle, e)) == 0 &&
	    (r = uplink_spool(u, SPOOL_JOB, job, strlen(job), e)) == 0)
		r = uplink_spool(u, SPOOL_PLACE, place, strlen(place), e);
	json_decref(o);
	return r;
}
