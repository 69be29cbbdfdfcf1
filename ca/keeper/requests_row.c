/* SPDX-License-Identifier: ISC */
/* A row and its memory, and the little that all files over the store need. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/requests_impl.h"

void
request_row_clear(struct request_row *r)
{
	if (r->lent) {
		memset(r, 0, sizeof(*r));
		return;
	}
	free(r->person);
	free(r->grant);
	free(r->why);
	free(r->statement);
	free(r->key_id);
	free(r->certificate);
	memset(r, 0, sizeof(*r));
}

int
requests_blob_dup(struct slice from, uint8_t **out, size_t *n)
{
	uint8_t *p;

	/* Terminated, for what is text. */
	if ((p = malloc(from.n + 1)) == NULL)
		return ERR_NOMEM;
	if (from.n > 0)
		memcpy(p, from.p, from.n);
	p[from.n] = '\0';
	*out = p;
	*n = from.n;
	return 0;
}

void
requests_hash_from(struct slice s, struct hash *out)
{
	memset(out, 0, sizeof(*out));
	if (s.n == HASH_LEN)
		memcpy(out->b, s.p, HASH_LEN);
}

/* A request that nobody decided on in time has ended, whatever its row says. */
void
requests_derive_state(struct request_row *r, int64_t now)
{
	if (r->state == REQUEST_WAITING && r->ends <= now)
		r->state = REQUEST_ENDED;
}

int
requests_read_row(struct store_stmt *t, struct request_row *r, struct err *e)
{
	uint8_t *text = NULL;

	memset(r, 0, sizeof(*r));
	r->index = (uint64_t)store_int(t, 0);
	requests_hash_from(store_blob(t, 1), &r->hash);
	r->serial = (uint64_t)store_int(t, 2);
	r->kind = (enum cert_kind)store_int(t, 5);
	r->at = store_int(t, 6);
	r->ends = store_int(t, 7);
	r->state = (enum request_state)store_int(t, 8);
	r->valid_after = store_int(t, 12);
	r->valid_before = store_int(t, 13);
	r->revoked = store_int(t, 15) != 0;
	if ((r->person = str_dup(store_text(t, 3))) == NULL ||
	    (r->grant = str_dup(store_text(t, 4))) == NULL ||
	    (r->why = str_dup(store_text(t, 9))) == NULL ||
	    (r->key_id = str_dup(store_text(t, 11))) == NULL ||
	    requests_blob_dup(store_blob(t, 10), &text, &r->statement_len) !=
		0 ||
	    (!store_null(t, 14) &&
		requests_blob_dup(store_blob(t, 14), &r->certificate,
		    &r->certificate_len) != 0)) {
		free(text);
		request_row_clear(r);
		return err_nomem(e);
	}
	r->statement = (char *)text;
	return 0;
}

int
requests_row_dup(const struct request_row *from, int64_t now,
    struct request_row *out, struct err *e)
{
	const struct slice text =
	    slice_of(from->statement, from->statement_len);
	uint8_t *copy = NULL;

	*out = *from;
	out->person = str_dup(from->person);
	out->grant = str_dup(from->grant);
	out->why = str_dup(from->why);
	out->key_id = str_dup(from->key_id);
	out->statement = NULL;
	out->certificate = NULL;
	if (requests_blob_dup(text, &copy, &out->statement_len) == 0)
		out->statement = (char *)copy;
	if (out->person == NULL || out->grant == NULL || out->why == NULL ||
	    out->key_id == NULL || out->statement == NULL ||
	    (from->certificate != NULL &&
		requests_blob_dup(slice_of(from->certificate,
				      from->certificate_len),
		    &out->certificate, &out->certificate_len) != 0)) {
		request_row_clear(out);
		return err_nomem(e);
	}
	requests_derive_state(out, now);
	return 0;
}

struct slice
requests_hash_slice(const struct hash *h)
{
	return slice_of(h->b, HASH_LEN);
}

int
requests_put_applied(struct requests *q, uint64_t n, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_META_PUT);

	store_bind_text(t, "applied");
	store_bind_int(t, (int64_t)n);
	return store_run(t, e);
}

void
requests_changed(struct requests *q, const struct hash *request,
    enum request_change what)
{
	if (q->c.changed != NULL)
		q->c.changed(q->c.ctx, request, what);
}
