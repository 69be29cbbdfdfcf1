/* SPDX-License-Identifier: ISC */
#include "agent/master/called.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define HOSTS_MAX 1000000

struct called_host {
	char *id;
	struct pubkey *key;
};

static void
host_clear(struct called_host *h)
{
	free(h->id);
	pubkey_free(h->key);
	*h = (struct called_host){0};
}

void
called_clear(struct called *c)
{
	for (size_t i = 0; i < c->n; i++)
		host_clear(&c->v[i]);
	free(c->v);
	*c = (struct called){0};
}

/* Where it is (true), or would be. */
static bool
find(const struct called *c, const char *id, size_t *at)
{
	size_t lo = 0, hi = c->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int d = strcmp(c->v[mid].id, id);

		if (d == 0) {
			*at = mid;
			return true;
		}
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*at = lo;
	return false;
}

/* x moves into the list, also where it fails; one of that id gives way. */
static int
put(struct called *c, struct called_host *x)
{
	size_t at;

	if (find(c, x->id, &at)) {
		host_clear(&c->v[at]);
	} else if (vec_grow(&c->v, c->n, &c->cap, HOSTS_MAX) != 0) {
		host_clear(x);
		return ERR_NOMEM;
	} else {
		memmove(&c->v[at + 1], &c->v[at], (c->n - at) * sizeof(*c->v));
		c->n++;
	}
	c->v[at] = *x;
	return 0;
}

/* It moves out of the list. */
static struct called_host
take(struct called *c, size_t at)
{
	struct called_host x = c->v[at];

	c->n--;
	memmove(&c->v[at], &c->v[at + 1], (c->n - at) * sizeof(*c->v));
	return x;
}

static int
accept(struct called *c, const struct acceptance *a)
{
	struct called_host x = {.id = str_dup(a->host)};

	if (x.id == NULL || pubkey_dup(a->host_key, &x.key) != 0) {
		host_clear(&x);
		return ERR_NOMEM;
	}
	return put(c, &x);
}

static int
rename_to(struct called *c, const struct rename_host *r)
{
	char *to = str_dup(r->to);
	struct called_host x;
	size_t at;

	if (to == NULL)
		return ERR_NOMEM;
	if (!find(c, r->host, &at)) {
		free(to);
		return 0;
	}
	x = take(c, at);
	free(x.id);
	x.id = to;
	return put(c, &x);
}

static void
forget(struct called *c, const char *host)
{
	struct called_host x;
	size_t at;

	if (!find(c, host, &at))
		return;
	x = take(c, at);
	host_clear(&x);
}

int
called_take(struct called *c, const struct statement *s)
{
	if (s->type == ST_ACCEPT)
		return accept(c, &s->u.accept);
	if (s->type == ST_RENAME)
		return rename_to(c, &s->u.rename);
	if (s->type == ST_FORGET)
		forget(c, s->u.forget.host);
	return 0;
}

const char *
called_by(const struct called *c, const struct statement *s)
{
	size_t at;

	if (s->n_sigs == 0 ||
	    (find(c, s->by, &at) && pubkey_equal(s->sigs[0].key, c->v[at].key)))
		return s->by;
	for (at = 0; at < c->n; at++)
		if (pubkey_equal(s->sigs[0].key, c->v[at].key))
			return c->v[at].id;
	return s->by;
}
