/* SPDX-License-Identifier: ISC */
#include "ca/audit/told.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"

#define LINE_LEN (HASH_HEX - 1 + 1 + CLOCK_TEXT - 1) /* without its end */

void
told_alarms_clear(struct told_alarms *t)
{
	free(t->v);
	*t = (struct told_alarms){0};
}

/* --- one alarm ------------------------------------------------------------ */

void
gap_id(const struct gap *x, struct hash *out)
{
	const char *texts[] = {
	    x->kind, x->host, x->account, x->person, x->from, x->what};
	struct slice parts[sizeof(texts) / sizeof(texts[0]) + 1];
	char when[CLOCK_TEXT];
	size_t n = 0;

	/* No text has a NUL: with it, none can pass for the end of another. */
	for (; n < sizeof(texts) / sizeof(texts[0]); n++)
		parts[n] = texts[n] != NULL
		    ? slice_of(texts[n], strlen(texts[n]) + 1)
		    : slice_of("", 1);
	clock_format(x->at, when);
	parts[n] = slice_of(when, strlen(when));
	hash_sha256v(parts, n + 1, out);
}

static void
add_part(struct str *out, const char *before, const char *text)
{
	if (text != NULL && text[0] != '\0')
		str_addf(out, "%s%s", before, text);
}

void
gap_text(const struct gap *x, struct str *out)
{
	struct str s = STR_INIT;
	char when[CLOCK_TEXT];
	size_t end;

	str_add(&s, x->kind);
	add_part(&s, ": ", x->host);
	add_part(&s, ", account ", x->account);
	add_part(&s, ", certificate of ", x->person);
	add_part(&s, ", from ", x->from);
	if (x->at != 0) {
		clock_format(x->at, when);
		add_part(&s, ", ", when);
	}
	add_part(&s, ": ", x->what);
	if (str_check(&s) != 0) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			s.p[i] = ' ';
	end = s.n < TOLD_TEXT_MAX ? s.n : TOLD_TEXT_MAX;
	while (end < s.n && end > 0 && ((unsigned char)s.p[end] & 0xc0) == 0x80)
		end--;
	str_addn(out, s.p, end);
	str_clear(&s);
}

/* --- the file ------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	const struct told_alarm *x = a, *y = b;

	return memcmp(x->id.b, y->id.b, HASH_LEN);
}

static int
add(struct told_alarms *t, const struct told_alarm *x)
{
	int r = vec_grow(&t->v, t->n, &t->cap, TOLD_MAX);

	if (r == 0)
		t->v[t->n++] = *x;
	return r;
}

static int
parse_line(const char *p, struct told_alarm *out)
{
	char hex[HASH_HEX], when[CLOCK_TEXT];

	memcpy(hex, p, HASH_HEX - 1);
	hex[HASH_HEX - 1] = '\0';
	memcpy(when, p + HASH_HEX, CLOCK_TEXT - 1);
	when[CLOCK_TEXT - 1] = '\0';
	return p[HASH_HEX - 1] == ' ' && hash_from_hex(hex, &out->id) == 0 &&
		clock_parse(when, &out->at) == 0
	    ? 0
	    : ERR_PARSE;
}

int
told_alarms_parse(const char *file, struct slice text, struct told_alarms *out,
    struct err *e)
{
	const char *p = (const char *)text.p, *end = p + text.n;
	int r;

	for (size_t nth = 1; p < end; nth++) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct told_alarm x = {0};

		if (nl == NULL || nl - p != LINE_LEN || parse_line(p, &x) != 0)
			return err_set(e, ERR_PARSE,
			    "%s:%zu: malformed, expected the SHA-256 of an "
			    "alarm and a time",
			    file, nth);
		if ((r = add(out, &x)) == ERR_LIMIT)
			return err_set(e, r, "%s: more than %d alarms", file,
			    TOLD_MAX);
		if (r != 0)
			return err_nomem(e);
		p = nl + 1;
	}
	if (out->n > 0)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return 0;
}

void
told_alarms_write(struct told_alarms *t, int64_t now, struct str *out)
{
	if (t->n > 0)
		qsort(t->v, t->n, sizeof(*t->v), compare);
	for (size_t i = 0; i < t->n; i++) {
		const struct told_alarm *x = &t->v[i];
		char hex[HASH_HEX], when[CLOCK_TEXT];

		if (!x->is && now - x->at > TOLD_KEEP_S)
			continue;
		hash_hex(&x->id, hex);
		clock_format(x->at, when);
		str_addf(out, "%s %s\n", hex, when);
	}
}

/* --- what is new ---------------------------------------------------------- */

struct fresh {
	struct hash id;
	size_t i; /* in the gaps */
};

/* Of those that are alike, the first comes first. */
static int
compare_fresh(const void *a, const void *b)
{
	const struct fresh *x = a, *y = b;
	int r = memcmp(x->id.b, y->id.b, HASH_LEN);

	if (r != 0)
		return r;
	return x->i < y->i ? -1 : x->i > y->i;
}

static int
compare_places(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool
was_told(struct told_alarms *t, const struct hash *id)
{
	const struct told_alarm key = {.id = *id};
	struct told_alarm *x =
	    t->n == 0 ? NULL : bsearch(&key, t->v, t->n, sizeof(key), compare);

	if (x != NULL)
		x->is = true;
	return x != NULL;
}

int
told_alarms_new(struct told_alarms *t, const struct gaps *g, size_t **out,
    size_t *n)
{
	struct fresh *v = calloc(g->n + 1, sizeof(*v));
	size_t all = 0;

	*n = 0;
	*out = calloc(g->n + 1, sizeof(**out));
	if (v == NULL || *out == NULL) {
		free(v);
		free(*out);
		*out = NULL;
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < g->n; i++) {
		if (!g->v[i].alarm)
			continue;
		v[all].i = i;
		gap_id(&g->v[i], &v[all].id);
		all += !was_told(t, &v[all].id);
	}
	qsort(v, all, sizeof(*v), compare_fresh);
	for (size_t i = 0; i < all; i++)
		if (i == 0 || !hash_equal(&v[i - 1].id, &v[i].id))
			(*out)[(*n)++] = v[i].i;
	qsort(*out, *n, sizeof(**out), compare_places);
	free(v);
	return 0;
}

int
told_alarms_add(struct told_alarms *t, const struct gap *x, int64_t at)
{
	struct told_alarm a = {.at = at, .is = true};

	gap_id(x, &a.id);
	return add(t, &a);
}
