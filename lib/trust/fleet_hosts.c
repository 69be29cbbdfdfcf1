/* SPDX-License-Identifier: ISC */
#include "lib/trust/fleet_hosts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_hosts_impl.h"

/* --- objects --- */

int
fleet_hosts_new(struct fleet_hosts **out)
{
	struct fleet_hosts *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return ERR_NOMEM;
	TAILQ_INIT(&h->hosts);
	TAILQ_INIT(&h->asks);
	TAILQ_INIT(&h->tokens);
	*out = h;
	return 0;
}

void
fleet_host_free(struct fleet_host *x)
{
	if (x == NULL)
		return;
	free(x->id);
	free(x->reason);
	pubkey_free(x->host_key);
	pubkey_free(x->transport_key);
	strs_clear(&x->names);
	strs_clear(&x->roles);
	strs_clear(&x->was);
	free(x->renames);
	free(x);
}

void
fleet_asks_free(struct fleet_asks *x)
{
	if (x == NULL)
		return;
	pubkey_free(x->host_key);
	pubkey_free(x->transport_key);
	free(x->hostname);
	free(x->by);
	free(x->reason);
	free(x);
}

void
fleet_token_free(struct fleet_token *x)
{
	if (x == NULL)
		return;
	pubkey_free(x->key);
	free(x->hosts);
	free(x->by);
	strs_clear(&x->roles);
	free(x);
}

void
fleet_hosts_free(struct fleet_hosts *h)
{
	struct fleet_host *x, *next_x;
	struct fleet_asks *a, *next_a;
	struct fleet_token *t, *next_t;

	if (h == NULL)
		return;
	for (x = TAILQ_FIRST(&h->hosts); x != NULL; x = next_x) {
		next_x = TAILQ_NEXT(x, link);
		fleet_host_free(x);
	}
	for (a = TAILQ_FIRST(&h->asks); a != NULL; a = next_a) {
		next_a = TAILQ_NEXT(a, link);
		fleet_asks_free(a);
	}
	for (t = TAILQ_FIRST(&h->tokens); t != NULL; t = next_t) {
		next_t = TAILQ_NEXT(t, link);
		fleet_token_free(t);
	}
	fleet_map_clear(&h->map);
	free(h);
}

/* --- names --- */

void
fleet_id_name(const char *id, struct hash *out)
{
	hash_sha256(id, strlen(id), out);
}

void
fleet_pair_name(const struct pubkey *host_key,
    const struct pubkey *transport_key, struct hash *out)
{
	struct hash both[2];

	pubkey_hash(host_key, &both[0]);
	pubkey_hash(transport_key, &both[1]);
	hash_sha256(both, sizeof(both), out);
}

void *
fleet_find(const struct fleet_hosts *h, enum fleet_kind kind,
    const struct hash *name)
{
	const struct fleet_slot *s = fleet_map_find(&h->map, kind, name);

	return s != NULL ? s->to : NULL;
}

struct fleet_host *
fleet_find_host(const struct fleet_hosts *h, const char *id)
{
	struct hash name;

	fleet_id_name(id, &name);
	return fleet_find(h, FLEET_BY_ID, &name);
}

struct fleet_host *
fleet_find_key(const struct fleet_hosts *h, const struct pubkey *k)
{
	struct hash name;

	pubkey_hash(k, &name);
	return fleet_find(h, FLEET_BY_KEY, &name);
}

/* --- asked by everybody --- */

static const struct fleet_host_row *
row_of(const struct fleet_host *x)
{
	return x != NULL ? &x->row : NULL;
}

const struct fleet_host_row *
fleet_hosts_by_id(const struct fleet_hosts *h, const char *id)
{
	return row_of(fleet_find_host(h, id));
}

const struct fleet_host_row *
fleet_hosts_by_transport(const struct fleet_hosts *h, const struct hash *key)
{
	const struct fleet_host *x = fleet_find(h, FLEET_BY_KEY, key);
	struct hash name;

	if (x == NULL)
		return NULL;
	pubkey_hash(x->transport_key, &name);
	return hash_equal(&name, key) ? &x->row : NULL;
}

const struct fleet_host_row *
fleet_hosts_by_host_key(const struct fleet_hosts *h, const struct hash *key)
{
	const struct fleet_host *x = fleet_find(h, FLEET_BY_KEY, key);
	struct hash name;

	if (x == NULL)
		return NULL;
	pubkey_hash(x->host_key, &name);
	return hash_equal(&name, key) ? &x->row : NULL;
}

const struct fleet_host_row *
fleet_hosts_by_accept(const struct fleet_hosts *h, const struct hash *accept)
{
	return row_of(fleet_find(h, FLEET_BY_ACCEPT, accept));
}

const struct fleet_enrol_row *
fleet_hosts_enrol(const struct fleet_hosts *h, const struct hash *enrol)
{
	const struct fleet_asks *a = fleet_find(h, FLEET_BY_ENROL, enrol);

	return a != NULL ? &a->row : NULL;
}

const struct fleet_host_row *
fleet_hosts_enrol_of(const struct fleet_hosts *h,
    const struct fleet_enrol_row *asks)
{
	const struct fleet_host *x = fleet_find_key(h, asks->host_key);

	return row_of(x != NULL ? x : fleet_find_key(h, asks->transport_key));
}

const struct fleet_token_row *
fleet_hosts_token(const struct fleet_hosts *h, const struct hash *token)
{
	const struct fleet_token *t = fleet_find(h, FLEET_BY_TOKEN, token);

	return t != NULL ? &t->row : NULL;
}

static bool
is_bad(const struct fleet_hosts *h, const struct pubkey *k)
{
	struct hash name;

	pubkey_hash(k, &name);
	return fleet_find(h, FLEET_BAD_KEY, &name) != NULL;
}

enum fleet_host_state
fleet_hosts_state(const struct fleet_hosts *h, const struct pubkey *host_key,
    const struct pubkey *transport_key, const struct fleet_host_row **row)
{
	const struct fleet_host *x = fleet_find_key(h, host_key),
				*y = fleet_find_key(h, transport_key);
	struct hash pair;

	if (row != NULL)
		*row = NULL;
	if ((x != NULL && x->row.rejected) || (y != NULL && y->row.rejected) ||
	    is_bad(h, host_key) || is_bad(h, transport_key))
		return FLEET_REJECTED;
	if (x != NULL && pubkey_equal(x->host_key, host_key) &&
	    pubkey_equal(x->transport_key, transport_key)) {
		if (row != NULL)
			*row = &x->row;
		return FLEET_ACCEPTED;
	}
	fleet_pair_name(host_key, transport_key, &pair);
	return fleet_find(h, FLEET_BY_PAIR, &pair) != NULL ? FLEET_WAITING
							   : FLEET_UNKNOWN;
}

size_t
fleet_hosts_count(const struct fleet_hosts *h)
{
	return h->n_hosts;
}

int
fleet_hosts_each(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_host_row *row), void *ctx)
{
	const struct fleet_host *x;
	int r;

	TAILQ_FOREACH (x, &h->hosts, link)
		if ((r = each(ctx, &x->row)) != 0)
			return r;
	return 0;
}

int
fleet_hosts_each_enrol(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_enrol_row *row), void *ctx)
{
	const struct fleet_asks *a;
	int r;

	TAILQ_FOREACH (a, &h->asks, link)
		if ((r = each(ctx, &a->row)) != 0)
			return r;
	return 0;
}

int
fleet_hosts_each_token(const struct fleet_hosts *h,
    int (*each)(void *ctx, const struct fleet_token_row *row), void *ctx)
{
	const struct fleet_token *t;
	int r;

	TAILQ_FOREACH (t, &h->tokens, link)
		if ((r = each(ctx, &t->row)) != 0)
			return r;
	return 0;
}

/* --- statements --- */

int
fleet_hosts_check(const struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct err *e)
{
	struct fleet_plan p = {0};

	return fleet_plan_of(h, j, s, &p, e);
}

int
fleet_hosts_fold(struct fleet_hosts *h, const struct fleet_judge *j,
    const struct statement *s, struct err *e)
{
	struct fleet_plan p = {0};
	int r;

	if ((r = fleet_plan_of(h, j, s, &p, e)) != 0)
		return r;
	return fleet_do(h, s, &p, e);
}

int
fleet_hosts_apply(struct fleet_hosts *h, const struct trust *t,
    const struct statement *s, int64_t now, struct err *e)
{
	struct fleet_judge j = {
	    .policy = t->policy, .realm = &t->realm, .now = now};

	if (!t->have)
		return err_set(e, ERR_DENIED,
		    "no policy is trusted that would name operators");
	return fleet_hosts_fold(h, &j, s, e);
}
