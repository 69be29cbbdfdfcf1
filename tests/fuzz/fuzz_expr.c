/* SPDX-License-Identifier: ISC */
/*
 * A match expression: refused with words, or one that answers, asks for what it
 * says it asks for, and reads the same a second time.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/expr.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char *
grain(void *ctx, const char *name)
{
	struct strs *asked = ctx;

	(void)!strs_add(asked, name);
	return strcmp(name, "os") == 0 ? "debian" : NULL;
}

static void
use(const struct expr *x)
{
	char web[] = "web", *roles[] = {web};
	struct strs role = {.v = roles, .n = 1}, asked = {0}, said = {0};
	struct expr_host h = {.id = "web-1.example.com",
	    .roles = &role,
	    .grain = grain,
	    .ctx = &asked};

	(void)expr_match(x, &h);
	if (expr_grains(x, &said) != 0)
		abort();
	for (size_t i = 0; i < asked.n; i++)
		if (!strs_has(&said, asked.v[i]))
			abort();
	if (expr_is_trusted(x) != (said.n == 0))
		abort();
	if (expr_roles(x, &said) != 0 || expr_ids(x, &said) != 0 ||
	    expr_samples(x, "id", &said) != 0)
		abort();
	strs_clear(&asked);
	strs_clear(&said);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct conf_diags d = {0};
	struct expr *x = NULL, *again = NULL;
	char *text = str_dupn(p, n);
	int r;

	if (text == NULL)
		return 0;
	r = expr_parse_text(text, (struct conf_pos){.file = "x"}, &x, &d);
	if ((r == 0) != (d.n_errors == 0) || (r == 0) != (x != NULL))
		abort();
	if (r == 0) {
		use(x);
		if (expr_parse_text(expr_text(x), (struct conf_pos){0}, &again,
			&d) != 0)
			abort();
	}
	expr_free(x);
	expr_free(again);
	conf_diags_clear(&d);
	free(text);
	return 0;
}
