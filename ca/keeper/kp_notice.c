/* SPDX-License-Identifier: ISC */
/*
 * Notices: queued (kp_queue.c), sent when notify is there, never waited for.
 *
 * What a notice says is made when it is sent, of what is true then: a reminder
 * of what was decided meanwhile is not sent at all.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define OPEN_MAX    64 /* sent at once */
#define TO_MAX      256
#define AGAIN_SECS  60 /* unanswered: once more */
#define TRIES_MAX   10
#define BACKOFF_MIN 100
#define BACKOFF_MAX 2000
/* Who waits for his certificate and has it that soon need not be told. */
#define SOON_SECS 60
/* And nobody of what is decided as soon as it is asked, by a program perhaps;
 * by CLOCK_MONOTONIC, since the other one may be set meanwhile. */
#define SETTLE_MS 1000

/* --- what is to be told --------------------------------------------------- */

static void
add_notice(struct kp *k, const struct hash *h, const char *kind, int64_t due,
    int64_t settles, const char *body)
{
	struct err e = {0};

	if (kp_queue_add(&k->notices, h, kind, due, settles, body, &e) != 0)
		plog_err(PLOG_WARN, &e, "a notice is lost", "kind", kind, NULL);
}

void
kp_notice(struct kp *k, const struct hash *request, const char *kind)
{
	add_notice(k, request, kind, k->now, 0, "");
}

void
kp_notice_issued(struct kp *k, const struct request_row *row)
{
	if (!kp_is_awaited(k, &row->hash) || k->now - row->at > SOON_SECS)
		kp_notice(k, &row->hash, "issued");
}

/* Of what was at hand before this process was started, the store knows. */
static bool
told_before(struct kp *k, const struct asked *a, const char *kind)
{
	return a->loaded && kp_queue_has(k, &a->s.hash, kind);
}

void
kp_notice_break_glass(struct kp *k, struct asked *a)
{
	if (!a->told_glass && !told_before(k, a, "break_glass"))
		kp_notice(k, &a->s.hash, "break_glass");
	a->told_glass = true;
}

void
kp_notice_waiting(struct kp *k, struct asked *a)
{
	const struct service_config *s = &k->config.service;
	bool before = a->told_waiting || told_before(k, a, "waiting");
	int64_t settles = clock_mono_ms() + SETTLE_MS;

	a->told_waiting = true;
	if (before)
		return;
	add_notice(k, &a->s.hash, "waiting", k->now, settles, "");
	for (size_t i = 0; i < s->n_reminders; i++)
		add_notice(k, &a->s.hash, "reminder", k->now + s->reminders[i],
		    settles, "");
}

void
kp_notice_alarm(struct kp *k, const char *text)
{
	const struct hash none = {{0}};

	plog(PLOG_WARN, "alarm", "text", text, NULL);
	add_notice(k, &none, "alarm", k->now, 0, text);
}

/* --- what was told -------------------------------------------------------- */

static int
put_told(void *ctx, const char *person, const char *how, int64_t at, bool sent)
{
	struct jw *w = ctx;

	jw_begin(w, NULL, '{');
	jw_str(w, "person", person);
	jw_str(w, "how", how);
	jw_time(w, "at", at);
	jw_bool(w, "sent", sent);
	jw_end(w, '}');
	return 0;
}

int
kp_told_json(struct kp *k, struct jw *w, const struct hash *h, struct err *e)
{
	return requests_each_told(k->rows, h, put_told, w, e);
}

static int
on_told(void *ctx, const struct frame *f, struct err *e)
{
	struct kp *k = ctx;
	struct view v = view_slice(f->payload);
	const char *person = NULL, *how = NULL;
	struct hash h = {{0}};
	struct slice json;
	json_t *o = NULL;
	bool sent = false;
	int r;

	if (view_get_string(&v, &json) != 0 || view_end(&v) != 0)
		return err_set(e, ERR_PARSE, "an answer that is no string");
	if ((r = json_read(json, 4096, &o, e)) != 0 ||
	    (r = json_hex(o, "id", 0, h.b, HASH_LEN, e)) != 0 ||
	    (r = json_str(o, "person", 0, ID_MAX, &person, e)) != 0 ||
	    (r = json_str(o, "how", 0, 128, &how, e)) != 0 ||
	    (r = json_bool(o, "sent", 0, &sent, e)) != 0)
		goto out;
	if (k->notify_open > 0)
		k->notify_open--;
	kp_queue_end(&k->notices, kp_queue_find(&k->notices, f->id), true);
	r = requests_add_told(k->rows, &h, person, how, k->now, sent, e);
	if (r == 0)
		kp_tell_waiting(k, &h);
out:
	json_decref(o);
	return r;
}

/* --- what is sent --------------------------------------------------------- */

static void
put_deciders(struct kp *k, struct jw *w, const struct request_row *row)
{
	const struct policy *p = k->view->trust.policy;
	const struct asked *a = kp_asked_find(k, &row->hash);
	size_t n = 0;

	jw_begin(w, "to", '[');
	for (size_t i = 0; i < p->n_people && n < TO_MAX; i++) {
		const char *id = p->people[i].id;

		if (kp_may_decide(k, id, row->grant, row->person) &&
		    (a == NULL || !kp_has_decided(a, id))) {
			jw_str(w, NULL, id);
			n++;
		}
	}
	jw_end(w, ']');
}

static void
put_everybody(struct kp *k, struct jw *w)
{
	const struct policy *p = k->view->trust.policy;
	size_t n = 0;

	jw_begin(w, "to", '[');
	/* Officers first: there may be more people than one notice holds. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < p->n_people && n < TO_MAX; i++)
			if (p->people[i].officer == (pass == 0)) {
				jw_str(w, NULL, p->people[i].id);
				n++;
			}
	jw_end(w, ']');
}

static void
put_officers(struct kp *k, struct jw *w)
{
	const struct policy *p = k->view->trust.policy;
	size_t n = 0;

	jw_begin(w, "to", '[');
	for (size_t i = 0; i < p->n_people && n < TO_MAX; i++)
		if (p->people[i].officer) {
			jw_str(w, NULL, p->people[i].id);
			n++;
		}
	jw_end(w, ']');
}

static void
put_groups(struct kp *k, struct jw *w, const struct request_row *row)
{
	const struct grant *g = policy_grant(k->view->trust.policy, row->grant);

	if (g == NULL || g->n_approve == 0)
		return;
	jw_begin(w, "groups", '[');
	for (size_t i = 0; i < g->n_approve; i++)
		jw_str(w, NULL, g->approve[i].group);
	jw_end(w, ']');
}

static const struct {
	const char *kind, *text;
	enum { TO_DECIDERS, TO_REQUESTER, TO_ALL } to;
} kinds[] = {
    {"waiting", "asks for a decision", TO_DECIDERS},
    {"reminder", "still waits for a decision", TO_DECIDERS},
    {"issued", "has a certificate: the request was approved", TO_REQUESTER},
    {"denied", "gets no certificate: the request was denied", TO_REQUESTER},
    {"revoked", "has a certificate that was revoked", TO_REQUESTER},
    {"break_glass", "used break glass", TO_ALL},
};

static void
put_about(struct kp *k, struct jw *w, const struct kp_notice *d,
    const struct request_row *row, const struct statement *s, size_t kind)
{
	struct str text = STR_INIT, how = STR_INIT;
	char id[KP_SHORT_ID];

	kp_short_id(&row->hash, id);
	if (kinds[kind].to == TO_DECIDERS) {
		put_deciders(k, w, row);
		put_groups(k, w, row);
		str_addf(&how,
		    "writ approve %s; without writ: decision %s approve, "
		    "signed "
		    "and submitted",
		    id, id);
	} else if (kinds[kind].to == TO_ALL) {
		put_everybody(k, w);
	} else {
		jw_begin(w, "to", '[');
		jw_str(w, NULL, row->person);
		jw_end(w, ']');
		if (strcmp(d->kind, "issued") == 0)
			str_addf(&how, "writ fetch %s", id);
	}
	str_addf(&text, "%s %s (request %s, grant %s)", row->person,
	    kinds[kind].text, id, row->grant);
	if (strcmp(d->kind, "denied") == 0 && row->why[0] != '\0')
		str_addf(&text, ": %s", row->why);
	jw_str(w, "person", row->person);
	jw_str(w, "grant", row->grant);
	jw_strs(w, "principals", &s->u.r.principals);
	jw_str(w, "reason", s->u.r.reason);
	if (s->u.r.ticket != NULL)
		jw_str(w, "ticket", s->u.r.ticket);
	jw_str(w, "text", text.p);
	if (how.n > 0)
		jw_str(w, "how", how.p);
	w->s->failed = w->s->failed || text.failed || how.failed;
	str_clear(&text);
	str_clear(&how);
}

/* 0; 1: there is nothing to tell any more. */
static int
make_body(struct kp *k, const struct kp_notice *d, struct str *out,
    struct err *e)
{
	struct request_row row;
	struct statement s;
	char hex[HASH_HEX];
	size_t kind = 0;
	struct jw w;
	int r;

	hash_hex(&d->request, hex);
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "kind", d->kind);
	jw_str(&w, "id", hex);
	if (strcmp(d->kind, "alarm") == 0) {
		put_officers(k, &w);
		jw_str(&w, "text", d->body);
		jw_end(&w, '}');
		return str_check(out);
	}
	while (kind < sizeof(kinds) / sizeof(kinds[0]) &&
	    strcmp(kinds[kind].kind, d->kind) != 0)
		kind++;
	if (kind == sizeof(kinds) / sizeof(kinds[0]) ||
	    (r = requests_get(k->rows, &d->request, k->now, &row, e)) == 1)
		return 1;
	if (r != 0)
		return r;
	statement_init(&s, ST_REQUEST);
	if (kinds[kind].to == TO_DECIDERS && row.state != REQUEST_WAITING)
		r = 1;
	else
		r = statement_parse("request",
		    slice_of(row.statement, row.statement_len), &s, e);
	if (r == 0) {
		put_about(k, &w, d, &row, &s, kind);
		jw_end(&w, '}');
		r = str_check(out);
	}
	statement_clear(&s);
	request_row_clear(&row);
	return r;
}

static int
send_one(struct kp *k, struct kp_notice *d, struct err *e)
{
	struct str body = STR_INIT;
	struct buf *b = NULL;
	int r;

	if (d->tries >= TRIES_MAX || (r = make_body(k, d, &body, e)) == 1) {
		kp_queue_end(&k->notices, d, false);
		str_clear(&body);
		return 0;
	}
	if (r == 0 && (r = buf_new(&b, 65536)) == 0 &&
	    (r = buf_put_string(b, body.p, body.n)) == 0)
		r = chan_send(k->notify, MSG_NOTICE, (uint32_t)d->id,
		    buf_slice(b), e);
	buf_free(b);
	str_clear(&body);
	if (r != 0)
		return r;
	k->notify_open++;
	kp_queue_later(&k->notices, d, k->now + AGAIN_SECS);
	return 0;
}

static void
connect_notify(struct kp *k)
{
	int64_t now = clock_mono_ms();
	struct err e = {0};
	int fd = -1, r;

	if (now < k->notify_next)
		return;
	if ((r = socket_connect(k->notify_path, &fd, &e)) == 0 &&
	    (r = chan_new(fd, &k->notify, &e)) != 0)
		(void)close(fd);
	if (r == 0) {
		k->notify_backoff = BACKOFF_MIN;
		k->notify_open = 0;
		plog(PLOG_INFO, "notify is there", NULL);
		return;
	}
	if (k->notify_backoff == BACKOFF_MIN)
		plog_err(PLOG_WARN, &e, "notices wait: notify is not there",
		    NULL);
	k->notify_next = now + k->notify_backoff;
	k->notify_backoff *= 2;
	if (k->notify_backoff > BACKOFF_MAX)
		k->notify_backoff = BACKOFF_MAX;
}

void
kp_notice_lost(struct kp *k)
{
	chan_free(k->notify);
	k->notify = NULL;
	k->notify_open = 0;
	k->notify_next = clock_mono_ms() + BACKOFF_MIN;
}

void
kp_notice_send(struct kp *k)
{
	struct kp_notice *d;
	struct err e = {0};
	int r = 0;

	if (k->notify == NULL)
		connect_notify(k);
	kp_queue_due(&k->notices, k->now);
	while (r == 0 && k->notify != NULL && k->notify_open < OPEN_MAX &&
	    (d = TAILQ_FIRST(&k->notices.ready)) != NULL)
		r = send_one(k, d, &e);
	if (r == 0)
		return;
	plog_err(PLOG_WARN, &e, "cannot send notices", NULL);
	if (r == ERR_NET)
		kp_notice_lost(k);
}

static const struct frame_rule rules[] = {
    {MSG_TOLD, 0, 4096, "told", on_told},
};

void
kp_notice_read(struct kp *k)
{
	struct err e = {0};
	struct frame f;
	int r, closed;

	if ((closed = chan_read(k->notify, &e)) < 0) {
		kp_notice_lost(k);
		return;
	}
	while ((r = chan_next(k->notify, &f, &e)) == 0)
		if ((r = frame_dispatch(rules, sizeof(rules) / sizeof(rules[0]),
			 0, k, &f, &e)) != 0)
			break;
	if (r == CHAN_NONE && closed != CHAN_CLOSED)
		return;
	if (r != CHAN_NONE)
		plog_err(PLOG_ERR, &e, "notify cut off", NULL);
	kp_notice_lost(k);
}
