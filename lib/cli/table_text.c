/* SPDX-License-Identifier: ISC */
/* A table as lines of text, in columns that fit a terminal. */
#include <stdlib.h>
#include <string.h>

#include "lib/cli/table_impl.h"
#include "lib/cli/width.h"

#define GAP      2 /* blanks between columns */
#define HEAD_MAX 63

/* A column: how wide it is, and what is still to be printed of its cell. */
struct column {
	char head[HEAD_MAX + 1];
	size_t width, least;
	const char *rest;
};

/* "valid_before" as "VALID BEFORE". */
static void
make_head(const char *name, char head[HEAD_MAX + 1])
{
	size_t i;

	for (i = 0; i < HEAD_MAX && name[i] != '\0'; i++) {
		char ch = name[i];

		head[i] = ch == '_'          ? ' '
		    : ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A')
					     : ch;
	}
	head[i] = '\0';
}

/* --- widths --------------------------------------------------------------- */

/* Of a column that is narrowed to most, where it can be. */
static size_t
narrowed(const struct column *v, size_t most)
{
	size_t width = most > v->least ? most : v->least;

	return v->width < width ? v->width : width;
}

/* What all columns take if none is wider than most. */
static size_t
total(const struct column *v, size_t n, size_t most)
{
	size_t sum = n > 0 ? (n - 1) * GAP : 0;

	for (size_t c = 0; c < n; c++)
		sum += narrowed(&v[c], most);
	return sum;
}

/* The widest give way first, all to the same width; what is left over then goes
 * to those from the left. */
static void
narrow(struct column *v, size_t n, size_t width)
{
	size_t most = TABLE_NARROWEST, left;

	while (total(v, n, most + 1) <= width)
		most++;
	left = total(v, n, most) < width ? width - total(v, n, most) : 0;
	for (size_t c = 0; c < n; c++) {
		size_t to = narrowed(&v[c], most);

		if (v[c].width <= to)
			continue;
		v[c].width = left > 0 ? to + 1 : to;
		left -= left > 0;
	}
}

static size_t
longest_word(const char *text)
{
	size_t longest = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " "), width = width_of(text, n);

		longest = width > longest ? width : longest;
		text += n + strspn(text + n, " ");
	}
	return longest;
}

static void
measure(const struct table *t, struct column *v)
{
	for (size_t c = 0; c < t->n_columns; c++) {
		bool whole =
		    t->whole != NULL && strcmp(t->columns[c], t->whole) == 0;

		make_head(t->columns[c], v[c].head);
		v[c].width = strlen(v[c].head);
		v[c].least = TABLE_NARROWEST;
		for (size_t r = 0; r < table_rows(t); r++) {
			const char *text = table_cell(t, r, c);
			size_t len = width_of(text, strlen(text));

			v[c].width = len > v[c].width ? len : v[c].width;
			len = whole ? longest_word(text) : 0;
			v[c].least = len > v[c].least ? len : v[c].least;
		}
	}
	if (t->width != 0 && total(v, t->n_columns, SIZE_MAX) > t->width)
		narrow(v, t->n_columns, t->width);
}

/* --- lines ---------------------------------------------------------------- */

/* How much of the first n bytes of text ends with one of those characters; 0 where
 * none stands in their second half. */
static size_t
break_behind(const char *text, size_t n, const char *chars)
{
	for (size_t i = n; i > 0 && i >= n / 2; i--)
		if (strchr(chars, text[i - 1]) != NULL)
			return i;
	return 0;
}

/* Bytes of text that go into one line, up to where a reader expects a break. */
static size_t
line_of(const char *text, size_t width)
{
	size_t whole = width_cut(text, width), n;

	if (text[whole] == '\0' || text[whole] == ' ')
		return whole;
	if ((n = break_behind(text, whole, " ")) != 0)
		return n - 1;
	n = break_behind(text, whole, ",;/@:.-");
	return n != 0 ? n : whole;
}

/* Columns from c on have something left. */
static bool
goes_on(const struct column *v, size_t n, size_t c)
{
	for (; c < n; c++)
		if (v[c].rest[0] != '\0')
			return true;
	return false;
}

static void
add_line(struct column *v, size_t n, bool first, struct str *out)
{
	for (size_t c = 0; c < n; c++) {
		size_t len = line_of(v[c].rest, v[c].width);
		size_t shown = width_of(v[c].rest, len);

		str_addn(out, v[c].rest, len);
		v[c].rest += len;
		while (v[c].rest[0] == ' ' && len > 0)
			v[c].rest++;
		if (c + 1 == n || (!first && !goes_on(v, n, c + 1)))
			break;
		for (; shown < v[c].width + GAP; shown++)
			str_addc(out, ' ');
	}
	str_addc(out, '\n');
}

static void
add_row(struct column *v, size_t n, struct str *out)
{
	bool first = true;

	do {
		add_line(v, n, first, out);
		first = false;
	} while (goes_on(v, n, 0));
}

int
table_print_text(const struct table *t, struct str *out)
{
	struct column *v = calloc(t->n_columns + 1, sizeof(*v));

	if (v == NULL)
		return ERR_NOMEM;
	measure(t, v);
	for (size_t c = 0; c < t->n_columns; c++)
		v[c].rest = v[c].head;
	add_row(v, t->n_columns, out);
	for (size_t r = 0; r < table_rows(t); r++) {
		for (size_t c = 0; c < t->n_columns; c++)
			v[c].rest = table_cell(t, r, c);
		add_row(v, t->n_columns, out);
	}
	free(v);
	return str_check(out);
}
