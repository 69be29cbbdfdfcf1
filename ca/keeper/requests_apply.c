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

static void
changed(struct requests *q, const struct hash *request,
    enum request_change what)
{
	if (q->c.changed != NULL)
		q->c.changed(q->c.ctx, request, what);
}

static struct slice
hash_slice(const struct hash *h)
{
	return slice_of(h->b, HASH_LEN);
}

/* --- transactions --------------------------------------------------------- */

int
requests_begin(struct requests *q, struct err *e)
{
	return store_begin(q->store, e);
}

static int
put_applied(struct requests *q, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_META_PUT);

	store_bind_text(t, "applied");
	store_bind_int(t, (int64_t)q->next);
	return store_run(t, e);
}

int
requests_commit(struct requests *q, struct err *e)
{
	int r;

	if ((r = put_applied(q, e)) != 0 ||
	    (r = store_commit(q->store, e)) != 0)
		return r;
	q->applied = q->next;
	return 0;
}

void
requests_rollback(struct requests *q)
{
	store_rollback(q->store);
	q->next = q->applied;
}

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

static int
set_state(struct requests *q, const struct hash *h, enum request_state state,
    const char *why, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_SET_STATE);

	store_bind_int(t, state);
	store_bind_text(t, why);
	store_bind_blob(t, hash_slice(h));
	return store_run(t, e);
}

static int
deny(struct requests *q, const struct request_row *row, const char *person,
    const char *comment, struct err *e)
{
	const struct policy *p = NULL;
	const struct grant *g;
	struct str why = STR_INIT;
	char quoted[QUOTE_MAX];
	int r;

	if (row->state != REQUEST_WAITING)
		return 0;
	if ((r = grant_then(q, row->grant, &p, &g, e)) != 0)
		return r;
	if (g == NULL || !may_deny(p, g, person, row->person))
		return 0;
	str_addf(&why, "%s denied it", person);
	if (comment[0] != '\0')
		str_addf(&why, ": %s", str_quote(quoted, comment));
	if ((r = str_check(&why)) != 0)
		(void)err_nomem(e);
	else if ((r = set_state(q, &row->hash, REQUEST_DENIED, why.p, e)) == 0)
		changed(q, &row->hash, CHANGE_DENIED);
	str_clear(&why);
	return r;
}

/* --- one kind of leaf each ------------------------------------------------ */

struct late {
	struct requests *q;
	const struct request_row *row;
	struct err *e;
};

static int
late_denial(void *ctx, const struct decision_row *d)
{
	struct late *l = ctx;

	return d->approve ? 0 : deny(l->q, l->row, d->person, d->comment, l->e);
}

static int
apply_request(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	struct store_stmt *t;
	const struct policy *p = NULL;
	const struct grant *g;
	struct request_row row = {0};
	struct late late = {q, &row, e};
	struct hash subject;
	int r;

	if ((r = grant_then(q, s->u.r.grant, &p, &g, e)) != 0)
		return r;
	hash_sha256(pubkey_blob(s->u.r.subject).p,
	    pubkey_blob(s->u.r.subject).n, &subject);
	t = store_use(q->store, SQL_ADD_REQUEST);
	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, hash_slice(&s->hash));
	store_bind_int(t, (int64_t)leaf_serial(&s->hash));
	store_bind_text(t, s->by);
	store_bind_text(t, s->u.r.grant);
	store_bind_int(t, s->u.r.kind);
	store_bind_int(t, s->at);
	store_bind_int(t, s->at + (g != NULL ? g->wait : WAIT_DEFAULT));
	store_bind_blob(t, statement_bytes(s));
	store_bind_blob(t, hash_slice(&subject));
	if ((r = store_run(t, e)) != 0)
		return r;
	if (store_changes(q->store) == 0)
		return 0;
	changed(q, &s->hash, CHANGE_NEW);
	/* A decision of several requests may have been logged with another. */
	if ((r = requests_get(q, &s->hash, 0, &row, e)) == 0)
		r = requests_decisions(q, &s->hash, late_denial, &late, e);
	request_row_clear(&row);
	return r == STORE_DONE ? 0 : r;
}

static int
decide_one(struct requests *q, uint64_t index, const struct statement *s,
    const struct hash *request, struct err *e)
{
	const struct decision *d = &s->u.d;
	const char *comment = d->comment != NULL ? d->comment : "";
	struct store_stmt *t = store_use(q->store, SQL_ADD_DECISION);
	struct request_row row;
	int r;

	store_bind_blob(t, hash_slice(request));
	store_bind_int(t, (int64_t)index);
	store_bind_text(t, s->by);
	store_bind_int(t, d->approve);
	store_bind_int(t, d->length);
	store_bind_text(t, comment);
	store_bind_int(t, s->at);
	if ((r = store_run(t, e)) != 0)
		return r;
	if ((r = requests_get(q, request, 0, &row, e)) != 0)
		return r == STORE_DONE ? 0 : r;
	if (d->approve)
		changed(q, request, CHANGE_DECIDED);
	else
		r = deny(q, &row, s->by, comment, e);
	request_row_clear(&row);
	return r;
}

static int
apply_decision(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	const struct decision *d = &s->u.d;
	struct store_stmt *t = store_use(q->store, SQL_ADD_TEXT);
	int r;

	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, hash_slice(&s->hash));
	store_bind_blob(t, statement_bytes(s));
	if ((r = store_run(t, e)) != 0 || store_changes(q->store) == 0)
		return r;
	for (size_t i = 0; i < d->n_outcomes && r == 0; i++)
		for (size_t j = 0; j < d->outcomes[i].n_requests && r == 0; j++)
			r = decide_one(q, index, s, &d->outcomes[i].requests[j],
			    e);
	return r;
}

static int
apply_act(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ADD_ACT);

	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, hash_slice(&s->hash));
	store_bind_blob(t, statement_bytes(s));
	return store_run(t, e);
}

/* The certificates that a revocation names, told one by one. */
static int
tell_revoked(struct requests *q, int64_t serial, const char *key_id,
    struct slice subject, const char *person, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_REVOKED_NOW);
	int r;

	store_bind_int(t, serial);
	store_bind_text(t, key_id);
	store_bind_blob(t, subject);
	store_bind_text(t, person);
	while ((r = store_step(t, e)) == 0) {
		struct hash h = {0};

		if (store_blob(t, 0).n == HASH_LEN)
			memcpy(h.b, store_blob(t, 0).p, HASH_LEN);
		changed(q, &h, CHANGE_REVOKED);
	}
	return r == STORE_DONE ? 0 : r;
}

static int
revoke_serials(struct requests *q, const struct revoke *v, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < v->n_serials && r == 0; i++) {
		struct store_stmt *t = store_use(q->store, SQL_REVOKE_SERIAL);

		store_bind_int(t, (int64_t)v->serials[i]);
		if ((r = store_run(t, e)) == 0)
			r = tell_revoked(q, (int64_t)v->serials[i], NULL,
			    slice_of(NULL, 0), NULL, e);
	}
	return r;
}

static int
revoke_key(struct requests *q, const struct pubkey *key, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_REVOKE_SUBJECT);
	struct hash subject;
	int r;

	hash_sha256(pubkey_blob(key).p, pubkey_blob(key).n, &subject);
	store_bind_blob(t, hash_slice(&subject));
	if ((r = store_run(t, e)) == 0)
		r = tell_revoked(q, -1, NULL, hash_slice(&subject), NULL, e);
	return r;
}

/* Nothing of his is good any more, and what waits ends. */
static int
revoke_person(struct requests *q, const char *person, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_REVOKE_PERSON);
	struct str why = STR_INIT;
	int r;

	store_bind_text(t, person);
	if ((r = store_run(t, e)) != 0 ||
	    (r = tell_revoked(q, -1, NULL, slice_of(NULL, 0), person, e)) != 0)
		return r;
	str_addf(&why, "%s was revoked", person);
	if (str_check(&why) != 0) {
		str_clear(&why);
		return err_nomem(e);
	}
	do {
		struct hash h = {0};

		t = store_use(q->store, SQL_WAITING_OF);
		store_bind_text(t, person);
		if ((r = store_step(t, e)) == 0 &&
		    store_blob(t, 0).n == HASH_LEN)
			memcpy(h.b, store_blob(t, 0).p, HASH_LEN);
		store_end(t);
		if (r == 0 &&
		    (r = set_state(q, &h, REQUEST_ENDED, why.p, e)) == 0)
			changed(q, &h, CHANGE_ENDED);
	} while (r == 0);
	str_clear(&why);
	return r == STORE_DONE ? 0 : r;
}

static int
apply_revoke(struct requests *q, const struct revoke *v, struct err *e)
{
	struct store_stmt *t;
	int r;

	if (v->person != NULL)
		return revoke_person(q, v->person, e);
	if (v->key != NULL)
		return revoke_key(q, v->key, e);
	if (v->key_id == NULL)
		return revoke_serials(q, v, e);
	t = store_use(q->store, SQL_REVOKE_KEY_ID);
	store_bind_text(t, v->key_id);
	if ((r = store_run(t, e)) == 0)
		r = tell_revoked(q, -1, v->key_id, slice_of(NULL, 0), NULL, e);
	return r;
}

static int
apply_policy(struct requests *q, const struct statement *s, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_META_PUT);

	q->policy = s->hash;
	q->has_policy = true;
	store_bind_text(t, "policy");
	store_bind_blob(t, hash_slice(&s->hash));
	return store_run(t, e);
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
		if (s->u.d.n_keys > 0 && (r = apply_act(q, index, s, e)) != 0)
			return r;
		return apply_decision(q, index, s, e);
	case ST_REVOKE:
		if ((r = apply_act(q, index, s, e)) != 0)
			return r;
		return apply_revoke(q, &s->u.v, e);
	case ST_KEY:
		return apply_act(q, index, s, e);
	case ST_POLICY:
		return apply_policy(q, s, e);
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
	struct store_stmt *t = store_use(q->store, SQL_ISSUE);
	struct cert c;
	int r;

	cert_init(&c);
	r = cert_parse_tbs(slice_of(i->tbs, i->tbs_len), &c, e);
	if (r == 0) {
		store_bind_text(t, c.key_id);
		store_bind_int(t, (int64_t)c.valid_after);
		store_bind_int(t, (int64_t)c.valid_before);
		store_bind_blob(t, hash_slice(&i->request));
		r = store_run(t, e);
	}
	cert_clear(&c);
	if (r == 0 && store_changes(q->store) > 0)
		changed(q, &i->request, CHANGE_ISSUED);
	return r;
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
	struct store_stmt *t = store_use(q->store, SQL_CERTIFY);

	store_bind_blob(t, blob);
	store_bind_blob(t, hash_slice(request));
	return store_run(t, e);
}

int
requests_close_one(struct requests *q, const struct hash *request,
    enum request_state state, const char *why, struct err *e)
{
	return set_state(q, request, state, why, e);
}
