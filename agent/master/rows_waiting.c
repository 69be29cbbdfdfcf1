/* SPDX-License-Identifier: ISC */
/* Who asks in: the newest ROWS_WAITING_MAX of them. */
#include "agent/master/rows_impl.h"

int
rows_put_waiting(struct rows *r, const struct statement *s, const char *from,
    int64_t since, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING_PUT);
	int ret;

	store_bind_blob(t, rows_hash_slice(&s->hash));
	store_bind_text(t, from);
	store_bind_int(t, since);
	store_bind_blob(t, statement_bytes(s));
	if ((ret = store_run(t, e)) != 0)
		return ret;
	r->n_waiting += store_changes(r->store);
	if (r->n_waiting <= ROWS_WAITING_MAX)
		return 0;
	t = store_use(r->store, SQL_WAITING_TRIM);
	store_bind_int(t, ROWS_WAITING_MAX);
	if ((ret = store_run(t, e)) == 0)
		r->n_waiting -= store_changes(r->store);
	return ret;
}

int
rows_drop_waiting(struct rows *r, const struct hash *h, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING_DROP);
	int ret;

	store_bind_blob(t, rows_hash_slice(h));
	if ((ret = store_run(t, e)) == 0)
		r->n_waiting -= store_changes(r->store);
	return ret;
}

static int
each_waiting(struct store_stmt *t,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	int ret;

	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0), store_int(t, 1),
			 store_blob(t, 2))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_each_waiting(struct rows *r,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	return each_waiting(store_use(r->store, SQL_WAITING_ALL), each, ctx, e);
}

int
rows_waiting(struct rows *r, const struct hash *h,
    int (*each)(void *ctx, const char *from, int64_t since,
	struct slice statement),
    void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_WAITING);

	store_bind_blob(t, rows_hash_slice(h));
	return each_waiting(t, each, ctx, e);
}
