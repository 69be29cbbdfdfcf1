/* SPDX-License-Identifier: ISC */
/* The set of what is revoked, retired or added. */
#include "lib/trust/standing_impl.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/str.h"

#define TABLE_FIRST 64

static void
name_of(enum entry_kind kind, struct slice content, struct hash *out)
{
	uint8_t k = (uint8_t)kind;
	struct slice parts[] = {slice_of(&k, 1), content};

	hash_sha256v(parts, 2, out);
}

static void
name_of_serial(uint64_t serial, struct hash *out)
{
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(serial >> (56 - 8 * i));
	name_of(ENTRY_SERIAL, slice_of(b, sizeof(b)), out);
}

static size_t
first_slot(const struct hash *name, size_t n_table)
{
	size_t v;

	memcpy(&v, name->b, sizeof(v));
	return v & (n_table - 1);
}

static const struct entry *
find(const struct entry_set *t, const struct hash *name)
{
	if (t->n_table == 0)
		return NULL;
	for (size_t i = first_slot(name, t->n_table); t->table[i] != 0;
	     i = (i + 1) & (t->n_table - 1))
		if (hash_equal(&t->v[t->table[i] - 1].name, name))
			return &t->v[t->table[i] - 1];
	return NULL;
}

static void
put(uint32_t *table, size_t n_table, const struct hash *name, size_t index)
{
	size_t i = first_slot(name, n_table);

	while (table[i] != 0)
		i = (i + 1) & (n_table - 1);
	table[i] = (uint32_t)index + 1;
}

/* Room for n more entries, so that adding them cannot fail half way. */
static int
reserve(struct entry_set *t, size_t n)
{
	size_t want = t->n + n, n_table = t->n_table;
	uint32_t *table;

	if (n > STANDING_ENTRIES_MAX || want > STANDING_ENTRIES_MAX)
		return ERR_LIMIT;
	if (vec_reserve(&t->v, t->n, n, &t->cap) != 0)
		return ERR_NOMEM;
	/* At most half full. */
	if (n_table == 0)
		n_table = TABLE_FIRST;
	while (n_table < 2 * want)
		n_table *= 2;
	if (n_table == t->n_table)
		return 0;
	if ((table = calloc(n_table, sizeof(*table))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < t->n; i++)
		put(table, n_table, &t->v[i].name, i);
	free(t->table);
	t->table = table;
	t->n_table = n_table;
	return 0;
}

/* After reserve(); e's parts are the set's from now on. */
static void
insert(struct entry_set *t, const struct entry *e)
{
	put(t->table, t->n_table, &e->name, t->n);
	t->v[t->n++] = *e;
}

int
entry_add_serials(struct entry_set *t, const uint64_t *v, size_t n)
{
	int r;

	if ((r = reserve(t, n)) != 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		struct entry e = {.kind = ENTRY_SERIAL, .serial = v[i]};

		name_of_serial(v[i], &e.name);
		if (find(t, &e.name) == NULL)
			insert(t, &e);
	}
	return 0;
}

int
entry_add_text(struct entry_set *t, enum entry_kind kind, const char *s)
{
	struct entry e = {.kind = kind};
	int r;

	name_of(kind, slice_str(s), &e.name);
	if (find(t, &e.name) != NULL)
		return 0;
	if ((r = reserve(t, 1)) != 0)
		return r;
	if ((e.text = str_dup(s)) == NULL)
		return ERR_NOMEM;
	insert(t, &e);
	return 0;
}

int
entry_add_key(struct entry_set *t, enum entry_kind kind, const struct pubkey *k,
    const char *person)
{
	struct entry e = {.kind = kind};
	int r;

	name_of(kind, pubkey_blob(k), &e.name);
	if (find(t, &e.name) != NULL)
		return 0;
	if ((r = reserve(t, 1)) != 0)
		return r;
	if (person != NULL && (e.text = str_dup(person)) == NULL)
		return ERR_NOMEM;
	if ((r = pubkey_dup(k, &e.key)) != 0) {
		free(e.text);
		return r;
	}
	insert(t, &e);
	return 0;
}

/*
 * An empty set needs no name: a policy where nobody is revoked is the usual
 * one, and a request asks a dozen times.
 */
bool
entry_has_serial(const struct entry_set *t, uint64_t serial)
{
	struct hash name;

	if (t->n == 0)
		return false;
	name_of_serial(serial, &name);
	return find(t, &name) != NULL;
}

bool
entry_has_text(const struct entry_set *t, enum entry_kind kind, const char *s)
{
	struct hash name;

	if (t->n == 0)
		return false;
	name_of(kind, slice_str(s), &name);
	return find(t, &name) != NULL;
}

const struct entry *
entry_find_key(const struct entry_set *t, enum entry_kind kind,
    const struct pubkey *k)
{
	struct hash name;

	if (t->n == 0)
		return NULL;
	name_of(kind, pubkey_blob(k), &name);
	return find(t, &name);
}

int
entry_set_dup(const struct entry_set *from, struct entry_set *out)
{
	struct entry_set t = {0};
	int r = 0;

	if (from->n == 0) {
		*out = t;
		return 0;
	}
	r = reserve(&t, from->n);
	for (size_t i = 0; i < from->n && r == 0; i++) {
		const struct entry *f = &from->v[i];
		struct entry e = *f;

		e.text = NULL;
		e.key = NULL;
		if (f->text != NULL && (e.text = str_dup(f->text)) == NULL)
			r = ERR_NOMEM;
		else if (f->key != NULL)
			r = pubkey_dup(f->key, &e.key);
		if (r == 0) {
			insert(&t, &e);
		} else {
			free(e.text);
			pubkey_free(e.key);
		}
	}
	if (r != 0)
		entry_set_clear(&t);
	else
		*out = t;
	return r;
}

void
entry_set_clear(struct entry_set *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->v[i].text);
		pubkey_free(t->v[i].key);
	}
	free(t->v);
	free(t->table);
	*t = (struct entry_set){0};
}
