/* SPDX-License-Identifier: ISC */
/* Hosts by id and by number. */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"

static size_t
hash_of(const char *id)
{
	size_t h = 14695981039346656037u;

	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)*id) * 1099511628211u;
	return h;
}

static size_t
slot_of(const struct mk_board *b, const char *id)
{
	size_t i = hash_of(id) & (b->n_slots - 1);

	while (b->slots[i] != 0 && strcmp(b->v[b->slots[i] - 1]->id, id) != 0)
		i = (i + 1) & (b->n_slots - 1);
	return i;
}

struct mk_host *
board_find(const struct mk_board *b, const char *id)
{
	size_t i;

	if (b->n_slots == 0)
		return NULL;
	i = slot_of(b, id);
	return b->slots[i] != 0 ? b->v[b->slots[i] - 1] : NULL;
}

/* At most half of the slots are taken. */
static int
grow(struct mk_board *b)
{
	size_t n = b->n_slots == 0 ? 256 : b->n_slots * 2;
	uint32_t *old = b->slots;

	if ((b->n + 1) * 2 <= b->n_slots)
		return 0;
	if ((b->slots = calloc(n, sizeof(*b->slots))) == NULL) {
		b->slots = old;
		return ERR_NOMEM;
	}
	b->n_slots = n;
	for (size_t i = 0; i < b->n; i++)
		b->slots[slot_of(b, b->v[i]->id)] = (uint32_t)i + 1;
	free(old);
	return 0;
}

int
board_get(struct mk_board *b, const char *id, struct mk_host **out)
{
	struct mk_host *h = board_find(b, id);
	int r;

	if (h != NULL) {
		*out = h;
		return 0;
	}
	if ((r = grow(b)) != 0 ||
	    (r = vec_grow(&b->v, b->n, &b->cap, JOBS_HOSTS_MAX)) != 0)
		return r;
	if ((h = calloc(1, sizeof(*h))) == NULL ||
	    (h->id = str_dup(id)) == NULL) {
		free(h);
		return ERR_NOMEM;
	}
	h->number = (uint32_t)b->n;
	TAILQ_INIT(&h->asks);
	b->slots[slot_of(b, id)] = h->number + 1;
	b->v[b->n++] = h;
	*out = h;
	return 0;
}

void
board_clear(struct mk_board *b)
{
	for (size_t i = 0; i < b->n; i++) {
		struct mk_host *h = b->v[i];

		mk_alarms_clear(h);
		free(h->id);
		free(h);
	}
	free(b->v);
	free(b->slots);
	memset(b, 0, sizeof(*b));
}
