/* SPDX-License-Identifier: ISC */
/* What the store has of a host: its last reports, its certificate, its alarms. */
#include "agent/master/rows_impl.h"

int
rows_put_report(struct rows *r, const char *host, uint64_t index, int64_t at,
    const struct statement *s, bool run, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_REPORT_PUT);
	int ret;

	store_bind_text(t, host);
	store_bind_int(t, (int64_t)index);
	store_bind_int(t, at);
	store_bind_blob(t, statement_bytes(s));
	if ((ret = store_run(t, e)) != 0 || !run)
		return ret;
	t = store_use(r->store, SQL_RUN_PUT);
	store_bind_text(t, host);
	store_bind_int(t, at);
	store_bind_blob(t, statement_bytes(s));
	return store_run(t, e);
}

int
rows_rename(struct rows *r, const char *from, const char *to, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST_RENAME);

	store_bind_text(t, to);
	store_bind_text(t, from);
	return store_run(t, e);
}

int
rows_forget(struct rows *r, const char *host, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST_FORGET);

	store_bind_text(t, host);
	return store_run(t, e);
}

int
rows_put_certificate(struct rows *r, const char *host, const char *line,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_CERTIFICATE_PUT);

	store_bind_text(t, host);
	store_bind_text(t, line);
	return store_run(t, e);
}

int
rows_put_alarms(struct rows *r, const char *host, const char *text,
    struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_ALARMS_PUT);

	store_bind_text(t, host);
	store_bind_text(t, text);
	return store_run(t, e);
}

static void
read_host(const struct store_stmt *t, struct host_rows *h)
{
	*h = (struct host_rows){.host = store_text(t, 0),
	    .index = (uint64_t)store_int(t, 1),
	    .at = store_int(t, 2),
	    .report = store_blob(t, 3),
	    .run_at = store_int(t, 4),
	    .run = store_blob(t, 5),
	    .certificate = store_null(t, 6) ? NULL : store_text(t, 6),
	    .alarms = store_null(t, 7) ? NULL : store_text(t, 7)};
}

static int
each_host(struct store_stmt *t,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, size_t *n,
    struct err *e)
{
	struct host_rows h;
	int ret;

	while ((ret = store_step(t, e)) == 0) {
		read_host(t, &h);
		++*n;
		if ((ret = each(ctx, &h)) != 0)
			break;
	}
	store_end(t);
	return ret == STORE_DONE ? 0 : ret;
}

int
rows_host(struct rows *r, const char *host,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_HOST);
	size_t n = 0;
	int ret;

	store_bind_text(t, host);
	ret = each_host(t, each, ctx, &n, e);
	return ret == 0 && n == 0 ? 1 : ret;
}

int
rows_each_host(struct rows *r,
    int (*each)(void *ctx, const struct host_rows *h), void *ctx, struct err *e)
{
	size_t n = 0;

	return each_host(store_use(r->store, SQL_HOSTS), each, ctx, &n, e);
}
