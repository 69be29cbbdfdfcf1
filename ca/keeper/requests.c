/* SPDX-License-Identifier: ISC */
/* The keeper's store: opened, and asked. */
#include "ca/keeper/requests.h"

#include <stdlib.h>
#include <string.h>

#include "ca/keeper/requests_impl.h"

static const char schema[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
    "CREATE TABLE requests ("
    " idx INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " serial INTEGER NOT NULL, person TEXT NOT NULL,"
    " grant_name TEXT NOT NULL, kind INTEGER NOT NULL,"
    " at INTEGER NOT NULL, ends INTEGER NOT NULL, state INTEGER NOT NULL,"
    " why TEXT NOT NULL, statement BLOB NOT NULL, subject BLOB NOT NULL,"
    " key_id TEXT NOT NULL, valid_after INTEGER, valid_before INTEGER,"
    " certificate BLOB, revoked INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX requests_person ON requests (person, idx);"
    "CREATE INDEX requests_waiting ON requests (idx) WHERE state = 1;"
    "CREATE INDEX requests_overdue ON requests (ends) WHERE state = 1;"
    "CREATE INDEX requests_unsigned ON requests (idx)"
    " WHERE state = 2 AND certificate IS NULL;"
    "CREATE TABLE decisions ("
    " request BLOB NOT NULL, idx INTEGER NOT NULL, person TEXT NOT NULL,"
    " approve INTEGER NOT NULL, length INTEGER NOT NULL,"
    " comment TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY (request, idx)) WITHOUT ROWID;"
    "CREATE TABLE texts (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " statement BLOB NOT NULL);"
    "CREATE TABLE acts (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
    " statement BLOB NOT NULL);"
    "CREATE TABLE notices ("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, request BLOB NOT NULL,"
    " kind TEXT NOT NULL, due INTEGER NOT NULL, body TEXT NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX notices_due ON notices (due) WHERE state = 0;"
    "CREATE INDEX notices_request ON notices (request, kind);"
    "CREATE TABLE told ("
    " request BLOB NOT NULL, person TEXT NOT NULL, how TEXT NOT NULL,"
    " at INTEGER NOT NULL, sent INTEGER NOT NULL,"
    " PRIMARY KEY (request, person, how)) WITHOUT ROWID;";

static const char *const statements[] = {
#define X(name, text) [SQL_##name] = (text),
    REQUESTS_SQL(X)
#undef X
};

static const char *const state_names[] = {
    [REQUEST_WAITING] = "waiting",
    [REQUEST_ISSUED] = "issued",
    [REQUEST_DENIED] = "denied",
    [REQUEST_REFUSED] = "refused",
    [REQUEST_ENDED] = "ended",
};

const char *
request_state_name(enum request_state s)
{
	return s >= REQUEST_WAITING && s <= REQUEST_ENDED ? state_names[s]
							  : "unknown";
}

/* --- opening -------------------------------------------------------------- */

static int
read_meta(struct requests *q, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_META_GET);
	int r;

	store_bind_text(t, "applied");
	if ((r = store_step(t, e)) == 0)
		q->stored = q->next = (uint64_t)store_int(t, 0);
	store_end(t);
	if (r < 0)
		return r;
	t = store_use(q->store, SQL_META_GET);
	store_bind_text(t, "policy");
	if ((r = store_step(t, e)) == 0 && store_blob(t, 0).n == HASH_LEN) {
		memcpy(q->policy.b, store_blob(t, 0).p, HASH_LEN);
		q->has_policy = true;
	}
	store_end(t);
	return r < 0 ? r : 0;
}

/* A store put beside another log would say what that one never said. */
static int
check_origin(struct requests *q, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_META_GET);
	int r;

	store_bind_text(t, "origin");
	if ((r = store_step(t, e)) < 0)
		return r;
	if (r == 0 && strcmp(store_text(t, 0), q->c.origin) != 0) {
		r = err_set(e, ERR_CORRUPT, "%s: is of another log (%s)",
		    q->c.path, store_text(t, 0));
		err_hint(e,
		    "writ-ca rebuild takes it away; it is made anew "
		    "from the log at the next start");
	}
	store_end(t);
	if (r != STORE_DONE)
		return r;
	t = store_use(q->store, SQL_META_PUT);
	store_bind_text(t, "origin");
	store_bind_text(t, q->c.origin);
	return store_run(t, e);
}

int
requests_open(const struct requests_config *c, struct requests **out,
    struct err *e)
{
	const struct store_config sc = {.path = c->path,
	    .kind = REQUESTS_KIND,
	    .version = REQUESTS_VERSION,
	    .schema = schema,
	    .statements = statements,
	    .n_statements = SQL_N};
	struct requests *q;
	int r;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		return err_nomem(e);
	q->c = *c;
	TAILQ_INIT(&q->recents);
	TAILQ_INIT(&q->texts);
	if ((r = store_open(&sc, &q->store, e)) != 0 ||
	    (r = check_origin(q, e)) != 0 || (r = read_meta(q, e)) != 0)
		goto out;
	*out = q;
	q = NULL;
out:
	requests_close(q);
	return r;
}

void
requests_close(struct requests *q)
{
	if (q == NULL)
		return;
	recent_clear(q);
	store_close(q->store);
	free(q);
}

struct store *
requests_store(struct requests *q)
{
	return q->store;
}

uint64_t
requests_applied(const struct requests *q)
{
	return q->next;
}

/* --- rows ----------------------------------------------------------------- */

static int
stored_row(struct requests *q, const struct hash *h, int64_t now,
    struct request_row *out, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_GET);
	int r;

	store_bind_blob(t, requests_hash_slice(h));
	if ((r = store_step(t, e)) == 0 &&
	    (r = requests_read_row(t, out, e)) == 0)
		requests_derive_state(out, now);
	store_end(t);
	return r;
}

int
requests_get(struct requests *q, const struct hash *h, int64_t now,
    struct request_row *out, struct err *e)
{
	const struct recent *at_hand = recent_find(q, h);

	if (at_hand != NULL && at_hand->known)
		return requests_row_dup(&at_hand->row, now, out, e);
	return stored_row(q, h, now, out, e);
}

int
requests_lend(struct requests *q, const struct hash *h, int64_t now,
    struct request_row *out, struct err *e)
{
	const struct recent *at_hand = recent_find(q, h);

	if (at_hand == NULL || !at_hand->known)
		return stored_row(q, h, now, out, e);
	*out = at_hand->row;
	out->lent = true;
	requests_derive_state(out, now);
	return 0;
}

/* The least and the greatest hash that begins so. */
static int
digits_range(const char *digits, struct hash *lo, struct hash *hi)
{
	char text[HASH_HEX];
	size_t n = strlen(digits);

	if (n < REQUEST_DIGITS_MIN || n > HASH_HEX - 1)
		return ERR_PARSE;
	memset(text, '0', sizeof(text) - 1);
	text[HASH_HEX - 1] = '\0';
	memcpy(text, digits, n);
	if (hash_from_hex(text, lo) != 0)
		return ERR_PARSE;
	memset(text + n, 'f', HASH_HEX - 1 - n);
	return hash_from_hex(text, hi);
}

int
requests_find(struct requests *q, const char *digits, struct hash *out,
    struct err *e)
{
	struct store_stmt *t;
	char quoted[QUOTE_MAX];
	struct hash lo, hi, found;
	const struct recent *at_hand;
	bool whole;
	int r;

	if (digits_range(digits, &lo, &hi) != 0)
		return err_set(e, ERR_PARSE,
		    "%s names no request, expected %d to 64 of the digits of "
		    "its id",
		    str_quote(quoted, digits), REQUEST_DIGITS_MIN);
	/* All of its digits: no other has them, and what is not at hand is in
	 * the store or nowhere. */
	whole = hash_equal(&lo, &hi);
	if (whole && (at_hand = recent_find(q, &lo)) != NULL &&
	    at_hand->known) {
		*out = lo;
		return 0;
	}
	if (!whole && (r = requests_flush_to_read(q, e)) != 0)
		return r;
	t = store_use(q->store, SQL_FIND);
	store_bind_blob(t, slice_of(lo.b, HASH_LEN));
	store_bind_blob(t, slice_of(hi.b, HASH_LEN));
	if ((r = store_step(t, e)) == STORE_DONE)
		return err_set(e, ERR_NOTFOUND, "no request %s", digits);
	if (r != 0)
		return r;
	requests_hash_from(store_blob(t, 0), &found);
	if ((r = store_step(t, e)) == 0)
		r = err_set(e, ERR_LIMIT,
		    "several requests begin with %s, expected more digits",
		    digits);
	else if (r == STORE_DONE) {
		*out = found;
		r = 0;
	}
	store_end(t);
	return r;
}
