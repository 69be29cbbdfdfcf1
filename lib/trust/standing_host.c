/* SPDX-License-Identifier: ISC */
/* Hosts: accepted and turned out by operators, in the same order of the log. */
#include "lib/trust/standing_impl.h"

bool
standing_is_about_host(enum statement_type t)
{
	return t == ST_ENROL || t == ST_ACCEPT || t == ST_REJECT ||
	    t == ST_RENAME || t == ST_FORGET || t == ST_TOKEN;
}

bool
standing_is_act(const struct statement *s)
{
	return s->type == ST_KEY || s->type == ST_REVOKE ||
	    (s->type == ST_DECISION && s->u.d.n_keys > 0) ||
	    standing_is_about_host(s->type);
}

const struct fleet_hosts *
standing_hosts(const struct standing *st)
{
	return st->hosts;
}

void
standing_move_hosts(struct standing *from, struct standing *to)
{
	fleet_hosts_free(to->hosts);
	to->hosts = from->hosts;
	from->hosts = NULL;
}

/* Only what is known already may be said twice; all else that changes nothing
 * was not entitled to. */
int
standing_apply_host(struct standing *st, const struct policy *p,
    const struct statement *s, int64_t now, struct err *why)
{
	struct fleet_judge j = {
	    .policy = p, .realm = &s->realm, .standing = st, .now = now};
	struct err e = {0};
	int r;

	if (st->hosts == NULL && (r = fleet_hosts_new(&st->hosts)) != 0)
		return r;
	r = fleet_hosts_fold(st->hosts, &j, s, &e);
	if (r == 0 || r == ERR_NOMEM || r == ERR_LIMIT)
		return r;
	return standing_idle(why,
	    r == FLEET_HOSTS_AGAIN ? ERR_EXISTS : ERR_DENIED, "%s", e.msg);
}

int
standing_report(struct standing *st, const struct hash *realm,
    const struct statement *s, struct err *e)
{
	if (st->hosts == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "no host was accepted before this report");
	return fleet_hosts_report(st->hosts, realm, s, NULL, e);
}
