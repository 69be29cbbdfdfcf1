/* SPDX-License-Identifier: ISC */
/*
 * The policy and the revocation list from the CA: asked for once a minute, file by
 * file, and judged here as whatever comes.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/master/mk_impl.h"
#include "lib/net/link.h"
#include "lib/proc/plog.h"

struct mk_fetch {
	struct bundle_chain chain;
	struct manifest manifest;
	size_t at; /* the file that is asked for */
};

void
mk_fetch_clear(struct mk *k)
{
	struct mk_fetch *f = k->courier.fetch;

	k->courier.fetch = NULL;
	if (f == NULL)
		return;
	bundle_chain_clear(&f->chain);
	manifest_clear(&f->manifest);
	free(f);
}

static void
give_up(struct mk *k, const struct err *e)
{
	plog_err(PLOG_WARN, e, "the CA's policy is not taken", NULL);
	mk_fetch_clear(k);
}

static void
ask(struct mk *k, const char *call, const char *key, uint64_t have,
    uint32_t *id)
{
	struct str s = STR_INIT;
	struct err e = {0};
	struct jw w;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", call);
	jw_u64(&w, key, have);
	jw_end(&w, '}');
	if (mk_courier_ask(k, &s, id, &e) != 0)
		plog_err(PLOG_WARN, &e, "the CA is not asked", NULL);
	str_clear(&s);
}

void
mk_fetch_begin(struct mk *k)
{
	struct mk_courier *q = &k->courier;

	if (q->policy == 0 && q->fetch == NULL)
		ask(k, "policy", "have", content_chain(k->content)->version,
		    &q->policy);
	if (q->krl == 0)
		ask(k, "krl", "have", k->krl.version, &q->krl);
}

/* --- the policy ----------------------------------------------------------- */

static int
dup_field(const json_t *o, const char *key, struct slice *out, struct err *e)
{
	const json_t *t = json_object_get(o, key);
	char *p;

	if (!json_is_string(t))
		return err_set(e, ERR_PARSE, "'%s' is missing, or no text",
		    key);
	p = str_dupn(json_string_value(t), json_string_length(t));
	if (p == NULL)
		return err_nomem(e);
	*out = slice_of(p, json_string_length(t));
	return 0;
}

static int
read_chain(const json_t *body, struct mk_fetch *f, struct err *e)
{
	struct bundle_chain *c = &f->chain;
	const json_t *roots = NULL;
	int r;

	if ((r = json_array_of(body, "roots", 0, BUNDLE_ROOTS_MAX, &roots,
		 e)) != 0 ||
	    (r = json_u64(body, "version", 0, 1, UINT64_MAX, &c->version, e)) !=
		0)
		return r;
	for (; c->n_roots < json_array_size(roots) && r == 0; c->n_roots++) {
		const json_t *o = json_array_get(roots, c->n_roots);

		if ((r = dup_field(o, "file", &c->root_files[c->n_roots], e)) ==
		    0)
			r = dup_field(o, "statement",
			    &c->root_statements[c->n_roots], e);
	}
	if (r != 0 ||
	    (r = dup_field(body, "statement", &c->statement, e)) != 0 ||
	    (r = dup_field(body, "manifest", &c->manifest, e)) != 0)
		return r;
	return manifest_parse(c->manifest, &f->manifest, e);
}

static int
ask_object(struct mk *k, const struct hash *h, struct err *e)
{
	struct str s = STR_INIT;
	struct jw w;
	int r;

	jw_init(&w, &s, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "object");
	jw_hex(&w, "sha256", h->b, HASH_LEN);
	jw_end(&w, '}');
	r = mk_courier_ask(k, &s, &k->courier.object, e);
	str_clear(&s);
	return r;
}

/* The next file that is not here already; when all are, it is judged. */
static void
next_file(struct mk *k)
{
	struct mk_fetch *f = k->courier.fetch;
	struct err e = {0};
	int r = 0;

	for (; f->at < f->manifest.n && r == 0; f->at++) {
		const struct manifest_entry *m = &f->manifest.v[f->at];
		struct slice have = content_policy_file(k->content, &m->hash);

		if (have.p == NULL) {
			if ((r = ask_object(k, &m->hash, &e)) == 0)
				return;
		} else if (policy_files_add(&f->chain.files, m->path, have.p,
			       have.n) != 0) {
			r = err_nomem(&e);
		}
	}
	if (r == 0) {
		policy_files_sort(&f->chain.files);
		r = mk_adopt_policy(k, &f->chain, NULL, &e);
	}
	if (r < 0)
		give_up(k, &e);
	else
		mk_fetch_clear(k);
}

static void
heard_policy(struct mk *k, const json_t *body, int status)
{
	struct mk_fetch *f;
	struct err e = {0};
	int r;

	k->courier.policy = 0;
	if ((r = link_error(body, status, &e)) == 0 &&
	    json_object_get(body, "statement") == NULL)
		return; /* it is the one held */
	if (r == 0 && (f = calloc(1, sizeof(*f))) == NULL)
		r = err_nomem(&e);
	if (r == 0) {
		k->courier.fetch = f;
		r = read_chain(body, f, &e);
	}
	if (r != 0)
		give_up(k, &e);
	else
		next_file(k);
}

static void
heard_object(struct mk *k, const json_t *body, int status)
{
	struct mk_fetch *f = k->courier.fetch;
	const json_t *t = json_object_get(body, "data");
	struct buf *b = NULL;
	struct err e = {0};
	struct slice s;
	int r;

	k->courier.object = 0;
	if (f == NULL)
		return;
	if ((r = link_error(body, status, &e)) == 0 && !json_is_string(t))
		r = err_set(&e, ERR_PARSE, "an object without 'data'");
	if (r == 0 && buf_new(&b, POLICY_FILE_MAX) != 0)
		r = err_nomem(&e);
	if (r == 0 &&
	    (r = base64_decode(json_string_value(t), json_string_length(t),
		 b)) != 0)
		(void)err_set(&e, r, "an object that is not base64");
	if (r == 0) {
		s = buf_slice(b);
		if (policy_files_add(&f->chain.files, f->manifest.v[f->at].path,
			s.p, s.n) != 0)
			r = err_nomem(&e);
	}
	buf_free(b);
	if (r != 0) {
		give_up(k, &e);
		return;
	}
	f->at++;
	next_file(k);
}

/* --- the revocation list -------------------------------------------------- */

static void
heard_krl(struct mk *k, const json_t *body, int status)
{
	const json_t *t = json_object_get(body, "krl");
	struct slice text = {0};
	struct buf *b = NULL;
	struct err e = {0};
	int r;

	k->courier.krl = 0;
	if ((r = link_error(body, status, &e)) == 0 && !json_is_string(t))
		return; /* it is the one held */
	if (r == ERR_NOTFOUND)
		return; /* there is none yet */
	if (r == 0 && (r = dup_field(body, "statement", &text, &e)) == 0 &&
	    buf_new(&b, RESULT_MAX) != 0)
		r = err_nomem(&e);
	if (r == 0 &&
	    (r = base64_decode(json_string_value(t), json_string_length(t),
		 b)) != 0)
		(void)err_set(&e, r, "a list that is not base64");
	if (r == 0)
		r = mk_krl_take(k, text, buf_slice(b), &e);
	if (r < 0)
		plog_err(PLOG_WARN, &e, "the CA's revocation list is not taken",
		    NULL);
	buf_free(b);
	free((void *)(uintptr_t)text.p);
}

bool
mk_fetch_heard(struct mk *k, uint32_t id, const json_t *body, int status)
{
	struct mk_courier *q = &k->courier;

	if (id == q->policy)
		heard_policy(k, body, status);
	else if (id == q->object)
		heard_object(k, body, status);
	else if (id == q->krl)
		heard_krl(k, body, status);
	else
		return false;
	return true;
}
