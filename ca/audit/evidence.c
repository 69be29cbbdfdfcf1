/* SPDX-License-Identifier: ISC */
/* Evidence: gathered from an open log. */
#include "ca/audit/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/audit/evidence_impl.h"

#define OBJECT_MAX (1024 * 1024)

/* --- what was said -------------------------------------------------------- */

static int
take_statements(struct evidence_gathering *g, const struct audit_certificate *a,
    struct err *e)
{
	char name[40];
	int r;

	r = evidence_take_said(g->c, statement_bytes(a->request), "request", e);
	for (size_t i = 0; i < a->n_decisions && r == 0; i++) {
		(void)snprintf(name, sizeof(name), "decision-%zu", i + 1);
		r = evidence_take_said(g->c, statement_bytes(a->decisions[i]),
		    name, e);
	}
	g->c->n_decisions = a->n_decisions;
	return r;
}

struct search {
	struct evidence_gathering *g;
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
find_certificate(struct evidence_gathering *g, struct err *e)
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
read_leaf(struct evidence_gathering *g, const char *name, uint64_t index,
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
note_leaf(struct evidence_gathering *g, uint64_t i, uint8_t tag,
    const struct hash *name)
{
	struct hash serial;

	leaf_serial_name(g->c->serial, &serial);
	if (tag == LTAG_POLICY && hash_equal(name, &g->c->issue.u.i.policy)) {
		g->has_policy = true;
		g->policy_index = i;
	} else if (tag == LTAG_CERTIFICATE && hash_equal(name, &serial)) {
		g->has_certificate = true;
		g->c->certificate_index = i;
	} else if (tag == LTAG_KEY || tag == LTAG_KEY_DECISION) {
		if (vec_grow(&g->keys, g->n_keys, &g->cap_keys,
			SIZE_MAX / 64) != 0)
			return ERR_NOMEM;
		g->keys[g->n_keys++] = i;
		g->n_before += i < g->c->issue_index;
	} else if (tag == LTAG_ROOT) {
		if (vec_grow(&g->roots, g->n_roots, &g->cap_roots,
			SIZE_MAX / 64) != 0)
			return ERR_NOMEM;
		g->roots[g->n_roots++] = i;
	}
	return 0;
}

static int
find_leaves(struct evidence_gathering *g, struct err *e)
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
prove(struct evidence_gathering *g, struct err *e)
{
	struct evidence_case *c = g->c;
	int r;

	if ((r = audit_log_prove(g->l, c->issue_index, &c->issue_proof, e)) !=
	    0)
		return r;
	return audit_log_prove(g->l, c->certificate_index,
	    &c->certificate_proof, e);
}

/* --- objects and keys ----------------------------------------------------- */

/* What is there must be what the leaves give. */
static int
compare_object(struct evidence_gathering *g, const char *key,
    const struct str *want, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t n;
	int r;

	r = audit_of_store(blob_get(g->l->store, key, OBJECT_MAX, &bytes, &n,
	    e));
	if (r == ERR_NOTFOUND)
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
take_certificate(struct evidence_gathering *g, struct err *e)
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
take_log_key(struct evidence_gathering *g, struct err *e)
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
	struct evidence_gathering g = {.l = l, .c = &c, .now = now};
	int r;

	evidence_case_init(&c);
	c.serial = serial;
	c.more = more;
	c.n_more = n_more;
	if ((r = find_certificate(&g, e)) == 0 &&
	    (r = find_leaves(&g, e)) == 0 &&
	    (r = evidence_read_policy(&g, e)) == 0 &&
	    (r = evidence_read_roots(&g, e)) == 0 &&
	    (r = evidence_add_keys(&g, e)) == 0 &&
	    (r = evidence_look_later(&g, e)) == 0 &&
	    (r = take_certificate(&g, e)) == 0 &&
	    (r = take_log_key(&g, e)) == 0 && (r = prove(&g, e)) == 0)
		r = evidence_write(&c, out, e);
	free(g.keys);
	free(g.roots);
	evidence_case_clear(&c);
	return r;
}
