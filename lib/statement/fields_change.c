/* SPDX-License-Identifier: ISC */
/* revoke and key: what changes whom hosts and the authority believe. */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

static const char *const revoke_keys[] = {
    ST_COMMON, "serials", "key_id", "person", "key", "reason"};
static const char *const key_keys[] = {ST_COMMON, "action", "key"};
static const char *const actions[] = {"add", "retire"};

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

static int
check_serials(const struct revoke *v, struct err *e)
{
	uint64_t sorted[REVOKE_SERIALS_MAX];

	if (v->n_serials == 0)
		return 0;
	memcpy(sorted, v->serials, v->n_serials * sizeof(*sorted));
	qsort(sorted, v->n_serials, sizeof(*sorted), compare_u64);
	for (size_t i = 1; i < v->n_serials; i++)
		if (sorted[i - 1] == sorted[i])
			return err_set(e, ERR_PARSE,
			    "field 'serials' has %llu twice, expected each "
			    "once",
			    (unsigned long long)sorted[i]);
	return 0;
}

static int
read_serials(const json_t *o, struct revoke *v, struct err *e)
{
	const json_t *list = NULL;
	size_t n;
	int r;

	r = json_array_of(o, "serials", JSON_OPTIONAL, REVOKE_SERIALS_MAX,
	    &list, e);
	if (r != 0 || list == NULL)
		return r;
	n = json_array_size(list);
	if ((v->serials = calloc(n, sizeof(*v->serials))) == NULL)
		return err_nomem(e);
	v->n_serials = n;
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s == NULL ||
		    parse_u64(s, 1, UINT64_MAX, &v->serials[i]) != 0)
			return err_set(e, ERR_PARSE,
			    "field 'serials' has a malformed element, expected "
			    "decimal numbers from 1 in strings");
	}
	return check_serials(v, e);
}

static int
revoke_read(const json_t *o, struct statement *s, struct err *e)
{
	static const char *const what[] = {
	    "serials", "key_id", "person", "key"};
	struct revoke *v = &s->u.v;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++)
		if (json_object_get(o, what[i]) != NULL)
			n++;
	if (n != 1)
		return err_set(e, ERR_PARSE,
		    "revokes %zu kinds of thing, expected one of serials, "
		    "key_id, person, key",
		    n);
	if ((r = read_serials(o, v, e)) != 0 ||
	    (r = json_strdup(o, "key_id", JSON_OPTIONAL, ST_KEY_ID_MAX,
		 &v->key_id, e)) != 0 ||
	    (json_object_get(o, "person") != NULL &&
		(r = st_read_id(o, "person", &v->person, e)) != 0) ||
	    (json_object_get(o, "key") != NULL &&
		(r = st_read_pubkey(o, "key", &v->key, e)) != 0))
		return r;
	return json_strdup(o, "reason", 0, STATEMENT_REASON_MAX, &v->reason, e);
}

static void
revoke_write(const struct statement *s, struct jw *w)
{
	const struct revoke *v = &s->u.v;

	if (v->n_serials > 0) {
		jw_begin(w, "serials", '[');
		for (size_t i = 0; i < v->n_serials; i++)
			jw_u64(w, NULL, v->serials[i]);
		jw_end(w, ']');
	}
	if (v->key_id != NULL)
		jw_str(w, "key_id", v->key_id);
	if (v->person != NULL)
		jw_str(w, "person", v->person);
	if (v->key != NULL)
		st_write_pubkey(w, "key", v->key);
	jw_str(w, "reason", v->reason);
}

static void
revoke_describe(const struct statement *s, struct str *out)
{
	const struct revoke *v = &s->u.v;

	for (size_t i = 0; i < v->n_serials; i++)
		st_row(out, "serial", "%llu",
		    (unsigned long long)v->serials[i]);
	if (v->key_id != NULL)
		st_row(out, "key id", "%s", v->key_id);
	if (v->person != NULL)
		st_row(out, "person", "%s", v->person);
	if (v->key != NULL)
		st_row_key(out, "key", v->key);
	st_row(out, "reason", "%s", v->reason);
}

static void
revoke_clear(struct statement *s)
{
	struct revoke *v = &s->u.v;

	free(v->serials);
	free(v->key_id);
	free(v->person);
	pubkey_free(v->key);
	free(v->reason);
}

static int
key_read(const json_t *o, struct statement *s, struct err *e)
{
	struct key_change *k = &s->u.k;
	size_t action;
	int r;

	if ((r = st_read_either(o, "action", actions, &action, e)) != 0 ||
	    (r = st_read_pubkey(o, "key", &k->key, e)) != 0)
		return r;
	k->add = action == 0;
	if ((k->person = str_dup(s->by)) == NULL)
		return err_nomem(e);
	return 0;
}

static void
key_write(const struct statement *s, struct jw *w)
{
	jw_str(w, "action", actions[s->u.k.add ? 0 : 1]);
	st_write_pubkey(w, "key", s->u.k.key);
}

static void
key_describe(const struct statement *s, struct str *out)
{
	st_row(out, "action", "%s", actions[s->u.k.add ? 0 : 1]);
	st_row_key(out, "key", s->u.k.key);
}

static void
key_clear(struct statement *s)
{
	free(s->u.k.person);
	pubkey_free(s->u.k.key);
}

static bool
revoke_whole(const struct statement *s)
{
	return s->u.v.reason != NULL;
}

static bool
key_whole(const struct statement *s)
{
	return s->u.k.key != NULL;
}

const struct st_family st_revoke = {
    .name = "revoke",
    .ns = "revoke@writ",
    .keys = revoke_keys,
    .n_keys = sizeof(revoke_keys) / sizeof(revoke_keys[0]),
    .read = revoke_read,
    .write = revoke_write,
    .whole = revoke_whole,
    .describe = revoke_describe,
    .clear = revoke_clear,
};

const struct st_family st_key = {
    .name = "key",
    .ns = "key@writ",
    .keys = key_keys,
    .n_keys = sizeof(key_keys) / sizeof(key_keys[0]),
    .read = key_read,
    .write = key_write,
    .whole = key_whole,
    .describe = key_describe,
    .clear = key_clear,
};
