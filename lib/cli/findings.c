/* SPDX-License-Identifier: ISC */
#include "lib/cli/findings.h"

#include <string.h>

#include "lib/base/clock.h"
#include "lib/cli/cli.h"

void
findings_init(struct findings *f)
{
	static const char *const columns[] = {"result", "what", "detail"};

	table_init(&f->table, columns, 3);
	f->failed = false;
}

void
findings_clear(struct findings *f)
{
	table_clear(&f->table);
}

void
findings_vadd(struct findings *f, enum finding how, const char *what,
    const char *fmt, va_list ap)
{
	static const char *const words[] = {"ok", "warn", "fail"};
	struct str s = STR_INIT;

	str_vaddf(&s, fmt, ap);
	if (str_check(&s) != 0)
		f->table.failed = true;
	table_add(&f->table, words[how]);
	table_add(&f->table, what);
	table_add(&f->table, s.p);
	str_clear(&s);
	if (how == FINDING_FAIL)
		f->failed = true;
}

void
findings_add(struct findings *f, enum finding how, const char *what,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	findings_vadd(f, how, what, fmt, ap);
	va_end(ap);
}

void
findings_err(struct findings *f, enum finding how, const char *what,
    const struct err *e)
{
	findings_add(f, how, what, "%s%s%s%s", e->msg,
	    e->hint[0] != '\0' ? " (" : "", e->hint,
	    e->hint[0] != '\0' ? ")" : "");
}

void
findings_policy(struct findings *f, const struct trust *t, int64_t now)
{
	char when[CLOCK_TEXT];
	struct str text = STR_INIT;
	struct err e = {0};
	char *line, *end;
	int r;

	clock_format(t->policy->expires, when);
	findings_add(f, FINDING_OK, "policy", "version %llu, signed, until %s",
	    (unsigned long long)t->policy->version, when);
	if ((r = trust_expiry(t, now, &text, &e)) < 0)
		findings_err(f, FINDING_FAIL, "expiry", &e);
	for (line = text.p; r >= 0 && (end = strchr(line, '\n')) != NULL;
	     line = end + 1) {
		*end = '\0';
		findings_add(f, FINDING_WARN, "expiry", "%s", line);
	}
	str_clear(&text);
}

int
findings_print(const struct findings *f, bool json, struct err *e)
{
	struct str s = STR_INIT;
	int r;

	if (f->table.failed)
		return err_nomem(e);
	if (json) {
		if (table_print(&f->table, TABLE_JSON, &s) != 0)
			s.failed = true;
	} else {
		for (size_t i = 0; i + 2 < f->table.cells.n; i += 3)
			str_addf(&s, "%-5s %-10s %s\n", f->table.cells.v[i],
			    f->table.cells.v[i + 1], f->table.cells.v[i + 2]);
	}
	r = cli_print(&s, e);
	return r == 0 && f->failed ? EXIT_REFUSED : r;
}
