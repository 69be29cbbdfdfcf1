/* SPDX-License-Identifier: ISC */
/*
 * Many objects into a store, in groups: while one group is filled, a thread
 * puts the other.  For publish.c alone.
 */
#ifndef LIB_LEDGER_PUTTER_H
#define LIB_LEDGER_PUTTER_H

#include <pthread.h>

#include "lib/ledger/ledger_impl.h"

#define PUTTER_ITEMS 128
#define PUTTER_BYTES (8 * 1024 * 1024)

struct putter_group {
	struct blob_item items[PUTTER_ITEMS];
	char *keys[PUTTER_ITEMS];
	uint8_t *data[PUTTER_ITEMS];
	size_t n, bytes;
	struct blob_store *s;
	int r;
	struct err e;
};

struct putter {
	struct ledger *l;
	struct blob_store *s;
	unsigned flags;
	struct putter_group groups[2];
	struct putter_group *fill, *away; /* away NULL: none is on its way */
	pthread_t thread;
	struct err *e;
};

/* All are borrowed; flags go with every item. */
void putter_init(struct putter *p, struct ledger *l, struct blob_store *s,
    unsigned flags, struct err *e);
/* Waits for what is on its way, and drops what was not sent. */
void putter_clear(struct putter *p);
/*
 * Put data under key, sooner or later; data is taken over, whatever happens.
 * ERR_NOMEM, and those of blob_put_many() for an earlier group.
 */
int putter_add(struct putter *p, const char *key, uint8_t *data, size_t n,
    unsigned flags, const char *type) MUST_CHECK;
/* Everything is put when this returns 0; else as putter_add(). */
int putter_flush(struct putter *p) MUST_CHECK;

#endif
