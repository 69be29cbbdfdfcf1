/* SPDX-License-Identifier: ISC */
#include "agent/states/params.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"

/* Text that needs no quotes and is the same tree without them. */
static bool
is_bare(const struct yaml_node *n)
{
	return n->plain && n->n > 0 &&
	    strspn(n->text,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/") == n->n;
}

static void
write_quoted(const char *text, size_t n, struct str *out)
{
	struct jw w;

	jw_init(&w, out, false);
	jw_strn(&w, NULL, text, n);
}

void
params_write(const struct yaml_node *n, struct str *out)
{
	if (n == NULL) {
		str_add(out, "{}");
	} else if (n->kind == YAML_TEXT) {
		/* What is plain and empty is nothing, and stays so. */
		if (n->plain && n->n == 0)
			return;
		if (is_bare(n))
			str_add(out, n->text);
		else
			write_quoted(n->text, n->n, out);
	} else if (n->kind == YAML_LIST) {
		str_addc(out, '[');
		for (size_t i = 0; i < n->n; i++) {
			params_write(n->items[i], out);
			str_add(out, ", ");
		}
		str_addc(out, ']');
	} else {
		str_addc(out, '{');
		for (size_t i = 0; i < n->n; i++) {
			write_quoted(n->pairs[i].key, strlen(n->pairs[i].key),
			    out);
			str_add(out, ": ");
			params_write(n->pairs[i].value, out);
			str_add(out, ", ");
		}
		str_addc(out, '}');
	}
}

void
params_free(const struct state_ops *ops, void *params)
{
	if (params == NULL)
		return;
	if (ops->params_clear != NULL)
		ops->params_clear(params);
	free(params);
}

/* Into a new, zeroed block; ERR_PARSE when diags has an error more. */
static int
parse(const struct state_ops *ops, const struct yaml_node *n,
    struct conf_diags *diags, void **out)
{
	struct conf_in in = {.diags = diags};
	size_t before = diags->n_errors;
	void *params = calloc(1, ops->params_size > 0 ? ops->params_size : 1);

	if (params == NULL)
		return ERR_NOMEM;
	ops->parse(&in, n, params);
	if (diags->failed || diags->n_errors > before) {
		params_free(ops, params);
		return diags->failed ? ERR_NOMEM : ERR_PARSE;
	}
	*out = params;
	return 0;
}

int
params_read(const struct state_ops *ops, const char *text, void **out,
    struct err *e)
{
	struct conf_diags diags = {0};
	struct yaml_doc doc = {0};
	int r;

	if ((r = yaml_parse(ops->name, slice_str(text), &doc, &diags)) == 0)
		r = parse(ops, doc.root, &diags, out);
	if (r != 0)
		(void)conf_diags_err(&diags, r, e);
	yaml_doc_clear(&doc);
	conf_diags_clear(&diags);
	return r;
}

static int
read_one(const struct hstate *h, struct state *s, struct conf_diags *diags)
{
	struct str text = STR_INIT;
	int r;

	s->h = h;
	if ((s->ops = state_kind(h->decl->kind)) == NULL) {
		conf_error(diags, h->decl->kind_pos,
		    "unknown kind of state '%s', expected one that "
		    "`writ-agent states` lists",
		    h->decl->kind);
		return ERR_PARSE;
	}
	if (h->off || h->excepted != NULL)
		return 0;
	if ((r = parse(s->ops, h->params, diags, &s->params)) != 0)
		return r;
	params_write(h->params, &text);
	return str_take(&text, &s->text);
}

int
states_parse(const struct highstate *hs, struct states *out,
    struct conf_diags *diags)
{
	struct states all = {0};
	int r = 0, one;

	if (hs->n > 0 && (all.v = calloc(hs->n, sizeof(*all.v))) == NULL)
		return ERR_NOMEM;
	all.n = hs->n;
	for (size_t i = 0; i < hs->n && r != ERR_NOMEM; i++)
		if ((one = read_one(&hs->v[i], &all.v[i], diags)) != 0)
			r = one;
	if (r != 0)
		states_clear(&all);
	else
		*out = all;
	return r;
}

void
states_clear(struct states *s)
{
	for (size_t i = 0; i < s->n; i++) {
		params_free(s->v[i].ops, s->v[i].params);
		free(s->v[i].text);
	}
	free(s->v);
	*s = (struct states){0};
}
