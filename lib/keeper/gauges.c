/* SPDX-License-Identifier: ISC */
#include "lib/keeper/gauges.h"

#include <inttypes.h>

#include "lib/base/json.h"

static void
head(struct str *out, const char *name, const char *help, const char *type)
{
	str_addf(out, "# HELP writ_%s %s\n# TYPE writ_%s %s\nwrit_%s ", name,
	    help, name, type, name);
}

void
gauge(struct str *out, const char *name, const char *help, int64_t v)
{
	head(out, name, help, "gauge");
	str_addf(out, "%" PRId64 "\n", v);
}

void
counter(struct str *out, const char *name, const char *help, uint64_t v)
{
	head(out, name, help, "counter");
	str_addf(out, "%" PRIu64 "\n", v);
}

void
gauges_answer(enum call_form form, const struct str *text, struct str *out)
{
	struct jw w;

	if (form == FORM_TEXT) {
		str_addn(out, text->p, text->n);
	} else {
		jw_init(&w, out, false);
		jw_begin(&w, NULL, '{');
		jw_str(&w, "metrics", text->p);
		jw_end(&w, '}');
	}
	out->failed = out->failed || text->failed;
}
