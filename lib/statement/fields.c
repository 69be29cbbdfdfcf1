/* SPDX-License-Identifier: ISC */
#include "lib/statement/fields.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

static const char *const kinds[] = {"user", "host"};

int
st_read_hash(const json_t *o, const char *key, struct hash *out, struct err *e)
{
	return json_hex(o, key, 0, out->b, HASH_LEN, e);
}

int
st_read_a_hash(const json_t *o, const char *key, bool *has, struct hash *out,
    struct err *e)
{
	*has = json_object_get(o, key) != NULL;
	return *has ? st_read_hash(o, key, out, e) : 0;
}

static int
compare_hashes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hash));
}

/* ERR_PARSE when one stands twice; sorts a copy, since their order counts. */
static int
check_distinct(const struct hash *v, size_t n, const char *key, struct err *e)
{
	struct hash *sorted = NULL;
	int r = 0;

	if ((sorted = malloc(n * sizeof(*v))) == NULL)
		return err_nomem(e);
	memcpy(sorted, v, n * sizeof(*v));
	qsort(sorted, n, sizeof(*v), compare_hashes);
	for (size_t i = 1; i < n; i++)
		if (hash_equal(&sorted[i - 1], &sorted[i]))
			r = err_set(e, ERR_PARSE,
			    "field '%s' names the same hash twice, "
			    "expected each once",
			    key);
	free(sorted);
	return r;
}

int
st_read_hashes(const json_t *o, const char *key, unsigned flags, size_t max,
    struct hash **out, size_t *n, struct err *e)
{
	const json_t *list = NULL;
	struct hash *v = NULL;
	size_t count;
	int r;

	r = json_array_of(o, key, flags, max, &list, e);
	if (r != 0 || list == NULL || json_array_size(list) == 0)
		return r;
	count = json_array_size(list);
	if ((v = calloc(count, sizeof(*v))) == NULL)
		return err_nomem(e);
	for (size_t i = 0; i < count; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s == NULL || hash_from_hex(s, &v[i]) != 0) {
			r = err_set(e, ERR_PARSE,
			    "field '%s' has a malformed element, expected 64 "
			    "digits of lower-case hex",
			    key);
			goto out;
		}
	}
	if ((r = check_distinct(v, count, key, e)) != 0)
		goto out;
	*out = v;
	*n = count;
	v = NULL;
out:
	free(v);
	return r;
}

int
st_read_map(const json_t *o, const char *key, const char *what, size_t max,
    size_t row_size,
    int (*read)(const json_t *obj, const char *name, void *row, struct err *e),
    void **rows, size_t *n_rows, struct err *e)
{
	const json_t *members = NULL;
	json_t *obj;
	char *row;
	int r;

	r = json_object_of(o, key, JSON_OPTIONAL, &members, e);
	if (r != 0 || members == NULL)
		return r;
	if (json_object_size(members) == 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is empty, expected at least one %s", key, what);
	if (json_object_size(members) > max)
		return err_set(e, ERR_LIMIT,
		    "field '%s' is too long, expected at most %zu %ss", key,
		    max, what);
	if ((row = calloc(json_object_size(members), row_size)) == NULL)
		return err_nomem(e);
	*rows = row;
	obj = json_object_get(o, key); /* an iterator wants it writable */
	for (void *it = json_object_iter(obj); it != NULL && r == 0;
	     it = json_object_iter_next(obj, it)) {
		++*n_rows;
		r = read(members, json_object_iter_key(it), row, e);
		row += row_size;
	}
	return r;
}

int
st_read_pubkey(const json_t *o, const char *key, struct pubkey **out,
    struct err *e)
{
	struct str line = STR_INIT;
	struct pubkey *k = NULL;
	const char *s = NULL;
	int r;

	if ((r = json_str(o, key, 0, PUBKEY_LINE_MAX, &s, e)) != 0)
		return r;
	if ((r = pubkey_parse_line(s, strlen(s), &k, NULL, e)) != 0) {
		err_prefix(e, "field '%s'", key);
		goto out;
	}
	/* One spelling alone, so that equal statements have equal bytes. */
	pubkey_add_line(&line, k, NULL);
	if ((r = str_check(&line)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if (strcmp(line.p, s) != 0) {
		r = err_set(e, ERR_PARSE,
		    "field '%s' holds more than a key, expected TYPE BASE64 "
		    "without a comment",
		    key);
		goto out;
	}
	*out = k;
	k = NULL;
out:
	str_clear(&line);
	pubkey_free(k);
	return r;
}

int
st_read_either(const json_t *o, const char *key, const char *const words[2],
    size_t *out, struct err *e)
{
	char q[QUOTE_MAX];
	const char *s = NULL;
	int r;

	if ((r = json_str(o, key, 0, ST_WORD_MAX, &s, e)) != 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(s, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	return err_set(e, ERR_PARSE, "field '%s' is %s, expected %s or %s", key,
	    str_quote(q, s), words[0], words[1]);
}

int
st_read_word(const json_t *o, const char *key, const char *const *words,
    size_t n, size_t *out, struct err *e)
{
	char q[QUOTE_MAX];
	struct str list = STR_INIT;
	const char *s = NULL;
	int r;

	if ((r = json_str(o, key, 0, ST_WORD_MAX, &s, e)) != 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s, words[i]) == 0) {
			*out = i;
			return 0;
		}
	}
	for (size_t i = 0; i < n; i++)
		str_addf(&list, "%s%s", i > 0 ? ", " : "", words[i]);
	if ((r = str_check(&list)) != 0)
		(void)err_nomem(e);
	else
		r = err_set(e, ERR_PARSE,
		    "field '%s' is %s, expected one of %s", key,
		    str_quote(q, s), list.p);
	str_clear(&list);
	return r;
}

int
st_read_kind(const json_t *o, enum cert_kind *out, struct err *e)
{
	size_t i;
	int r;

	if ((r = st_read_either(o, "kind", kinds, &i, e)) == 0)
		*out = i == 0 ? CERT_USER : CERT_HOST;
	return r;
}

int
st_read_id(const json_t *o, const char *key, char **out, struct err *e)
{
	char q[QUOTE_MAX];
	const char *s = NULL;
	int r;

	if ((r = json_str(o, key, 0, ID_MAX, &s, e)) != 0)
		return r;
	if (!id_is_valid(s))
		return err_set(e, ERR_PARSE,
		    "field '%s' is %s, expected an id of [a-z0-9._@+-]", key,
		    str_quote(q, s));
	if ((*out = str_dup(s)) == NULL)
		return err_nomem(e);
	return 0;
}

int
st_read_set(const json_t *o, const char *key, unsigned flags, size_t max_items,
    size_t max, struct strs *out, struct err *e)
{
	char q[QUOTE_MAX];
	int r;

	if ((r = json_strs(o, key, flags, max_items, max, out, e)) != 0)
		return r;
	for (size_t i = 1; i < out->n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(out->v[i], out->v[j]) == 0)
				return err_set(e, ERR_PARSE,
				    "field '%s' has %s twice, expected each "
				    "once",
				    key, str_quote(q, out->v[i]));
	return 0;
}

int
st_read_roles(const json_t *o, struct strs *out, struct err *e)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	char q[QUOTE_MAX];
	int r;

	r = st_read_set(o, "roles", JSON_OPTIONAL, HOST_ROLES_MAX,
	    HOST_ROLE_MAX, out, e);
	if (r != 0)
		return r;
	for (size_t i = 0; i < out->n; i++)
		if (out->v[i][strspn(out->v[i], set)] != '\0')
			return err_set(e, ERR_PARSE,
			    "field 'roles' has %s, expected names of "
			    "[a-z0-9._-]",
			    str_quote(q, out->v[i]));
	return 0;
}

bool
st_is_time(int64_t t)
{
	return t >= 0 && t <= CLOCK_MAX;
}

const char *
st_kind_name(enum cert_kind k)
{
	return kinds[k == CERT_HOST];
}

void
st_write_pubkey(struct jw *w, const char *key, const struct pubkey *k)
{
	struct str line = STR_INIT;

	pubkey_add_line(&line, k, NULL);
	if (str_check(&line) != 0)
		w->s->failed = true;
	jw_strn(w, key, line.p, line.n);
	str_clear(&line);
}

void
st_write_hash(struct jw *w, const char *key, const struct hash *h)
{
	jw_hex(w, key, h->b, HASH_LEN);
}

void
st_write_hashes(struct jw *w, const char *key, const struct hash *v, size_t n)
{
	jw_begin(w, key, '[');
	for (size_t i = 0; i < n; i++)
		st_write_hash(w, NULL, &v[i]);
	jw_end(w, ']');
}

void
st_write_some(struct jw *w, const char *key, const struct strs *l)
{
	if (l->n > 0)
		jw_strs(w, key, l);
}

void
st_row(struct str *out, const char *label, const char *fmt, ...)
{
	va_list ap;

	str_addf(out, "  %-12s ", label);
	va_start(ap, fmt);
	str_vaddf(out, fmt, ap);
	va_end(ap);
	str_addc(out, '\n');
}

void
st_row_strs(struct str *out, const char *label, const struct strs *l)
{
	str_addf(out, "  %-12s ", label);
	for (size_t i = 0; i < l->n; i++) {
		if (i > 0)
			str_add(out, ", ");
		str_add(out, l->v[i]);
	}
	if (l->n == 0)
		str_add(out, "none");
	str_addc(out, '\n');
}

void
st_row_key(struct str *out, const char *label, const struct pubkey *k)
{
	char fp[FINGERPRINT_MAX];

	pubkey_fingerprint(k, fp);
	st_row(out, label, "%s %s", pubkey_short_name(k), fp);
}

void
st_row_hash(struct str *out, const char *label, const struct hash *h)
{
	char hex[HASH_HEX];

	hash_hex(h, hex);
	st_row(out, label, "%s", hex);
}

void
st_row_span(struct str *out, const char *label, int64_t secs)
{
	char text[SPAN_TEXT];

	span_format(secs, text);
	st_row(out, label, "%s", text);
}

void
st_row_time(struct str *out, const char *label, int64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t, text);
	st_row(out, label, "%s", text);
}
