/* SPDX-License-Identifier: ISC */
/*
 * What a host is to have, told to it when it comes and whenever that changes;
 * and who watches an order.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"

const struct fleet_host_row *
mk_row(const struct mk *k, const struct mk_host *h)
{
	const struct fleet_host_row *row = fleet_hosts_by_id(k->hosts, h->id);

	return row != NULL && !row->rejected ? row : NULL;
}

/* --- want ----------------------------------------------------------------- */

static void
want_policy(struct mk *k, struct jw *w)
{
	const struct policy *p = content_trust(k->content)->policy;

	jw_begin(w, "policy", '{');
	jw_u64(w, "version", p->version);
	jw_hex(w, "statement", p->hash.b, HASH_LEN);
	jw_end(w, '}');
}

/*
 * No host begins after an order's end: one that has not run for it is not told of
 * it any more.  Nobody is told so when the time comes, which would be everybody
 * at once; a host looks at the clock itself.
 */
static bool
is_past(const struct mk *k, const struct job *j, const struct mk_host *h)
{
	const struct job_host *at = job_host(j, h->number);

	return k->now > j->expires && (at == NULL || at->part != JOB_REPORTED);
}

static void
want_job(struct mk *k, const struct mk_host *h, struct jw *w)
{
	const struct job *j = jobs_target(k->jobs, h->number);

	if (j == NULL || is_past(k, j, h))
		return;
	jw_begin(w, "fleet", '{');
	jw_u64(w, "version", j->version);
	jw_hex(w, "statement", j->bundle.b, HASH_LEN);
	jw_end(w, '}');
	jw_begin(w, "job", '{');
	jw_hex(w, "statement", j->name.b, HASH_LEN);
	jw_end(w, '}');
}

static void
want_krl(const struct mk *k, struct jw *w)
{
	if (k->krl.statement == NULL)
		return;
	jw_begin(w, "krl", '{');
	jw_u64(w, "version", k->krl.version);
	jw_hex(w, "statement", k->krl.name.b, HASH_LEN);
	jw_hex(w, "file", k->krl.file.b, HASH_LEN);
	jw_u64(w, "size", k->krl.n_list);
	jw_end(w, '}');
}

/* Who it is: its acceptance, and what it was called since. */
static void
want_identity(const struct fleet_host_row *row, struct jw *w)
{
	jw_hex(w, "accept", row->accept.b, HASH_LEN);
	if (row->n_renames == 0)
		return;
	jw_begin(w, "renames", '[');
	for (size_t i = 0; i < row->n_renames; i++)
		jw_hex(w, NULL, row->renames[i].b, HASH_LEN);
	jw_end(w, ']');
}

static void
want_asks(const struct mk_host *h, struct jw *w)
{
	const struct mk_ask *a;

	jw_begin(w, "asks", '[');
	TAILQ_FOREACH (a, &h->asks, link) {
		jw_begin(w, NULL, '{');
		jw_str(w, "id", a->id);
		jw_hex(w, "diff", a->diff.b, HASH_LEN);
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

void
mk_want(struct mk *k, struct mk_host *h, struct str *out)
{
	const struct fleet_host_row *row = mk_row(k, h);
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	want_policy(k, &w);
	want_job(k, h, &w);
	want_krl(k, &w);
	if (row != NULL)
		want_identity(row, &w);
	if (h->has_certificate)
		jw_hex(&w, "certificate", h->certificate.b, HASH_LEN);
	want_asks(h, &w);
	jw_u64(&w, "seq", row != NULL ? row->seq : 0);
	jw_end(&w, '}');
}

/* --- who is told ---------------------------------------------------------- */

void
mk_dirty(struct mk *k, struct mk_host *h)
{
	if (h->dirty || h->attend == NULL)
		return;
	h->dirty = true;
	TAILQ_INSERT_TAIL(&k->dirty, h, dirty_link);
}

void
mk_dirty_all(struct mk *k)
{
	for (size_t i = 0; i < k->board.n; i++)
		mk_dirty(k, k->board.v[i]);
}

void
mk_want_flush(struct mk *k)
{
	struct str s = STR_INIT;
	struct mk_host *h;

	while ((h = TAILQ_FIRST(&k->dirty)) != NULL) {
		TAILQ_REMOVE(&k->dirty, h, dirty_link);
		h->dirty = false;
		if (h->attend == NULL)
			continue;
		str_reset(&s);
		mk_want(k, h, &s);
		mk_call_event(k, h->attend, &s);
	}
	str_clear(&s);
}

/* --- what orders ask and tell --------------------------------------------- */

static enum job_presence
presence(void *ctx, uint32_t number)
{
	struct mk *k = ctx;
	const struct mk_host *h = k->board.v[number];
	int64_t since = h->left_ms > k->started_ms ? h->left_ms : k->started_ms;

	if (h->attend != NULL)
		return HOST_THERE;
	/* Sessions end when a front does, and hosts come back. */
	return mk_row(k, h) != NULL && k->now_ms - since < MK_AWAY_MS
	    ? HOST_UNKNOWN
	    : HOST_AWAY;
}

static void
target(void *ctx, uint32_t number, const struct job *j)
{
	struct mk *k = ctx;

	(void)j;
	mk_dirty(k, k->board.v[number]);
}

static void
changed(void *ctx, const struct job *j)
{
	struct mk *k = ctx;
	struct err e = {0};

	if (k->jobs_unstored || mk_store_job(k, j, &e) == 0)
		return;
	plog_err(PLOG_ERR, &e, "how far an order is finds no room", NULL);
	k->jobs_unstored = true;
}

const struct jobs_ops mk_jobs_ops = {presence, target, changed};
