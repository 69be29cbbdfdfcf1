/* SPDX-License-Identifier: ISC */
/* What a host says with its host key: renewals and reports. */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/trust/fleet_hosts_impl.h"
#include "lib/trust/standing.h"

/* Its id, or one it had under this acceptance: a host learns of a new name
 * when it is told. */
static bool
is_called(const struct fleet_host *x, const char *id)
{
	return strcmp(x->id, id) == 0 || strs_has(&x->was, id);
}

/* It is x that speaks, and it may. */
static int
check_voice(const struct fleet_host *x, const struct statement *s,
    struct err *e)
{
	if (statement_signed_by(s, x->host_key) < 0)
		return err_set(e, ERR_DENIED,
		    "%s is by %s, and not signed by the host key of %s",
		    statement_type_name(s->type), s->by, x->id);
	if (!is_called(x, s->by))
		return err_set(e, ERR_DENIED, "%s is by %s, and the host is %s",
		    statement_type_name(s->type), s->by, x->id);
	if (x->row.rejected)
		return err_set(e, ERR_DENIED, "host %s is rejected", x->id);
	return 0;
}

/* --- renewals --- */

static int
check_until(const struct fleet_host *x, const struct statement *s, int64_t now,
    struct err *e)
{
	char until[CLOCK_TEXT], when[CLOCK_TEXT];
	int64_t t = now > s->at ? now : s->at;

	if (now != 0 && s->at > now + FLEET_HOSTS_AHEAD) {
		clock_format(s->at, when);
		clock_format(now, until);
		return err_set(e, ERR_DENIED,
		    "renew of %s is from the future: the clock here says %s",
		    when, until);
	}
	if (t < x->row.renew_until)
		return 0;
	clock_format(x->row.renew_until, until);
	return err_set(e, ERR_EXPIRED,
	    "the acceptance of host %s gave until %s, expected a new one",
	    x->id, until);
}

static int
check_revoked(const struct standing *st, const struct fleet_host *x,
    struct err *e)
{
	if (st == NULL)
		return 0;
	if (standing_key_revoked(st, x->host_key))
		return err_set(e, ERR_DENIED, "the host key of %s is revoked",
		    x->id);
	if (standing_person_revoked(st, x->id))
		return err_set(e, ERR_DENIED, "%s is revoked", x->id);
	return 0;
}

int
fleet_hosts_renew(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, const struct fleet_host_row **row, struct err *e)
{
	const struct renewal *q = &s->u.renew;
	const struct fleet_host *x;
	int r;

	if (s->type != ST_RENEW)
		return err_set(e, ERR_PARSE,
		    "%s statement, expected a renew statement",
		    statement_type_name(s->type));
	if ((r = fleet_check_common(j->realm, s, e)) != 0)
		return r;
	if ((x = fleet_find(h, FLEET_BY_ACCEPT, &q->accept)) == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "no host is here by the acceptance it names");
	if (!pubkey_equal(x->host_key, q->key))
		return err_set(e, ERR_DENIED,
		    "its key is not the one that host %s was accepted with",
		    x->id);
	if ((r = check_voice(x, s, e)) != 0 ||
	    (r = check_revoked(j->standing, x, e)) != 0 ||
	    (r = check_until(x, s, j->now, e)) != 0)
		return r;
	if (row != NULL)
		*row = &x->row;
	return 0;
}

/* --- reports --- */

/* By its id, or by the one it had: then its key says which host it is. */
static struct fleet_host *
speaker(const struct fleet_hosts *h, const struct statement *s)
{
	struct fleet_host *x;

	for (size_t i = 0; i < s->n_sigs; i++)
		if ((x = fleet_find_key(h, s->sigs[i].key)) != NULL &&
		    is_called(x, s->by))
			return x;
	return fleet_find_host(h, s->by);
}

static int
gap(struct err *e, const struct fleet_host *x, const char *what)
{
	(void)err_set(e, ERR_NOTFOUND, "reports of %s: %s", x->id, what);
	return FLEET_HOSTS_GAP;
}

static int
check_chain(const struct fleet_host *x, const struct statement *s,
    struct err *e)
{
	const struct report_statement *q = &s->u.report;
	char what[96];

	if (x->row.has_report && hash_equal(&x->row.last_report, &s->hash)) {
		(void)err_set(e, ERR_EXISTS, "report %llu is held already",
		    (unsigned long long)q->seq);
		return FLEET_HOSTS_AGAIN;
	}
	if (q->seq == 1 && (x->fresh || !x->row.has_report))
		return 0;
	if (q->seq <= x->row.seq)
		return err_set(e, ERR_ROLLBACK,
		    "report %llu of %s, and report %llu is held",
		    (unsigned long long)q->seq, x->id,
		    (unsigned long long)x->row.seq);
	if (q->seq != x->row.seq + 1) {
		(void)snprintf(what, sizeof(what), "%llu to %llu are missing",
		    (unsigned long long)x->row.seq + 1,
		    (unsigned long long)q->seq - 1);
		return gap(e, x, what);
	}
	/* A first one without another before it cannot be any but 1. */
	if (!hash_equal(&q->previous, &x->row.last_report)) {
		(void)snprintf(what, sizeof(what),
		    "%llu names another one before it than is held",
		    (unsigned long long)q->seq);
		return gap(e, x, what);
	}
	return 0;
}

static int
judge_report(const struct fleet_hosts *h, const struct hash *realm,
    const struct statement *s, struct fleet_host **out, struct err *e)
{
	struct fleet_host *x;
	int r;

	if (s->type != ST_REPORT)
		return err_set(e, ERR_PARSE,
		    "%s statement, expected a report statement",
		    statement_type_name(s->type));
	if ((r = fleet_check_common(realm, s, e)) != 0)
		return r;
	if ((x = speaker(h, s)) == NULL)
		return err_set(e, ERR_NOTFOUND, "there is no host %s", s->by);
	if ((r = check_voice(x, s, e)) != 0)
		return r;
	*out = x;
	return check_chain(x, s, e);
}

int
fleet_hosts_report_check(const struct fleet_hosts *h, const struct hash *realm,
    const struct statement *s, const struct fleet_host_row **row, struct err *e)
{
	struct fleet_host *x = NULL;
	int r;

	if ((r = judge_report(h, realm, s, &x, e)) >= 0 && row != NULL)
		*row = &x->row;
	return r;
}

int
fleet_hosts_report(struct fleet_hosts *h, const struct hash *realm,
    const struct statement *s, const struct fleet_host_row **row, struct err *e)
{
	struct fleet_host *x = NULL;
	int r;

	if ((r = judge_report(h, realm, s, &x, e)) < 0 || x == NULL)
		return r;
	if (row != NULL)
		*row = &x->row;
	if (r == FLEET_HOSTS_AGAIN)
		return r;
	x->row.missing =
	    r == FLEET_HOSTS_GAP ? s->u.report.seq - x->row.seq - 1 : 0;
	x->row.seq = s->u.report.seq;
	x->row.has_report = true;
	x->row.last_report = s->hash;
	x->fresh = false;
	return r;
}
