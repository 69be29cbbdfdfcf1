/* SPDX-License-Identifier: ISC */
/* Whose key is which: the keeper's table, replaced as a whole. */
#include <stdlib.h>
#include <string.h>

#include "lib/front/front.h"

#define KIND_MAX 16

struct row {
	struct hash key;
	char *person;
};

struct table {
	struct row *v;
	size_t n, cap;
};

struct keymap {
	struct table now, next;
	bool ready;  /* now holds a table */
	bool coming; /* next has begun */
};

static void
table_clear(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->v[i].person);
	free(t->v);
	memset(t, 0, sizeof(*t));
}

bool
front_name_is_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz");

	if (n > 0 && n <= KIND_MAX && s[n] == '/')
		s += n + 1;
	return id_is_valid(s);
}

int
keymap_new(struct keymap **out)
{
	return (*out = calloc(1, sizeof(**out))) != NULL ? 0 : ERR_NOMEM;
}

void
keymap_free(struct keymap *k)
{
	if (k == NULL)
		return;
	table_clear(&k->now);
	table_clear(&k->next);
	free(k);
}

static int
by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return memcmp(x->key.b, y->key.b, HASH_LEN);
}

static int
add_row(struct table *t, struct view *v, struct err *e)
{
	struct slice key;
	char *person = NULL;
	int r;

	if (view_get_string(v, &key) != 0 || key.n != HASH_LEN ||
	    (r = view_get_cstring(v, &person)) == ERR_PARSE)
		return err_set(e, ERR_PARSE, "a row of the table of keys");
	if (r != 0)
		return err_nomem(e);
	if (!front_name_is_valid(person)) {
		free(person);
		return err_set(e, ERR_PARSE, "a name in the table of keys");
	}
	if ((r = vec_grow(&t->v, t->n, &t->cap, KEYMAP_MAX)) != 0) {
		free(person);
		return err_set(e, r, "the table of keys");
	}
	memcpy(t->v[t->n].key.b, key.p, HASH_LEN);
	t->v[t->n++].person = person;
	return 0;
}

/* The table is whole: sort it, and refuse a key that two have. */
static int
finish(struct keymap *k, struct err *e)
{
	struct table *t = &k->next;

	if (t->n > 0)
		qsort(t->v, t->n, sizeof(t->v[0]), by_key);
	for (size_t i = 1; i < t->n; i++)
		if (by_key(&t->v[i - 1], &t->v[i]) == 0)
			return err_set(e, ERR_PARSE,
			    "one key stands twice in the table of keys");
	table_clear(&k->now);
	k->now = k->next;
	memset(&k->next, 0, sizeof(k->next));
	k->ready = true;
	k->coming = false;
	return KEYMAP_NEW;
}

int
keymap_frame(struct keymap *k, struct slice payload, struct err *e)
{
	struct view v = view_slice(payload);
	uint8_t first = 0, last = 0;
	int r = 0;

	if (view_get_u8(&v, &first) != 0 || view_get_u8(&v, &last) != 0 ||
	    first > 1 || last > 1 || (first == 0 && !k->coming)) {
		r = err_set(e, ERR_PARSE, "a part of the table of keys");
		goto out;
	}
	if (first == 1) {
		table_clear(&k->next);
		k->coming = true;
	}
	while (r == 0 && v.n > 0)
		r = add_row(&k->next, &v, e);
	if (r == 0 && last == 1)
		r = finish(k, e);
out:
	if (r < 0) {
		table_clear(&k->next);
		k->coming = false;
	}
	return r;
}

const char *
keymap_find(const struct keymap *k, const struct hash *key)
{
	struct row want = {.key = *key}, *found = NULL;

	if (k->now.n > 0)
		found =
		    bsearch(&want, k->now.v, k->now.n, sizeof(want), by_key);
	return found != NULL ? found->person : NULL;
}

bool
keymap_ready(const struct keymap *k)
{
	return k->ready;
}

size_t
keymap_count(const struct keymap *k)
{
	return k->now.n;
}
