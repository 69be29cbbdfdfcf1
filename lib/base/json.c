/* SPDX-License-Identifier: ISC */
#include "lib/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

/*
 * jansson's readers of objects take a json_t that is not const, though they
 * leave it as it is.
 */
static json_t *
unconst(const json_t *o)
{
	return (json_t *)(uintptr_t)o;
}

int
json_known(const json_t *o, const char *const names[], size_t n_names,
    struct err *e)
{
	json_t *obj = unconst(o);
	char q[QUOTE_MAX];

	for (void *it = json_object_iter(obj); it != NULL;
	     it = json_object_iter_next(obj, it)) {
		const char *key = json_object_iter_key(it);
		size_t i = 0;

		while (i < n_names && strcmp(key, names[i]) != 0)
			i++;
		if (i == n_names)
			return err_set(e, ERR_PARSE, "unknown field %s",
			    str_quote(q, key));
	}
	return 0;
}

/*
 * The field into *out, NULL where it is absent and may be; is() is false for
 * every other type than `what` names.
 */
static int
field(const json_t *o, const char *key, unsigned flags, json_type type,
    const char *what, const json_t **out, struct err *e)
{
	const json_t *v = json_object_get(o, key);

	*out = v;
	if (v == NULL && (flags & JSON_OPTIONAL) != 0)
		return 0;
	if (v == NULL)
		return err_set(e, ERR_PARSE,
		    "field '%s' is missing, expected "
		    "%s",
		    key, what);
	/* Booleans have two types in jansson; JSON_TRUE stands for both. */
	if (json_typeof(v) != type && !(type == JSON_TRUE && json_is_false(v)))
		return err_set(e, ERR_PARSE,
		    "field '%s' has the wrong type, "
		    "expected %s",
		    key, what);
	return 0;
}

/* The rules for the text of a field or of an element of one. */
static int
check_text(const json_t *v, const char *key, unsigned flags, size_t max,
    struct err *e)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v), bad;

	if (n > max)
		return err_set(e, ERR_LIMIT,
		    "field '%s' is too long, expected "
		    "at most %zu bytes",
		    key, max);
	if (n == 0 && (flags & JSON_EMPTY_OK) == 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is empty, expected "
		    "text",
		    key);
	if (!text_is_clean(s, n, &bad))
		return err_set(e, ERR_PARSE,
		    "field '%s' has an invisible or "
		    "invalid character at byte %zu, expected clean UTF-8",
		    key, bad);
	return 0;
}

static int
text_field(const json_t *o, const char *key, unsigned flags, size_t max,
    const char *what, const char **out, struct err *e)
{
	const json_t *v;
	int r;

	if ((r = field(o, key, flags, JSON_STRING, what, &v, e)) != 0)
		return r;
	if (v == NULL)
		return 0;
	if ((r = check_text(v, key, flags, max, e)) != 0)
		return r;
	*out = json_string_value(v);
	return 0;
}

int
json_str(const json_t *o, const char *key, unsigned flags, size_t max,
    const char **out, struct err *e)
{
	return text_field(o, key, flags, max, "a string", out, e);
}

int
json_strdup(const json_t *o, const char *key, unsigned flags, size_t max,
    char **out, struct err *e)
{
	const char *s = NULL;
	char *copy;
	int r;

	if ((r = json_str(o, key, flags, max, &s, e)) != 0 || s == NULL)
		return r;
	if ((copy = str_dup(s)) == NULL)
		return err_nomem(e);
	*out = copy;
	return 0;
}

int
json_int(const json_t *o, const char *key, unsigned flags, int64_t min,
    int64_t max, int64_t *out, struct err *e)
{
	const json_t *v;
	int64_t x;
	int r;

	r = field(o, key, flags, JSON_INTEGER, "a whole number", &v, e);
	if (r != 0 || v == NULL)
		return r;
	x = json_integer_value(v);
	if (x < min || x > max)
		return err_set(e, ERR_LIMIT,
		    "field '%s' is out of range, "
		    "expected %lld to %lld",
		    key, (long long)min, (long long)max);
	*out = x;
	return 0;
}

int
json_u64(const json_t *o, const char *key, unsigned flags, uint64_t min,
    uint64_t max, uint64_t *out, struct err *e)
{
	static const char what[] = "a decimal number in a string";
	const char *s = NULL;
	int r;

	flags &= ~(unsigned)JSON_EMPTY_OK;
	if ((r = text_field(o, key, flags, 20, what, &s, e)) != 0 || s == NULL)
		return r;
	r = parse_u64(s, min, max, out);
	if (r == ERR_LIMIT)
		return err_set(e, r,
		    "field '%s' is out of range, expected "
		    "%llu to %llu",
		    key, (unsigned long long)min, (unsigned long long)max);
	if (r != 0)
		return err_set(e, r, "field '%s' is malformed, expected %s",
		    key, what);
	return 0;
}

int
json_bool(const json_t *o, const char *key, unsigned flags, bool *out,
    struct err *e)
{
	const json_t *v;
	int r;

	r = field(o, key, flags, JSON_TRUE, "true or false", &v, e);
	if (r == 0 && v != NULL)
		*out = json_is_true(v);
	return r;
}

int
json_time(const json_t *o, const char *key, unsigned flags, int64_t *out,
    struct err *e)
{
	static const char what[] = "a time like 2026-11-23T02:36:00Z";
	const char *s = NULL;
	int r;

	flags &= ~(unsigned)JSON_EMPTY_OK;
	r = text_field(o, key, flags, CLOCK_TEXT - 1, what, &s, e);
	if (r != 0 || s == NULL)
		return r;
	if (clock_parse(s, out) != 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is malformed, "
		    "expected %s",
		    key, what);
	return 0;
}

int
json_span(const json_t *o, const char *key, unsigned flags, int64_t *out,
    struct err *e)
{
	static const char what[] = "a span like 90s, 15m, 8h or 7d";
	char canonical[SPAN_TEXT];
	const char *s = NULL;
	int64_t secs;
	int r;

	flags &= ~(unsigned)JSON_EMPTY_OK;
	r = text_field(o, key, flags, SPAN_TEXT - 1, what, &s, e);
	if (r != 0 || s == NULL)
		return r;
	r = span_parse(s, &secs);
	if (r == ERR_LIMIT)
		return err_set(e, r,
		    "field '%s' is out of range, expected 1s "
		    "to 100000d",
		    key);
	if (r != 0)
		return err_set(e, r, "field '%s' is malformed, expected %s",
		    key, what);
	span_format(secs, canonical);
	if (strcmp(s, canonical) != 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is not in its "
		    "shortest form, expected %s",
		    key, canonical);
	*out = secs;
	return 0;
}

int
json_hex(const json_t *o, const char *key, unsigned flags, uint8_t *out,
    size_t n, struct err *e)
{
	const char *s = NULL;
	int r;

	flags &= ~(unsigned)JSON_EMPTY_OK;
	r = text_field(o, key, flags, 2 * n, "lower-case hex", &s, e);
	if (r != 0 || s == NULL)
		return r;
	if (hex_decode(s, strlen(s), out, n) != 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is malformed, "
		    "expected %zu digits of lower-case hex",
		    key, 2 * n);
	return 0;
}

int
json_array_of(const json_t *o, const char *key, unsigned flags,
    size_t max_items, const json_t **out, struct err *e)
{
	const json_t *v;
	int r;

	r = field(o, key, flags, JSON_ARRAY, "a list", &v, e);
	if (r != 0 || v == NULL)
		return r;
	if (json_array_size(v) > max_items)
		return err_set(e, ERR_LIMIT,
		    "field '%s' is too long, expected "
		    "at most %zu elements",
		    key, max_items);
	if (json_array_size(v) == 0 && (flags & JSON_EMPTY_OK) == 0)
		return err_set(e, ERR_PARSE,
		    "field '%s' is empty, expected "
		    "at least one element",
		    key);
	*out = v;
	return 0;
}

int
json_strs(const json_t *o, const char *key, unsigned flags, size_t max_items,
    size_t max, struct strs *out, struct err *e)
{
	const json_t *v = NULL;
	size_t old = out->n;
	int r;

	r = json_array_of(o, key, flags, max_items, &v, e);
	if (r != 0 || v == NULL)
		return r;
	for (size_t i = 0; i < json_array_size(v); i++) {
		const json_t *s = json_array_get(v, i);

		if (!json_is_string(s))
			r = err_set(e, ERR_PARSE,
			    "field '%s' has an element "
			    "of the wrong type, expected strings",
			    key);
		else
			r = check_text(s, key, 0, max, e);
		if (r == 0 &&
		    (r = strs_addn(out, json_string_value(s),
			 json_string_length(s))) != 0)
			(void)err_set(e, r, "field '%s': %s", key, err_text(r));
		if (r != 0)
			goto undo;
	}
	return 0;
undo:
	while (out->n > old)
		free(out->v[--out->n]);
	return r;
}

int
json_object_of(const json_t *o, const char *key, unsigned flags,
    const json_t **out, struct err *e)
{
	const json_t *v;
	int r;

	r = field(o, key, flags, JSON_OBJECT, "an object", &v, e);
	if (r == 0 && v != NULL)
		*out = v;
	return r;
}

const char *
json_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}
