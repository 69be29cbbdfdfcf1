/* SPDX-License-Identifier: ISC */
/* What several readers read: names, globs, expressions, lists of files. */
#include <string.h>

#include "agent/fleet/fleet_impl.h"

bool
fleet_name_is_valid(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= FLEET_NAME_MAX && s[0] != '.' && s[0] != '-' &&
	    s[0] != '_' &&
	    strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

bool
fleet_check_name(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (fleet_name_is_valid(n->text))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is not a name, expected 1 to %d of a-z 0-9 . _ - that start "
	    "with a letter or digit",
	    str_quoten(quoted, n->text, n->n), FLEET_NAME_MAX);
	return false;
}

bool
fleet_check_glob(struct conf_in *in, const struct yaml_node *n)
{
	char quoted[QUOTE_MAX];

	if (id_glob_is_valid(n->text, n->n))
		return true;
	conf_error(in->diags, n->pos,
	    "%s is no host id and no glob over ids, expected 1 to %d of "
	    "[a-z0-9._@+-] and * ?",
	    str_quoten(quoted, n->text, n->n), ID_MAX);
	return false;
}

void
fleet_read_expr(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	struct expr **out = field;

	(void)k;
	/* The faults are in diags already. */
	if (expr_parse(n, out, in->diags) == ERR_NOMEM)
		conf_nomem(in);
}

void
fleet_read_files(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field, enum ref_kind kind)
{
	struct reading *rd = in->ctx;
	size_t errors = in->diags->n_errors;

	conf_texts(in, k, n, field);
	if (in->diags->n_errors > errors || in->diags->failed)
		return;
	for (size_t i = 0; i < n->n; i++) {
		if (vec_grow(&rd->refs, rd->n_refs, &rd->cap_refs, STRS_MAX) !=
		    0) {
			conf_nomem(in);
			return;
		}
		rd->refs[rd->n_refs++] = (struct ref){.kind = kind,
		    .name = n->items[i]->text,
		    .pos = n->items[i]->pos};
	}
}
