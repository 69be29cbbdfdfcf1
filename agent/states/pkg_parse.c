/* SPDX-License-Identifier: ISC */
/*
 * pkg: parameters.
 */
#include <string.h>

#include "agent/states/pkg_impl.h"

/* Debian Policy 5.6.1. */
static bool
check_name(struct conf_in *in, const struct yaml_node *n)
{
	static const char more[] = "abcdefghijklmnopqrstuvwxyz0123456789+.-";
	char quoted[QUOTE_MAX];

	if (n->n >= 2 && n->n <= 128 && strspn(n->text, more) == n->n &&
	    strchr("+.-", n->text[0]) == NULL)
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no package, expected a name such as openssh-server",
	    str_quote(quoted, n->text));
	return false;
}

static const struct conf_key keys[] = {
    {"absent", conf_texts, offsetof(struct pkg_params, absent), false,
	"a list of packages", 1, PKG_MAX, check_name},
    {"held", conf_texts, offsetof(struct pkg_params, held), false,
	"a list of packages", 1, PKG_MAX, check_name},
    {"present", conf_texts, offsetof(struct pkg_params, present), false,
	"a list of packages", 1, PKG_MAX, check_name},
};

void
pkg_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct pkg_params *p = params;
	size_t before = in->diags->n_errors;

	conf_map(in, n->pos, "pkg", n, keys, sizeof(keys) / sizeof(keys[0]), p);
	if (in->diags->n_errors > before)
		return;
	if (p->present.n + p->absent.n + p->held.n == 0)
		conf_error(in->diags, n->pos,
		    "pkg names no package, expected present, absent or held");
	for (size_t i = 0; i < p->absent.n; i++)
		if (strs_has(&p->present, p->absent.v[i]) ||
		    strs_has(&p->held, p->absent.v[i]))
			conf_error(in->diags, n->pos,
			    "%s is to be absent, and present or held",
			    p->absent.v[i]);
}

void
pkg_params_clear(void *params)
{
	struct pkg_params *p = params;

	strs_clear(&p->present);
	strs_clear(&p->absent);
	strs_clear(&p->held);
}
