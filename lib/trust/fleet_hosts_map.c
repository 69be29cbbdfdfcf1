/* SPDX-License-Identifier: ISC */
/* The map of fleet_hosts: names of 32 bytes, each of a kind. */
#include <stdlib.h>
#include <string.h>

#include "lib/trust/fleet_hosts_impl.h"

#define MAP_FIRST 64

static size_t
first_of(const struct fleet_map *m, uint8_t kind, const struct hash *name)
{
	size_t v;

	memcpy(&v, name->b, sizeof(v));
	return (v + kind) & (m->cap - 1);
}

/* The slot of that name, or the free one where it would be. */
static size_t
slot_of(const struct fleet_map *m, uint8_t kind, const struct hash *name)
{
	size_t i = first_of(m, kind, name);

	while (m->v[i].kind != 0 &&
	    (m->v[i].kind != kind || !hash_equal(&m->v[i].name, name)))
		i = (i + 1) & (m->cap - 1);
	return i;
}

int
fleet_map_reserve(struct fleet_map *m, size_t n)
{
	struct fleet_map bigger = {.n = m->n, .cap = m->cap};

	if (n > FLEET_SEEN_MAX || m->n + n > FLEET_SEEN_MAX)
		return ERR_LIMIT;
	if (bigger.cap == 0)
		bigger.cap = MAP_FIRST;
	while (bigger.cap < 2 * (m->n + n))
		bigger.cap *= 2;
	if (bigger.cap == m->cap)
		return 0;
	if ((bigger.v = calloc(bigger.cap, sizeof(*bigger.v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < m->cap; i++)
		if (m->v[i].kind != 0)
			bigger
			    .v[slot_of(&bigger, m->v[i].kind, &m->v[i].name)] =
			    m->v[i];
	free(m->v);
	*m = bigger;
	return 0;
}

struct fleet_slot *
fleet_map_put(struct fleet_map *m, enum fleet_kind kind,
    const struct hash *name)
{
	struct fleet_slot *s = &m->v[slot_of(m, (uint8_t)kind, name)];

	if (s->kind == 0)
		m->n++;
	*s = (struct fleet_slot){.name = *name, .kind = (uint8_t)kind};
	return s;
}

const struct fleet_slot *
fleet_map_find(const struct fleet_map *m, enum fleet_kind kind,
    const struct hash *name)
{
	size_t i;

	if (m->cap == 0)
		return NULL;
	i = slot_of(m, (uint8_t)kind, name);
	return m->v[i].kind != 0 ? &m->v[i] : NULL;
}

/* What lies behind the gap and would be looked for before it moves into it. */
void
fleet_map_remove(struct fleet_map *m, enum fleet_kind kind,
    const struct hash *name)
{
	size_t gap, i, first;

	if (m->cap == 0 ||
	    m->v[gap = slot_of(m, (uint8_t)kind, name)].kind == 0)
		return;
	m->n--;
	for (i = (gap + 1) & (m->cap - 1); m->v[i].kind != 0;
	     i = (i + 1) & (m->cap - 1)) {
		first = first_of(m, m->v[i].kind, &m->v[i].name);
		if (((i - first) & (m->cap - 1)) < ((i - gap) & (m->cap - 1)))
			continue;
		m->v[gap] = m->v[i];
		gap = i;
	}
	m->v[gap] = (struct fleet_slot){0};
}

void
fleet_map_clear(struct fleet_map *m)
{
	free(m->v);
	*m = (struct fleet_map){0};
}
