/* SPDX-License-Identifier: ISC */
/*
 * Notices: put down in the store, sent when notify is there, never waited for.
 *
 * What a notice says is made when it is sent, of what is true then: a reminder
 * of what was decided meanwhile is not sent at all.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/keeper/kp_impl.h"
#include "ca/keeper/requests_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"
#include "lib/proc/socket.h"

#define QUEUE_MAX   10000 /* notices that wait for notify */
#define OPEN_MAX    64    /* sent at once */
#define TO_MAX      256
#define AGAIN_SECS  60 /* unanswered: once more */
#define TRIES_MAX   10
#define KEEP_SECS   INT64_C(604800) /* those that were sent */
#define BACKOFF_MIN 100
#define BACKOFF_MAX 2000

enum { DONE_SENT = 1, DONE_DROPPED = 2 };

/* --- the queue -------------------------------------------------------------------- */

static struct slice
hash_slice(const struct hash *h)
{
	return slice_of(h->b, HASH_LEN);
}

int64_t
kp_notice_queue(struct kp *k)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_WAITING);
	int64_t n = 0;

	if (store_step(t, NULL) == 0)
		n = store_int(t, 0);
	store_end(t);
	return n;
}

static bool
has_notice(struct kp *k, const struct hash *h, const char *kind)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_HAS);
	bool has;

	store_bind_blob(t, hash_slice(h));
	store_bind_text(t, kind);
	has = store_step(t, NULL) == 0;
	store_end(t);
	return has;
}

static void
add_notice(struct kp *k, const struct hash *h, const char *kind, int64_t due,
    const char *body)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_ADD);
	struct err e = {0};

	store_bind_blob(t, hash_slice(h));
	store_bind_text(t, kind);
	store_bind_int(t, due);
	store_bind_text(t, body);
	if (store_run(t, &e) != 0)
		plog_err(PLOG_WARN, &e, "a notice is lost", "kind", kind, NULL);
}

void
kp_notice(struct kp *k, const struct hash *request, const char *kind)
{
	if (!has_notice(k, request, kind))
		add_notice(k, request, kind, k->now, "");
}

void
kp_notice_waiting(struct kp *k, const struct asked *a)
{
	const struct service_config *s = &k->config.service;

	if (has_notice(k, &a->s.hash, "waiting"))
		return;
	add_notice(k, &a->s.hash, "waiting", k->now, "");
	for (size_t i = 0; i < s->n_reminders; i++)
		add_notice(k, &a->s.hash, "reminder", k->now + s->reminders[i],
		    "");
}

void
kp_notice_alarm(struct kp *k, const char *text)
{
	const struct hash none = {{0}};

	plog(PLOG_WARN, "alarm", "text", text, NULL);
	add_notice(k, &none, "alarm", k->now, text);
}

/* --- what was told ----------------------------------------------------------------- */

int
kp_told_json(struct kp *k, struct jw *w, const struct hash *h, struct err *e)
{
	struct store_stmt *t = store_use(requests_store(k->rows), SQL_TOLD);
	int r;

	store_bind_blob(t, hash_slice(h));
	while ((r = store_step(t, e)) == 0) {
		jw_begin(w, NULL, '{');
		jw_str(w, "person", store_text(t, 0));
		jw_str(w, "how", store_text(t, 1));
		jw_time(w, "at", store_int(t, 2));
		jw_bool(w, "sent", store_int(t, 3) != 0);
		jw_end(w, '}');
	}
	return r == STORE_DONE ? 0 : r;
}

static int
done(struct kp *k, int64_t id, int state, struct err *e)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_DONE);

	store_bind_int(t, state);
	store_bind_int(t, id);
	return store_run(t, e);
}

static int
later(struct kp *k, int64_t id, int64_t due, struct err *e)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_LATER);

	store_bind_int(t, due);
	store_bind_int(t, id);
	return store_run(t, e);
}

static int
add_told(struct kp *k, const struct hash *h, const char *person,
    const char *how, bool sent, struct err *e)
{
	struct store_stmt *t = store_use(requests_store(k->rows), SQL_TOLD_ADD);

	store_bind_blob(t, hash_slice(h));
	store_bind_text(t, person);
	store_bind_text(t, how);
	store_bind_int(t, k->now);
	store_bind_int(t, sent);
	return store_run(t, e);
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
	if ((r = add_told(k, &h, person, how, sent, e)) == 0 &&
	    (r = done(k, f->id, DONE_SENT, e)) == 0)
		kp_tell_waiting(k, &h);
out:
	json_decref(o);
	return r;
}

/* --- what is sent -------------------------------------------------------------------- */

struct due {
	int64_t id, tries;
	struct hash request;
	char *kind, *body;
};

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
put_about(struct kp *k, struct jw *w, const struct due *d,
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
make_body(struct kp *k, const struct due *d, struct str *out, struct err *e)
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
send_one(struct kp *k, const struct due *d, struct err *e)
{
	struct str body = STR_INIT;
	struct buf *b = NULL;
	int r;

	if (d->tries >= TRIES_MAX)
		return done(k, d->id, DONE_DROPPED, e);
	if ((r = make_body(k, d, &body, e)) != 0) {
		str_clear(&body);
		return r == 1 ? done(k, d->id, DONE_DROPPED, e) : r;
	}
	if ((r = buf_new(&b, 65536)) == 0 &&
	    (r = buf_put_string(b, body.p, body.n)) == 0)
		r = chan_send(k->notify, MSG_NOTICE, (uint32_t)d->id,
		    buf_slice(b), e);
	buf_free(b);
	str_clear(&body);
	if (r != 0)
		return r;
	k->notify_open++;
	return later(k, d->id, k->now + AGAIN_SECS, e);
}

static int
read_due(struct kp *k, struct due *v, size_t max, size_t *n, struct err *e)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_DUE);
	int r = 0;

	*n = 0;
	store_bind_int(t, k->now);
	store_bind_int(t, (int64_t)max);
	while (*n < max && (r = store_step(t, e)) == 0) {
		struct due *d = &v[*n];

		d->id = store_int(t, 0);
		memset(&d->request, 0, sizeof(d->request));
		if (store_blob(t, 1).n == HASH_LEN)
			memcpy(d->request.b, store_blob(t, 1).p, HASH_LEN);
		d->kind = str_dup(store_text(t, 2));
		d->body = str_dup(store_text(t, 3));
		d->tries = store_int(t, 4);
		++*n;
		if (d->kind == NULL || d->body == NULL) {
			r = err_nomem(e);
			break;
		}
	}
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

static void
connect_notify(struct kp *k)
{
	int64_t now = kp_mono_ms();
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
	k->notify_next = kp_mono_ms() + BACKOFF_MIN;
}

/* Nobody wants to hear of last week, and a queue has an end. */
static void
trim(struct kp *k)
{
	struct store_stmt *t =
	    store_use(requests_store(k->rows), SQL_NOTICE_DROP);

	store_bind_int(t, k->now - KEEP_SECS);
	(void)!store_run(t, NULL);
	if (kp_notice_queue(k) <= QUEUE_MAX)
		return;
	t = store_use(requests_store(k->rows), SQL_NOTICE_TRIM);
	store_bind_int(t, QUEUE_MAX);
	(void)!store_run(t, NULL);
}

void
kp_notice_send(struct kp *k)
{
	struct due v[OPEN_MAX];
	struct err e = {0};
	size_t n = 0;
	int r = 0;

	if (k->notify == NULL)
		connect_notify(k);
	if (k->now % 60 == 0)
		trim(k);
	if (k->notify == NULL || k->notify_open >= OPEN_MAX)
		return;
	r = read_due(k, v, OPEN_MAX - k->notify_open, &n, &e);
	for (size_t i = 0; i < n; i++) {
		if (r == 0)
			r = send_one(k, &v[i], &e);
		free(v[i].kind);
		free(v[i].body);
	}
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
