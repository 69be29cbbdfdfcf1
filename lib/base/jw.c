/* SPDX-License-Identifier: ISC */
#include "lib/base/json.h"

#include <string.h>

#include "lib/base/clock.h"

void
jw_init(struct jw *w, struct str *s, bool pretty)
{
	*w = (struct jw){.s = s, .pretty = pretty};
}

static void
new_line(struct jw *w)
{
	if (!w->pretty)
		return;
	str_addc(w->s, '\n');
	for (unsigned i = 0; i < w->depth; i++)
		str_addn(w->s, "  ", 2);
}

/* The escape of a byte, or NULL where it stands for itself. */
static const char *
escape(unsigned char c, char room[7])
{
	static const char hex[] = "0123456789abcdef";

	switch (c) {
	case '"':
		return "\\\"";
	case '\\':
		return "\\\\";
	case '\b':
		return "\\b";
	case '\f':
		return "\\f";
	case '\n':
		return "\\n";
	case '\r':
		return "\\r";
	case '\t':
		return "\\t";
	default:
		if (c >= 0x20)
			return NULL;
		memcpy(room, "\\u00", 4);
		room[4] = hex[c >> 4];
		room[5] = hex[c & 15];
		room[6] = '\0';
		return room;
	}
}

static void
add_quoted(struct str *s, const char *v, size_t n)
{
	size_t from = 0;
	char room[7];

	str_addc(s, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)v[i];
		const char *esc;

		/* Nearly all of them: not worth a call. */
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		if ((esc = escape(c, room)) == NULL)
			continue;
		str_addn(s, v + from, i - from);
		str_add(s, esc);
		from = i + 1;
	}
	str_addn(s, v + from, n - from);
	str_addc(s, '"');
}

/* What comes before a value. */
static void
lead_in(struct jw *w, const char *key)
{
	if (w->comma)
		str_addc(w->s, ',');
	if (w->depth > 0)
		new_line(w);
	w->comma = true;
	if (key == NULL)
		return;
	add_quoted(w->s, key, strlen(key));
	str_addc(w->s, ':');
	if (w->pretty)
		str_addc(w->s, ' ');
}

void
jw_begin(struct jw *w, const char *key, char open)
{
	lead_in(w, key);
	str_addc(w->s, open);
	w->depth++;
	w->comma = false;
}

void
jw_end(struct jw *w, char close)
{
	w->depth--;
	if (w->comma)
		new_line(w);
	str_addc(w->s, close);
	w->comma = true;
}

void
jw_str(struct jw *w, const char *key, const char *v)
{
	jw_strn(w, key, v, strlen(v));
}

void
jw_strn(struct jw *w, const char *key, const char *v, size_t n)
{
	lead_in(w, key);
	add_quoted(w->s, v, n);
}

/* Decimal digits; snprintf() would be most of the time of a small record. */
static void
add_u64(struct str *s, uint64_t v)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	str_addn(s, text + at, sizeof(text) - at);
}

void
jw_int(struct jw *w, const char *key, int64_t v)
{
	lead_in(w, key);
	if (v < 0)
		str_addc(w->s, '-');
	add_u64(w->s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void
jw_u64(struct jw *w, const char *key, uint64_t v)
{
	lead_in(w, key);
	str_addc(w->s, '"');
	add_u64(w->s, v);
	str_addc(w->s, '"');
}

void
jw_bool(struct jw *w, const char *key, bool v)
{
	lead_in(w, key);
	str_add(w->s, v ? "true" : "false");
}

void
jw_time(struct jw *w, const char *key, int64_t t)
{
	char text[CLOCK_TEXT];

	clock_format(t, text);
	jw_strn(w, key, text, CLOCK_TEXT - 1);
}

void
jw_span(struct jw *w, const char *key, int64_t secs)
{
	char text[SPAN_TEXT];

	span_format(secs, text);
	jw_str(w, key, text);
}

void
jw_hex(struct jw *w, const char *key, const void *p, size_t n)
{
	lead_in(w, key);
	str_addc(w->s, '"');
	str_add_hex(w->s, p, n);
	str_addc(w->s, '"');
}

void
jw_base64(struct jw *w, const char *key, const void *p, size_t n)
{
	lead_in(w, key);
	str_addc(w->s, '"');
	str_add_base64(w->s, p, n);
	str_addc(w->s, '"');
}

void
jw_strs(struct jw *w, const char *key, const struct strs *l)
{
	jw_begin(w, key, '[');
	for (size_t i = 0; i < l->n; i++)
		jw_str(w, NULL, l->v[i]);
	jw_end(w, ']');
}

void
jw_null(struct jw *w, const char *key)
{
	lead_in(w, key);
	str_add(w->s, "null");
}

void
jw_err(struct jw *w, const struct err *e)
{
	char name[ERR_NAME];

	err_name(e->code, name);
	jw_str(w, "error", e->msg);
	if (e->hint[0] != '\0')
		jw_str(w, "hint", e->hint);
	jw_str(w, "code", name);
}
