/* SPDX-License-Identifier: ISC */
/* Evidence: gathered from an open log. */
#include "ca/audit/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"

#define OBJECT_MAX (1024 * 1024)

struct gathering {
	struct audit_log *l;
	struct evidence_case *c;
	const struct policy *now;
	char path[ISSUE_PATH_MAX]; /* of the record */
	/* Leaves about people's keys, before the certificate. */
	uint64_t *keys;
	size_t n_keys, cap_keys;
	bool has_policy, has_certificate;
	uint64_t policy_index;
};

/* --- what was said -------------------------------------------------------- */

/* A statement of the log, once more, and verified; name is its file's. */
static int
add_said(struct evidence_case *c, struct slice bytes, const char *name,
    struct err *e)
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

static int
take_statements(struct gathering *g, const struct audit_certificate *a,
    struct err *e)
{
	char name[40];
	int r;

	r = add_said(g->c, statement_bytes(a->request), "request", e);
	for (size_t i = 0; i < a->n_decisions && r == 0; i++) {
		(void)snprintf(name, sizeof(name), "decision-%zu", i + 1);
		r = add_said(g->c, statement_bytes(a->decisions[i]), name, e);
	}
	g->c->n_decisions = a->n_decisions;
	return r;
}

struct search {
	struct gathering *g;
	struct err *e;
	bool found;
	int r;
};

static int
on_certificate(void *ctx, const struct audit_certificate *a)
{
	struct search *s = ctx;
	struct evidence_case *c = s->g->c;

	if (a->cert->serial != c->serial)
		return 0;
	s->found = true;
	c->issue_index = a->index;
	if (a->request->type != ST_REQUEST) {
		s->r = err_set(s->e, ERR_DENIED,
		    "serial %llu is a host's, which it has by its acceptance: "
		    "no person asked for it",
		    (unsigned long long)c->serial);
	} else if ((s->r = take_statements(s->g, a, s->e)) == 0) {
		s->r = issue_record(a->leaf, a->index, a->request, a->decisions,
		    a->n_decisions, &c->record, s->g->path, s->e);
	}
	return 1;
}

static int
find_certificate(struct gathering *g, struct err *e)
{
	struct search s = {.g = g, .e = e};
	const struct audit_select one = {
	    .serials = &g->c->serial, .n_serials = 1, .since = INT64_MAX};
	int r = audit_log_select(g->l, &one, on_certificate, &s, e);

	if (r < 0)
		return r;
	if (!s.found)
		return err_set(e, ERR_NOTFOUND,
		    "no certificate with serial %llu in the %llu %s of %s",
		    (unsigned long long)g->c->serial,
		    (unsigned long long)g->l->head.size,
		    LEAVES(g->l->head.size), blob_url(g->l->store));
	return s.r;
}

/* --- leaves --------------------------------------------------------------- */

static int
read_leaf(struct gathering *g, const char *name, uint64_t index,
    struct str *text, struct leaf *leaf, struct err *e)
{
	struct slice bytes;
	int r;

	if ((r = audit_source_leaf(&g->l->source, index, &bytes, e)) != 0)
		return r;
	str_addn(text, (const char *)bytes.p, bytes.n);
	if (str_check(text) != 0)
		return err_nomem(e);
	return leaf != NULL ? leaf_parse(name, bytes, leaf, e) : 0;
}

static int
note_leaf(struct gathering *g, uint64_t i, uint8_t tag, const struct hash *name)
{
	struct hash serial;

	leaf_serial_name(g->c->serial, &serial);
	if (tag == LTAG_POLICY && hash_equal(name, &g->c->issue.u.i.policy)) {
		g->has_policy = true;
		g->policy_index = i;
	} else if (tag == LTAG_CERTIFICATE && hash_equal(name, &serial)) {
		g->has_certificate = true;
		g->c->certificate_index = i;
	} else if ((tag == LTAG_KEY || tag == LTAG_KEY_DECISION) &&
	    i < g->c->issue_index) {
		if (vec_grow(&g->keys, g->n_keys, &g->cap_keys,
			SIZE_MAX / 64) != 0)
			return ERR_NOMEM;
		g->keys[g->n_keys++] = i;
	}
	return 0;
}

static int
find_leaves(struct gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	struct slice bytes;
	struct hash name;
	uint8_t tag;
	int r;

	if ((r = read_leaf(g, "issue", c->issue_index, &c->issue_text,
		 &c->issue, e)) != 0)
		return r;
	for (uint64_t i = 0; i < g->l->head.size; i++) {
		if ((r = audit_source_leaf(&g->l->source, i, &bytes, e)) != 0)
			return r;
		leaf_classify(bytes, &tag, &name);
		if (note_leaf(g, i, tag, &name) != 0)
			return err_nomem(e);
	}
	if (!g->has_certificate)
		return err_set(e, ERR_NOTFOUND,
		    "the certificate with serial %llu was to be signed, and "
		    "the log has no signed one",
		    (unsigned long long)c->serial);
	if (!g->has_policy)
		return err_set(e, ERR_NOTFOUND,
		    "policy version %llu, under which it was issued, is not in "
		    "the log",
		    (unsigned long long)c->issue.u.i.policy_version);
	return read_leaf(g, "certificate", c->certificate_index,
	    &c->certificate_text, &c->certificate, e);
}

static int
prove(struct gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	int r;

	if ((r = audit_log_prove(g->l, c->issue_index, &c->issue_proof, e)) !=
	    0)
		return r;
	return audit_log_prove(g->l, c->certificate_index,
	    &c->certificate_proof, e);
}

/* --- policy of that time -------------------------------------------------- */

/* policy/<sha256>, which has to hash to its name. */
static int
read_named(struct gathering *g, const struct hash *h, size_t max,
    struct str *out, struct err *e)
{
	char key[sizeof("policy/") + HASH_HEX] = "policy/";
	uint8_t *bytes = NULL;
	struct hash is;
	size_t n;
	int r;

	hash_hex(h, key + strlen(key));
	if ((r = blob_get(g->l->store, key, max, &bytes, &n, e)) != 0)
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
read_files(struct gathering *g, const struct manifest *m, struct err *e)
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

static int
read_policy(struct gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	const struct statement *s;
	struct manifest m = {0};
	struct slice bytes;
	int r;

	if ((r = audit_source_leaf(&g->l->source, g->policy_index, &bytes,
		 e)) != 0 ||
	    (r = add_said(c, bytes, "policy", e)) != 0)
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
add_about_key(struct gathering *g, const struct pubkey *k,
    const struct hash *decided, const char *name, struct err *e)
{
	unsigned n = 0;
	int r = 0;

	for (size_t i = 0; i < g->n_keys && r == 0; i++) {
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
			if (fits && (r = add_said(g->c, bytes, full, e)) == 0)
				n++;
		}
		statement_clear(&s);
	}
	return r;
}

/* Whoever signed with a key that the policy lacks: what made it his, and so on
 * for those who signed that. */
static int
add_keys(struct gathering *g, struct err *e)
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

/* --- objects and keys ----------------------------------------------------- */

/* What is there must be what the leaves give. */
static int
compare_object(struct gathering *g, const char *key, const struct str *want,
    struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n;
	int r;

	if ((r = blob_get(g->l->store, key, OBJECT_MAX, &bytes, &n, e)) ==
	    ERR_NOTFOUND)
		return err_set(e, r, "%s has no %s; run writ audit verify",
		    blob_url(g->l->store), key);
	if (r == 0 && (n != want->n || memcmp(bytes, want->p, n) != 0))
		r = err_set(e, ERR_CORRUPT,
		    "%s is not what its leaf gives; run writ audit verify",
		    key);
	free(bytes);
	return r;
}

static int
take_certificate(struct gathering *g, struct err *e)
{
	const struct certificate_leaf *leaf = &g->c->certificate.u.c;
	struct slice blob = slice_of(leaf->blob, leaf->blob_len);
	const struct issue_leaf *issue = &g->c->issue.u.i;
	char path[ISSUE_PATH_MAX];
	const struct authority *a;
	struct cert cert;
	int r;

	cert_init(&cert);
	if ((r = cert_parse(blob, &cert, e)) != 0 ||
	    (r = cert_verify(&cert, blob, e)) != 0)
		goto out;
	a = policy_authority_of_key(g->c->policy, cert.ca);
	if (a == NULL || cert.tbs_len != issue->tbs_len ||
	    memcmp(blob.p, issue->tbs, cert.tbs_len) != 0) {
		r = err_set(e, ERR_CORRUPT,
		    "the signed certificate is not the one that was to be "
		    "signed; run writ audit verify");
		goto out;
	}
	g->c->ca = a->name;
	if (audit_certificate_line(&cert, blob, &g->c->line) != 0) {
		r = err_nomem(e);
		goto out;
	}
	issue_record_path(cert.valid_after, cert.serial, "-cert.pub", path);
	if ((r = compare_object(g, g->path, &g->c->record, e)) == 0)
		r = compare_object(g, path, &g->c->line, e);
out:
	cert_clear(&cert);
	return r;
}

/* The key that signed the head that is there now. */
static int
take_log_key(struct gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;

	c->log = g->l->name;
	c->origin = g->l->head.origin;
	c->note = slice_of(g->l->note, g->l->n_note);
	return evidence_log_key(g->l, g->now, &c->log_key, e);
}

int
audit_evidence(struct audit_log *l, const struct policy *now, uint64_t serial,
    const struct evidence_more *more, size_t n_more, struct evidence *out,
    struct err *e)
{
	struct evidence_case c;
	struct gathering g = {.l = l, .c = &c, .now = now};
	int r;

	evidence_case_init(&c);
	c.serial = serial;
	c.more = more;
	c.n_more = n_more;
	if ((r = find_certificate(&g, e)) == 0 &&
	    (r = find_leaves(&g, e)) == 0 && (r = read_policy(&g, e)) == 0 &&
	    (r = add_keys(&g, e)) == 0 && (r = take_certificate(&g, e)) == 0 &&
	    (r = take_log_key(&g, e)) == 0 && (r = prove(&g, e)) == 0)
		r = evidence_write(&c, out, e);
	free(g.keys);
	evidence_case_clear(&c);
	return r;
}
