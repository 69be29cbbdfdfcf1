/* SPDX-License-Identifier: ISC */
/* Items: statements on their way into the log, and calls that wait for them. */
#include <stdlib.h>

#include "agent/master/mk_impl.h"

void
mk_item_clear(struct mk_item *item)
{
	statement_clear(&item->s);
	free(item->targets);
	item->targets = NULL;
}

void
mk_item_free(struct mk_item *i)
{
	if (i == NULL)
		return;
	mk_item_clear(i);
	free(i);
}

int
mk_item_new(struct mk_item *from, struct mk_item **out, struct err *e)
{
	struct mk_item *i = malloc(sizeof(*i));

	if (i == NULL) {
		mk_item_clear(from);
		return err_nomem(e);
	}
	*i = *from;
	statement_init(&from->s, ST_ENROL);
	from->targets = NULL;
	*out = i;
	return 0;
}

void
mk_item_go(struct mk *k, struct mk_item *i)
{
	STAILQ_INSERT_TAIL(&k->next, i, link);
	k->n_next++;
	if (i->call != NULL)
		i->call->open_parts++;
}

int
mk_item_put(struct mk *k, struct mk_item *item, struct err *e)
{
	struct mk_item *i = NULL;
	int r;

	if ((r = mk_item_new(item, &i, e)) == 0)
		mk_item_go(k, i);
	return r;
}

void
mk_items_free(struct mk_items *items)
{
	struct mk_item *i;

	while ((i = STAILQ_FIRST(items)) != NULL) {
		STAILQ_REMOVE_HEAD(items, link);
		mk_item_free(i);
	}
}

static void
forget(struct mk_items *items, const struct mk_call *c)
{
	struct mk_item *i;

	STAILQ_FOREACH (i, items, link)
		if (i->call == c)
			i->call = NULL;
}

void
mk_items_forget(struct mk *k, const struct mk_call *c)
{
	if (c->open_parts == 0)
		return;
	forget(&k->next, c);
	if (k->flying != NULL)
		forget(&k->flying->items, c);
	if (k->policy_next != NULL)
		forget(&k->policy_next->items, c);
}
