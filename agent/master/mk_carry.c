/* SPDX-License-Identifier: ISC */
/*
 * What is handed out: statements and files, by content.  A host gets what it is to
 * have and nothing else, and cannot tell what there is besides.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"

static void
put_slice(struct jw *w, const char *key, struct slice s)
{
	jw_strn(w, key, (const char *)s.p, s.n);
}

/* --- chain ---------------------------------------------------------------- */

static int
chain_policy(struct mk *k, uint64_t after, struct str *out, struct err *e)
{
	const struct bundle_chain *c = content_chain(k->content);
	struct hash h;
	struct jw w;

	(void)e;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", c->version);
	jw_begin(&w, "roots", '[');
	for (size_t i = (size_t)(after < c->n_roots ? after : c->n_roots);
	     i < c->n_roots; i++) {
		jw_begin(&w, NULL, '{');
		jw_u64(&w, "version", i + 1);
		put_slice(&w, "statement", c->root_statements[i]);
		hash_sha256(c->root_files[i].p, c->root_files[i].n, &h);
		jw_hex(&w, "file", h.b, HASH_LEN);
		jw_u64(&w, "size", c->root_files[i].n);
		jw_end(&w, '}');
	}
	jw_end(&w, ']');
	put_slice(&w, "statement", c->statement);
	hash_sha256(c->manifest.p, c->manifest.n, &h);
	jw_hex(&w, "manifest", h.b, HASH_LEN);
	jw_u64(&w, "size", c->manifest.n);
	jw_end(&w, '}');
	return 0;
}

/* The version that a caller is to have: a host's target, a person's newest. */
static uint64_t
version_for(struct mk *k, const struct mk_call *c)
{
	const struct job *j;

	if (c->host == NULL)
		return content_held(k->content)->version;
	j = jobs_target(k->jobs, c->host->number);
	return j != NULL ? j->version : 0;
}

static int
chain_fleet(struct mk *k, const struct mk_call *c, uint64_t after,
    struct str *out, struct err *e)
{
	uint64_t version = version_for(k, c), first = version;
	const struct content_fleet *f = content_fleet(k->content, version);
	const struct content_fleet *b;
	struct jw w;

	if (f == NULL)
		return err_set(e, ERR_NOTFOUND,
		    "there is no version of the fleet for %s yet",
		    c->host != NULL ? c->host->id : "anybody");
	/* Who is ahead of the version has none between, and `after` no next
	 * number where it is the last. */
	if (after != 0 && after < version)
		first = after + 1;
	if (version - first > FLEET_BETWEEN_MAX)
		return err_set(e, ERR_LIMIT,
		    "more than %d versions lie between", FLEET_BETWEEN_MAX);
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", version);
	jw_begin(&w, "between", '[');
	for (uint64_t v = first; v < version; v++)
		if ((b = content_fleet(k->content, v)) != NULL)
			jw_strn(&w, NULL, b->text, b->n);
	jw_end(&w, ']');
	jw_strn(&w, "statement", f->text, f->n);
	jw_hex(&w, "manifest", f->manifest.b, HASH_LEN);
	jw_u64(&w, "size", f->size);
	jw_end(&w, '}');
	return 0;
}

int
mk_chain(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const char *what = NULL;
	char quoted[QUOTE_MAX];
	uint64_t after = 0;
	int r;

	if ((r = json_str(c->args, "what", 0, 16, &what, e)) != 0 ||
	    (r = json_u64(c->args, "after", JSON_OPTIONAL, 0, UINT64_MAX,
		 &after, e)) != 0)
		return r;
	if (strcmp(what, "policy") == 0)
		return chain_policy(k, after, out, e);
	if (strcmp(what, "fleet") == 0)
		return chain_fleet(k, c, after, out, e);
	return err_set(e, ERR_PARSE, "'what' is %s, expected policy or fleet",
	    str_quote(quoted, what));
}

/* --- object --------------------------------------------------------------- */

/* What is looked for, and where it was found; own: to be freed. */
struct found {
	struct slice data;
	char *own;
};

static int
take_own(int r, struct found *f, char *own, size_t n)
{
	if (r == 0) {
		f->own = own;
		f->data = slice_of(own, n);
	}
	return r;
}

static int
find_list(const struct mk *k, const struct hash *h, struct found *f)
{
	if (k->krl.statement == NULL)
		return 1;
	if (hash_equal(&k->krl.name, h))
		f->data = slice_of(k->krl.statement, k->krl.n_statement);
	else if (hash_equal(&k->krl.file, h))
		f->data = slice_of(k->krl.list, k->krl.n_list);
	else
		return 1;
	return 0;
}

struct cert_found {
	struct found *f;
	struct err *e;
};

static int
take_certificate(void *ctx, const struct host_rows *row)
{
	struct cert_found *x = ctx;

	if (row->certificate == NULL)
		return 0;
	if ((x->f->own = str_dup(row->certificate)) == NULL)
		return err_nomem(x->e);
	x->f->data = slice_str(x->f->own);
	return 0;
}

static bool
is_rename_of(const struct fleet_host_row *row, const struct hash *h)
{
	for (size_t i = 0; i < row->n_renames; i++)
		if (hash_equal(&row->renames[i], h))
			return true;
	return false;
}

/* Its acceptance and by which token, what it asked in with, its certificate. */
static int
find_own(struct mk *k, struct mk_host *host, const struct fleet_host_row *row,
    const struct hash *h, struct found *f, struct err *e)
{
	struct cert_found x = {f, e};
	char *own = NULL;
	size_t n = 0;
	int r;

	if (hash_equal(&row->accept, h) || hash_equal(&row->enrol, h) ||
	    (row->by_token && hash_equal(&row->token, h)) ||
	    is_rename_of(row, h)) {
		r = mk_said(k, h, &own, &n, e);
		return take_own(r, f, own, n);
	}
	if (!host->has_certificate || !hash_equal(&host->certificate, h))
		return 1;
	if ((r = rows_host(k->rows, host->id, take_certificate, &x, e)) != 0)
		return r;
	return f->data.p != NULL ? 0 : 1;
}

static int
find_for_host(struct mk *k, struct mk_host *host, const struct hash *h,
    struct found *f, struct err *e)
{
	const struct fleet_host_row *row = mk_row(k, host);
	const struct job *j = jobs_target(k->jobs, host->number);
	int r;

	if (row == NULL)
		return 1;
	if ((r = find_own(k, host, row, h, f, e)) != 1 || j == NULL)
		return r;
	return content_fleet_file(k->content, j->version, h, host->id,
	    row->roles, &f->data, e);
}

/* A person gets what any host of any version could. */
static int
find_for_person(struct mk *k, const struct hash *h, struct found *f,
    struct err *e)
{
	char *own = NULL;
	size_t n = 0;
	int r;

	r = mk_said(k, h, &own, &n, e);
	if (r != 1)
		return take_own(r, f, own, n);
	r = mk_said_targets(k, h, &own, &n, e);
	if (r != 1)
		return take_own(r, f, own, n);
	return content_fleet_file(k->content, content_held(k->content)->version,
	    h, NULL, NULL, &f->data, e);
}

static int
find_object(struct mk *k, struct mk_call *c, const struct hash *h,
    struct found *f, struct err *e)
{
	f->data = content_policy_file(k->content, h);
	if (f->data.p != NULL || find_list(k, h, f) == 0)
		return 0;
	return c->host != NULL ? find_for_host(k, c->host, h, f, e)
			       : find_for_person(k, h, f, e);
}

int
mk_object(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct found f = {.own = NULL};
	uint64_t offset = 0;
	struct hash h;
	struct jw w;
	size_t n;
	int r;

	if ((r = json_hex(c->args, "hash", 0, h.b, HASH_LEN, e)) != 0 ||
	    (r = json_u64(c->args, "offset", JSON_OPTIONAL, 0, UINT64_MAX,
		 &offset, e)) != 0)
		return r;
	mk_about(c, &h);
	if ((r = find_object(k, c, &h, &f, e)) == 1)
		r = err_set(e, ERR_NOTFOUND, "no such object");
	if (r == 0 && offset > f.data.n)
		r = err_set(e, ERR_LIMIT, "the object ends before 'offset'");
	if (r != 0)
		goto out;
	n = f.data.n - (size_t)offset;
	if (n > MK_PIECE)
		n = MK_PIECE;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "size", f.data.n);
	jw_base64(&w, "data", f.data.p + offset, n);
	jw_end(&w, '}');
out:
	free(f.own);
	return r;
}
