/* SPDX-License-Identifier: ISC */
/*
 * Objects that are at home before their log is published.
 *
 * A large batch has thousands of them, and writing them can go on while the
 * disk is waited for.  They are what a publication that was killed would leave:
 * made from leaves that are durable, under no checkpoint yet.
 */
#include <stdlib.h>

#include "lib/base/str.h"
#include "lib/ledger/ledger_impl.h"

/* Few at a time, so that no further thread is begun for them. */
#define AHEAD 32

struct ahead {
	struct blob_store *s;
	struct blob_item items[AHEAD];
	char *keys[AHEAD];
	char *data[AHEAD];
	size_t n;
	struct strs *foreign;
};

static void
ahead_clear(struct ahead *a)
{
	while (a->n > 0) {
		free(a->keys[--a->n]);
		free(a->data[a->n]);
	}
}

static int
ahead_flush(struct ahead *a, struct err *e)
{
	int r = a->n > 0 ? blob_put_many(a->s, a->items, a->n, e) : 0;

	for (size_t i = 0; i < a->n && r == 0; i++)
		if (a->items[i].result == BLOB_FOREIGN)
			r = strs_add(a->foreign, a->keys[i]);
	ahead_clear(a);
	return r;
}

static int
ahead_put(void *ctx, const char *key, struct slice data, const char *type)
{
	struct ahead *a = ctx;
	int r;

	if (a->n == AHEAD && (r = ahead_flush(a, NULL)) != 0)
		return r;
	a->keys[a->n] = str_dup(key);
	a->data[a->n] = str_dupn((const char *)data.p, data.n);
	a->items[a->n] = (struct blob_item){.key = a->keys[a->n],
	    .data = slice_of(a->data[a->n], data.n),
	    .flags = BLOB_NOSYNC,
	    .content_type = type};
	a->n++;
	return a->keys[a->n - 1] != NULL && a->data[a->n - 1] != NULL
	    ? 0
	    : ERR_NOMEM;
}

void
ledger_put_ahead(struct ledger *l, uint64_t from, uint64_t to,
    int (*objects)(void *ctx,
	int (*put)(void *pctx, const char *key, struct slice data,
	    const char *content_type),
	void *pctx, struct err *e),
    void *ctx)
{
	struct ahead a = {.s = l->home, .foreign = &l->ahead_foreign};

	if (l->home_dir == NULL)
		return;
	if (objects(ctx, ahead_put, &a, NULL) == 0 &&
	    ahead_flush(&a, NULL) == 0) {
		l->ahead_from = from;
		l->ahead_to = to;
	}
	ahead_clear(&a);
}

void
ledger_warn_ahead(struct ledger *l)
{
	for (size_t i = 0; i < l->ahead_foreign.n; i++)
		ledger_warn(l,
		    "%s in %s had other bytes, which are kept; the right ones "
		    "are there now",
		    l->ahead_foreign.v[i], blob_url(l->home));
	strs_clear(&l->ahead_foreign);
}
