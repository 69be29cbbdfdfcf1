/* SPDX-License-Identifier: ISC */
#include "lib/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STR_FIRST   128 /* bytes of the first allocation */
#define QUOTE_SHOWN 60  /* bytes of user text that a message shows */

char str_empty[1] = "";

void
str_init(struct str *s)
{
	*s = (struct str)STR_INIT;
}

void
str_clear(struct str *s)
{
	if (s->cap > 0) {
		mem_wipe(s->p, s->n);
		free(s->p);
	}
	str_init(s);
}

void
str_reset(struct str *s)
{
	if (s->cap > 0) {
		mem_wipe(s->p, s->n);
		s->p[0] = '\0';
	}
	s->n = 0;
	s->failed = false;
}

/*
 * Room for n more bytes and the NUL.  Not by realloc(), since text may be
 * secret and realloc() leaves a copy behind.
 */
static bool
grow(struct str *s, size_t n)
{
	size_t need, cap;
	char *p;

	if (s->failed)
		return false;
	if (n < s->cap && s->n < s->cap - n)
		return true;
	if (n > SIZE_MAX / 4 || s->n > SIZE_MAX / 4)
		goto fail;
	need = s->n + n + 1;
	for (cap = s->cap > 0 ? s->cap : STR_FIRST; cap < need; cap *= 2)
		;
	if ((p = malloc(cap)) == NULL)
		goto fail;
	memcpy(p, s->p, s->n + 1);
	if (s->cap > 0) {
		mem_wipe(s->p, s->n);
		free(s->p);
	}
	s->p = p;
	s->cap = cap;
	return true;
fail:
	s->failed = true;
	return false;
}

void
str_add(struct str *s, const char *text)
{
	str_addn(s, text, strlen(text));
}

void
str_addn(struct str *s, const char *text, size_t n)
{
	if (n == 0 || !grow(s, n))
		return;
	memcpy(s->p + s->n, text, n);
	s->n += n;
	s->p[s->n] = '\0';
}

void
str_addc(struct str *s, char c)
{
	if (!grow(s, 1))
		return;
	s->p[s->n++] = c;
	s->p[s->n] = '\0';
}

void
str_addf(struct str *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(s, fmt, ap);
	va_end(ap);
}

void
str_vaddf(struct str *s, const char *fmt, va_list ap)
{
	va_list again;
	int len;

	if (!grow(s, 1))
		return;
	va_copy(again, ap);
	len = vsnprintf(s->p + s->n, s->cap - s->n, fmt, ap);
	if (len < 0) {
		s->p[s->n] = '\0';
		s->failed = true;
	} else if ((size_t)len < s->cap - s->n) {
		s->n += (size_t)len;
	} else {
		s->p[s->n] = '\0';
		if (grow(s, (size_t)len)) {
			(void)vsnprintf(s->p + s->n, s->cap - s->n, fmt, again);
			s->n += (size_t)len;
		}
	}
	va_end(again);
}

/* The quoted text into out, which holds QUOTE_MAX; returns its length. */
static size_t
quote(char *out, const char *text, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t shown = n < QUOTE_SHOWN ? n : QUOTE_SHOWN;
	char *o = out;

	*o++ = '\'';
	for (size_t i = 0; i < shown; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\'' || c == '\\') {
			*o++ = '\\';
			*o++ = (char)c;
		} else if (c >= 0x20 && c < 0x7f) {
			*o++ = (char)c;
		} else {
			*o++ = '\\';
			*o++ = 'x';
			*o++ = hex[c >> 4];
			*o++ = hex[c & 15];
		}
	}
	*o++ = '\'';
	if (shown < n) {
		memcpy(o, "...", 3);
		o += 3;
	}
	*o = '\0';
	return (size_t)(o - out);
}

_Static_assert(4 * QUOTE_SHOWN + sizeof("''...") <= QUOTE_MAX,
    "a quoted text fits its buffer");

void
str_add_quoted(struct str *s, const char *text, size_t n)
{
	char out[QUOTE_MAX];

	str_addn(s, out, quote(out, text, n));
}

const char *
str_quoten(char out[QUOTE_MAX], const char *text, size_t n)
{
	(void)quote(out, text, n);
	return out;
}

const char *
str_quote(char out[QUOTE_MAX], const char *text)
{
	return str_quoten(out, text, strlen(text));
}

int
str_take(struct str *s, char **out)
{
	char *p = NULL;

	if (!s->failed)
		p = s->cap > 0 ? s->p : str_dup("");
	if (p == NULL) {
		str_clear(s);
		return ERR_NOMEM;
	}
	str_init(s);
	*out = p;
	return 0;
}

int
str_vset(char **out, const char *fmt, va_list ap)
{
	struct str s = STR_INIT;
	char *text;
	int r;

	str_vaddf(&s, fmt, ap);
	if ((r = str_take(&s, &text)) != 0)
		return r;
	free(*out);
	*out = text;
	return 0;
}

int
str_check(const struct str *s)
{
	return s->failed ? ERR_NOMEM : 0;
}

char *
str_dup(const char *s)
{
	return str_dupn(s, strlen(s));
}

char *
str_dupn(const void *p, size_t n)
{
	char *copy;

	if (n == SIZE_MAX || (copy = malloc(n + 1)) == NULL)
		return NULL;
	if (n > 0)
		memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}
