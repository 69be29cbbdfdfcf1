/* SPDX-License-Identifier: ISC */
/*
 * put, push: a newer policy, fleet or revocation list, file by file, then the
 * statements that name them.  It is verified whole before anything is stored; a
 * fleet that is pushed moves nobody.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_calls.h"
#include "agent/master/mk_impl.h"
#include "lib/proc/plog.h"

#define STAGE_SECS INT64_C(1800)

void
mk_stage_clear(struct mk_stage *s)
{
	for (size_t i = 0; i < s->n; i++)
		free((void *)(uintptr_t)s->v[i].p);
	free(s->v);
	free(s->owner);
	memset(s, 0, sizeof(*s));
}

/* --- what was put ------------------------------------------------------------------- */

static struct mk_stage *
find_stage(struct mk *k, const char *owner)
{
	for (size_t i = 0; i < MK_STAGES; i++)
		if (k->stages[i].owner != NULL &&
		    strcmp(k->stages[i].owner, owner) == 0)
			return &k->stages[i];
	return NULL;
}

static int
new_stage(struct mk *k, const char *owner, struct mk_stage **out, struct err *e)
{
	struct mk_stage *s = NULL;

	for (size_t i = 0; i < MK_STAGES; i++) {
		if (k->stages[i].owner != NULL &&
		    k->now - k->stages[i].at > STAGE_SECS)
			mk_stage_clear(&k->stages[i]);
		if (s == NULL && k->stages[i].owner == NULL)
			s = &k->stages[i];
	}
	if (s == NULL)
		return err_set(e, ERR_BUSY,
		    "%d others put files for a push, try again later",
		    MK_STAGES);
	if ((s->owner = str_dup(owner)) == NULL)
		return err_nomem(e);
	*out = s;
	return 0;
}

static int
stage_add(struct mk_stage *s, struct buf *b, struct hash *h, struct err *e)
{
	struct slice data = buf_slice(b);
	uint8_t *p = NULL;
	size_t n;

	hash_sha256(data.p, data.n, h);
	for (size_t i = 0; i < s->n; i++)
		if (slice_equal(s->v[i], data))
			return 0;
	if (s->n >= MK_STAGE_FILES || s->bytes + data.n > MK_STAGE_BYTES)
		return err_set(e, ERR_LIMIT,
		    "more than %d files or %u bytes put for one push",
		    MK_STAGE_FILES, MK_STAGE_BYTES);
	if (vec_grow(&s->v, s->n, &s->cap, MK_STAGE_FILES) != 0)
		return err_nomem(e);
	buf_take(b, &p, &n);
	s->v[s->n++] = slice_of(p, n);
	s->bytes += n;
	return 0;
}

/* Officers and operators sign what is pushed; others have nothing to put. */
static int
check_signer(struct mk *k, const struct mk_call *c, struct err *e)
{
	const struct person *who =
	    policy_person(content_trust(k->content)->policy, c->name);

	if (who != NULL && (who->officer || who->operator))
		return 0;
	return err_set(e, ERR_DENIED,
	    "%s is no officer or operator, and nobody else pushes", c->name);
}

int
mk_put(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	const json_t *t = json_object_get(c->args, "data");
	struct mk_stage *s = find_stage(k, c->name);
	struct buf *b = NULL;
	struct hash h;
	struct jw w;
	int r;

	if ((r = check_signer(k, c, e)) != 0)
		return r;
	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'data' is missing, or no text");
	if (buf_new(&b, CALL_MAX) != 0)
		return err_nomem(e);
	if ((r = base64_decode(json_string_value(t), json_string_length(t),
		 b)) != 0) {
		r = err_set(e, r, "'data' is not base64");
		goto out;
	}
	if (s == NULL && (r = new_stage(k, c->name, &s, e)) != 0)
		goto out;
	s->at = k->now;
	if ((r = stage_add(s, b, &h, e)) != 0)
		goto out;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_hex(&w, "hash", h.b, HASH_LEN);
	jw_end(&w, '}');
out:
	buf_free(b);
	return r;
}

/* --- parts of a push ------------------------------------------------------------------ */

static int
dup_slice(struct slice from, struct slice *out)
{
	char *p = str_dupn(from.p, from.n);

	if (p == NULL)
		return ERR_NOMEM;
	*out = slice_of(p, from.n);
	return 0;
}

static int
text_field(const json_t *o, const char *key, struct slice *out, struct err *e)
{
	const json_t *t = json_object_get(o, key);

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'%s' is missing, or no text",
		    key);
	if (dup_slice(slice_of(json_string_value(t), json_string_length(t)),
		out) != 0)
		return err_nomem(e);
	return 0;
}

static struct slice
staged(const struct mk_stage *s, const struct hash *h)
{
	struct hash own;

	for (size_t i = 0; s != NULL && i < s->n; i++) {
		hash_sha256(s->v[i].p, s->v[i].n, &own);
		if (hash_equal(&own, h))
			return s->v[i];
	}
	return slice_of(NULL, 0);
}

struct slice
mk_staged(struct mk *k, const char *who, const struct hash *h)
{
	return staged(find_stage(k, who), h);
}

/* What was put, or what the version in force has too. */
static int
find_file(struct mk *k, const struct mk_call *c, bool fleet,
    const struct hash *h, struct slice *out, struct err *e)
{
	int r;

	*out = staged(find_stage(k, c->name), h);
	if (out->p != NULL)
		return 0;
	if (!fleet) {
		*out = content_policy_file(k->content, h);
		return out->p != NULL ? 0 : 1;
	}
	if (!content_held(k->content)->have)
		return 1;
	r = content_fleet_file(k->content, content_held(k->content)->version, h,
	    NULL, NULL, out, e);
	return r;
}

static int
add_files(struct mk *k, const struct mk_call *c, bool fleet,
    struct slice manifest, struct policy_files *out, struct err *e)
{
	struct manifest m = {0};
	int r;

	if ((r = manifest_parse(manifest, &m, e)) != 0)
		return r;
	for (size_t i = 0; i < m.n && r == 0; i++) {
		struct slice data = {0};
		char quoted[QUOTE_MAX];

		r = find_file(k, c, fleet, &m.v[i].hash, &data, e);
		if (r == 1)
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

/* --- a policy ----------------------------------------------------------------------------- */

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
add_roots(struct mk *k, const json_t *args, struct bundle_chain *c,
    struct err *e)
{
	const struct bundle_chain *old = content_chain(k->content);
	const json_t *roots = NULL;
	int r = 0;

	for (size_t i = 0; i < old->n_roots && r == 0; i++)
		r = add_root(c, old->root_files[i], old->root_statements[i], e);
	if (r != 0 ||
	    (r = json_array_of(args, "roots", JSON_OPTIONAL | JSON_EMPTY_OK,
		 BUNDLE_ROOTS_MAX, &roots, e)) != 0)
		return r;
	for (size_t i = 0; i < json_array_size(roots) && r == 0; i++) {
		const json_t *o = json_array_get(roots, i);
		struct slice file = {0}, statement = {0};

		if ((r = text_field(o, "file", &file, e)) == 0 &&
		    (r = text_field(o, "statement", &statement, e)) == 0)
			r = add_root(c, file, statement, e);
		free((void *)(uintptr_t)file.p);
		free((void *)(uintptr_t)statement.p);
	}
	return r;
}

/*
 * In force at once for what is judged from here on; its leaf comes before any
 * other.
 */
int
mk_adopt_policy(struct mk *k, const struct bundle_chain *chain,
    struct mk_call *c, struct err *e)
{
	const struct hash was = content_trust(k->content)->policy->hash;
	struct mk_batch *b = NULL;
	const struct policy *p;
	int r;

	if (k->policy_next != NULL)
		return err_set(e, ERR_BUSY,
		    "another policy is on its way into the log");
	if ((r = content_push_policy(k->content, chain, k->now, e)) != 0)
		return r;
	p = content_trust(k->content)->policy;
	if (c != NULL) {
		if ((r = mk_parts(c, 1, e)) != 0)
			return r;
		c->parts[0].number = p->version;
	}
	if (hash_equal(&was, &p->hash)) {
		if (c != NULL)
			c->open_parts = 1;
		return 1;
	}
	if ((r = mk_policy_batch(k, &b, e)) != 0) {
		k->r = r; /* it is in force and has no leaf: begin again */
		k->e = e != NULL ? *e : (struct err){0};
		return r;
	}
	/* Its first leaf stands for all of them: they come together. */
	if (c != NULL) {
		STAILQ_FIRST(&b->items)->call = c;
		c->open_parts = 1;
	}
	k->policy_next = b;
	k->keys_changed = true;
	mk_dirty_all(k);
	plog(PLOG_INFO, "another policy is in force", NULL);
	return 0;
}

static int
push_policy(struct mk *k, struct mk_call *c, struct err *e)
{
	struct bundle_chain *chain;
	struct statement s;
	int r;

	if ((chain = calloc(1, sizeof(*chain))) == NULL)
		return err_nomem(e);
	statement_init(&s, ST_POLICY);
	if ((r = text_field(c->args, "statement", &chain->statement, e)) != 0 ||
	    (r = text_field(c->args, "manifest", &chain->manifest, e)) != 0 ||
	    (r = statement_parse("statement", chain->statement, &s, e)) != 0)
		goto out;
	if (s.type != ST_POLICY) {
		r = err_set(e, ERR_PARSE,
		    "'statement' is a %s statement, expected a policy's",
		    statement_type_name(s.type));
		goto out;
	}
	chain->version = s.u.bundle.version;
	if ((r = add_roots(k, c->args, chain, e)) != 0 ||
	    (r = add_files(k, c, false, chain->manifest, &chain->files, e)) !=
		0)
		goto out;
	r = mk_adopt_policy(k, chain, c, e);
out:
	bundle_chain_clear(chain);
	free(chain);
	statement_clear(&s);
	return r;
}

/* --- a fleet --------------------------------------------------------------------------------- */

static int
put_fleet_leaf(struct mk *k, struct mk_call *c, struct slice text,
    struct err *e)
{
	struct mk_item item = {.has_leaf = true, .call = c};
	int r;

	statement_init(&item.s, ST_FLEET);
	if ((r = mk_parts(c, 1, e)) != 0 ||
	    (r = statement_parse("statement", text, &item.s, e)) != 0) {
		mk_item_clear(&item);
		return r;
	}
	c->parts[0].hash = item.s.hash;
	c->parts[0].number = item.s.u.bundle.version;
	return mk_item_put(k, &item, e);
}

static int
push_fleet(struct mk *k, struct mk_call *c, struct err *e)
{
	struct fleet_chain chain = {.version = 0};
	int r;

	if ((r = mk_can_take(k, e)) != 0 ||
	    (r = text_field(c->args, "statement", &chain.statement, e)) != 0 ||
	    (r = text_field(c->args, "manifest", &chain.manifest, e)) != 0 ||
	    (r = add_files(k, c, true, chain.manifest, &chain.files, e)) != 0 ||
	    (r = content_push_fleet(k->content, &chain, k->now, e)) != 0)
		goto out;
	r = put_fleet_leaf(k, c, chain.statement, e);
out:
	fleet_chain_clear(&chain);
	return r;
}

/* --- a revocation list ----------------------------------------------------------------------- */

static int
push_list(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct slice text = {0}, list;
	struct statement s;
	struct jw w;
	int r;

	statement_init(&s, ST_KRL);
	if ((r = text_field(c->args, "statement", &text, e)) != 0 ||
	    (r = statement_parse("statement", text, &s, e)) != 0)
		goto out;
	if (s.type != ST_KRL) {
		r = err_set(e, ERR_PARSE, "'statement' is no krl statement");
		goto out;
	}
	list = staged(find_stage(k, c->name), &s.u.krl.file);
	if (list.p == NULL) {
		r = err_set(e, ERR_NOTFOUND, "the list was not put");
		goto out;
	}
	if ((r = mk_krl_take(k, text, list, e)) < 0)
		goto out;
	jw_init(&w, out, false);
	jw_begin(&w, NULL, '{');
	jw_u64(&w, "version", k->krl.version);
	jw_end(&w, '}');
	r = 0;
out:
	free((void *)(uintptr_t)text.p);
	statement_clear(&s);
	return r;
}

int
mk_push(struct mk *k, struct mk_call *c, struct str *out, struct err *e)
{
	struct mk_stage *stage;
	const char *what = NULL;
	char quoted[QUOTE_MAX];
	int r;

	if ((r = check_signer(k, c, e)) != 0 ||
	    (r = json_str(c->args, "what", 0, 16, &what, e)) != 0)
		return r;
	if (strcmp(what, "policy") == 0)
		r = push_policy(k, c, e);
	else if (strcmp(what, "fleet") == 0)
		r = push_fleet(k, c, e);
	else if (strcmp(what, "krl") == 0)
		return push_list(k, c, out, e);
	else
		return err_set(e, ERR_PARSE,
		    "'what' is %s, expected policy, fleet or krl",
		    str_quote(quoted, what));
	if (r < 0)
		/* Of one that was put together rightly, signatures lack. */
		return r == ERR_DENIED ? ERR_WAIT : r;
	if ((stage = find_stage(k, c->name)) != NULL)
		mk_stage_clear(stage);
	if (r == 0)
		return MK_LATER;
	mk_part_done(k, c); /* the one in force, once more */
	return MK_ENDED;
}
