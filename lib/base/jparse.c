/* SPDX-License-Identifier: ISC */
/*
 * The parser makes jansson's tree, but is not jansson's: its lexer ignores a
 * failed allocation while it collects a token, so that a string comes out with
 * a byte missing, or a key malformed, and says nothing (seen with 2.14).  What
 * people signed must be read whole or not at all.
 */
#include "lib/base/json.h"

#include <string.h>

struct in {
	const char *start, *p, *end;
	unsigned depth;
	struct str scratch; /* the last string that had escapes */
	struct err *e;
};

static int parse_value(struct in *in, json_t **out);

static int
fail(const struct in *in, const char *expected)
{
	const char *line = in->start;
	unsigned n_lines = 1;

	for (const char *s = in->start; s < in->p; s++) {
		if (*s == '\n') {
			n_lines++;
			line = s + 1;
		}
	}
	return err_set(in->e, ERR_PARSE, "%u:%td: malformed JSON, expected %s",
	    n_lines, in->p - line + 1, expected);
}

static void
skip_blanks(struct in *in)
{
	while (in->p < in->end &&
	    (*in->p == ' ' || *in->p == '\n' || *in->p == '\t' ||
		*in->p == '\r'))
		in->p++;
}

/* Eat c, after blanks, if it is next. */
static bool
accept(struct in *in, char c)
{
	skip_blanks(in);
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

/* The four hex digits of an escape. */
static int
parse_hex4(struct in *in, uint32_t *out)
{
	uint32_t v = 0;

	for (int i = 0; i < 4; i++, in->p++) {
		unsigned c;

		if (in->p == in->end)
			return ERR_PARSE;
		c = (unsigned char)*in->p;
		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return ERR_PARSE;
		v = v << 4 | c;
	}
	*out = v;
	return 0;
}

static void
add_utf8(struct str *s, uint32_t cp)
{
	if (cp < 0x80) {
		str_addc(s, (char)cp);
	} else if (cp < 0x800) {
		str_addc(s, (char)(0xc0 | cp >> 6));
		str_addc(s, (char)(0x80 | (cp & 0x3f)));
	} else {
		if (cp < 0x10000) {
			str_addc(s, (char)(0xe0 | cp >> 12));
		} else {
			str_addc(s, (char)(0xf0 | cp >> 18));
			str_addc(s, (char)(0x80 | (cp >> 12 & 0x3f)));
		}
		str_addc(s, (char)(0x80 | (cp >> 6 & 0x3f)));
		str_addc(s, (char)(0x80 | (cp & 0x3f)));
	}
}

/* After "\u": a code point, which may need the escape that follows too. */
static int
parse_unicode(struct in *in)
{
	uint32_t cp, low;

	if (parse_hex4(in, &cp) != 0)
		return fail(in, "four hex digits");
	if (cp >= 0xd800 && cp <= 0xdbff) {
		if (in->end - in->p < 2 || memcmp(in->p, "\\u", 2) != 0)
			return fail(in, "the second half of a surrogate pair");
		in->p += 2;
		if (parse_hex4(in, &low) != 0 || low < 0xdc00 || low > 0xdfff)
			return fail(in, "the second half of a surrogate pair");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	} else if (cp >= 0xdc00 && cp <= 0xdfff) {
		return fail(in, "the first half of a surrogate pair");
	} else if (cp == 0) {
		return fail(in, "a character other than U+0000");
	}
	add_utf8(&in->scratch, cp);
	return 0;
}

/* After a backslash. */
static int
parse_escape(struct in *in)
{
	static const char names[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (in->p < in->end && *in->p == 'u') {
		in->p++;
		return parse_unicode(in);
	}
	if (in->p == in->end || *in->p == '\0' ||
	    (at = strchr(names, *in->p)) == NULL)
		return fail(in, "an escape");
	str_addc(&in->scratch, values[at - names]);
	in->p++;
	return 0;
}

/*
 * After the first quote, to after the last.  The text is borrowed: from the
 * input, or from scratch until the next string where it had escapes.
 */
static int
parse_string(struct in *in, struct slice *out)
{
	const char *from = in->p;
	bool escaped = false;
	int r;

	str_reset(&in->scratch);
	for (;;) {
		while (in->p < in->end && *in->p != '"' && *in->p != '\\' &&
		    (unsigned char)*in->p >= 0x20)
			in->p++;
		if (in->p == in->end || (unsigned char)*in->p < 0x20)
			return fail(in, "the end of a string");
		if (*in->p == '"' && !escaped)
			break;
		str_addn(&in->scratch, from, (size_t)(in->p - from));
		if (*in->p == '"')
			break;
		escaped = true;
		in->p++;
		if ((r = parse_escape(in)) != 0)
			return r;
		from = in->p;
	}
	if (str_check(&in->scratch) != 0)
		return err_nomem(in->e);
	*out = escaped ? slice_of(in->scratch.p, in->scratch.n)
		       : slice_of(from, (size_t)(in->p - from));
	in->p++;
	return 0;
}

/* Whole numbers alone: nothing here has any other, and doubles lose digits. */
static int
parse_number(struct in *in, json_t **out)
{
	bool minus = *in->p == '-';
	const char *first;
	uint64_t v = 0, max = minus ? (uint64_t)INT64_MAX + 1 : INT64_MAX;

	if (minus)
		in->p++;
	for (first = in->p; in->p < in->end && *in->p >= '0' && *in->p <= '9';
	     in->p++) {
		unsigned d = (unsigned)(*in->p - '0');

		if (v > (max - d) / 10)
			return fail(in, "a number of at most 63 bits");
		v = v * 10 + d;
	}
	if (in->p == first || (*first == '0' && (in->p - first > 1 || minus)) ||
	    (in->p < in->end &&
		(*in->p == '.' || *in->p == 'e' || *in->p == 'E')))
		return fail(in, "a whole number");
	/* By way of -(v - 1) - 1, as INT64_MIN has no positive counterpart. */
	*out = json_integer(minus ? -(json_int_t)(v - 1) - 1 : (json_int_t)v);
	return *out != NULL ? 0 : err_nomem(in->e);
}

/* After the '['. */
static int
parse_array(struct in *in, json_t **out)
{
	json_t *a = json_array(), *v = NULL;
	int r = 0;

	if (a == NULL)
		return err_nomem(in->e);
	if (accept(in, ']')) {
		*out = a;
		return 0;
	}
	do {
		if ((r = parse_value(in, &v)) != 0)
			goto out;
		/* Takes the reference, also where it fails. */
		if (json_array_append_new(a, v) != 0) {
			r = err_nomem(in->e);
			goto out;
		}
	} while (accept(in, ','));
	if (!accept(in, ']')) {
		r = fail(in, "',' or ']'");
		goto out;
	}
	*out = a;
	return 0;
out:
	json_decref(a);
	return r;
}

/* A key and its ':', into a buffer of JSON_KEY_MAX + 1. */
static int
parse_key(struct in *in, const json_t *o, char *key)
{
	struct slice s = {0};
	char q[QUOTE_MAX];
	int r;

	if (!accept(in, '"'))
		return fail(in, "a field name in quotes");
	if ((r = parse_string(in, &s)) != 0)
		return r;
	if (s.n > JSON_KEY_MAX)
		return fail(in, "a shorter field name");
	if (s.n > 0)
		memcpy(key, s.p, s.n);
	key[s.n] = '\0';
	if (json_object_get(o, key) != NULL)
		return err_set(in->e, ERR_PARSE,
		    "field %s is there twice, expected once",
		    str_quote(q, key));
	return accept(in, ':') ? 0 : fail(in, "':'");
}

/* After the '{'. */
static int
parse_object(struct in *in, json_t **out)
{
	json_t *o = json_object(), *v = NULL;
	char key[JSON_KEY_MAX + 1];
	int r = 0;

	if (o == NULL)
		return err_nomem(in->e);
	if (accept(in, '}')) {
		*out = o;
		return 0;
	}
	do {
		if ((r = parse_key(in, o, key)) != 0 ||
		    (r = parse_value(in, &v)) != 0)
			goto out;
		/* Takes the reference, also where it fails. */
		if (json_object_set_new_nocheck(o, key, v) != 0) {
			r = err_nomem(in->e);
			goto out;
		}
	} while (accept(in, ','));
	if (!accept(in, '}')) {
		r = fail(in, "',' or '}'");
		goto out;
	}
	*out = o;
	return 0;
out:
	json_decref(o);
	return r;
}

static bool
accept_word(struct in *in, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(in->end - in->p) < n || memcmp(in->p, word, n) != 0)
		return false;
	in->p += n;
	return true;
}

static int
parse_nested(struct in *in, json_t **out)
{
	int r;

	if (in->depth == JSON_DEPTH_MAX)
		return fail(in, "less nesting");
	in->depth++;
	r = *in->p++ == '{' ? parse_object(in, out) : parse_array(in, out);
	in->depth--;
	return r;
}

static int
parse_value(struct in *in, json_t **out)
{
	struct slice s = {0};
	int r;

	skip_blanks(in);
	if (in->p == in->end)
		return fail(in, "a value");
	if (*in->p == '{' || *in->p == '[')
		return parse_nested(in, out);
	if (*in->p == '-' || (*in->p >= '0' && *in->p <= '9'))
		return parse_number(in, out);
	if (*in->p == '"') {
		in->p++;
		if ((r = parse_string(in, &s)) != 0)
			return r;
		*out = json_stringn_nocheck((const char *)s.p, s.n);
		return *out != NULL ? 0 : err_nomem(in->e);
	}
	/* These three are constants: no allocation, no failure. */
	if (accept_word(in, "true"))
		*out = json_true();
	else if (accept_word(in, "false"))
		*out = json_false();
	else if (accept_word(in, "null"))
		*out = json_null();
	else
		return fail(in, "a value");
	return 0;
}

/* What begins with that bracket, and is called so. */
static int
read_whole(struct slice text, size_t max, char bracket, const char *what,
    json_t **out, struct err *e)
{
	struct in in = {.scratch = STR_INIT, .e = e};
	json_t *o = NULL;
	size_t bad;
	int r;

	if (text.n > max)
		return err_set(e, ERR_LIMIT,
		    "JSON text is too large, expected at most %zu bytes", max);
	in.start = in.p = text.n > 0 ? (const char *)text.p : "";
	in.end = in.start + text.n;
	if (!text_is_utf8(in.start, text.n, &bad)) {
		in.p += bad;
		return fail(&in, "UTF-8");
	}
	skip_blanks(&in);
	if (in.p == in.end || *in.p != bracket) {
		r = fail(&in, what);
		goto out;
	}
	if ((r = parse_nested(&in, &o)) != 0)
		goto out;
	skip_blanks(&in);
	if (in.p != in.end) {
		r = fail(&in,
		    bracket == '{' ? "nothing after the object"
				   : "nothing after the list");
		json_decref(o);
		goto out;
	}
	*out = o;
out:
	str_clear(&in.scratch);
	return r;
}

int
json_read(struct slice text, size_t max, json_t **out, struct err *e)
{
	return read_whole(text, max, '{', "an object", out, e);
}

int
json_read_list(struct slice text, size_t max, json_t **out, struct err *e)
{
	return read_whole(text, max, '[', "a list", out, e);
}
