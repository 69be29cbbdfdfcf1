/* SPDX-License-Identifier: ISC */
/*
 * What a leaf makes of this keeper, once it is durable: who is told of what, how
 * far orders are; and the rows it is kept in.  The fold of hosts was moved on
 * when the statement was judged.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"

/* --- hosts come and go ---------------------------------------------------- */

static void
came(struct mk *k, const char *id)
{
	struct mk_host *h = NULL;

	if (board_get(&k->board, id, &h) != 0) {
		k->r = err_nomem(&k->e);
		return;
	}
	k->keys_changed = true;
	mk_dirty(k, h);
}

/* Its session ends with its key; who attends is told so. */
static void
left(struct mk *k, const char *id, const char *why)
{
	struct mk_host *h = board_find(&k->board, id);
	struct err e = {0};

	k->keys_changed = true;
	if (h == NULL)
		return;
	jobs_left(k->jobs, h->number);
	if (h->attend != NULL) {
		(void)err_set(&e, ERR_WAIT, "%s %s", id, why);
		mk_call_fail(k, h->attend, &e);
	}
	h->has_certificate = false;
}

static void
forgotten(struct mk *k, const char *id)
{
	struct mk_host *h = board_find(&k->board, id);

	if (h != NULL)
		mk_alarms_clear(h);
}

static void
renamed(struct mk *k, const struct rename_host *r)
{
	struct mk_host *old = board_find(&k->board, r->host), *h = NULL;

	came(k, r->to);
	h = board_find(&k->board, r->to);
	if (old != NULL && h != NULL) {
		h->root_version = old->root_version;
		h->policy_version = old->policy_version;
		h->fleet_version = old->fleet_version;
		h->krl_version = old->krl_version;
		h->contact = old->contact;
		mk_alarms_move(k, old, h);
	}
	left(k, r->host, "has another name now");
}

/* --- reports -------------------------------------------------------------- */

bool
mk_is_run(const struct statement *s)
{
	return s->u.report.kind == REPORT_RUN ||
	    s->u.report.kind == REPORT_DRIFT;
}

void
mk_note_report(struct mk *k, struct mk_host *h, const struct statement *s,
    int64_t at)
{
	const struct report_statement *r = &s->u.report;

	h->root_version = r->root_version;
	h->policy_version = r->policy_version;
	h->fleet_version = r->fleet_version;
	h->krl_version = r->krl_version;
	memcpy(h->boot_id, r->boot_id, BOOT_ID_LEN);
	h->has_boot = true;
	if (at > h->contact)
		h->contact = at;
	if (r->kind == REPORT_ALARM)
		mk_alarm_at(k, h, "report", r->message, at);
	if (!mk_is_run(s))
		return;
	h->has_run = true;
	h->outcome = (uint8_t)r->outcome;
	h->drifts = r->kind == REPORT_DRIFT && r->outcome != RUN_UNCHANGED;
}

/* Nobody will ever read them, and the host is to be looked at. */
static void
logins_lost(struct mk *k, struct mk_host *h, uint64_t n)
{
	struct str s = STR_INIT;

	str_addf(&s, "%llu lines about logins could not be kept",
	    (unsigned long long)n);
	mk_alarm(k, h, "report",
	    str_check(&s) == 0 ? s.p : "lines about logins could not be kept");
	str_clear(&s);
}

/* The words are what people's programs look for; the number comes after them. */
static void
reports_missing(struct mk *k, struct mk_host *h, uint64_t n)
{
	static const char words[] = "reports before the last one are missing";
	struct str s = STR_INIT;

	str_add(&s, words);
	if (n > 0)
		str_addf(&s, ", %llu of them", (unsigned long long)n);
	mk_alarm(k, h, "report", str_check(&s) == 0 ? s.p : words);
	str_clear(&s);
}

/* What a host is called that may have said it by a former id. */
static const char *
name_of(const struct mk_item *i)
{
	return i->host != NULL  ? i->host->id
	    : i->called != NULL ? i->called
				: i->s.by;
}

static void
reported(struct mk *k, const struct mk_item *i)
{
	const struct report_statement *r = &i->s.u.report;
	struct mk_host *h = NULL;

	if (board_get(&k->board, name_of(i), &h) != 0) {
		k->r = err_nomem(&k->e);
		return;
	}
	k->totals.reports++;
	mk_note_report(k, h, &i->s, k->now);
	if (i->s.at - (r->has_clock ? r->clock : 0) >
	    k->now + FLEET_HOSTS_AHEAD)
		mk_alarm(k, h, "report",
		    "a report is from the future: the clock is ahead by more "
		    "than it says");
	if (i->gap)
		reports_missing(k, h, i->missing);
	if (r->lost > 0)
		logins_lost(k, h, r->lost);
	if (!r->has_job || r->kind != REPORT_RUN)
		return;
	if (jobs_report(k->jobs, h->number, &r->job, r->outcome) == 0)
		mk_watch_report(k, h, &i->s);
}

/* --- in memory ------------------------------------------------------------ */

void
mk_apply(struct mk *k, struct mk_item *i)
{
	const struct statement *s = &i->s;
	struct err e = {0};
	int r;

	switch (s->type) {
	case ST_ACCEPT:
		k->totals.accepted++;
		came(k, s->u.accept.host);
		break;
	case ST_REJECT:
		if (s->u.reject.host != NULL)
			left(k, s->u.reject.host, "was rejected");
		break;
	case ST_RENAME:
		renamed(k, &s->u.rename);
		break;
	case ST_FORGET:
		left(k, s->u.forget.host, "was forgotten");
		forgotten(k, s->u.forget.host);
		break;
	case ST_REPORT:
		reported(k, i);
		break;
	case ST_JOB:
		k->totals.orders++;
		r = mk_add_job(k, s, slice_of(i->targets, i->n_targets), &e);
		if (r < 0)
			plog_err(PLOG_ERR, &e, "an order of the log is lost",
			    NULL);
		/* Which a start finds again: whoever brought it is told that
		 * it is there. */
		if (r == ERR_NOMEM) {
			k->r = r;
			k->e = e;
		}
		break;
	default:
		break;
	}
}

/* --- in rows -------------------------------------------------------------- */

static int64_t
set_back(int64_t at, int64_t by)
{
	int64_t t = at - by;

	return t < 0 ? 0 : t > CLOCK_MAX ? CLOCK_MAX : t;
}

/*
 * Whoever asks for a time means the one of his own clock, and finds what a host saw
 * whose clock is off.  Nothing was seen after it was told: where a host does not
 * know how far its clock is ahead, or says less, it is so far at least.
 */
static void
set_by_master(struct login_row *l, int64_t clock, int64_t came)
{
	bool sum = l->event.what == LOGIN_FAILED;
	int64_t last = sum ? l->event.until : l->event.at;

	if (last - clock > came + FLEET_HOSTS_AHEAD)
		clock = last - came;
	if (clock >= -MK_CLOCK_OFF && clock <= MK_CLOCK_OFF)
		return;
	l->clock = clock < REPORT_CLOCK_MAX ? clock : REPORT_CLOCK_MAX;
	l->event.at = set_back(l->event.at, clock);
	if (sum)
		l->event.until = set_back(l->event.until, clock);
}

int
mk_put_logins(struct mk *k, const struct mk_item *item, int64_t came,
    struct err *e)
{
	const struct report_statement *p = &item->s.u.report;
	struct login_row l = {.index = item->index,
	    .host = name_of(item),
	    .seq = p->seq,
	    .came = came,
	    .report = item->s.hash};
	int r = 0;

	for (size_t i = 0; i < p->n_events && r == 0; i++) {
		l.number = (unsigned)i;
		l.event = p->events[i];
		set_by_master(&l, p->has_clock ? p->clock : 0, came);
		r = rows_put_login(k->rows, &l, e);
	}
	return r;
}

static int
report_rows(struct mk *k, const struct mk_item *i, struct err *e)
{
	const struct report_statement *r = &i->s.u.report;
	const struct job *j;
	int ret;

	ret = rows_put_report(k->rows, name_of(i), i->index, k->now, &i->s,
	    mk_is_run(&i->s), e);
	if (ret == 0)
		ret = mk_put_logins(k, i, k->now, e);
	if (ret != 0 || !r->has_job || r->kind != REPORT_RUN ||
	    (j = jobs_find(k->jobs, &r->job)) == NULL)
		return ret;
	return rows_put_part(k->rows, &r->job, name_of(i), i->index,
	    statement_bytes(&i->s), e);
}

int
mk_apply_rows(struct mk *k, struct mk_item *i, struct err *e)
{
	const struct statement *s = &i->s;
	const struct hash *targets = &s->u.job.targets;
	int r;

	if (s->type == ST_REPORT)
		return report_rows(k, i, e);
	if ((r = rows_put_act(k->rows, i->index, s, e)) != 0)
		return r;
	switch (s->type) {
	case ST_ENROL:
		return rows_drop_waiting(k->rows, &s->hash, e);
	case ST_RENAME:
		return rows_rename(k->rows, s->u.rename.host, s->u.rename.to,
		    e);
	case ST_FORGET:
		return rows_forget(k->rows, s->u.forget.host, e);
	case ST_JOB:
		return i->targets == NULL
		    ? 0
		    : rows_put_object(k->rows, targets,
			  slice_of(i->targets, i->n_targets), e);
	default:
		return 0;
	}
}

/* --- how far orders are --------------------------------------------------- */

static int
put_job(struct mk *k, const struct job *j, struct err *e)
{
	int r = rows_put_job(k->rows, &j->name, j->opened, (int)j->state, e);

	for (size_t i = 0; i < j->n_hosts && r == 0; i++)
		if (j->hosts[i].part == JOB_AWAY)
			r = rows_put_away(k->rows, &j->name,
			    k->board.v[j->hosts[i].host]->id, e);
	return r;
}

int
mk_store_job(struct mk *k, const struct job *j, struct err *e)
{
	int r;

	if (k->in_rows)
		return put_job(k, j, e);
	if ((r = rows_begin(k->rows, e)) != 0)
		return r;
	if ((r = put_job(k, j, e)) == 0)
		r = rows_commit(k->rows, rows_applied(k->rows), e);
	if (r != 0)
		rows_rollback(k->rows);
	return r;
}

int
mk_store_jobs(struct mk *k, struct err *e)
{
	const struct job *j;
	int r = 0;

	for (size_t i = 0; r == 0 && (j = jobs_at(k->jobs, i)) != NULL; i++)
		r = mk_store_job(k, j, e);
	return r;
}
