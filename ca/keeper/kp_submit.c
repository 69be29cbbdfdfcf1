/* SPDX-License-Identifier: ISC */
/*
 * submit: statements in, what became of each out.
 *
 * What can be said at once is said here, before anything is logged: whose it
 * is, whether it is known, whether he can decide on that.  The rest is said by
 * the batch that it becomes part of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"
#include "lib/base/clock.h"
#include "lib/proc/plog.h"

/* --- jobs --------------------------------------------------------------------- */

static int
new_job(struct kp_part *p, enum kp_job_kind kind, struct asked *a,
    struct kp_job **out, struct err *e)
{
	struct kp_job *j;

	if ((j = calloc(1, sizeof(*j))) == NULL)
		return err_nomem(e);
	issue_result_init(&j->result);
	j->kind = kind;
	j->part = p;
	if ((j->asked = a) != NULL)
		kp_asked_pin(a);
	*out = j;
	return 0;
}

static int
put_job(struct kp *k, struct kp_part *p, struct kp_job *j, struct err *e)
{
	/* Statements of one call are taken together or, where the queue is full
	 * already, from the first on not at all. */
	int r = committer_put(k->committer, j, p->call->open_jobs > 0, e);

	if (r != 0) {
		if (j->asked != NULL)
			kp_asked_unpin(k, j->asked);
		kp_job_free(j);
		return r;
	}
	p->open_jobs++;
	p->call->open_jobs++;
	return 0;
}

static int
add_covered(struct kp_part *p, const struct hash *h)
{
	struct hash *v;

	v = reallocarray(p->requests, p->n_requests + 1, sizeof(*v));
	if (v == NULL)
		return ERR_NOMEM;
	p->requests = v;
	p->requests[p->n_requests++] = *h;
	return 0;
}

int
kp_put_job(struct kp *k, struct kp_part *p, enum kp_job_kind kind,
    struct asked *a, struct statement *statement, struct statement *given,
    struct err *e)
{
	struct kp_job *j = NULL;
	int r;

	if ((r = new_job(p, kind, a, &j, e)) != 0)
		return r;
	j->statement = statement;
	j->given = given;
	return put_job(k, p, j, e);
}

/* --- a request ------------------------------------------------------------------ */

static int
take_request(struct kp *k, struct kp_part *p, struct err *e)
{
	const struct hash h = p->s.hash;
	struct request_row row;
	struct kp_job *j = NULL;
	struct asked *a;
	int r;

	if (add_covered(p, &h) != 0)
		return err_nomem(e);
	if ((r = requests_get(k->rows, &h, k->now, &row, e)) != 1) {
		if (r == 0)
			request_row_clear(&row);
		return r; /* known: the same bytes again are a success */
	}
	if ((a = kp_asked_find(k, &h)) == NULL) {
		if (k->n_board >= KP_BOARD_MAX)
			return err_set(e, ERR_BUSY,
			    "%d requests wait for decisions already",
			    KP_BOARD_MAX);
		if ((r = kp_quota_use(k, p->s.by, e)) != 0 ||
		    (r = kp_asked_new(k, &p->s, &a, e)) != 0)
			return r;
	}
	kp_asked_pin(a);
	p->asked = a;
	if ((r = new_job(p, JOB_ISSUE, a, &j, e)) != 0)
		return r;
	return put_job(k, p, j, e);
}

/* --- a decision ------------------------------------------------------------------- */

static int
note(struct kp_part *p, const char *text, struct err *e)
{
	return strs_add(&p->notes, text) != 0 ? err_nomem(e) : 0;
}

/* Why can there be no decision on what is not on the board any more? */
void
kp_past_deciding(const struct request_row *row, struct err *why)
{
	char id[KP_SHORT_ID], until[CLOCK_TEXT];

	kp_short_id(&row->hash, id);
	switch (row->state) {
	case REQUEST_ISSUED:
		clock_format(row->valid_before, until);
		(void)err_set(why, ERR_EXISTS,
		    "request %s is decided: its certificate was issued, until "
		    "%s",
		    id, until);
		err_hint(why, "what was issued can be revoked: serial %llu",
		    (unsigned long long)row->serial);
		break;
	case REQUEST_ENDED:
		(void)err_set(why, ERR_EXPIRED, "request %s has ended: %s", id,
		    row->why[0] != '\0' ? row->why
					: "nobody decided on it in time");
		err_hint(why, "%s has to ask again", row->person);
		break;
	case REQUEST_DENIED:
	case REQUEST_REFUSED:
		(void)err_set(why, ERR_EXISTS, "request %s is decided: %s", id,
		    row->why);
		break;
	case REQUEST_WAITING:
		(void)err_set(why, ERR_BUSY,
		    "request %s is being looked at, send the same once more",
		    id);
		break;
	}
}

/* 0: he can decide on it. */
static int
check_decider(struct kp *k, const struct kp_part *p, const struct asked *a,
    struct err *why)
{
	char id[KP_SHORT_ID];

	kp_short_id(&a->s.hash, id);
	if (strcmp(a->s.by, p->s.by) == 0)
		return err_set(why, ERR_DENIED,
		    "request %s is your own: others decide on it", id);
	if (kp_has_decided(a, p->s.by))
		return err_set(why, ERR_EXISTS,
		    "you have decided on request %s before: the first decision "
		    "counts",
		    id);
	if (!kp_may_decide(k, p->s.by, a->s.u.r.grant, a->s.by))
		return err_set(why, ERR_DENIED,
		    "you are in no group that decides about grant '%s' "
		    "(request %s)",
		    a->s.u.r.grant, id);
	return 0;
}

static int
decide_one(struct kp *k, struct kp_part *p, const struct hash *h,
    struct err *why, struct err *e)
{
	struct asked *a = kp_asked_find(k, h);
	struct request_row row;
	struct kp_job *j = NULL;
	char id[KP_SHORT_ID];
	int r;

	kp_short_id(h, id);
	if (a == NULL || (a->in_rows && !a->waits)) {
		if ((r = requests_get(k->rows, h, k->now, &row, e)) < 0)
			return r;
		if (r == 1) {
			(void)err_set(why, ERR_NOTFOUND, "no request %s", id);
			return 0;
		}
		kp_past_deciding(&row, why);
		request_row_clear(&row);
		return add_covered(p, h) != 0 ? err_nomem(e) : 0;
	}
	if (add_covered(p, h) != 0)
		return err_nomem(e);
	if (check_decider(k, p, a, why) != 0)
		return 0;
	if ((r = new_job(p, JOB_ISSUE, a, &j, e)) != 0)
		return r;
	j->statement = &p->s;
	return put_job(k, p, j, e);
}

static int
decide_key(struct kp *k, struct kp_part *p, const struct hash *h,
    struct err *why, struct err *e)
{
	struct kp_job *j = NULL;
	char *text = NULL, id[KP_SHORT_ID];
	size_t n = 0;
	int r;

	kp_short_id(h, id);
	if ((r = requests_act(k->rows, h, &text, &n, e)) != 0) {
		if (r == 1)
			(void)err_set(why, ERR_NOTFOUND, "no key statement %s",
			    id);
		return r < 0 ? r : 0;
	}
	if ((r = new_job(p, JOB_APPLY, NULL, &j, e)) != 0)
		goto out;
	if ((j->on = calloc(1, sizeof(*j->on))) == NULL) {
		r = err_nomem(e);
		goto out;
	}
	statement_init(j->on, ST_KEY);
	j->statement = &p->s;
	if ((r = statement_parse("key", slice_of(text, n), j->on, e)) == 0) {
		r = put_job(k, p, j, e);
		j = NULL;
	}
out:
	kp_job_free(j);
	free(text);
	return r;
}

/* What cannot be decided is named, and keeps the rest from nothing; where
 * nothing is left, it is the answer. */
static int
gather_why(struct kp_part *p, struct err *why, struct err *first, struct err *e)
{
	int r = 0;

	if (why->code == 0)
		return 0;
	if (first->code == 0)
		*first = *why;
	r = note(p, why->msg, e);
	memset(why, 0, sizeof(*why));
	return r;
}

static int
take_decision(struct kp *k, struct kp_part *p, struct err *e)
{
	const struct decision *d = &p->s.u.d;
	struct err why = {0}, first = {0};
	bool known = false;
	int r = 0;

	if ((r = requests_has_decision(k->rows, &p->s.hash, &known, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n_outcomes; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests; j++) {
			const struct hash *h = &d->outcomes[i].requests[j];

			if (known) {
				if (add_covered(p, h) != 0)
					return err_nomem(e);
				continue;
			}
			if ((r = decide_one(k, p, h, &why, e)) != 0 ||
			    (r = gather_why(p, &why, &first, e)) != 0)
				return r;
		}
	for (size_t i = 0; i < d->n_keys && !known; i++)
		if ((r = decide_key(k, p, &d->keys[i], &why, e)) != 0 ||
		    (r = gather_why(p, &why, &first, e)) != 0)
			return r;
	if (p->open_jobs == 0 && first.code != 0) {
		/* The first is the sentence; the others stay notes. */
		free(p->notes.v[0]);
		memmove(p->notes.v, p->notes.v + 1,
		    (p->notes.n - 1) * sizeof(p->notes.v[0]));
		p->notes.n--;
		*e = first;
		return first.code;
	}
	return 0;
}

/* --- one statement ----------------------------------------------------------------- */

static int
take_act(struct kp *k, struct kp_part *p, struct err *e)
{
	return kp_put_job(k, p, JOB_APPLY, NULL, &p->s, NULL, e);
}

/*
 * Nobody is believed for where he stands; a statement counts by its signatures.
 * That only its author may bring it is so that what was taken from somebody is
 * of no use.
 */
static int
check_author(const struct kp *k, const struct kp_call *c,
    const struct statement *s, struct err *e)
{
	if (!hash_equal(&s->realm, &k->view->trust.realm))
		return err_set(e, ERR_DENIED,
		    "%s of another realm, expected this deployment's",
		    statement_type_name(s->type));
	if (kp_is_master(c))
		return kp_master_may(c, s, e);
	if (strcmp(s->by, c->person) == 0)
		return 0;
	(void)err_set(e, ERR_DENIED,
	    "this %s is by %s, and you came in with a key of %s",
	    statement_type_name(s->type), s->by, c->person);
	err_hint(e, "its author has to send it");
	return ERR_DENIED;
}

static int
take_part(struct kp *k, struct kp_part *p, struct slice text, size_t nth,
    struct err *e)
{
	char name[32];
	int r;

	snprintf(name, sizeof(name), "statement %zu", nth + 1);
	if ((r = statement_parse(name, text, &p->s, e)) != 0)
		return r;
	p->parsed = true;
	if ((r = check_author(k, p->call, &p->s, e)) != 0)
		return r;
	switch (p->s.type) {
	case ST_REQUEST:
		return take_request(k, p, e);
	case ST_DECISION:
		return take_decision(k, p, e);
	case ST_KEY:
	case ST_REVOKE:
		return take_act(k, p, e);
	case ST_ENROL:
	case ST_ACCEPT:
	case ST_REJECT:
	case ST_RENAME:
	case ST_FORGET:
	case ST_TOKEN:
	case ST_RENEW:
		return kp_host_take(k, p, e);
	case ST_ROOT:
	case ST_POLICY:
	case ST_KRL:
	default: /* a fleet's, which has a log of its own */
		break;
	}
	return err_set(e, ERR_PARSE,
	    "%s: is a %s statement, expected a request, a decision, a key or a "
	    "revocation",
	    name, statement_type_name(p->s.type));
}

int
kp_submit(struct kp *k, struct kp_call *c, struct kp_answer *a, struct err *e)
{
	const json_t *texts = NULL;
	size_t n;
	int r;

	(void)a;
	if ((r = kp_fold_check(k, e)) != 0 ||
	    (r = kp_texts(c->args, "statements", KP_STATEMENTS_MAX, &texts,
		 e)) != 0)
		return r;
	n = json_array_size(texts);
	if ((c->parts = calloc(n, sizeof(*c->parts))) == NULL)
		return err_nomem(e);
	c->n_parts = n;
	for (size_t i = 0; i < n; i++) {
		struct kp_part *p = &c->parts[i];
		const json_t *t = json_array_get(texts, i);

		p->call = c;
		statement_init(&p->s, ST_REQUEST);
		str_init(&p->certificate);
		statement_init(&p->enrol, ST_ENROL);
		p->r = take_part(k, p,
		    slice_of(json_string_value(t), json_string_length(t)), i,
		    &p->e);
		if (p->r != 0)
			p->e.code = p->r;
	}
	for (size_t i = 0; i < n; i++) {
		struct kp_part *p = &c->parts[i];

		if (p->r == 0 && p->s.type == ST_ENROL && !p->taken)
			p->r = kp_host_keep(k, p, &p->e);
	}
	if (c->open_jobs == 0)
		kp_submit_finish(k, c);
	return KP_LATER;
}

/* --- what became of it --------------------------------------------------------------- */

static void
part_fail(struct kp_part *p, const struct kp_job *j)
{
	if (p->r == 0) {
		p->r = j->r;
		p->e = j->e;
	}
	/* Of several requests, each has its own reason. */
	if (p->n_requests > 1)
		(void)!strs_add(&p->notes, j->e.msg);
}

static void
request_done(struct kp_part *p, struct kp_job *j)
{
	for (size_t i = 0; i < j->notes.n; i++)
		(void)!strs_add(&p->notes, j->notes.v[i]);
	if (j->r != 0 && j->r != ERR_WAIT)
		part_fail(p, j);
}

static void
decision_done(struct kp_part *p, struct kp_job *j)
{
	bool denied = j->r == ERR_DENIED && j->result.rule != NULL &&
	    strcmp(j->result.rule, "denied") == 0;

	if ((j->r == 0 || j->r == ERR_WAIT) &&
	    strs_has(&j->result.approvers, p->s.by)) {
		p->counted++;
		return;
	}
	if (denied && !p->s.u.d.approve) {
		p->counted++;
		return;
	}
	if (j->r == 0 && j->notes.n == 0)
		j->r = err_set(&j->e, ERR_EXISTS,
		    "it was decided already, and the certificate is issued");
	else if ((j->r == 0 || j->r == ERR_WAIT) && j->notes.n > 0)
		j->r = err_set(&j->e, ERR_DENIED, "does not count: %s",
		    j->notes.v[j->notes.n - 1]);
	else if (j->r == ERR_WAIT)
		j->r = err_set(&j->e, ERR_DENIED, "does not count");
	part_fail(p, j);
}

static void
act_done(struct kp_part *p, struct kp_job *j)
{
	for (size_t i = 0; i < j->notes.n; i++)
		(void)!strs_add(&p->notes, j->notes.v[i]);
	if (j->r == 0) {
		p->counted++;
	} else if (j->r == ERR_WAIT || j->r == ERR_EXISTS) {
		p->counted++;
		(void)!strs_add(&p->notes, j->e.msg);
	} else {
		part_fail(p, j);
	}
}

void
kp_submit_job(struct kp *k, struct kp_job *j)
{
	struct kp_part *p = j->part;
	struct kp_call *c = p->call;

	if (j->kind == JOB_APPLY)
		act_done(p, j);
	else if (j->asked != NULL && j->asked->s.type == ST_RENEW)
		kp_renewal_done(p, j);
	else if (j->statement != NULL)
		decision_done(p, j);
	else
		request_done(p, j);
	p->open_jobs--;
	if (--c->open_jobs == 0)
		kp_submit_finish(k, c);
}

/* --- the answer ------------------------------------------------------------------------ */

static void
put_certificate(struct kp *k, struct jw *w, const struct hash *h)
{
	struct request_row row;
	struct str line = STR_INIT;

	if (requests_lend(k->rows, h, k->now, &row, NULL) != 0)
		return;
	if (row.certificate != NULL) {
		kp_certificate_line(&row, &line);
		jw_str(w, "certificate", line.p);
	}
	request_row_clear(&row);
	str_clear(&line);
}

static void
put_requests(struct kp *k, struct jw *w, const struct kp_part *p)
{
	struct request_row row;

	if (p->s.type != ST_DECISION) {
		/* One that was refused is no row. */
		if (p->n_requests == 0 ||
		    requests_lend(k->rows, &p->requests[0], k->now, &row,
			NULL) != 0)
			return;
		request_row_clear(&row);
		if (kp_put_request(k, w, "request", &p->requests[0], NULL) != 0)
			w->s->failed = true;
		put_certificate(k, w, &p->requests[0]);
		return;
	}
	jw_begin(w, "requests", '[');
	for (size_t i = 0; i < p->n_requests; i++)
		if (requests_lend(k->rows, &p->requests[i], k->now, &row,
			NULL) == 0) {
			request_row_clear(&row);
			if (kp_put_request(k, w, NULL, &p->requests[i], NULL) !=
			    0)
				w->s->failed = true;
		}
	jw_end(w, ']');
}

static const struct hash *
part_id(const struct kp_part *p)
{
	return p->asked != NULL ? &p->asked->s.hash : &p->s.hash;
}

static const char *
part_type(const struct kp_part *p)
{
	return p->asked != NULL ? statement_type_name(p->asked->s.type)
				: statement_type_name(p->s.type);
}

static void
part_json(struct kp *k, struct jw *w, const struct kp_part *p)
{
	char hex[HASH_HEX];

	jw_begin(w, NULL, '{');
	jw_str(w, "type", p->parsed ? part_type(p) : "unknown");
	if (p->parsed) {
		hash_hex(part_id(p), hex);
		jw_str(w, "id", hex);
	}
	jw_int(w, "status", p->r == 0 ? 0 : cli_exit_status(p->r));
	if (p->r != 0)
		jw_err(w, &p->e);
	jw_strs(w, "notes", &p->notes);
	if (p->parsed)
		put_requests(k, w, p);
	if (p->certificate.n > 0)
		jw_str(w, "certificate", p->certificate.p);
	jw_end(w, '}');
}

static void
next_step(struct kp *k, const struct kp_part *p, struct str *out)
{
	char id[KP_SHORT_ID];
	struct request_row row;

	if (p->s.type != ST_REQUEST && p->asked == NULL) {
		str_addf(out, "%s: taken\n", part_type(p));
		return;
	}
	if (p->n_requests == 0 ||
	    requests_lend(k->rows, &p->requests[0], k->now, &row, NULL) != 0)
		return;
	kp_short_id(&row.hash, id);
	if (row.state == REQUEST_ISSUED && row.certificate == NULL)
		str_addf(out, "  wait %s     prints it once it is signed\n",
		    id);
	else if (row.state == REQUEST_ISSUED)
		str_addf(out, "  fetch %s    prints the certificate\n", id);
	else if (row.state == REQUEST_WAITING)
		str_addf(out, "  wait %s     prints it once it is approved\n",
		    id);
	request_row_clear(&row);
}

static void
part_text(struct kp *k, struct str *out, const struct kp_part *p)
{
	if (p->r != 0) {
		str_addf(out, "%s: %s\n",
		    p->parsed ? part_type(p) : "not taken", p->e.msg);
		if (p->e.hint[0] != '\0')
			str_addf(out, "  %s\n", p->e.hint);
	} else {
		if (p->n_requests == 0 && p->asked == NULL)
			str_addf(out, "%s: in force\n", part_type(p));
		for (size_t i = 0; i < p->n_requests; i++)
			(void)!kp_text_request(k, out, &p->requests[i], NULL);
		if (p->n_requests > 0)
			next_step(k, p, out);
	}
	for (size_t i = 0; i < p->notes.n; i++)
		str_addf(out, "  note: %s\n", p->notes.v[i]);
}

static int
worst(const struct kp_call *c)
{
	int status = 0;

	for (size_t i = 0; i < c->n_parts; i++) {
		int one =
		    c->parts[i].r == 0 ? 0 : cli_exit_status(c->parts[i].r);

		if (one > status)
			status = one;
	}
	return status;
}

void
kp_submit_finish(struct kp *k, struct kp_call *c)
{
	struct str s = STR_INIT;
	struct jw w;

	for (size_t i = 0; i < c->n_parts; i++) {
		struct kp_part *p = &c->parts[i];

		/* A decision that counted somewhere was of use. */
		if (p->counted > 0)
			p->r = 0;
		if (p->r != 0) {
			k->totals.refused++;
			plog_err(PLOG_INFO, &p->e, "refused", "person",
			    c->person, "type",
			    p->parsed ? part_type(p) : "unknown", NULL);
		}
	}
	if (c->conn == NULL) {
		kp_call_free(k, c);
		return;
	}
	if (c->form == FORM_TEXT) {
		for (size_t i = 0; i < c->n_parts; i++)
			part_text(k, &s, &c->parts[i]);
	} else {
		jw_init(&w, &s, false);
		jw_begin(&w, NULL, '{');
		jw_begin(&w, "results", '[');
		for (size_t i = 0; i < c->n_parts; i++)
			part_json(k, &w, &c->parts[i]);
		jw_end(&w, ']');
		jw_end(&w, '}');
	}
	kp_call_end(k, c, worst(c), &s);
	str_clear(&s);
}
