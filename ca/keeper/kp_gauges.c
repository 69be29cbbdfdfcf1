/* SPDX-License-Identifier: ISC */
/* How it is going: for Prometheus, and for who types writ-ca status. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"
#include "lib/keeper/gauges.h"

/* --- Prometheus ----------------------------------------------------------- */

static void
add_counters(struct kp *k, struct str *out)
{
	const struct kp_totals *t = &k->totals;

	counter(out, "calls_total", "Calls of people.", t->calls);
	counter(out, "requests_submitted_total", "Requests logged.",
	    t->submitted);
	counter(out, "approvals_total", "Approvals of requests logged.",
	    t->decided);
	counter(out, "certificates_issued_total", "Certificates issued.",
	    t->issued);
	counter(out, "requests_denied_total", "Requests that a decider denied.",
	    t->denied);
	counter(out, "statements_refused_total", "Statements refused.",
	    t->refused);
	counter(out, "requests_ended_total",
	    "Requests that ended without a decision.", t->ended);
	counter(out, "certificates_revoked_total", "Certificates revoked.",
	    t->revoked);
	counter(out, "batches_total", "Batches given to the log.", t->batches);
	counter(out, "batch_items_total", "Requests in those batches.",
	    t->items);
	counter(out, "failures_total",
	    "Times that log or signer could not do what they should.",
	    t->failed);
	str_addf(out,
	    "# HELP writ_batch_seconds_total Time that batches took.\n"
	    "# TYPE writ_batch_seconds_total counter\n"
	    "writ_batch_seconds_total %.6f\n",
	    t->batch_secs);
}

/* Of which copy: a label's value, between quotes. */
static void
add_label(struct str *out, const char *url)
{
	str_add(out, "{copy=\"");
	for (; *url != '\0'; url++) {
		if (*url == '"' || *url == '\\')
			str_add(out, "\\");
		str_addn(out, url, 1);
	}
	str_add(out, "\"}");
}

static int64_t
copy_behind(const struct kp *k, size_t i)
{
	int64_t since = k->copies[i].behind_since;

	if (since == 0)
		return 0;
	return since < k->now ? k->now - since : 1;
}

static void
add_copies(struct kp *k, struct str *out)
{
	const struct strs *urls = &k->config.home.copies;

	if (urls->n == 0)
		return;
	str_add(out,
	    "# HELP writ_copy_leaves Leaves that a copy is known to have.\n"
	    "# TYPE writ_copy_leaves gauge\n");
	for (size_t i = 0; i < urls->n; i++) {
		str_add(out, "writ_copy_leaves");
		add_label(out, urls->v[i]);
		str_addf(out, " %llu\n", (unsigned long long)k->copies[i].size);
	}
	str_add(out,
	    "# HELP writ_copy_behind_seconds How long it has been behind.\n"
	    "# TYPE writ_copy_behind_seconds gauge\n");
	for (size_t i = 0; i < urls->n; i++) {
		str_add(out, "writ_copy_behind_seconds");
		add_label(out, urls->v[i]);
		str_addf(out, " %lld\n", (long long)copy_behind(k, i));
	}
}

void
kp_gauges(struct kp *k, struct str *out)
{
	const struct trust *t = &k->view->trust;

	add_counters(k, out);
	gauge(out, "up", "Log and signer work.", k->log_ok);
	gauge(out, "signer_up", "The signer is there.", k->signer_ok);
	gauge(out, "store_up", "The store keeps up with the log.", k->store_ok);
	gauge(out, "requests_waiting", "Requests that wait for decisions.",
	    (int64_t)k->n_board);
	gauge(out, "queue_jobs", "Statements that wait for the log.",
	    (int64_t)committer_queue(k->committer));
	gauge(out, "queue_notices", "Notices that wait to be sent.",
	    (int64_t)k->notices.n);
	gauge(out, "notify_up", "The notify process is there.",
	    k->notify != NULL);
	gauge(out, "calls_open", "Calls under way.", (int64_t)k->n_calls);
	gauge(out, "log_leaves", "Leaves of the log.", (int64_t)k->log_size);
	gauge(out, "log_published_leaves", "Of these, published.",
	    (int64_t)k->log_published);
	add_copies(k, out);
	gauge(out, "policy_version", "Of the policy in force.",
	    (int64_t)t->policy->version);
	gauge(out, "policy_expires_seconds", "When it expires (Unix time).",
	    t->policy->expires);
	gauge(out, "root_version", "Of the root in force.",
	    (int64_t)t->root_version);
	gauge(out, "root_expires_seconds", "When it expires (Unix time).",
	    t->policy->root_expires);
	gauge(out, "krl_version", "Of the revocation list.",
	    k->krl != NULL ? (int64_t)k->krl->version : 0);
	gauge(out, "krl_next_update_seconds",
	    "By when there is a newer one (Unix time).",
	    k->krl != NULL ? k->krl->next_update : 0);
}

void
kp_send_gauges(struct kp *k)
{
	struct str s = STR_INIT;

	kp_gauges(k, &s);
	conns_tell_gauges(&k->conns, &s);
	str_clear(&s);
}

int
kp_metrics(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct str s = STR_INIT;

	(void)e;
	kp_gauges(k, &s);
	gauges_answer(c->form, &s, &a->body);
	str_clear(&s);
	return 0;
}

/* --- writ-ca status ------------------------------------------------------- */

static void
status_text(struct kp *k, struct str *out)
{
	const struct trust *t = &k->view->trust;
	char policy[CLOCK_TEXT], krl[CLOCK_TEXT];

	clock_format(t->policy->expires, policy);
	str_addf(out, "policy      version %llu, until %s; root %llu\n",
	    (unsigned long long)t->policy->version, policy,
	    (unsigned long long)t->root_version);
	if (k->krl != NULL) {
		clock_format(k->krl->next_update, krl);
		str_addf(out, "revocations list %llu, the next by %s\n",
		    (unsigned long long)k->krl->version, krl);
	}
	str_addf(out, "log         %llu leaves, %llu published\n",
	    (unsigned long long)k->log_size,
	    (unsigned long long)k->log_published);
	for (size_t i = 0; i < k->config.home.copies.n; i++)
		if (k->copies[i].behind_since != 0)
			str_addf(out,
			    "copy        %s is behind for %lld s: it has %llu "
			    "leaves\n",
			    k->config.home.copies.v[i],
			    (long long)copy_behind(k, i),
			    (unsigned long long)k->copies[i].size);
	str_addf(out, "requests    waiting %zu, jobs %zu, calls open %zu\n",
	    k->n_board, committer_queue(k->committer), k->n_calls);
	str_addf(out, "notices     %lld wait, notify is %s\n",
	    (long long)k->notices.n, k->notify != NULL ? "there" : "not there");
	str_addf(out, "since start %llu issued, %llu denied, %llu refused\n",
	    (unsigned long long)k->totals.issued,
	    (unsigned long long)k->totals.denied,
	    (unsigned long long)k->totals.refused);
	if (!k->log_ok)
		str_addf(out, "FAILING     %s\n", k->log_why.msg);
	if (!k->signer_ok)
		str_addf(out, "FAILING     the signer is not there: %s\n",
		    k->signer_why.msg);
	if (!k->store_ok)
		str_addf(out, "FAILING     the store lags behind the log: %s\n",
		    k->store_why.msg);
}

static void
status_json(struct kp *k, struct jw *w)
{
	const struct trust *t = &k->view->trust;

	jw_begin(w, NULL, '{');
	jw_bool(w, "ok", k->log_ok && k->store_ok && k->signer_ok);
	jw_bool(w, "signer", k->signer_ok);
	jw_begin(w, "copies", '[');
	for (size_t i = 0; i < k->config.home.copies.n; i++) {
		jw_begin(w, NULL, '{');
		jw_str(w, "url", k->config.home.copies.v[i]);
		jw_u64(w, "size", k->copies[i].size);
		jw_int(w, "behind", copy_behind(k, i));
		jw_end(w, '}');
	}
	jw_end(w, ']');
	if (!k->log_ok)
		jw_str(w, "error", k->log_why.msg);
	jw_hex(w, "realm", t->realm.b, HASH_LEN);
	jw_u64(w, "policy_version", t->policy->version);
	jw_time(w, "policy_expires", t->policy->expires);
	jw_u64(w, "root_version", t->root_version);
	jw_time(w, "root_expires", t->policy->root_expires);
	if (k->krl != NULL) {
		jw_u64(w, "krl_version", k->krl->version);
		jw_time(w, "krl_next_update", k->krl->next_update);
	}
	jw_u64(w, "log_size", k->log_size);
	jw_u64(w, "log_published", k->log_published);
	jw_u64(w, "store_applied", requests_applied(k->rows));
	jw_int(w, "waiting", (int64_t)k->n_board);
	jw_int(w, "jobs", (int64_t)committer_queue(k->committer));
	jw_int(w, "calls", (int64_t)k->n_calls);
	jw_int(w, "notices", (int64_t)k->notices.n);
	jw_bool(w, "notify", k->notify != NULL);
	jw_u64(w, "issued", k->totals.issued);
	jw_u64(w, "denied", k->totals.denied);
	jw_u64(w, "refused", k->totals.refused);
	jw_end(w, '}');
}

int
kp_control_status(struct kp *k, struct kp_call *c, struct kp_answer *a,
    struct err *e)
{
	struct jw w;

	(void)e;
	a->status = k->log_ok && k->store_ok && k->signer_ok ? 0 : EXIT_SYSTEM;
	if (c->form == FORM_TEXT) {
		status_text(k, &a->body);
		return 0;
	}
	jw_init(&w, &a->body, false);
	status_json(k, &w);
	return 0;
}
