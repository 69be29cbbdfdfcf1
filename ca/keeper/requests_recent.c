/* SPDX-License-Identifier: ISC */
/*
 * What is not in the store yet.
 *
 * A row is written once, as it is when it is written: one that came, was decided
 * and got its certificate since is a single INSERT.  Each table and index has its
 * pages touched once for all rows of a flush, where that is most of the cost.
 */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/requests.h"
#include "ca/keeper/requests_impl.h"

/* --- at hand -------------------------------------------------------------- */

static size_t
bucket_no(const struct hash *h)
{
	return ((size_t)h->b[0] << 8 | h->b[1]) % RECENT_BUCKETS;
}

static struct recent **
bucket_of(struct requests *q, const struct hash *h)
{
	return &q->recent[bucket_no(h)];
}

struct recent *
recent_find(struct requests *q, const struct hash *h)
{
	struct recent *r = *bucket_of(q, h);

	while (r != NULL && !hash_equal(&r->row.hash, h))
		r = r->bucket;
	return r;
}

int
recent_new(struct requests *q, const struct hash *h, struct recent **out,
    struct err *e)
{
	struct recent **head = bucket_of(q, h), *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return err_nomem(e);
	r->row.hash = *h;
	r->bucket = *head;
	*head = r;
	TAILQ_INSERT_TAIL(&q->recents, r, link);
	q->n_recent++;
	*out = r;
	return 0;
}

int
recent_fetch(struct requests *q, const struct hash *h, struct recent **out,
    struct err *e)
{
	struct request_row row;
	struct store_stmt *t;
	int r;

	if ((*out = recent_find(q, h)) != NULL)
		return (*out)->known ? 0 : 1;
	t = store_use(q->store, SQL_GET);
	store_bind_blob(t, requests_hash_slice(h));
	if ((r = store_step(t, e)) == 0)
		r = requests_read_row(t, &row, e);
	store_end(t);
	if (r != 0)
		return r;
	if ((r = recent_new(q, h, out, e)) != 0) {
		request_row_clear(&row);
		return r;
	}
	(*out)->row = row;
	(*out)->known = (*out)->stored = true;
	return 0;
}

const struct recent_text *
recent_text_find(const struct requests *q, const struct hash *h)
{
	const struct recent_text *t = q->text[bucket_no(h)];

	while (t != NULL && !hash_equal(&t->hash, h))
		t = t->bucket;
	return t;
}

int
recent_text_add(struct requests *q, uint64_t idx, const struct statement *s,
    const struct recent_text **out, struct err *e)
{
	struct slice bytes = statement_bytes(s);
	struct recent_text *t;

	if ((t = calloc(1, sizeof(*t))) == NULL ||
	    (t->bytes = str_dupn(bytes.p, bytes.n)) == NULL) {
		free(t);
		return err_nomem(e);
	}
	t->idx = idx;
	t->hash = s->hash;
	t->n = bytes.n;
	t->bucket = q->text[bucket_no(&t->hash)];
	q->text[bucket_no(&t->hash)] = t;
	TAILQ_INSERT_TAIL(&q->texts, t, link);
	q->n_texts++;
	*out = t;
	return 0;
}

int
recent_decide(struct recent *r, const struct recent_text *text,
    const struct statement *s, struct err *e)
{
	const struct decision *d = &s->u.d;
	struct recent_decision *n;

	if (vec_grow(&r->decisions, r->n_decisions, &r->cap_decisions,
		SIZE_MAX / 128) != 0)
		return err_nomem(e);
	n = &r->decisions[r->n_decisions];
	*n = (struct recent_decision){.text = text,
	    .person = str_dup(s->by),
	    .comment = str_dup(d->comment != NULL ? d->comment : ""),
	    .approve = d->approve,
	    .length = d->length,
	    .at = s->at};
	if (n->person == NULL || n->comment == NULL) {
		free(n->person);
		free(n->comment);
		return err_nomem(e);
	}
	r->n_decisions++;
	return 0;
}

int
requests_add_told(struct requests *q, const struct hash *request,
    const char *person, const char *how, int64_t at, bool sent, struct err *e)
{
	struct recent *r = NULL;
	struct recent_told *n;
	int ret;

	if ((ret = recent_fetch(q, request, &r, e)) < 0 ||
	    (r == NULL && (ret = recent_new(q, request, &r, e)) != 0))
		return ret;
	if (vec_grow(&r->told, r->n_told, &r->cap_told, SIZE_MAX / 128) != 0)
		return err_nomem(e);
	n = &r->told[r->n_told];
	*n = (struct recent_told){.person = str_dup(person),
	    .how = str_dup(how),
	    .at = at,
	    .sent = sent};
	if (n->person == NULL || n->how == NULL) {
		free(n->person);
		free(n->how);
		return err_nomem(e);
	}
	r->n_told++;
	return 0;
}

/* --- and let go ----------------------------------------------------------- */

static void
recent_free(struct recent *r)
{
	for (size_t i = 0; i < r->n_decisions; i++) {
		free(r->decisions[i].person);
		free(r->decisions[i].comment);
	}
	for (size_t i = 0; i < r->n_told; i++) {
		free(r->told[i].person);
		free(r->told[i].how);
	}
	free(r->decisions);
	free(r->told);
	request_row_clear(&r->row);
	free(r);
}

void
recent_clear(struct requests *q)
{
	struct recent_text *t;
	struct recent *r;

	while ((r = TAILQ_FIRST(&q->recents)) != NULL) {
		TAILQ_REMOVE(&q->recents, r, link);
		*bucket_of(q, &r->row.hash) = NULL;
		recent_free(r);
	}
	while ((t = TAILQ_FIRST(&q->texts)) != NULL) {
		TAILQ_REMOVE(&q->texts, t, link);
		q->text[bucket_no(&t->hash)] = NULL;
		free(t->bytes);
		free(t);
	}
	q->n_recent = q->n_texts = 0;
}

/* --- into the store ------------------------------------------------------- */

static int
put_text(struct requests *q, const struct recent_text *d, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ADD_TEXT);

	store_bind_int(t, (int64_t)d->idx);
	store_bind_blob(t, requests_hash_slice(&d->hash));
	store_bind_blob(t, slice_of(d->bytes, d->n));
	return store_run(t, e);
}

static void
bind_certificate(struct store_stmt *t, const struct request_row *r)
{
	store_bind_text(t, r->key_id);
	store_bind_int(t, r->valid_after);
	store_bind_int(t, r->valid_before);
	store_bind_blob(t, slice_of(r->certificate, r->certificate_len));
}

static int
insert_row(struct requests *q, const struct recent *n, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ADD_REQUEST);
	const struct request_row *r = &n->row;

	store_bind_int(t, (int64_t)r->index);
	store_bind_blob(t, requests_hash_slice(&r->hash));
	store_bind_int(t, (int64_t)r->serial);
	store_bind_text(t, r->person);
	store_bind_text(t, r->grant);
	store_bind_int(t, r->kind);
	store_bind_int(t, r->at);
	store_bind_int(t, r->ends);
	store_bind_int(t, r->state);
	store_bind_text(t, r->why);
	store_bind_blob(t, slice_of(r->statement, r->statement_len));
	bind_certificate(t, r);
	store_bind_blob(t, requests_hash_slice(&n->subject));
	return store_run(t, e);
}

static int
update_row(struct requests *q, const struct request_row *r, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_SET_REQUEST);

	store_bind_int(t, r->state);
	store_bind_text(t, r->why);
	bind_certificate(t, r);
	store_bind_blob(t, requests_hash_slice(&r->hash));
	return store_run(t, e);
}

static int
put_decision(struct requests *q, const struct hash *request,
    const struct recent_decision *d, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ADD_DECISION);

	store_bind_blob(t, requests_hash_slice(request));
	store_bind_int(t, (int64_t)d->text->idx);
	store_bind_text(t, d->person);
	store_bind_int(t, d->approve);
	store_bind_int(t, d->length);
	store_bind_text(t, d->comment);
	store_bind_int(t, d->at);
	return store_run(t, e);
}

static int
put_told(struct requests *q, const struct hash *request,
    const struct recent_told *d, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_TOLD_ADD);

	store_bind_blob(t, requests_hash_slice(request));
	store_bind_text(t, d->person);
	store_bind_text(t, d->how);
	store_bind_int(t, d->at);
	store_bind_int(t, d->sent);
	return store_run(t, e);
}

static int
put_recent(struct requests *q, const struct recent *n, struct err *e)
{
	int r = 0;

	if (n->known && !n->stored)
		r = insert_row(q, n, e);
	else if (n->changed)
		r = update_row(q, &n->row, e);
	for (size_t i = 0; i < n->n_decisions && r == 0; i++)
		r = put_decision(q, &n->row.hash, &n->decisions[i], e);
	for (size_t i = 0; i < n->n_told && r == 0; i++)
		r = put_told(q, &n->row.hash, &n->told[i], e);
	return r;
}

static int
put_all(struct requests *q, struct err *e)
{
	const struct recent_text *d;
	const struct recent *n;
	int r = 0;

	TAILQ_FOREACH (d, &q->texts, link)
		if ((r = put_text(q, d, e)) != 0)
			return r;
	TAILQ_FOREACH (n, &q->recents, link)
		if ((r = put_recent(q, n, e)) != 0)
			return r;
	return requests_put_applied(q, q->next, e);
}

int
requests_flush(struct requests *q, struct err *e)
{
	int r;

	if (q->stored == q->next && q->n_recent == 0)
		return 0;
	if ((r = store_begin(q->store, e)) != 0)
		return r;
	if ((r = put_all(q, e)) != 0 || (r = store_commit(q->store, e)) != 0) {
		store_rollback(q->store);
		return r;
	}
	q->stored = q->next;
	recent_clear(q);
	return 0;
}

bool
requests_lag(const struct requests *q)
{
	const struct recent *n;

	if (q->stored != q->next)
		return true;
	TAILQ_FOREACH (n, &q->recents, link)
		if (n->changed)
			return true;
	return false;
}

int
requests_flush_to_read(struct requests *q, struct err *e)
{
	struct err why = {0};
	int r = requests_flush(q, &why);

	if (r == ERR_RECORD || r == ERR_BUSY)
		return 0;
	if (r != 0 && e != NULL)
		*e = why;
	return r;
}

int
requests_flush_full(struct requests *q, struct err *e)
{
	return q->n_recent + q->n_texts >= RECENT_MAX ? requests_flush(q, e)
						      : 0;
}
