/* SPDX-License-Identifier: ISC */
/*
 * submit: statements in, what became of each out.
 *
 * What can be said at once is said here, before anything is logged: whose it
 * is, whether it is known, whether he can decide on that (kp_decide.c).  The rest
 * is said by the batch that it becomes part of (kp_result.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/kp_impl.h"

/* --- jobs ----------------------------------------------------------------- */

int
kp_job_new(struct kp_part *p, enum kp_job_kind kind, struct asked *a,
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

int
kp_job_put(struct kp *k, struct kp_part *p, struct kp_job *j, struct err *e)
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

int
kp_part_covers(struct kp_part *p, const struct hash *h)
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

	if ((r = kp_job_new(p, kind, a, &j, e)) != 0)
		return r;
	j->statement = statement;
	j->given = given;
	return kp_job_put(k, p, j, e);
}

/* --- a request ------------------------------------------------------------ */

static int
take_request(struct kp *k, struct kp_part *p, struct err *e)
{
	const struct hash h = p->s.hash;
	struct request_row row;
	struct asked *a;
	int r;

	if (kp_part_covers(p, &h) != 0)
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
	return kp_put_job(k, p, JOB_ISSUE, a, NULL, NULL, e);
}

/* --- one statement -------------------------------------------------------- */

static int
take_act(struct kp *k, struct kp_part *p, struct err *e)
{
	int r = kp_quota_act(k, &p->s, e);

	if (r != 0)
		return r;
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
		return kp_take_decision(k, p, e);
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
