/* SPDX-License-Identifier: ISC */
/* How far a job is: who was away, who has reported about it. */
#include "agent/master/rows_impl.h"

int
rows_put_job(struct rows *r, const struct hash *job, unsigned opened, int state,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_JOB_PUT);

	store_bind_blob(t, rows_hash_slice(job));
	store_bind_int(t, opened);
	store_bind_int(t, state);
	return store_run(t, e);
}

int
rows_job(struct rows *r, const struct hash *job, unsigned *opened, int *state,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_JOB);
	int ret;

	store_bind_blob(t, rows_hash_slice(job));
	if ((ret = store_step(t, e)) == 0) {
		*opened = (unsigned)store_int(t, 0);
		*state = (int)store_int(t, 1);
	}
	store_end(t);
	return ret == STORE_DONE ? 1 : ret;
}

int
rows_put_away(struct rows *r, const struct hash *job, const char *host,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_AWAY_PUT);

	store_bind_blob(t, rows_hash_slice(job));
	store_bind_text(t, host);
	return store_run(t, e);
}

int
rows_each_away(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host), void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_AWAY);
	int ret;

	store_bind_blob(t, rows_hash_slice(job));
	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_put_part(struct rows *r, const struct hash *job, const char *host,
    uint64_t index, struct slice report, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_PART_PUT);

	store_bind_blob(t, rows_hash_slice(job));
	store_bind_text(t, host);
	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, report);
	return store_run(t, e);
}

int
rows_each_part(struct rows *r, const struct hash *job,
    int (*each)(void *ctx, const char *host, struct slice report), void *ctx,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_PARTS);
	int ret;

	store_bind_blob(t, rows_hash_slice(job));
	while ((ret = store_step(t, e)) == 0)
		if ((ret = each(ctx, store_text(t, 0), store_blob(t, 1))) != 0)
			break;
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}
