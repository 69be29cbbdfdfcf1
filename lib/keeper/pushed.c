/* SPDX-License-Identifier: ISC */
#include "lib/keeper/pushed.h"

#include <stdlib.h>

#include "lib/base/json.h"
#include "lib/statement/statement.h"

static int
dup_slice(struct slice from, struct slice *out)
{
	char *p = str_dupn(from.p, from.n);

	if (p == NULL)
		return ERR_NOMEM;
	*out = slice_of(p, from.n);
	return 0;
}

int
pushed_text(const json_t *args, const char *key, struct slice *out,
    struct err *e)
{
	const json_t *t = json_object_get(args, key);

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'%s' is missing, or no text",
		    key);
	if (dup_slice(slice_of(json_string_value(t), json_string_length(t)),
		out) != 0)
		return err_nomem(e);
	return 0;
}

int
pushed_files(struct slice manifest, pushed_file *find, void *ctx,
    struct policy_files *out, struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = manifest_parse(manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; i < m.n && r == 0; i++) {
		struct slice data = {0};
		char quoted[QUOTE_MAX];

		r = find(ctx, &m.v[i].hash, &data, e);
		if (r == PUSHED_NONE)
			r = err_set(e, ERR_NOTFOUND,
			    "%s of the manifest was not put",
			    str_quote(quoted, m.v[i].path));
		else if (r == 0 &&
		    policy_files_add(out, m.v[i].path, data.p, data.n) != 0)
			r = err_nomem(e);
	}
	policy_files_sort(out);
	manifest_clear(&m);
	return r;
}

static int
add_root(struct bundle_chain *c, struct slice file, struct slice statement,
    struct err *e)
{
	if (c->n_roots >= BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d roots",
		    BUNDLE_ROOTS_MAX);
	if (dup_slice(file, &c->root_files[c->n_roots]) != 0 ||
	    dup_slice(statement, &c->root_statements[c->n_roots++]) != 0)
		return err_nomem(e);
	return 0;
}

static int
add_new_root(struct bundle_chain *c, const json_t *o, struct err *e)
{
	struct slice file = {0}, statement = {0};
	int r;

	if (!json_is_object(o))
		return err_set(e, ERR_PARSE,
		    "'roots' has an entry that is no object");
	if ((r = pushed_text(o, "file", &file, e)) == 0 &&
	    (r = pushed_text(o, "statement", &statement, e)) == 0)
		r = add_root(c, file, statement, e);
	free((void *)(uintptr_t)file.p);
	free((void *)(uintptr_t)statement.p);
	return r;
}

static int
add_roots(const json_t *args, const struct bundle_chain *old,
    struct bundle_chain *c, struct err *e)
{
	const json_t *roots = NULL;
	int r = 0;

	for (size_t i = 0; i < old->n_roots && r == 0; i++)
		r = add_root(c, old->root_files[i], old->root_statements[i], e);
	if (r != 0 ||
	    (r = json_array_of(args, "roots", JSON_OPTIONAL | JSON_EMPTY_OK,
		 BUNDLE_ROOTS_MAX, &roots, e)) != 0)
		return r;
	for (size_t i = 0; i < json_array_size(roots) && r == 0; i++)
		r = add_new_root(c, json_array_get(roots, i), e);
	return r;
}

static int
read_version(struct slice statement, uint64_t *out, struct err *e)
{
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	r = statement_parse("statement", statement, &s, e);
	if (r == 0 && s.type != ST_POLICY)
		r = err_set(e, ERR_PARSE,
		    "'statement' is a %s statement, expected a policy's",
		    statement_type_name(s.type));
	if (r == 0)
		*out = s.u.bundle.version;
	statement_clear(&s);
	return r;
}

int
pushed_policy(const json_t *args, const struct bundle_chain *old,
    pushed_file *find, void *ctx, struct bundle_chain **out, struct err *e)
{
	struct bundle_chain *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = pushed_text(args, "statement", &c->statement, e)) != 0 ||
	    (r = pushed_text(args, "manifest", &c->manifest, e)) != 0 ||
	    (r = read_version(c->statement, &c->version, e)) != 0 ||
	    (r = add_roots(args, old, c, e)) != 0 ||
	    (r = pushed_files(c->manifest, find, ctx, &c->files, e)) != 0) {
		bundle_chain_clear(c);
		free(c);
		return r;
	}
	*out = c;
	return 0;
}
