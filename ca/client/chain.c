/* SPDX-License-Identifier: ISC */
#include "ca/client/chain.h"

#include "lib/base/json.h"
#include "lib/base/str.h"

static int
dup_text(const char *text, size_t n, struct slice *out, struct err *e)
{
	char *p = str_dupn(text, n);

	if (p == NULL)
		return err_nomem(e);
	*out = slice_of(p, n);
	return 0;
}

/* Text of an answer that is bytes of a file: any UTF-8 without NUL, its line
 * ends too.  What it has to be, hashes and signatures say. */
static int
take_text(const json_t *o, const char *key, size_t max, struct slice *out,
    struct err *e)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		return err_set(e, ERR_PARSE, "'%s' is missing, expected text",
		    key);
	if (json_string_length(v) > max)
		return err_set(e, ERR_LIMIT, "'%s' has more than %zu bytes",
		    key, max);
	return dup_text(json_string_value(v), json_string_length(v), out, e);
}

static int
take_roots(const json_t *body, struct bundle_chain *c, struct err *e)
{
	const json_t *roots = NULL, *item;
	size_t i;
	int r;

	if ((r = json_array_of(body, "roots", 0, BUNDLE_ROOTS_MAX, &roots,
		 e)) != 0)
		return r;
	json_array_foreach (roots, i, item) {
		c->n_roots++; /* from here on cleared with the chain */
		if ((r = take_text(item, "file", POLICY_FILE_MAX,
			 &c->root_files[i], e)) != 0 ||
		    (r = take_text(item, "statement", STATEMENT_MAX,
			 &c->root_statements[i], e)) != 0)
			return r;
	}
	return 0;
}

int
chain_parse(const json_t *body, struct bundle_chain *c, struct err *e)
{
	int r;

	if ((r = json_u64(body, "version", 0, 1, UINT64_MAX, &c->version, e)) !=
		0 ||
	    (r = take_roots(body, c, e)) != 0 ||
	    (r = take_text(body, "statement", STATEMENT_MAX, &c->statement,
		 e)) != 0)
		return r;
	return take_text(body, "manifest", BUNDLE_MANIFEST_MAX, &c->manifest,
	    e);
}
