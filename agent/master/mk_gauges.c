/* SPDX-License-Identifier: ISC */
/* How it is going: for Prometheus, and for who types writ-master status. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/keeper/gauges.h"

static size_t
running_jobs(const struct mk *k)
{
	const struct job *j;
	size_t n = 0;

	for (size_t i = 0; (j = jobs_at(k->jobs, i)) != NULL; i++)
		n += j->state == JOB_RUNNING;
	return n;
}

void
mk_gauges(struct mk *k, struct str *out)
{
	const struct trust *t = content_trust(k->content);
	const struct fleet_held *f = content_held(k->content);
	struct scribe_state s;

	scribe_state(k->scribe, &s);
	counter(out, "calls_total", "Calls of hosts and people.",
	    k->totals.calls);
	counter(out, "reports_total", "Reports logged.", k->totals.reports);
	counter(out, "jobs_total", "Orders logged.", k->totals.orders);
	counter(out, "hosts_accepted_total", "Hosts accepted.",
	    k->totals.accepted);
	counter(out, "calls_refused_total", "Calls refused.",
	    k->totals.refused);
	counter(out, "alarms_total", "Alarms.", k->totals.alarms);
	counter(out, "batches_total", "Batches given to the log.", s.batches);
	counter(out, "batch_leaves_total", "Leaves in those batches.",
	    s.leaves);
	counter(out, "heads_total", "Heads signed.", s.heads);
	gauge(out, "up", "The log takes leaves.",
	    s.log_ok && !s.held && !k->recover);
	gauge(out, "signer_up", "The signer is there.", s.signer_ok);
	gauge(out, "store_up", "The store keeps up with the log.",
	    k->n_unstored == 0);
	gauge(out, "ca_up", "The CA is connected.", k->courier.ca);
	gauge(out, "hosts", "Hosts of the fleet.",
	    (int64_t)fleet_hosts_count(k->hosts));
	gauge(out, "hosts_connected", "Hosts that are there.",
	    (int64_t)k->n_attend);
	gauge(out, "jobs_running", "Orders under way.",
	    (int64_t)running_jobs(k));
	gauge(out, "calls_open", "Calls under way.", (int64_t)k->n_calls);
	gauge(out, "queue_statements", "Statements that wait for the log.",
	    (int64_t)k->n_next);
	gauge(out, "log_leaves", "Leaves of the log.", (int64_t)s.size);
	gauge(out, "log_published_leaves", "Of these, published.",
	    (int64_t)s.published);
	gauge(out, "root_version", "Of the root in force.",
	    (int64_t)t->root_version);
	gauge(out, "policy_version", "Of the policy in force.",
	    (int64_t)t->policy->version);
	gauge(out, "policy_expires_seconds", "When it expires (Unix time).",
	    t->policy->expires);
	gauge(out, "fleet_version", "Of the newest fleet.",
	    (int64_t)f->version);
	gauge(out, "fleet_expires_seconds", "When it expires (Unix time).",
	    f->have ? f->expires : 0);
	gauge(out, "krl_version", "Of the revocation list.",
	    (int64_t)k->krl.version);
}

void
mk_send_gauges(struct mk *k)
{
	struct str s = STR_INIT;

	mk_gauges(k, &s);
	conns_tell_gauges(&k->conns, &s);
	str_clear(&s);
}

int
mk_metrics(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct str s = STR_INIT;

	(void)e;
	mk_gauges(k, &s);
	gauges_answer(c->form, &s, out);
	str_clear(&s);
	return 0;
}

/* --- writ-master status --------------------------------------------------- */

static void
copies_text(struct mk *k, const struct scribe_state *s, struct str *out)
{
	const struct strs *urls = &k->config.home.copies;
	char since[CLOCK_TEXT];

	for (size_t i = 0; i < urls->n; i++) {
		const struct ledger_copy *c = &s->copies[i];

		str_addf(out, "copy        %s: %llu leaves", urls->v[i],
		    (unsigned long long)c->size);
		if (c->behind_since != 0) {
			clock_format(c->behind_since, since);
			str_addf(out, ", behind since %s", since);
		}
		str_addc(out, '\n');
	}
}

static void
copies_json(struct mk *k, const struct scribe_state *s, struct jw *w)
{
	const struct strs *urls = &k->config.home.copies;

	jw_begin(w, "copies", '[');
	for (size_t i = 0; i < urls->n; i++) {
		jw_begin(w, NULL, '{');
		jw_str(w, "copy", urls->v[i]);
		jw_u64(w, "size", s->copies[i].size);
		if (s->copies[i].behind_since != 0)
			jw_time(w, "behind_since", s->copies[i].behind_since);
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static void
status_text(struct mk *k, const struct scribe_state *s, struct str *out)
{
	const struct trust *t = content_trust(k->content);
	const struct fleet_held *f = content_held(k->content);
	char until[CLOCK_TEXT];

	clock_format(t->policy->expires, until);
	str_addf(out, "policy      version %llu, until %s; root %llu\n",
	    (unsigned long long)t->policy->version, until,
	    (unsigned long long)t->root_version);
	if (f->have) {
		clock_format(f->expires, until);
		str_addf(out, "fleet       version %llu, until %s\n",
		    (unsigned long long)f->version, until);
	}
	if (k->krl.statement != NULL)
		str_addf(out, "revocations list %llu\n",
		    (unsigned long long)k->krl.version);
	str_addf(out, "log         %llu leaves, %llu published\n",
	    (unsigned long long)s->size, (unsigned long long)s->published);
	copies_text(k, s, out);
	str_addf(out, "hosts       %zu, %zu connected; %zu jobs under way\n",
	    fleet_hosts_count(k->hosts), k->n_attend, running_jobs(k));
	str_addf(out, "since start %llu reports, %llu refused, %llu alarms\n",
	    (unsigned long long)k->totals.reports,
	    (unsigned long long)k->totals.refused,
	    (unsigned long long)k->totals.alarms);
	if (k->courier_path != NULL)
		str_addf(out, "CA          %s\n",
		    k->courier.ca ? "connected" : "not connected");
	if (!s->log_ok || s->held)
		str_addf(out, "FAILING     %s\n", s->log_why.msg);
	if (!s->signer_ok)
		str_addf(out, "FAILING     no head is signed: %s\n",
		    s->signer_why.msg);
	if (k->n_unstored > 0)
		str_addf(out, "FAILING     the store lags behind the log: %s\n",
		    k->store_why.msg);
}

static void
status_json(struct mk *k, const struct scribe_state *s, bool ok,
    struct str *out)
{
	const struct trust *t = content_trust(k->content);
	struct jw w;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_bool(&w, "ok", ok);
	jw_str(&w, "name", k->config.name);
	jw_hex(&w, "realm", t->realm.b, HASH_LEN);
	jw_u64(&w, "root_version", t->root_version);
	jw_u64(&w, "policy_version", t->policy->version);
	jw_time(&w, "policy_expires", t->policy->expires);
	jw_u64(&w, "fleet_version", content_held(k->content)->version);
	jw_u64(&w, "krl_version", k->krl.version);
	jw_u64(&w, "log_size", s->size);
	jw_u64(&w, "log_published", s->published);
	copies_json(k, s, &w);
	jw_u64(&w, "store_applied", rows_applied(k->rows));
	jw_int(&w, "hosts", (int64_t)fleet_hosts_count(k->hosts));
	jw_int(&w, "connected", (int64_t)k->n_attend);
	jw_int(&w, "jobs", (int64_t)running_jobs(k));
	jw_int(&w, "calls", (int64_t)k->n_calls);
	jw_bool(&w, "signer", s->signer_ok);
	jw_bool(&w, "ca", k->courier.ca);
	jw_u64(&w, "reports", k->totals.reports);
	jw_u64(&w, "refused", k->totals.refused);
	jw_u64(&w, "alarms", k->totals.alarms);
	if (!s->log_ok || s->held)
		jw_str(&w, "error", s->log_why.msg);
	jw_end(&w, '}');
}

int
mk_control_status(struct mk *k, struct mk_call *c, struct str *out,
    struct err *e)
{
	struct scribe_state s;
	bool ok;

	(void)e;
	scribe_state(k->scribe, &s);
	ok = s.log_ok && !s.held && s.signer_ok && k->n_unstored == 0 &&
	    !k->recover;
	c->failing = !ok;
	if (c->form == FORM_TEXT)
		status_text(k, &s, out);
	else
		status_json(k, &s, ok, out);
	return 0;
}
