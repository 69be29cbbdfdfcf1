/* SPDX-License-Identifier: ISC */
/* Statements and files by their hash, and how much of them the CA has got. */
#include "agent/master/rows_impl.h"
#include "lib/base/str.h"

int
rows_put_act(struct rows *r, uint64_t index, const struct statement *s,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT_PUT);

	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, rows_hash_slice(&s->hash));
	store_bind_blob(t, statement_bytes(s));
	return store_run(t, e);
}

int
rows_find_act(struct rows *r, const struct hash *h, uint64_t *index,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT_FIND);
	int ret;

	store_bind_blob(t, rows_hash_slice(h));
	if ((ret = store_step(t, e)) == 0)
		*index = (uint64_t)store_int(t, 0);
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

/* A copy of the only column of the only row. */
static int
copy_blob(struct store_stmt *t, char **out, size_t *n, struct err *e)
{
	struct slice data;
	int ret;

	if ((ret = store_step(t, e)) == 0) {
		data = store_blob(t, 0);
		if ((*out = str_dupn(data.p, data.n)) == NULL)
			ret = err_nomem(e);
		else
			*n = data.n;
	}
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

int
rows_act(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACT);

	store_bind_blob(t, rows_hash_slice(h));
	return copy_blob(t, out, n, e);
}

static int
each_act(struct store_stmt *t,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	int ret;

	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, (uint64_t)store_int(t, 0),
			 store_int(t, 1) != 0, store_blob(t, 2))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_each_act(struct rows *r,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	return each_act(store_use(r->store, SQL_ACTS), each, ctx, e);
}

int
rows_acts_from(struct rows *r, uint64_t from, unsigned max,
    int (*each)(void *ctx, uint64_t index, bool report, struct slice bytes),
    void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ACTS_FROM);

	store_bind_int(t, (int64_t)from);
	store_bind_int(t, max);
	return each_act(t, each, ctx, e);
}

int
rows_ca_next(struct rows *r, uint64_t *out, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_GET);
	int ret;

	store_bind_text(t, "ca_next");
	if ((ret = store_step(t, e)) == 0)
		*out = (uint64_t)store_int(t, 0);
	store_end(t);
	return ret < 0 ? ret : 0;
}

int
rows_set_ca_next(struct rows *r, uint64_t next, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_META_PUT);

	store_bind_text(t, "ca_next");
	store_bind_int(t, (int64_t)next);
	return store_run(t, e);
}

/* --- files --- */

int
rows_put_object(struct rows *r, const struct hash *h, struct slice data,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_OBJECT_PUT);

	store_bind_blob(t, rows_hash_slice(h));
	store_bind_blob(t, data);
	return store_run(t, e);
}

int
rows_object(struct rows *r, const struct hash *h, char **out, size_t *n,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_OBJECT);

	store_bind_blob(t, rows_hash_slice(h));
	return copy_blob(t, out, n, e);
}
