/* SPDX-License-Identifier: ISC */
/*
 * The state ssh_ca, read.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/ssh_ca_impl.h"
#include "agent/states/words.h"
#include "lib/ssh/lint.h"

void
ssh_ca_params_clear(void *params)
{
	struct ssh_ca_params *p = params;

	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		strs_clear(&p->v[i].principals);
	}
	free(p->v);
	*p = (struct ssh_ca_params){0};
}

bool
ssh_ca_is_account(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= CA_ACCOUNT_MAX && *s != '.' && *s != '-' &&
	    strspn(s,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789_.@-") == n;
}

static bool
is_principal(struct conf_in *in, const struct yaml_node *n)
{
	struct err e = {0};

	if (strlen(n->text) == n->n &&
	    lint_principal(CERT_USER, n->text, &e) == 0)
		return true;
	conf_error(in->diags, n->pos, "%s",
	    e.msg[0] != '\0' ? e.msg : "a principal with a NUL byte");
	return false;
}

static const struct conf_key principals_key = {
    .name = "principals",
    .expect = "a list of principals; [] lets nobody in",
    .min = 0,
    .max = CA_PRINCIPALS_MAX,
    .check = is_principal,
};

static void
read_account(struct conf_in *in, const struct yaml_pair *p,
    struct ssh_ca_params *out)
{
	struct conf_key key = principals_key;
	struct ca_account a = {0};
	char quoted[QUOTE_MAX];

	if (!ssh_ca_is_account(p->key)) {
		conf_error(in->diags, p->pos,
		    "%s is no name of an account, expected letters, digits "
		    "and _ . @ -",
		    str_quote(quoted, p->key));
		return;
	}
	key.name = p->key;
	if (!conf_is_texts(in, &key, p->value))
		return;
	if (vec_grow(&out->v, out->n, &out->cap, CA_ACCOUNTS_MAX) != 0 ||
	    (a.name = str_dup(p->key)) == NULL) {
		conf_nomem(in);
		return;
	}
	out->v[out->n++] = a;
	conf_texts(in, &key, p->value, &out->v[out->n - 1].principals);
}

static void
read_accounts(struct conf_in *in, const struct conf_key *k,
    const struct yaml_node *n, void *field)
{
	if (!conf_is_map(in, k, n))
		return;
	for (size_t i = 0; i < n->n; i++)
		read_account(in, &n->pairs[i], field);
}

static const struct conf_key keys[] = {
    {.name = "accounts",
	.read = read_accounts,
	.expect = "accounts, with the principals that may log in to each",
	.min = 1,
	.max = CA_ACCOUNTS_MAX},
    {.name = "ensure",
	.read = state_ensure,
	.offset = offsetof(struct ssh_ca_params, absent),
	.expect = "present or absent"},
};

void
ssh_ca_parse(struct conf_in *in, const struct yaml_node *n, void *params)
{
	struct ssh_ca_params *p = params;
	size_t errors = in->diags->n_errors;

	conf_map(in, n->pos, "ssh_ca", n, keys, sizeof(keys) / sizeof(keys[0]),
	    p);
	if (in->diags->n_errors == errors && !p->absent && p->n == 0)
		conf_error(in->diags, n->pos,
		    "ssh_ca has no 'accounts', expected some or 'ensure: "
		    "absent'");
}
