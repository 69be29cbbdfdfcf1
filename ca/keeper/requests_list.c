/* SPDX-License-Identifier: ISC */
/* The keeper's store: what there is more than one of. */
#include <string.h>

#include "ca/keeper/requests.h"
#include "ca/keeper/requests_impl.h"

static int
each_row(struct store_stmt *t, int64_t now,
    int (*each)(void *ctx, const struct request_row *r), void *ctx,
    struct err *e)
{
	int r;

	while ((r = store_step(t, e)) == 0) {
		struct request_row row;

		if ((r = requests_read_row(t, &row, e)) != 0)
			break;
		requests_derive_state(&row, now);
		r = each(ctx, &row);
		request_row_clear(&row);
		if (r != 0)
			break;
	}
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

int
requests_of_person(struct requests *q, const char *person, int64_t now,
    uint64_t limit, int (*each)(void *ctx, const struct request_row *r),
    void *ctx, struct err *e)
{
	struct store_stmt *t;
	int r;

	if ((r = requests_flush_to_read(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_OF_PERSON);
	store_bind_text(t, person);
	store_bind_int(t, (int64_t)limit);
	return each_row(t, now, each, ctx, e);
}

int
requests_waiting(struct requests *q, int64_t now,
    int (*each)(void *ctx, const struct request_row *r), void *ctx,
    struct err *e)
{
	int r;

	if ((r = requests_flush_to_read(q, e)) != 0)
		return r;
	return each_row(store_use(q->store, SQL_WAITING), now, each, ctx, e);
}

int
requests_overdue(struct requests *q, int64_t now, struct hash *out, size_t max,
    size_t *n, struct err *e)
{
	struct store_stmt *t;
	int r;

	*n = 0;
	if ((r = requests_flush(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_OVERDUE);
	store_bind_int(t, now);
	store_bind_int(t, (int64_t)max);
	while ((r = store_step(t, e)) == 0 && *n < max)
		requests_hash_from(store_blob(t, 0), &out[(*n)++]);
	store_end(t);
	return r < 0 ? r : 0;
}

int
requests_unsigned(struct requests *q, int64_t now,
    int (*each)(void *ctx, const struct request_row *r), void *ctx,
    struct err *e)
{
	struct store_stmt *t;
	int r;

	if ((r = requests_flush(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_UNSIGNED);
	store_bind_int(t, now);
	return each_row(t, now, each, ctx, e);
}

static int
stored_decisions(struct requests *q, const struct hash *h,
    int (*each)(void *ctx, const struct decision_row *d), void *ctx,
    struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_DECISIONS);
	int r;

	store_bind_blob(t, requests_hash_slice(h));
	while ((r = store_step(t, e)) == 0) {
		const struct decision_row d = {.person = store_text(t, 0),
		    .approve = store_int(t, 1) != 0,
		    .length = store_int(t, 2),
		    .comment = store_text(t, 3),
		    .at = store_int(t, 4),
		    .statement = store_blob(t, 5)};

		if ((r = each(ctx, &d)) != 0)
			break;
	}
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

static int
recent_decisions(const struct recent *n,
    int (*each)(void *ctx, const struct decision_row *d), void *ctx)
{
	int r = 0;

	for (size_t i = 0; i < n->n_decisions && r == 0; i++) {
		const struct recent_decision *d = &n->decisions[i];
		const struct decision_row row = {.person = d->person,
		    .approve = d->approve,
		    .length = d->length,
		    .comment = d->comment,
		    .at = d->at,
		    .statement = slice_of(d->text->bytes, d->text->n)};

		r = each(ctx, &row);
	}
	return r;
}

struct counting {
	int (*each)(void *ctx, const struct decision_row *d);
	void *ctx;
	bool any;
};

static int
count_one(void *ctx, const struct decision_row *d)
{
	struct counting *c = ctx;

	c->any = true;
	return c->each(c->ctx, d);
}

int
requests_decided_before(struct requests *q, struct recent *n,
    int (*each)(void *ctx, const struct decision_row *d), void *ctx,
    struct err *e)
{
	struct counting c = {.each = each, .ctx = ctx};
	int r = stored_decisions(q, &n->row.hash, count_one, &c, e);

	n->alone = !c.any;
	return r != 0 ? r : recent_decisions(n, each, ctx);
}

int
requests_decisions(struct requests *q, const struct hash *h,
    int (*each)(void *ctx, const struct decision_row *d), void *ctx,
    struct err *e)
{
	const struct recent *at_hand = recent_find(q, h);
	int r = 0;

	if (at_hand == NULL || !at_hand->alone)
		r = stored_decisions(q, h, each, ctx, e);
	if (r == 0 && at_hand != NULL)
		r = recent_decisions(at_hand, each, ctx);
	return r;
}

int
requests_has_decision(struct requests *q, const struct hash *decision,
    bool *out, struct err *e)
{
	struct store_stmt *t;
	int r;

	*out = recent_text_find(q, decision) != NULL;
	if (*out)
		return 0;
	t = store_use(q->store, SQL_HAS_TEXT);
	store_bind_blob(t, slice_of(decision->b, HASH_LEN));
	r = store_step(t, e);
	store_end(t);
	if (r < 0)
		return r;
	*out = r == 0;
	return 0;
}

int
requests_acts(struct requests *q, uint64_t from, uint64_t limit,
    int (*each)(void *ctx, uint64_t index, struct slice statement), void *ctx,
    struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ACTS);
	int r;

	store_bind_int(t, from > INT64_MAX ? INT64_MAX : (int64_t)from);
	store_bind_int(t, (int64_t)limit);
	while ((r = store_step(t, e)) == 0)
		if ((r = each(ctx, (uint64_t)store_int(t, 0),
			 store_blob(t, 1))) != 0)
			break;
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

int
requests_act(struct requests *q, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ACT);
	uint8_t *text = NULL;
	int r;

	store_bind_blob(t, slice_of(h->b, HASH_LEN));
	if ((r = store_step(t, e)) == 0 &&
	    (r = requests_blob_dup(store_blob(t, 0), &text, n)) != 0)
		(void)err_nomem(e);
	store_end(t);
	if (r == 0)
		*out = (char *)text;
	return r;
}

int
requests_since(struct requests *q, int64_t since,
    int (*each)(void *ctx, const char *person, uint64_t n), void *ctx,
    struct err *e)
{
	struct store_stmt *t;
	int r;

	if ((r = requests_flush(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_SINCE);

	store_bind_int(t, since);
	while ((r = store_step(t, e)) == 0)
		if ((r = each(ctx, store_text(t, 0),
			 (uint64_t)store_int(t, 1))) != 0)
			break;
	store_end(t);
	return r == STORE_DONE ? 0 : r;
}

int
requests_totals(struct requests *q, uint64_t out[REQUEST_ENDED + 1],
    struct err *e)
{
	struct store_stmt *t;
	int r;

	if ((r = requests_flush_to_read(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_TOTALS);

	memset(out, 0, (REQUEST_ENDED + 1) * sizeof(out[0]));
	while ((r = store_step(t, e)) == 0) {
		int64_t state = store_int(t, 0);

		if (state >= REQUEST_WAITING && state <= REQUEST_ENDED)
			out[state] = (uint64_t)store_int(t, 1);
	}
	return r == STORE_DONE ? 0 : r;
}

/* --- who was told --------------------------------------------------------- */

static bool
told_since(const struct recent *r, size_t from, const char *person,
    const char *how)
{
	for (size_t i = from; r != NULL && i < r->n_told; i++)
		if (strcmp(r->told[i].person, person) == 0 &&
		    strcmp(r->told[i].how, how) == 0)
			return true;
	return false;
}

int
requests_each_told(struct requests *q, const struct hash *request,
    int (*each)(void *ctx, const char *person, const char *how, int64_t at,
	bool sent),
    void *ctx, struct err *e)
{
	const struct recent *at_hand = recent_find(q, request);
	struct store_stmt *t;
	int r = STORE_DONE;

	if (at_hand == NULL || !at_hand->alone) {
		t = store_use(q->store, SQL_TOLD);
		store_bind_blob(t, requests_hash_slice(request));
		while ((r = store_step(t, e)) == 0)
			if (!told_since(at_hand, 0, store_text(t, 0),
				store_text(t, 1)) &&
			    (r = each(ctx, store_text(t, 0), store_text(t, 1),
				 store_int(t, 2), store_int(t, 3) != 0)) != 0)
				break;
		store_end(t);
	}
	for (size_t i = 0;
	     r == STORE_DONE && at_hand != NULL && i < at_hand->n_told; i++) {
		const struct recent_told *d = &at_hand->told[i];

		/* The last time of each way. */
		if (!told_since(at_hand, i + 1, d->person, d->how) &&
		    each(ctx, d->person, d->how, d->at, d->sent) != 0)
			break;
	}
	return r == STORE_DONE ? 0 : r;
}
