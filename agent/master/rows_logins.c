/* SPDX-License-Identifier: ISC */
/* What hosts saw of logins. */
#include <stdio.h>
#include <string.h>

#include "agent/master/rows_impl.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

/*
 * A row's id is its leaf's index with the number below it, so that it needs no
 * key of its own, and an index over other columns ends in it.
 */
#define NUMBERS   256
#define INDEX_MAX ((uint64_t)INT64_MAX / NUMBERS)
_Static_assert(LOGIN_EVENTS_MAX <= NUMBERS, "an id has room for each number");

static int64_t
id_of(uint64_t index, unsigned number)
{
	return (int64_t)(index * NUMBERS + number);
}

/* --- in --- */

static void
bind_hash(struct store_stmt *t, bool has, const struct hash *h)
{
	store_bind_blob(t, has ? rows_hash_slice(h) : slice_of(NULL, 0));
}

/* A column that is null where there is none, so that its index passes it over. */
static void
bind_certificate(struct store_stmt *t, const struct login_event *v)
{
	bind_hash(t, v->has_cert, &v->ca);
	if (v->has_cert)
		store_bind_int(t, (int64_t)v->serial);
	else
		store_bind_text(t, NULL);
	store_bind_text(t, v->has_cert ? v->key_id : NULL);
}

int
rows_put_login(struct rows *r, const struct login_row *l, struct err *e)
{
	struct store_stmt *t = store_use(r->store, SQL_LOGIN_PUT);
	const struct login_event *v = &l->event;

	if (l->index > INDEX_MAX || l->number >= NUMBERS)
		return err_set(e, ERR_LIMIT, "a login of leaf %llu",
		    (unsigned long long)l->index);
	store_bind_int(t, id_of(l->index, l->number));
	store_bind_text(t, l->host);
	store_bind_int(t, (int64_t)l->seq);
	store_bind_int(t, l->came);
	store_bind_blob(t, rows_hash_slice(&l->report));
	store_bind_int(t, v->at);
	store_bind_int(t, v->until);
	store_bind_int(t, (int64_t)v->count);
	store_bind_int(t, v->what);
	store_bind_int(t, v->source);
	store_bind_text(t, v->session);
	store_bind_text(t, v->account);
	store_bind_text(t, v->from);
	store_bind_int(t, v->port);
	store_bind_text(t, v->method);
	bind_hash(t, v->has_key, &v->key);
	bind_certificate(t, v);
	store_bind_int(t, (int64_t)v->signatures);
	store_bind_text(t, v->command);
	store_bind_text(t, v->as);
	store_bind_text(t, v->why);
	store_bind_int(t, l->clock);
	bind_hash(t, v->has_tbs, &v->tbs);
	return store_run(t, e);
}

/* --- places --- */

void
login_place_format(const struct login_place *p, char out[LOGIN_PLACE_MAX])
{
	(void)snprintf(out, LOGIN_PLACE_MAX, "%lld/%llu/%u/%s",
	    (long long)p->at, (unsigned long long)p->index, p->number, p->host);
}

/* A number up to the next slash, which is taken away too. */
static int
take_number(const char **text, uint64_t max, uint64_t *out)
{
	const char *slash = strchr(*text, '/');
	char digits[24];
	size_t n;

	if (slash == NULL || (n = (size_t)(slash - *text)) >= sizeof(digits))
		return ERR_PARSE;
	memcpy(digits, *text, n);
	digits[n] = '\0';
	*text = slash + 1;
	return parse_u64(digits, 0, max, out) == 0 ? 0 : ERR_PARSE;
}

int
login_place_parse(const char *text, struct login_place *out)
{
	uint64_t at, index, number;

	if (take_number(&text, (uint64_t)CLOCK_MAX, &at) != 0 ||
	    take_number(&text, INDEX_MAX, &index) != 0 ||
	    take_number(&text, NUMBERS - 1, &number) != 0 || !id_is_valid(text))
		return ERR_PARSE;
	*out = (struct login_place){
	    .at = (int64_t)at, .index = index, .number = (unsigned)number};
	(void)snprintf(out->host, sizeof(out->host), "%s", text);
	return 0;
}

/* --- out --- */

/* Whoever is asked for by no name, but by a time, comes from the first row of
 * that second on: every host's id is more than "". */
static void
bind_range(struct store_stmt *t, const struct login_query *q)
{
	bool after = q->has_after && q->after.at >= q->since;

	store_bind_int(t, after ? q->after.at : q->since);
	store_bind_text(t, after ? q->after.host : "");
	store_bind_int(t, after ? id_of(q->after.index, q->after.number) : -1);
	store_bind_int(t, q->until);
}

/* The most telling of what was asked for says which index; the rest is looked
 * at row by row. */
static struct store_stmt *
begin(struct rows *r, const struct login_query *q)
{
	enum rows_sql sql = q->has_serial ? SQL_LOGINS_SERIAL
	    : q->account != NULL          ? SQL_LOGINS_ACCOUNT
	    : q->host != NULL             ? SQL_LOGINS_HOST
					  : SQL_LOGINS;
	struct store_stmt *t = store_use(r->store, sql);

	bind_range(t, q);
	if (sql == SQL_LOGINS_SERIAL)
		store_bind_int(t, (int64_t)q->serial);
	else if (sql != SQL_LOGINS)
		store_bind_text(t,
		    sql == SQL_LOGINS_HOST ? q->host : q->account);
	return t;
}

static char *
text_or_null(const struct store_stmt *t, int column)
{
	/* Whoever reads a row has it as const. */
	return store_null(t, column) ? NULL
				     : (char *)(uintptr_t)store_text(t, column);
}

static bool
read_hash(const struct store_stmt *t, int column, struct hash *out)
{
	struct slice b = store_blob(t, column);

	if (b.n != HASH_LEN)
		return false;
	memcpy(out->b, b.p, HASH_LEN);
	return true;
}

/* In the order of LOGIN_COLUMNS. */
static int
read_row(const struct store_stmt *t, struct login_row *l, struct err *e)
{
	struct login_event *v = &l->event;
	uint64_t id = (uint64_t)store_int(t, 0);
	int64_t what = store_int(t, 8), source = store_int(t, 9);

	*l = (struct login_row){.index = id / NUMBERS,
	    .number = (unsigned)(id % NUMBERS),
	    .host = store_text(t, 1),
	    .seq = (uint64_t)store_int(t, 2),
	    .came = store_int(t, 3)};
	if (!read_hash(t, 4, &l->report) || what < 0 || what > LOGIN_FAILED ||
	    source < 0 || source > LOGIN_FROM_FILE)
		return err_set(e, ERR_CORRUPT, "store: a login is damaged");
	v->at = store_int(t, 5);
	v->until = store_int(t, 6);
	v->count = (uint64_t)store_int(t, 7);
	v->what = (enum login_what)what;
	v->source = (enum login_source)source;
	v->session = text_or_null(t, 10);
	v->account = text_or_null(t, 11);
	v->from = text_or_null(t, 12);
	v->port = (uint16_t)store_int(t, 13);
	v->method = text_or_null(t, 14);
	v->has_key = read_hash(t, 15, &v->key);
	v->has_cert = read_hash(t, 16, &v->ca);
	v->serial = (uint64_t)store_int(t, 17);
	v->key_id = text_or_null(t, 18);
	v->signatures = (uint64_t)store_int(t, 19);
	v->command = text_or_null(t, 20);
	v->as = text_or_null(t, 21);
	v->why = text_or_null(t, 22);
	l->clock = store_int(t, 23);
	v->has_tbs = read_hash(t, 24, &v->tbs);
	return 0;
}

static bool
is_asked_for(const struct login_query *q, const struct login_row *l)
{
	const struct login_event *v = &l->event;

	return (q->what >> v->what & 1) != 0 &&
	    (q->host == NULL || strcmp(q->host, l->host) == 0) &&
	    (q->account == NULL ||
		(v->account != NULL && strcmp(q->account, v->account) == 0)) &&
	    (!q->has_ca || (v->has_cert && hash_equal(&q->ca, &v->ca))) &&
	    (!q->has_serial || (v->has_cert && q->serial == v->serial));
}

static void
note_place(const struct login_row *l, struct login_place *last)
{
	last->at = l->event.at;
	last->index = l->index;
	last->number = l->number;
	(void)snprintf(last->host, sizeof(last->host), "%s", l->host);
}

int
rows_each_login(struct rows *r, const struct login_query *q,
    int (*each)(void *ctx, const struct login_row *l), void *ctx,
    struct login_place *last, struct err *e)
{
	struct store_stmt *t = begin(r, q);
	struct login_row l;
	unsigned n = 0;
	int ret;

	do {
		if ((ret = store_step(t, e)) != 0) {
			ret = ret == STORE_DONE ? 0 : ret;
			break;
		}
		if ((ret = read_row(t, &l, e)) != 0)
			break;
		note_place(&l, last);
		if (is_asked_for(q, &l))
			ret = each(ctx, &l);
		if (ret == 0 && ++n == LOGINS_LOOK_MAX)
			ret = LOGINS_MORE;
	} while (ret == 0);
	store_end(t);
	return ret;
}
