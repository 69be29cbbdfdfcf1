/* SPDX-License-Identifier: ISC */
/* The calls that look at requests, and those that wait for them. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_shown.h"
#include "lib/base/clock.h"

static int
pick_pending(struct kp *k, const struct kp_call *c, bool all, struct picked *p)
{
	struct asked *a;
	int r;

	TAILQ_FOREACH (a, &k->board, link) {
		const char *grant = a->s.u.r.grant;

		if (!a->in_rows || a->ends <= k->now)
			continue;
		if (all ? !kp_may_see(k, c, grant, a->s.by)
			: !kp_may_decide(k, c->person, grant, a->s.by) ||
			    kp_has_decided(a, c->person))
			continue;
		if ((r = picked_add(p, &a->s.hash)) != 0)
			return r;
	}
	return 0;
}

static int
pending_list(struct kp *k, struct kp_call *c, struct str *out, struct err *e)
{
	struct picked p = {0};
	bool all = false;
	int r;

	if ((r = json_bool(c->args, "all", JSON_OPTIONAL, &all, e)) != 0)
		return r;
	if ((r = pick_pending(k, c, all, &p)) != 0)
		(void)err_nomem(e);
	else if (c->form == FORM_TEXT)
		r = picked_text(k, &p, false, "nothing waits for you", out, e);
	else
		r = picked_json(k, &p, out, e);
	free(p.v);
	return r;
}

int
kp_pending(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	bool watch = false;
	int r;

	if ((r = json_bool(c->args, "watch", JSON_OPTIONAL, &watch, e)) != 0 ||
	    (r = pending_list(k, c, &a->body, e)) != 0 || !watch)
		return r;
	c->watches = true;
	kp_call_event(k, c, &a->body);
	return KP_LATER;
}

void
kp_tell_watching(struct kp *k)
{
	struct kp_call *c = TAILQ_FIRST(&k->calls), *next;

	for (; c != NULL; c = next) {
		struct str s = STR_INIT;
		struct err e = {0};

		next = TAILQ_NEXT(c, link);
		if (!c->watches || c->conn == NULL)
			continue;
		if (pending_list(k, c, &s, &e) == 0)
			kp_call_event(k, c, &s);
		else
			kp_call_fail(k, c, &e);
		str_clear(&s);
	}
}

static int
pick_own(void *ctx, const struct request_row *row)
{
	return picked_add(ctx, &row->hash);
}

int
kp_status(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct picked p = {0};
	int64_t limit = 100;
	int r;

	if ((r = json_int(c->args, "limit", JSON_OPTIONAL, 1, 1000, &limit,
		 e)) != 0 ||
	    (r = requests_of_person(k->rows, c->person, k->now, (uint64_t)limit,
		 pick_own, &p, e)) != 0)
		goto out;
	if (c->form == FORM_TEXT)
		r = picked_text(k, &p, true, "you have asked for nothing yet",
		    &a->body, e);
	else
		r = picked_json(k, &p, &a->body, e);
out:
	free(p.v);
	return r;
}

/* --- one by its id -------------------------------------------------------- */

int
kp_find_request(struct kp *k, const struct kp_call *c, const char *digits,
    struct request_row *out, struct err *e)
{
	struct hash h;
	int r;

	if ((r = requests_find(k->rows, digits, &h, e)) != 0)
		return r;
	if ((r = requests_get(k->rows, &h, k->now, out, e)) != 0)
		return r == 1
		    ? err_set(e, ERR_NOTFOUND, "no request %s", digits)
		    : r;
	/* Whether there is one is nobody else's business either. */
	if (!kp_may_see(k, c, out->grant, out->person)) {
		request_row_clear(out);
		return err_set(e, ERR_NOTFOUND, "no request %s", digits);
	}
	return 0;
}

void
kp_certificate_line(const struct request_row *r, struct str *out)
{
	if (cert_add_line(out, slice_of(r->certificate, r->certificate_len),
		r->key_id) != 0)
		out->failed = true;
}

static void
put_line(struct jw *w, const char *key, const struct request_row *row)
{
	struct str line = STR_INIT;

	if (row->certificate == NULL)
		return;
	kp_certificate_line(row, &line);
	if (str_check(&line) != 0)
		w->s->failed = true;
	else
		jw_str(w, key, line.p);
	str_clear(&line);
}

static int
put_text(void *ctx, const struct decision_row *d)
{
	jw_strn(ctx, NULL, (const char *)d->statement.p, d->statement.n);
	return 0;
}

static int
show_json(struct kp *k, struct jw *w, const struct request_row *row,
    struct err *e)
{
	struct shown v;
	int r;

	if ((r = shown_get(k, &row->hash, &v, e)) != 0)
		return r;
	jw_begin(w, NULL, '{');
	r = shown_put(k, w, &v, e);
	jw_strn(w, "statement", row->statement, row->statement_len);
	jw_begin(w, "decision_statements", '[');
	if (r == 0)
		r = requests_decisions(k->rows, &row->hash, put_text, w, e);
	jw_end(w, ']');
	put_line(w, "certificate", row);
	jw_end(w, '}');
	shown_clear(&v);
	return r;
}

int
kp_show(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct strs ids = {0};
	struct jw w;
	int r;

	if ((r = json_strs(c->args, "ids", 0, KP_STATEMENTS_MAX, 64, &ids,
		 e)) != 0)
		goto out;
	jw_init(&w, &a->body, false);
	if (c->form == FORM_JSON) {
		jw_begin(&w, NULL, '{');
		jw_begin(&w, "requests", '[');
	}
	for (size_t i = 0; i < ids.n && r == 0; i++) {
		struct request_row row;

		if ((r = kp_find_request(k, c, ids.v[i], &row, e)) != 0)
			break;
		r = c->form == FORM_JSON
		    ? show_json(k, &w, &row, e)
		    : kp_text_request(k, &a->body, &row.hash, e);
		request_row_clear(&row);
	}
	if (c->form == FORM_JSON) {
		jw_end(&w, ']');
		jw_end(&w, '}');
	}
out:
	strs_clear(&ids);
	return r;
}

static struct kp_waiting *
waiting_for(struct kp *k, const struct hash *h)
{
	return &k->waiting[((size_t)h->b[0] << 8 | h->b[1]) % KP_WAITING];
}

/* --- wait, fetch ---------------------------------------------------------- */

static int
find_one(struct kp *k, struct kp_call *c, struct request_row *row,
    struct err *e)
{
	const char *id = NULL;
	int r;

	if ((r = json_str(c->args, "id", 0, 64, &id, e)) != 0)
		return r;
	return kp_find_request(k, c, id, row, e);
}

/* Waiting for officers, or for the signer to come back. */
static bool
waits(const struct request_row *row)
{
	return row->state == REQUEST_WAITING ||
	    (row->state == REQUEST_ISSUED && row->certificate == NULL);
}

static int
state_status(const struct request_row *row)
{
	if (waits(row))
		return EXIT_WAITING;
	return row->state == REQUEST_ISSUED ? 0 : EXIT_REFUSED;
}

static int
one_json(struct kp *k, const struct request_row *row, struct str *out,
    struct err *e)
{
	struct jw w;
	int r;

	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	r = kp_put_request(k, &w, "request", &row->hash, e);
	put_line(&w, "certificate", row);
	jw_end(&w, '}');
	return r;
}

static int
one_answer(struct kp *k, struct kp_call *c, const struct request_row *row,
    struct kp_answer *a, struct err *e)
{
	a->status = state_status(row);
	if (c->form == FORM_JSON)
		return one_json(k, row, &a->body, e);
	if (row->state != REQUEST_ISSUED || row->certificate == NULL)
		return kp_text_request(k, &a->body, &row->hash, e);
	kp_certificate_line(row, &a->body);
	str_addc(&a->body, '\n');
	return 0;
}

int
kp_fetch(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct request_row row;
	int r;

	if ((r = find_one(k, c, &row, e)) != 0)
		return r;
	r = one_answer(k, c, &row, a, e);
	request_row_clear(&row);
	return r;
}

static void
wait_event(struct kp *k, struct kp_call *c, const struct request_row *row)
{
	struct str s = STR_INIT;
	struct err e = {0};
	struct jw w;
	int r;

	if (c->form == FORM_TEXT) {
		r = kp_text_request(k, &s, &row->hash, &e);
	} else {
		jw_init(&w, &s, false);
		jw_begin(&w, NULL, '{');
		r = kp_put_request(k, &w, "request", &row->hash, &e);
		jw_end(&w, '}');
	}
	if (r == 0)
		kp_call_event(k, c, &s);
	str_clear(&s);
}

int
kp_wait(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	struct request_row row;
	int64_t seconds = 0;
	int r;

	if ((r = json_int(c->args, "seconds", 0, 0, 43200, &seconds, e)) != 0 ||
	    (r = find_one(k, c, &row, e)) != 0)
		return r;
	if (!waits(&row) || seconds == 0) {
		r = one_answer(k, c, &row, a, e);
	} else {
		c->hash = row.hash;
		c->deadline = clock_mono_ms() + seconds * 1000;
		LIST_INSERT_HEAD(waiting_for(k, &c->hash), c, waiting);
		wait_event(k, c, &row);
		r = KP_LATER;
	}
	request_row_clear(&row);
	return r;
}

/* News for one who waits: an event, or the end of his waiting. */
static void
wait_news(struct kp *k, struct kp_call *c, bool over)
{
	struct kp_answer a = {.body = STR_INIT};
	struct request_row row;
	struct err e = {0};
	int r;

	if ((r = requests_lend(k->rows, &c->hash, k->now, &row, &e)) != 0) {
		if (r == 1)
			(void)err_set(&e, ERR_NOTFOUND, "no such request");
		kp_call_fail(k, c, &e);
		return;
	}
	if (waits(&row) && !over)
		wait_event(k, c, &row);
	else if ((r = one_answer(k, c, &row, &a, &e)) == 0)
		kp_call_end(k, c, a.status, &a.body);
	else
		kp_call_fail(k, c, &e);
	request_row_clear(&row);
	str_clear(&a.body);
}

void
kp_tell_waiting(struct kp *k, const struct hash *h)
{
	struct kp_call *c = LIST_FIRST(waiting_for(k, h)), *next;

	for (; c != NULL; c = next) {
		next = LIST_NEXT(c, waiting);
		if (c->conn != NULL && hash_equal(&c->hash, h))
			wait_news(k, c, false);
	}
}

bool
kp_is_awaited(struct kp *k, const struct hash *h)
{
	const struct kp_call *c;

	LIST_FOREACH (c, waiting_for(k, h), waiting)
		if (c->conn != NULL && hash_equal(&c->hash, h))
			return true;
	return false;
}

void
kp_wait_sweep(struct kp *k)
{
	struct kp_call *c = TAILQ_FIRST(&k->calls), *next;
	int64_t now = clock_mono_ms();

	for (; c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->deadline != 0 && c->deadline <= now && c->conn != NULL)
			wait_news(k, c, true);
	}
}
