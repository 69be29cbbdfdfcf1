/* SPDX-License-Identifier: ISC */
/* Evidence: whose keys those are, by the policy of that time, the roots before it,
 * and key statements. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence_impl.h"

/* A statement of the log, once more, and verified; name is its file's. */
int
evidence_take_said(struct evidence_case *c, struct slice bytes,
    const char *name, struct err *e)
{
	struct evidence_said *x;
	int r;

	if ((r = vec_grow(&c->said, c->n_said, &c->cap_said,
		 EVIDENCE_SAID_MAX)) != 0)
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, r, "more than %d statements about it",
			  EVIDENCE_SAID_MAX);
	x = &c->said[c->n_said];
	(void)snprintf(x->name, sizeof(x->name), "%s", name);
	statement_init(&x->s, ST_REQUEST);
	if ((r = statement_parse(name, bytes, &x->s, e)) != 0 ||
	    (r = statement_verify(&x->s, e)) != 0) {
		statement_clear(&x->s);
		err_prefix(e, "%s", name);
		return r;
	}
	c->n_said++;
	return 0;
}

/* --- policy of that time -------------------------------------------------- */

/* policy/<sha256>, which has to hash to its name. */
static int
read_named(struct evidence_gathering *g, const struct hash *h, size_t max,
    struct str *out, struct err *e)
{
	char key[sizeof("policy/") + HASH_HEX] = "policy/";
	uint8_t *bytes = NULL;
	struct hash is;
	size_t n;
	int r;

	hash_hex(h, key + strlen(key));
	r = audit_of_store(blob_get(g->l->store, key, max, &bytes, &n, e));
	if (r != 0)
		return r;
	hash_sha256(bytes, n, &is);
	if (!hash_equal(&is, h)) {
		r = err_set(e, ERR_CORRUPT,
		    "%s is not what its name says; run writ audit verify", key);
	} else {
		str_addn(out, (const char *)bytes, n);
		r = str_check(out) != 0 ? err_nomem(e) : 0;
	}
	free(bytes);
	return r;
}

static int
read_files(struct evidence_gathering *g, const struct manifest *m,
    struct err *e)
{
	struct evidence_case *c = g->c;
	struct conf_diags diags = {0};
	int r = 0;

	for (size_t i = 0; i < m->n && r == 0; i++) {
		struct str text = STR_INIT;

		r = read_named(g, &m->v[i].hash, POLICY_FILE_MAX, &text, e);
		if (r == 0 &&
		    (r = policy_files_add(&c->files, m->v[i].path, text.p,
			 text.n)) != 0)
			r = err_set(e, r, "%s", err_text(r));
		str_clear(&text);
	}
	if (r != 0)
		return r;
	policy_files_sort(&c->files);
	if ((r = policy_parse(&c->files, &c->policy, &diags)) != 0)
		r = err_set(e, r, "%s", err_text(r));
	conf_diags_clear(&diags);
	return r;
}

int
evidence_read_policy(struct evidence_gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	const struct statement *s;
	struct manifest m = {0};
	struct slice bytes;
	int r;

	if ((r = audit_source_leaf(&g->l->source, g->policy_index, &bytes,
		 e)) != 0 ||
	    (r = evidence_take_said(c, bytes, "policy", e)) != 0)
		return r;
	s = &c->said[c->n_said - 1].s;
	if ((r = read_named(g, &s->u.bundle.manifest, BUNDLE_MANIFEST_MAX,
		 &c->manifest, e)) == 0 &&
	    (r = manifest_parse(slice_of(c->manifest.p, c->manifest.n), &m,
		 e)) == 0)
		r = read_files(g, &m, e);
	manifest_clear(&m);
	if (r != 0)
		err_prefix(e, "policy version %llu",
		    (unsigned long long)s->u.bundle.version);
	return r;
}

/* --- the roots before the policy's ---------------------------------------- */

static int
add_root(struct evidence_gathering *g, const struct hash *file, struct err *e)
{
	struct evidence_case *c = g->c;
	struct conf_diags diags = {0};
	struct evidence_root *x;
	int r;

	r = vec_grow(&c->roots, c->n_roots, &c->cap_roots, BUNDLE_ROOTS_MAX);
	if (r != 0)
		return r == ERR_NOMEM
		    ? err_nomem(e)
		    : err_set(e, r, "more than %d roots", BUNDLE_ROOTS_MAX);
	x = &c->roots[c->n_roots];
	*x = (struct evidence_root){.file = STR_INIT};
	statement_init(&x->s, ST_ROOT);
	c->n_roots++;
	if ((r = read_named(g, file, POLICY_FILE_MAX, &x->file, e)) != 0)
		return r;
	r = policy_parse_root(slice_of(x->file.p, x->file.n), &x->root, &diags);
	if (r != 0)
		r = conf_diags_err(&diags, r, e);
	conf_diags_clear(&diags);
	return r;
}

/* The leaf of that version's statement, which may be there more than once. */
static int
find_root(struct evidence_gathering *g, uint64_t version, struct statement *s,
    struct err *e)
{
	struct slice bytes;
	int r;

	for (size_t i = 0; i < g->n_roots; i++) {
		if ((r = audit_source_leaf(&g->l->source, g->roots[i], &bytes,
			 e)) != 0 ||
		    (r = statement_parse("root", bytes, s, e)) != 0 ||
		    (r = statement_verify(s, e)) != 0)
			return r;
		if (s->type == ST_ROOT && s->u.root.version == version)
			return 0;
	}
	return err_set(e, ERR_NOTFOUND,
	    "root version %llu is not in the log; run writ audit verify",
	    (unsigned long long)version);
}

/* Version 1 is the file whose hash is the realm. */
int
evidence_read_roots(struct evidence_gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	uint64_t last = c->policy->root_version;
	int r = add_root(g, &c->issue.u.i.realm, e);

	for (uint64_t v = 2; v <= last && r == 0; v++) {
		struct statement s;

		statement_init(&s, ST_ROOT);
		if ((r = find_root(g, v, &s, e)) == 0 &&
		    (r = add_root(g, &s.u.root.file, e)) == 0) {
			c->roots[v - 1].s = s;
			statement_init(&s, ST_ROOT);
		}
		statement_clear(&s);
	}
	return r;
}

/* --- keys that came later than the policy --------------------------------- */

static bool
decides_key(const struct statement *s, const struct hash *key)
{
	for (size_t i = 0; s->type == ST_DECISION && i < s->u.d.n_keys; i++)
		if (s->u.d.approve && hash_equal(&s->u.d.keys[i], key))
			return true;
	return false;
}

/* The statement of the log that adds this key (decided NULL), or each that
 * approves of the one that is called decided. */
static int
add_about_key(struct evidence_gathering *g, const struct pubkey *k,
    const struct hash *decided, const char *name, struct err *e)
{
	unsigned n = 0;
	int r = 0;

	for (size_t i = 0; i < g->n_before && r == 0; i++) {
		struct statement s;
		struct slice bytes;
		char full[40];
		bool fits;

		statement_init(&s, ST_KEY);
		if ((r = audit_source_leaf(&g->l->source, g->keys[i], &bytes,
			 e)) == 0 &&
		    (r = statement_parse("key", bytes, &s, e)) == 0) {
			fits = decided != NULL
			    ? decides_key(&s, decided)
			    : s.type == ST_KEY && s.u.k.add &&
				pubkey_equal(s.u.k.key, k) && n == 0;
			if (decided != NULL)
				(void)snprintf(full, sizeof(full),
				    "%s-decision-%u", name, n + 1);
			else
				(void)snprintf(full, sizeof(full), "%s", name);
			if (fits &&
			    (r = evidence_take_said(g->c, bytes, full, e)) == 0)
				n++;
		}
		statement_clear(&s);
	}
	return r;
}

/* Whoever signed with a key that the policy lacks: what made it his, and so on
 * for those who signed that. */
int
evidence_add_keys(struct evidence_gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	unsigned n = 0;
	int r = 0;

	for (size_t i = 0; i < c->n_said && r == 0; i++)
		for (size_t j = 0; j < c->said[i].s.n_sigs && r == 0; j++) {
			size_t before = c->n_said;
			struct hash key;
			char name[24];

			if (evidence_who(c, c->said[i].s.sigs[j].key) != NULL)
				continue;
			(void)snprintf(name, sizeof(name), "key-%u", n + 1);
			r = add_about_key(g, c->said[i].s.sigs[j].key, NULL,
			    name, e);
			if (r != 0 || c->n_said == before)
				continue;
			n++;
			key = c->said[before].s.hash;
			r = add_about_key(g, NULL, &key, name, e);
		}
	return r;
}

/* What was said of keys since, to find those that are over. */
int
evidence_look_later(struct evidence_gathering *g, struct err *e)
{
	struct evidence_key_said *v = calloc(g->n_keys + 1, sizeof(*v));
	struct statement *s = calloc(g->n_keys + 1, sizeof(*s));
	size_t n = 0, made = 0;
	struct slice bytes;
	int r = v != NULL && s != NULL ? 0 : err_nomem(e);

	for (; made < g->n_keys && r == 0; made++) {
		statement_init(&s[made], ST_KEY);
		if ((r = audit_source_leaf(&g->l->source, g->keys[made], &bytes,
			 e)) == 0 &&
		    (r = statement_parse("key", bytes, &s[made], e)) == 0 &&
		    s[made].type == ST_KEY)
			v[n++] = (struct evidence_key_said){
			    .s = &s[made], .index = g->keys[made]};
	}
	if (r == 0 && (r = evidence_find_later(g->c, g->now, v, n)) != 0)
		r = err_set(e, r, "%s", err_text(r));
	for (size_t i = 0; i < made; i++)
		statement_clear(&s[i]);
	free(s);
	free(v);
	return r;
}
