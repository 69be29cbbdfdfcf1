/* SPDX-License-Identifier: ISC */
/*
 * What changes rows that nobody has named, and what is no request, straight into
 * the store: revocations, keys, policies.
 */
#include <string.h>

#include "ca/keeper/requests_impl.h"

static int
set_state(struct requests *q, const struct hash *h, enum request_state state,
    const char *why, struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_SET_STATE);

	store_bind_int(t, state);
	store_bind_text(t, why);
	store_bind_blob(t, requests_hash_slice(h));
	return store_run(t, e);
}

static int
apply_act(struct requests *q, uint64_t index, const struct statement *s,
    struct err *e)
{
	struct store_stmt *t = store_use(q->store, SQL_ADD_ACT);

	store_bind_int(t, (int64_t)index);
	store_bind_blob(t, requests_hash_slice(&s->hash));
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
		requests_changed(q, &h, CHANGE_REVOKED);
	}
	return r == STORE_DONE ? 0 : r;
}

/* The hashes that begin with those eight bytes. */
static void
bind_range(struct store_stmt *t, uint64_t first, uint64_t last)
{
	struct hash lo, hi;

	memset(&lo, 0, sizeof(lo));
	memset(&hi, 0xff, sizeof(hi));
	for (size_t i = 0; i < 8; i++) {
		lo.b[i] = (uint8_t)(first >> (56 - 8 * i));
		hi.b[i] = (uint8_t)(last >> (56 - 8 * i));
	}
	store_bind_blob(t, requests_hash_slice(&lo));
	store_bind_blob(t, requests_hash_slice(&hi));
}

/*
 * A serial is the begin of the hash without its first bit, and 1 for 0
 * (leaf_serial()), so rows are found by their hash: an index of serials would
 * have a page to write for nearly every row.
 */
static struct store_stmt *
use_serial(struct requests *q, uint64_t serial)
{
	struct store_stmt *t = store_use(q->store, SQL_REVOKE_SERIAL);
	const uint64_t bit = UINT64_C(1) << 63;
	uint64_t first = serial == 1 ? 0 : serial;

	store_bind_int(t, (int64_t)serial);
	bind_range(t, first, serial);
	bind_range(t, first | bit, serial | bit);
	return t;
}

static int
revoke_serials(struct requests *q, const struct revoke *v, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < v->n_serials && r == 0; i++) {
		struct store_stmt *t = use_serial(q, v->serials[i]);

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

	pubkey_hash(key, &subject);
	store_bind_blob(t, requests_hash_slice(&subject));
	if ((r = store_run(t, e)) == 0)
		r = tell_revoked(q, -1, NULL, requests_hash_slice(&subject),
		    NULL, e);
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
			requests_changed(q, &h, CHANGE_ENDED);
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

	store_bind_text(t, "policy");
	store_bind_blob(t, requests_hash_slice(&s->hash));
	return store_run(t, e);
}

/*
 * What changes rows that nobody has named, and what is no request: rare, and
 * easier said in SQL.  All of the rest is in the store before.
 */
int
requests_apply_straight(struct requests *q, uint64_t index,
    const struct statement *s, struct err *e)
{
	uint64_t applied = s->type == ST_DECISION ? index : index + 1;
	int r = 0;

	if ((r = requests_flush(q, e)) != 0 ||
	    (r = store_begin(q->store, e)) != 0)
		return r;
	if (s->type == ST_POLICY)
		r = apply_policy(q, s, e);
	else
		r = apply_act(q, index, s, e);
	if (r == 0 && s->type == ST_REVOKE)
		r = apply_revoke(q, &s->u.v, e);
	if (r == 0)
		r = requests_put_applied(q, applied, e);
	if (r == 0)
		r = store_commit(q->store, e);
	if (r != 0) {
		store_rollback(q->store);
		return r;
	}
	if (s->type == ST_POLICY) {
		q->policy = s->hash;
		q->has_policy = true;
	}
	q->stored = applied;
	return 0;
}
