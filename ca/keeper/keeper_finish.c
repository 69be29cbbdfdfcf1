/* SPDX-License-Identifier: ISC */
/* After the commit of a batch: its certificates as leaves. */
#include <stdlib.h>

#include "ca/keeper/keeper.h"
#include "ca/keeper/keeper_impl.h"
#include "lib/base/parallel.h"

void
keeper_committed(struct keeper_item *items, const struct keeper_leaves *leaves,
    const struct ledger_receipt *receipts)
{
	for (size_t i = 0; i < leaves->n; i++)
		if (leaves->item[i] != SIZE_MAX)
			items[leaves->item[i]].index = receipts[i].index;
}

/* Certificates that become leaves, each in a place of its own. */
struct finishing {
	struct keeper *k;
	const struct keeper_item *items;
	struct finished {
		bool wanted;
		struct str text;
		int r;
	} * v;
};

/* Is it signed, and not in the log from before? */
static bool
is_new(struct keeper *k, const struct keeper_item *it)
{
	struct hash name;
	uint64_t index;

	if (it->r != 0 || it->cert == NULL)
		return false;
	leaf_serial_name(leaf_serial(&it->request->hash), &name);
	return !it->again ||
	    ledger_find(k->ledger, LTAG_CERTIFICATE, &name, &index, NULL) != 0;
}

static void
encode_nth(void *ctx, size_t i)
{
	struct finishing *g = ctx;
	const struct keeper_item *it = &g->items[i];
	struct certificate_leaf c = {.realm = g->k->trust->realm,
	    .request = it->request->hash,
	    .issue_index = it->index};

	if (!g->v[i].wanted)
		return;
	c.blob = (uint8_t *)(uintptr_t)buf_slice(it->cert).p;
	c.blob_len = buf_len(it->cert);
	g->v[i].r = certificate_leaf_encode(&c, &g->v[i].text);
}

int
keeper_finish(struct keeper *k, const struct keeper_item *items, size_t n,
    struct keeper_leaves *leaves, struct err *e)
{
	struct finishing g = {.k = k, .items = items};
	int r = 0;

	if ((g.v = calloc(n + 1, sizeof(*g.v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < n; i++) {
		str_init(&g.v[i].text);
		g.v[i].wanted = is_new(k, &items[i]);
	}
	parallel_for(n, encode_nth, &g);
	for (size_t i = 0; i < n; i++) {
		struct finished *f = &g.v[i];

		if (f->wanted && r == 0 &&
		    ((r = f->r) != 0 ||
			(r = keeper_leaf_text(leaves, &f->text, i)) != 0))
			(void)err_set(e, r, "certificate: %s", err_text(r));
		str_clear(&f->text);
	}
	free(g.v);
	return r;
}
