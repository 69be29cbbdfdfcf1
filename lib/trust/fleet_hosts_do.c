/* SPDX-License-Identifier: ISC */
/*
 * What a statement that counts changes.  Each do_...() makes what it needs and
 * room in the map first, and changes things when nothing can fail any more.
 */
#include <stdlib.h>

#include "lib/trust/fleet_hosts_impl.h"

#define ROOM 16 /* names that one statement adds at most */

/* --- what was said, and when --- */

static void
note_at(struct fleet_map *m, enum fleet_kind kind, const struct hash *name,
    int64_t at)
{
	fleet_map_put(m, kind, name)->at = at;
}

static void
say_id(struct fleet_hosts *h, const char *id, int64_t at)
{
	struct hash name;

	fleet_id_name(id, &name);
	note_at(&h->map, FLEET_SAID_ID, &name, at);
}

static void
say_keys(struct fleet_hosts *h, const struct pubkey *host_key,
    const struct pubkey *transport_key, int64_t at)
{
	struct hash name;

	pubkey_hash(host_key, &name);
	note_at(&h->map, FLEET_SAID_KEY, &name, at);
	pubkey_hash(transport_key, &name);
	note_at(&h->map, FLEET_SAID_KEY, &name, at);
}

/* --- in the map and out of it --- */

static void
put(struct fleet_hosts *h, enum fleet_kind kind, const struct hash *name,
    void *to)
{
	fleet_map_put(&h->map, kind, name)->to = to;
}

static void
put_id(struct fleet_hosts *h, struct fleet_host *x)
{
	struct hash name;

	fleet_id_name(x->id, &name);
	put(h, FLEET_BY_ID, &name, x);
}

static void
add_host(struct fleet_hosts *h, struct fleet_host *x)
{
	struct hash name;

	put_id(h, x);
	pubkey_hash(x->host_key, &name);
	put(h, FLEET_BY_KEY, &name, x);
	pubkey_hash(x->transport_key, &name);
	put(h, FLEET_BY_KEY, &name, x);
	put(h, FLEET_BY_ACCEPT, &x->row.accept, x);
	TAILQ_INSERT_TAIL(&h->hosts, x, link);
	h->n_hosts++;
}

static void
drop_host(struct fleet_hosts *h, struct fleet_host *x)
{
	struct hash name;

	fleet_id_name(x->id, &name);
	fleet_map_remove(&h->map, FLEET_BY_ID, &name);
	pubkey_hash(x->host_key, &name);
	fleet_map_remove(&h->map, FLEET_BY_KEY, &name);
	pubkey_hash(x->transport_key, &name);
	fleet_map_remove(&h->map, FLEET_BY_KEY, &name);
	fleet_map_remove(&h->map, FLEET_BY_ACCEPT, &x->row.accept);
	TAILQ_REMOVE(&h->hosts, x, link);
	h->n_hosts--;
	fleet_host_free(x);
}

static void
drop_bad_key(struct fleet_hosts *h, const struct pubkey *k,
    const struct fleet_asks *q)
{
	struct hash name;

	pubkey_hash(k, &name);
	if (fleet_find(h, FLEET_BAD_KEY, &name) == q)
		fleet_map_remove(&h->map, FLEET_BAD_KEY, &name);
}

static void
drop_asks(struct fleet_hosts *h, struct fleet_asks *q)
{
	size_t kept =
	    q->n_names < FLEET_ENROL_NAMES ? q->n_names : FLEET_ENROL_NAMES;
	struct hash pair;

	for (size_t i = 0; i < kept; i++)
		fleet_map_remove(&h->map, FLEET_BY_ENROL, &q->names[i]);
	fleet_pair_name(q->host_key, q->transport_key, &pair);
	fleet_map_remove(&h->map, FLEET_BY_PAIR, &pair);
	if (q->row.rejected) {
		drop_bad_key(h, q->host_key, q);
		drop_bad_key(h, q->transport_key, q);
		h->n_rejected--;
	} else {
		h->n_waiting--;
	}
	TAILQ_REMOVE(&h->asks, q, link);
	fleet_asks_free(q);
}

/* --- enrol --- */

/* A further statement of a pair of keys; the oldest one kept makes room. */
static void
add_name(struct fleet_hosts *h, struct fleet_asks *q, const struct hash *name)
{
	struct hash *slot = &q->names[q->n_names % FLEET_ENROL_NAMES];

	if (q->n_names >= FLEET_ENROL_NAMES)
		fleet_map_remove(&h->map, FLEET_BY_ENROL, slot);
	*slot = *name;
	q->n_names++;
	q->row.enrol = *name;
	put(h, FLEET_BY_ENROL, name, q);
}

static int
set_claims(struct fleet_asks *q, const struct statement *s)
{
	char *hostname = str_dup(s->u.enrol.hostname), *by = str_dup(s->by);

	if (hostname == NULL || by == NULL) {
		free(hostname);
		free(by);
		return ERR_NOMEM;
	}
	free(q->hostname);
	free(q->by);
	q->hostname = hostname;
	q->by = by;
	q->row.hostname = hostname;
	q->row.by = by;
	return 0;
}

static int
new_asks(const struct statement *s, struct fleet_asks **out)
{
	struct fleet_asks *q = calloc(1, sizeof(*q));
	int r;

	if (q == NULL)
		return ERR_NOMEM;
	if ((r = pubkey_dup(s->u.enrol.host_key, &q->host_key)) != 0 ||
	    (r = pubkey_dup(s->u.enrol.transport_key, &q->transport_key)) !=
		0 ||
	    (r = set_claims(q, s)) != 0) {
		fleet_asks_free(q);
		return r;
	}
	q->row.host_key = q->host_key;
	q->row.transport_key = q->transport_key;
	q->row.since = s->at;
	*out = q;
	return 0;
}

/* Whoever can connect can ask; nobody can ask so often that others cannot. */
static void
make_room(struct fleet_hosts *h)
{
	struct fleet_asks *q = TAILQ_FIRST(&h->asks);

	if (h->n_waiting < FLEET_ENROLS_MAX)
		return;
	while (q != NULL && q->row.rejected)
		q = TAILQ_NEXT(q, link);
	if (q != NULL)
		drop_asks(h, q);
}

static int
do_enrol(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	struct fleet_asks *q = p->asks;
	struct hash pair;
	int r;

	if (q != NULL) {
		if ((r = set_claims(q, s)) == 0)
			add_name(h, q, &s->hash);
		return r;
	}
	if ((r = new_asks(s, &q)) != 0)
		return r;
	make_room(h);
	fleet_pair_name(q->host_key, q->transport_key, &pair);
	put(h, FLEET_BY_PAIR, &pair, q);
	TAILQ_INSERT_TAIL(&h->asks, q, link);
	h->n_waiting++;
	add_name(h, q, &s->hash);
	return 0;
}

/* --- accept --- */

static void
set_row(struct fleet_host *x, const struct statement *s)
{
	const struct acceptance *a = &s->u.accept;

	x->row.id = x->id;
	x->row.accept = s->hash;
	x->row.enrol = a->enrol;
	x->row.host_key = x->host_key;
	x->row.transport_key = x->transport_key;
	x->row.names = &x->names;
	x->row.roles = &x->roles;
	x->row.was = &x->was;
	x->row.renew_until = a->renew_until;
	x->row.since = s->at;
	x->row.by_token = a->has_token;
	x->row.token = a->token;
	x->fresh = true;
}

static int
new_host(const struct statement *s, struct fleet_host **out)
{
	const struct acceptance *a = &s->u.accept;
	struct fleet_host *x = calloc(1, sizeof(*x));
	int r = ERR_NOMEM;

	if (x == NULL)
		return ERR_NOMEM;
	if ((x->id = str_dup(a->host)) == NULL ||
	    (r = pubkey_dup(a->host_key, &x->host_key)) != 0 ||
	    (r = pubkey_dup(a->transport_key, &x->transport_key)) != 0 ||
	    (r = strs_dup(&a->names, &x->names)) != 0 ||
	    (r = strs_dup(&a->roles, &x->roles)) != 0) {
		fleet_host_free(x);
		return r;
	}
	set_row(x, s);
	*out = x;
	return 0;
}

/* The same host goes on with its reports. */
static void
take_chain(struct fleet_host *x, const struct fleet_host *old)
{
	if (!pubkey_equal(x->host_key, old->host_key))
		return;
	x->row.seq = old->row.seq;
	x->row.has_report = old->row.has_report;
	x->row.last_report = old->row.last_report;
}

static int
do_accept(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	struct fleet_host *x = NULL;
	int r;

	if (p->host == NULL && h->n_hosts >= FLEET_HOSTS_MAX)
		return ERR_LIMIT;
	if ((r = new_host(s, &x)) != 0)
		return r;
	if (p->host != NULL) {
		take_chain(x, p->host);
		say_keys(h, p->host->host_key, p->host->transport_key, s->at);
		drop_host(h, p->host);
	}
	if (p->asks != NULL)
		drop_asks(h, p->asks);
	if (p->token != NULL)
		p->token->row.used++;
	add_host(h, x);
	say_id(h, x->id, s->at);
	say_keys(h, x->host_key, x->transport_key, s->at);
	return 0;
}

/* --- the others --- */

static void
put_bad_key(struct fleet_hosts *h, const struct pubkey *k, struct fleet_asks *q)
{
	struct hash name;

	pubkey_hash(k, &name);
	if (fleet_find(h, FLEET_BAD_KEY, &name) == NULL)
		put(h, FLEET_BAD_KEY, &name, q);
}

static int
reject_asks(struct fleet_hosts *h, const struct statement *s,
    struct fleet_asks *q)
{
	if (h->n_rejected >= FLEET_ENROLS_MAX)
		return ERR_LIMIT;
	if ((q->reason = str_dup(s->u.reject.reason)) == NULL)
		return ERR_NOMEM;
	q->row.reason = q->reason;
	q->row.rejected = true;
	h->n_waiting--;
	h->n_rejected++;
	put_bad_key(h, q->host_key, q);
	put_bad_key(h, q->transport_key, q);
	say_keys(h, q->host_key, q->transport_key, s->at);
	return 0;
}

static int
do_reject(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	struct fleet_host *x = p->host;

	if (x == NULL)
		return reject_asks(h, s, p->asks);
	if ((x->reason = str_dup(s->u.reject.reason)) == NULL)
		return ERR_NOMEM;
	x->row.reason = x->reason;
	x->row.rejected = true;
	say_id(h, x->id, s->at);
	say_keys(h, x->host_key, x->transport_key, s->at);
	return 0;
}

/* Room for one more: what is left over when the rest fails does no harm. */
static int
room_for_rename(struct fleet_host *x)
{
	struct hash *v =
	    reallocarray(x->renames, x->row.n_renames + 1, sizeof(*v));

	if (v == NULL)
		return ERR_NOMEM;
	x->renames = v;
	x->row.renames = v;
	return 0;
}

static int
do_rename(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	struct fleet_host *x = p->host;
	struct strs names = {0};
	char *id = str_dup(s->u.rename.to);
	struct hash old;
	int r;

	if (id == NULL)
		return ERR_NOMEM;
	if ((r = strs_dup(&s->u.rename.names, &names)) != 0 ||
	    (r = room_for_rename(x)) != 0 ||
	    (r = strs_add(&x->was, x->id)) != 0) {
		free(id);
		strs_clear(&names);
		return r;
	}
	fleet_id_name(x->id, &old);
	fleet_map_remove(&h->map, FLEET_BY_ID, &old);
	say_id(h, x->id, s->at);
	free(x->id);
	strs_clear(&x->names);
	x->id = id;
	x->names = names;
	x->row.id = id;
	x->row.renamed = s->hash;
	x->row.has_renamed = true;
	x->renames[x->row.n_renames++] = s->hash;
	put_id(h, x);
	say_id(h, x->id, s->at);
	say_keys(h, x->host_key, x->transport_key, s->at);
	return 0;
}

static int
do_forget(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	say_id(h, p->host->id, s->at);
	say_keys(h, p->host->host_key, p->host->transport_key, s->at);
	drop_host(h, p->host);
	return 0;
}

static int
new_token(const struct statement *s, struct fleet_token **out)
{
	const struct token_statement *q = &s->u.token;
	struct fleet_token *t = calloc(1, sizeof(*t));
	int r = ERR_NOMEM;

	if (t == NULL)
		return ERR_NOMEM;
	if ((t->hosts = str_dup(q->hosts)) == NULL ||
	    (t->by = str_dup(s->by)) == NULL ||
	    (r = pubkey_dup(q->key, &t->key)) != 0 ||
	    (r = strs_dup(&q->roles, &t->roles)) != 0) {
		fleet_token_free(t);
		return r;
	}
	t->at = s->at;
	t->row = (struct fleet_token_row){.token = s->hash,
	    .key = t->key,
	    .hosts = t->hosts,
	    .by = t->by,
	    .roles = &t->roles,
	    .count = q->count,
	    .expires = q->expires};
	*out = t;
	return 0;
}

static int
do_token(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p)
{
	struct fleet_token *t = NULL;
	int r;

	(void)p;
	if (h->n_tokens >= FLEET_TOKENS_MAX)
		return ERR_LIMIT;
	if ((r = new_token(s, &t)) != 0)
		return r;
	put(h, FLEET_BY_TOKEN, &s->hash, t);
	TAILQ_INSERT_TAIL(&h->tokens, t, link);
	h->n_tokens++;
	return 0;
}

static int (*const acts[ST_LAST + 1])(struct fleet_hosts *,
    const struct statement *, const struct fleet_plan *) = {
    [ST_ENROL] = do_enrol,
    [ST_ACCEPT] = do_accept,
    [ST_REJECT] = do_reject,
    [ST_RENAME] = do_rename,
    [ST_FORGET] = do_forget,
    [ST_TOKEN] = do_token,
};

int
fleet_do(struct fleet_hosts *h, const struct statement *s,
    const struct fleet_plan *p, struct err *e)
{
	int r;

	if ((r = fleet_map_reserve(&h->map, ROOM)) == 0)
		r = acts[s->type](h, s, p);
	if (r != 0)
		return err_set(e, r, "apply %s statement of %s: %s",
		    statement_type_name(s->type), s->by, err_text(r));
	/* An enrol statement is known by what it asks. */
	if (s->type != ST_ENROL)
		note_at(&h->map, FLEET_SEEN, &s->hash, s->at);
	return 0;
}
