/* SPDX-License-Identifier: ISC */
#include "lib/cli/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

void
table_init(struct table *t, const char *const *columns, size_t n)
{
	*t = (struct table){.columns = columns, .n_columns = n};
}

void
table_clear(struct table *t)
{
	strs_clear(&t->cells);
	t->failed = false;
}

void
table_add(struct table *t, const char *text)
{
	if (strs_add(&t->cells, text != NULL ? text : "") != 0)
		t->failed = true;
}

void
table_addf(struct table *t, const char *fmt, ...)
{
	struct str s = STR_INIT;
	va_list ap;

	va_start(ap, fmt);
	str_vaddf(&s, fmt, ap);
	va_end(ap);
	if (str_check(&s) != 0)
		t->failed = true;
	else
		table_add(t, s.p);
	str_clear(&s);
}

void
table_add_number(struct table *t, bool has, uint64_t v)
{
	if (has)
		table_addf(t, "%llu", (unsigned long long)v);
	else
		table_add(t, NULL);
}

void
table_add_fingerprint(struct table *t, bool has, const struct hash *h)
{
	char text[FINGERPRINT_MAX];

	if (has)
		hash_fingerprint(h, text);
	table_add(t, has ? text : NULL);
}

void
table_add_list(struct table *t, const struct strs *l)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < l->n; i++)
		str_addf(&s, "%s%s", i > 0 ? "," : "", l->v[i]);
	table_add(t, s.p);
	t->failed |= str_check(&s) != 0;
	str_clear(&s);
}

size_t
table_rows(const struct table *t)
{
	return t->n_columns == 0 ? 0 : t->cells.n / t->n_columns;
}

static const char *
cell(const struct table *t, size_t row, size_t col)
{
	return t->cells.v[row * t->n_columns + col];
}

static void
add_padded(struct str *out, const char *text, size_t width, bool last)
{
	size_t len = text_length(text, strlen(text));

	str_add(out, text);
	for (; !last && len < width + 2; len++)
		str_addc(out, ' ');
}

static void
print_text(const struct table *t, const size_t *width, struct str *out)
{
	for (size_t c = 0; c < t->n_columns; c++) {
		char head[64];
		size_t i;

		for (i = 0; t->columns[c][i] != '\0' && i < 63; i++) {
			char ch = t->columns[c][i];

			head[i] = ch == '_'          ? ' '
			    : ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A')
						     : ch;
		}
		head[i] = '\0';
		add_padded(out, head, width[c], c + 1 == t->n_columns);
	}
	str_addc(out, '\n');
	for (size_t r = 0; r < table_rows(t); r++) {
		for (size_t c = 0; c < t->n_columns; c++)
			add_padded(out, cell(t, r, c), width[c],
			    c + 1 == t->n_columns);
		str_addc(out, '\n');
	}
}

static void
print_json(const struct table *t, struct str *out)
{
	struct jw w;

	jw_init(&w, out, true);
	jw_begin(&w, NULL, '[');
	for (size_t r = 0; r < table_rows(t); r++) {
		jw_begin(&w, NULL, '{');
		for (size_t c = 0; c < t->n_columns; c++)
			jw_str(&w, t->columns[c], cell(t, r, c));
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	str_addc(out, '\n');
}

/* Spreadsheets run a cell that begins with one of these. */
static void
csv_cell(struct str *out, const char *text)
{
	bool formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
	bool quote = formula || strpbrk(text, ",\"\n\r") != NULL;

	if (quote)
		str_addc(out, '"');
	if (formula)
		str_addc(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			str_addc(out, '"');
		str_addc(out, *text);
	}
	if (quote)
		str_addc(out, '"');
}

static void
print_csv(const struct table *t, struct str *out)
{
	for (size_t c = 0; c < t->n_columns; c++)
		str_addf(out, "%s%s", c > 0 ? "," : "", t->columns[c]);
	str_add(out, "\r\n");
	for (size_t r = 0; r < table_rows(t); r++) {
		for (size_t c = 0; c < t->n_columns; c++) {
			if (c > 0)
				str_addc(out, ',');
			csv_cell(out, cell(t, r, c));
		}
		str_add(out, "\r\n");
	}
}

int
table_print(const struct table *t, enum table_format f, struct str *out)
{
	size_t *width;

	if (t->failed)
		return ERR_NOMEM;
	if (f == TABLE_JSON) {
		print_json(t, out);
		return str_check(out);
	}
	if (f == TABLE_CSV) {
		print_csv(t, out);
		return str_check(out);
	}
	if ((width = calloc(t->n_columns + 1, sizeof(*width))) == NULL)
		return ERR_NOMEM;
	for (size_t c = 0; c < t->n_columns; c++) {
		width[c] = strlen(t->columns[c]);
		for (size_t r = 0; r < table_rows(t); r++) {
			const char *text = cell(t, r, c);
			size_t n = text_length(text, strlen(text));

			width[c] = n > width[c] ? n : width[c];
		}
	}
	print_text(t, width, out);
	free(width);
	return str_check(out);
}
