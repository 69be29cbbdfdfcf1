/* SPDX-License-Identifier: ISC */
#include "lib/cli/table.h"

#include <string.h>
#include <unistd.h>

#include "lib/base/json.h"
#include "lib/cli/cli.h"
#include "lib/cli/table_impl.h"

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

const char *
table_cell(const struct table *t, size_t row, size_t col)
{
	return t->cells.v[row * t->n_columns + col];
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
			jw_str(&w, t->columns[c], table_cell(t, r, c));
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
			csv_cell(out, table_cell(t, r, c));
		}
		str_add(out, "\r\n");
	}
}

int
table_print(const struct table *t, enum table_format f, struct str *out)
{
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
	return table_print_text(t, out);
}

enum table_format
cli_format(const struct cli_args *a)
{
	if (cli_flag(a, "json"))
		return TABLE_JSON;
	return cli_flag(a, "csv") ? TABLE_CSV : TABLE_TEXT;
}

int
cli_print_table(struct table *t, enum table_format f, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	t->width = cli_width(STDOUT_FILENO);
	if ((r = table_print(t, f, &s)) != 0)
		(void)err_nomem(e);
	else
		r = cli_print(&s, e);
	str_clear(&s);
	return r;
}
