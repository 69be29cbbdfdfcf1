/* SPDX-License-Identifier: ISC */
#include "lib/conf/diag.h"

#include <stdlib.h>

#include "lib/base/str.h"

static void
keep(struct conf_diags *d, bool warning, struct str *text)
{
	char *line;

	if (vec_grow(&d->v, d->n, &d->cap, CONF_DIAGS_MAX) != 0) {
		d->failed = true;
		str_clear(text);
		return;
	}
	if (str_take(text, &line) != 0) {
		d->failed = true;
		return;
	}
	d->v[d->n++] = (struct conf_diag){.warning = warning, .text = line};
}

static void add(struct conf_diags *d, bool warning, struct conf_pos pos,
    const char *fmt, va_list ap) PRINTF_LIKE(4, 0);

static void
add(struct conf_diags *d, bool warning, struct conf_pos pos, const char *fmt,
    va_list ap)
{
	struct str s = STR_INIT;

	if (warning)
		d->n_warnings++;
	else
		d->n_errors++;
	/* Past the limit only the count grows: nobody reads the rest. */
	if (d->n >= CONF_DIAGS_MAX)
		return;
	if (pos.file != NULL)
		str_add(&s, pos.file);
	if (pos.line > 0)
		str_addf(&s, ":%u:%u", pos.line, pos.col);
	if (s.n > 0)
		str_add(&s, ": ");
	str_vaddf(&s, fmt, ap);
	keep(d, warning, &s);
}

void
conf_error(struct conf_diags *d, struct conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, pos, fmt, ap);
	va_end(ap);
}

void
conf_warning(struct conf_diags *d, struct conf_pos pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, true, pos, fmt, ap);
	va_end(ap);
}

void
conf_diags_clear(struct conf_diags *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->v[i].text);
	free(d->v);
	*d = (struct conf_diags){0};
}

int
conf_diags_err(const struct conf_diags *d, int code, struct err *e)
{
	size_t more = d->n_errors > 0 ? d->n_errors - 1 : 0;

	/* What else is wrong is not why it failed. */
	if (code == ERR_NOMEM)
		return err_nomem(e);
	for (size_t i = 0; i < d->n; i++) {
		if (d->v[i].warning)
			continue;
		if (more == 0)
			return err_set(e, code, "%s", d->v[i].text);
		return err_set(e, code, "%s (and %zu more)", d->v[i].text,
		    more);
	}
	if (d->failed)
		return err_nomem(e);
	return err_set(e, code, "%s", err_text(code));
}
