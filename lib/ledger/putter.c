/* SPDX-License-Identifier: ISC */
#include "lib/ledger/putter.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

void
putter_init(struct putter *p, struct ledger *l, struct blob_store *s,
    unsigned flags, struct err *e)
{
	memset(p, 0, sizeof(*p));
	p->l = l;
	p->s = s;
	p->flags = flags;
	p->fill = &p->groups[0];
	p->e = e;
}

static void
group_clear(struct putter_group *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->keys[i]);
		free(g->data[i]);
	}
	g->n = g->bytes = 0;
}

static void *
group_put(void *arg)
{
	struct putter_group *g = arg;

	g->e = (struct err){0};
	g->r = blob_put_many(g->s, g->items, g->n, &g->e);
	return NULL;
}

/* What became of a group that was put. */
static int
group_done(struct putter *p, struct putter_group *g)
{
	for (size_t i = 0; g->r == 0 && i < g->n; i++)
		if (g->items[i].result == BLOB_FOREIGN)
			ledger_warn(p->l,
			    "%s in %s had other bytes, which are kept; the "
			    "right ones are there now",
			    g->keys[i], blob_url(p->s));
	if (g->r != 0 && p->e != NULL)
		*p->e = g->e;
	group_clear(g);
	return g->r;
}

/* Wait for the group that is on its way. */
static int
putter_wait(struct putter *p)
{
	struct putter_group *g = p->away;

	if (g == NULL)
		return 0;
	p->away = NULL;
	ledger_waits(p->l, p->s, true);
	(void)pthread_join(p->thread, NULL);
	ledger_waits(p->l, p->s, false);
	return group_done(p, g);
}

void
putter_clear(struct putter *p)
{
	if (p->away != NULL) {
		ledger_waits(p->l, p->s, true);
		(void)pthread_join(p->thread, NULL);
		ledger_waits(p->l, p->s, false);
	}
	group_clear(&p->groups[0]);
	group_clear(&p->groups[1]);
}

int
putter_flush(struct putter *p)
{
	struct putter_group *g = p->fill;
	int r;

	if ((r = putter_wait(p)) != 0)
		return r;
	g->s = p->s;
	ledger_waits(p->l, p->s, true);
	(void)group_put(g);
	ledger_waits(p->l, p->s, false);
	return group_done(p, g);
}

/* The full group goes on its way; a store takes one at a time. */
static int
putter_send(struct putter *p)
{
	struct putter_group *g = p->fill;
	int r;

	if ((r = putter_wait(p)) != 0)
		return r;
	g->s = p->s;
	if (pthread_create(&p->thread, NULL, group_put, g) != 0)
		return putter_flush(p);
	p->away = g;
	p->fill = g == &p->groups[0] ? &p->groups[1] : &p->groups[0];
	return 0;
}

int
putter_add(struct putter *p, const char *key, uint8_t *data, size_t n,
    unsigned flags, const char *type)
{
	struct putter_group *g = p->fill;
	int r = 0;

	if (g->n == PUTTER_ITEMS || (g->n > 0 && g->bytes + n > PUTTER_BYTES)) {
		r = putter_send(p);
		g = p->fill;
	}
	if (r == 0 && (g->keys[g->n] = str_dup(key)) == NULL)
		r = err_nomem(p->e);
	if (r != 0) {
		free(data);
		return r;
	}
	g->data[g->n] = data;
	g->items[g->n] = (struct blob_item){
	    .key = g->keys[g->n],
	    .data = slice_of(data, n),
	    .flags = flags | p->flags,
	    .content_type = type,
	};
	g->bytes += n;
	g->n++;
	return 0;
}
