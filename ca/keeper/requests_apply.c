/* SPDX-License-Identifier: ISC */
/*
 * Leaves into rows, in the log's order.  What is judged here (how long a request
 * waits, whose denial ends it) is judged by the policy that the log had then, so
 * that a store made anew has the same rows.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/requests.h"
#include "ca/keeper/requests_impl.h"
#include "ca/issue/issue.h"
#include "lib/ssh/cert.h"

#define WAIT_DEFAULT (12 * INT64_C(3600)) /* of a grant that is lost */

/* --- by the policy of its time -------------------------------------------- */

/* NULL: no policy yet, it is lost, or it has no such grant. */
static int
grant_then(struct requests *q, const char *name, const struct policy **policy,
    const struct grant **out, struct err *e)
{
	const struct policy *p = NULL;
	int r;

	*out = NULL;
	if (!q->has_policy)
		return 0;
	if ((r = q->c.policy_of(q->c.ctx, &q->policy, &p, e)) != 0)
		return r == ERR_NOTFOUND ? 0 : r;
	*policy = p;
	*out = policy_grant(p, name);
	return 0;
}

/* As ca/issue counts denials: of whoever is in a group that decides, but the
 * requester. */
static bool
may_deny(const struct policy *p, const struct grant *g, const char *who,
    const char *requester)
{
	const struct person *person = policy_person(p, who);

	if (person == NULL || strcmp(who, requester) == 0)
		return false;
	for (size_t i = 0; i < g->n_approve; i++)
		if (person_in_group(person, g->approve[i].group))
			return true;
	return false;
}

/* The reason moves in. */
static void
set_why(struct recent *r, enum request_state state, char *why)
{
	free(r->row.why);
	r->row.why = why;
	r->row.state = state;
	r->changed = true;
}

static int
deny(struct requests *q, struct recent *r, const char *person,
    const char *comment, struct err *e)
{
	const struct policy *p = NULL;
	const struct grant *g;
	struct str why = STR_INIT;
	char quoted[QUOTE_MAX], *text = NULL;
	int ret;

	if (r->row.state != REQUEST_WAITING)
		return 0;
	if ((ret = grant_then(q, r->row.grant, &p, &g, e)) != 0)
		return ret;
	if (g == NULL || !may_deny(p, g, person, r->row.person))
		return 0;
	str_addf(&why, "%s denied it", person);
	if (comment[0] != '\0')
		str_addf(&why, ": %s", str_quote(quoted, comment));
	if ((ret = str_take(&why, &text)) != 0)
		return err_nomem(e);
	set_why(r, REQUEST_DENIED, text);
	requests_changed(q, &r->row.hash, CHANGE_DENIED);
	return 0;
}

/* --- one kind of leaf each ------------------------------------------------ */

struct late {
	struct requests *q;
	struct recent *r;
	struct err *e;
};

static int
late_denial(void *ctx, const struct decision_row *d)
{
	struct late *l = ctx;

	return d->approve ? 0 : deny(l->q, l->r, d->person, d->comment, l->e);
}

/* r may hold decisions already. */
static int
fill_row(struct recent *r, uint64_t index, const struct statement *s,
    const struct grant *g, struct err *e)
{
	struct slice text = statement_bytes(s);
	struct request_row row = {.index = index,
	    .hash = s->hash,
	    .serial = leaf_serial(&s->hash),
	    .person = str_dup(s->by),
	    .grant = str_dup(s->u.r.grant),
	    .kind = s->u.r.kind,
	    .at = s->at,
	    .ends = s->at + (g != NULL ? g->wait : WAIT_DEFAULT),
	    .state = REQUEST_WAITING,
	    .why = str_dup(""),
	    .statement = str_dupn(text.p, text.n),
	    .statement_len = text.n,
	    .key_id = str_dup("")};

	if (row.person == NULL || row.grant == NULL || row.why == NULL ||
	    row.statement == NULL || row.key_id == NULL) {
		request_row_clear(&row);
		return err_nomem(e);
	}
	pubkey_hash(s->u.r.subject, &r->subject);
	r->row = row;
	r->known = true;
	return 0;
}

static int
apply_request(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	const struct policy *p = NULL;
	const struct grant *g;
	struct recent *r = NULL;
	struct late late = {.q = q, .e = e};
	int ret;

	if ((ret = grant_then(q, s->u.r.grant, &p, &g, e)) != 0 ||
	    (ret = recent_fetch(q, &s->hash, &r, e)) <= 0)
		return ret; /* there already, or a failure */
	if ((r == NULL && (ret = recent_new(q, &s->hash, &r, e)) != 0) ||
	    (ret = fill_row(r, index, s, g, e)) != 0)
		return ret;
	requests_changed(q, &s->hash, CHANGE_NEW);
	/* A decision of several requests may have been logged with another. */
	late.r = r;
	return requests_decided_before(q, r, late_denial, &late, e);
}

static int
decide_one(struct requests *q, const struct recent_text *text,
    const struct statement *s, const struct hash *request, struct err *e)
{
	const char *comment = s->u.d.comment != NULL ? s->u.d.comment : "";
	struct recent *r = NULL;
	int ret;

	if ((ret = recent_fetch(q, request, &r, e)) < 0 ||
	    (r == NULL && (ret = recent_new(q, request, &r, e)) != 0))
		return ret;
	/* Named twice by one statement it is decided on once. */
	if (r->n_decisions > 0 && r->decisions[r->n_decisions - 1].text == text)
		return 0;
	if ((ret = recent_decide(r, text, s, e)) != 0 || !r->known)
		return ret;
	if (!s->u.d.approve)
		return deny(q, r, s->by, comment, e);
	requests_changed(q, request, CHANGE_DECIDED);
	return 0;
}

static int
apply_decision(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	const struct decision *d = &s->u.d;
	const struct recent_text *text = NULL;
	bool known = false;
	int r;

	if ((r = requests_has_decision(q, &s->hash, &known, e)) != 0 || known ||
	    (r = recent_text_add(q, index, s, &text, e)) != 0)
		return r;
	for (size_t i = 0; i < d->n_outcomes && r == 0; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests && r == 0; j++)
			r = decide_one(q, text, s, &d->outcomes[i].requests[j],
			    e);
	return r;
}

static int
apply_statement(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	int r;

	switch (s->type) {
	case ST_REQUEST:
		return apply_request(q, index, s, e);
	case ST_DECISION:
		/* What it says of requests follows, or comes again. */
		if (s->u.d.n_keys > 0 &&
		    (r = requests_apply_straight(q, index, s, e)) != 0)
			return r;
		return apply_decision(q, index, s, e);
	case ST_REVOKE:
	case ST_KEY:
	case ST_POLICY:
		return requests_apply_straight(q, index, s, e);
	case ST_ROOT:
	case ST_KRL:
	default: /* a fleet's: no request hangs on it */
		break;
	}
	return 0;
}

static int
apply_issue(struct requests *q, const struct issue_leaf *i, struct err *e)
{
	struct recent *r = NULL;
	struct cert c;
	int ret;

	cert_init(&c);
	if ((ret = cert_parse_tbs(slice_of(i->tbs, i->tbs_len), &c, e)) != 0 ||
	    (ret = recent_fetch(q, &i->request, &r, e)) != 0) {
		cert_clear(&c);
		return ret < 0 ? ret : 0; /* 1: of a request that is none */
	}
	free(r->row.key_id);
	r->row.key_id = c.key_id;
	c.key_id = NULL;
	r->row.valid_after = (int64_t)c.valid_after;
	r->row.valid_before = (int64_t)c.valid_before;
	r->row.why[0] = '\0';
	r->row.state = REQUEST_ISSUED;
	r->changed = true;
	cert_clear(&c);
	requests_changed(q, &i->request, CHANGE_ISSUED);
	return 0;
}

int
requests_apply(struct requests *q, uint64_t index, const struct leaf *leaf,
    struct err *e)
{
	int r = 0;

	if (index != q->next)
		return err_set(e, ERR_CORRUPT,
		    "the store expects leaf %llu of the log, not %llu",
		    (unsigned long long)q->next, (unsigned long long)index);
	switch (leaf->kind) {
	case LEAF_STATEMENT:
		r = apply_statement(q, index, &leaf->u.s, e);
		break;
	case LEAF_ISSUE:
		r = apply_issue(q, &leaf->u.i, e);
		break;
	case LEAF_CERTIFICATE:
		r = requests_set_certificate(q, &leaf->u.c.request,
		    slice_of(leaf->u.c.blob, leaf->u.c.blob_len), e);
		break;
	case LEAF_TICK:
		break;
	}
	if (r == 0)
		q->next++;
	return r;
}

/* --- beside the log ------------------------------------------------------- */

int
requests_set_certificate(struct requests *q, const struct hash *request,
    struct slice blob, struct err *e)
{
	struct recent *r = NULL;
	uint8_t *copy = NULL;
	size_t n;
	int ret;

	if ((ret = recent_fetch(q, request, &r, e)) != 0)
		return ret < 0 ? ret : 0;
	/* With the leaf it comes a second time, the same. */
	if (slice_equal(blob,
		slice_of(r->row.certificate, r->row.certificate_len)))
		return 0;
	if (requests_blob_dup(blob, &copy, &n) != 0)
		return err_nomem(e);
	free(r->row.certificate);
	r->row.certificate = copy;
	r->row.certificate_len = n;
	r->changed = true;
	return 0;
}

int
requests_close_one(struct requests *q, const struct hash *request,
    enum request_state state, const char *why, struct err *e)
{
	struct recent *r = NULL;
	char *copy;
	int ret;

	if ((ret = recent_fetch(q, request, &r, e)) != 0 ||
	    r->row.state != REQUEST_WAITING)
		return ret < 0 ? ret : 0;
	if ((copy = str_dup(why)) == NULL)
		return err_nomem(e);
	set_why(r, state, copy);
	return 0;
}
