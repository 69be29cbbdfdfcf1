/* SPDX-License-Identifier: ISC */
/* The policies of a log, from its own root and policy leaves. */
#include <stdlib.h>
#include <string.h>

#include "ca/audit/audit_impl.h"

void
chain_init(struct audit_chain *c)
{
	memset(c, 0, sizeof(*c));
	trust_init(&c->trust);
}

void
chain_clear(struct audit_chain *c)
{
	trust_clear(&c->trust);
	for (size_t i = 0; i < c->n_roots; i++) {
		str_clear(&c->root_file[i]);
		str_clear(&c->root_statement[i]);
	}
	free(c->root_file);
	free(c->root_statement);
	chain_init(c);
}

static int
refer(struct audit *a, const struct hash *h)
{
	if (vec_grow(&a->refs, a->n_refs, &a->cap_refs, SIZE_MAX / 64) != 0)
		return ERR_NOMEM;
	a->refs[a->n_refs++] = *h;
	return 0;
}

int
audit_chain_root(struct audit *a, struct audit_chain *c, uint64_t index,
    const struct statement *s, struct err *e)
{
	struct str file = STR_INIT, text = STR_INIT;
	struct slice bytes = statement_bytes(s);
	int r;

	if (c->n_roots == BUNDLE_ROOTS_MAX) {
		LEAF_FINDING(a, index, "leaf", "more than %d roots",
		    BUNDLE_ROOTS_MAX);
		return 1;
	}
	if ((r = refer(a, &s->u.root.file)) != 0 ||
	    (r = audit_file(a, "policy", &s->u.root.file, POLICY_FILE_MAX,
		 index, &file, e)) != 0)
		goto out;
	str_addn(&text, (const char *)bytes.p, bytes.n);
	if ((r = str_check(&text)) != 0 ||
	    (r = vec_grow(&c->root_file, c->n_roots, &c->cap_file,
		 BUNDLE_ROOTS_MAX)) != 0 ||
	    (r = vec_grow(&c->root_statement, c->n_roots, &c->cap_statement,
		 BUNDLE_ROOTS_MAX)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	c->root_file[c->n_roots] = file;
	c->root_statement[c->n_roots++] = text;
	str_init(&file);
	str_init(&text);
out:
	str_clear(&file);
	str_clear(&text);
	return r;
}

/* The files that MANIFEST names.  1: not all are there. */
static int
read_files(struct audit *a, uint64_t index, const struct manifest *m,
    struct policy_files *out, struct err *e)
{
	int bad = 0, r;

	for (size_t i = 0; i < m->n; i++) {
		struct str text = STR_INIT;

		if ((r = refer(a, &m->v[i].hash)) != 0)
			return err_nomem(e);
		r = audit_file(a, "policy", &m->v[i].hash, POLICY_FILE_MAX,
		    index, &text, e);
		if (r == 0)
			r = policy_files_add(out, m->v[i].path, text.p, text.n);
		str_clear(&text);
		if (r < 0)
			return err_set(e, r, "read the policy: %s",
			    e != NULL && e->msg[0] != '\0' ? e->msg
							   : err_text(r));
		bad = bad != 0 ? bad : r;
	}
	policy_files_sort(out);
	return bad;
}

static void
input_roots(const struct audit_chain *c, size_t from, struct slice *files,
    struct slice *statements, struct bundle_input *in)
{
	for (size_t i = from; i < c->n_roots; i++) {
		files[i - from] =
		    slice_of(c->root_file[i].p, c->root_file[i].n);
		statements[i - from] =
		    slice_of(c->root_statement[i].p, c->root_statement[i].n);
	}
	in->root_files = files;
	in->root_statements = statements;
	in->n_roots = c->n_roots - from;
}

/*
 * An emergency log holds the policies of the days it was used, so versions may
 * be left out: then the bundle stands on the whole chain of roots, newer than
 * what was held.  A certificate under a version that is not in the log has no
 * policy and is found out.
 */
static int
take_with_gap(struct audit *a, struct audit_chain *c, uint64_t index,
    struct bundle_input *in, uint64_t version, struct err *why)
{
	struct slice files[BUNDLE_ROOTS_MAX], statements[BUNDLE_ROOTS_MAX];
	uint64_t held = c->trust.policy->version;
	struct trust fresh;
	int r;

	trust_init(&fresh);
	input_roots(c, 0, files, statements, in);
	r = trust_update(&fresh, in, &a->c->realm, 0, why);
	if (r != 0) {
		trust_clear(&fresh);
		return r;
	}
	trust_clear(&c->trust);
	c->trust = fresh;
	LEAF_NOTICE(a, index, "gap",
	    "policy version %llu follows version %llu in this log",
	    (unsigned long long)version, (unsigned long long)held);
	return 0;
}

static int
take(struct audit *a, struct audit_chain *c, uint64_t index,
    const struct statement *s, struct bundle_input *in, struct err *e)
{
	struct slice files[BUNDLE_ROOTS_MAX], statements[BUNDLE_ROOTS_MAX];
	uint64_t version = s->u.bundle.version;
	struct err why = {0};
	int r;

	input_roots(c, c->n_taken, files, statements, in);
	r = trust_update(&c->trust, in, &a->c->realm, 0, &why);
	if (r == ERR_ROLLBACK && c->trust.have &&
	    version > c->trust.policy->version + 1)
		r = take_with_gap(a, c, index, in, version, &why);
	if (r == ERR_NOMEM)
		return err_nomem(e);
	if (r < 0) {
		LEAF_FINDING(a, index, "policy", "%s", why.msg);
		return 1;
	}
	c->n_taken = c->n_roots;
	return 0;
}

int
audit_chain_policy(struct audit *a, struct audit_chain *c, uint64_t index,
    const struct statement *s, struct err *e)
{
	struct bundle_input in = {.statement = statement_bytes(s)};
	struct policy_files files = {0};
	struct str text = STR_INIT;
	struct manifest m = {0};
	struct err why = {0};
	int r;

	if ((r = refer(a, &s->u.bundle.manifest)) != 0) {
		(void)err_nomem(e);
		goto out;
	}
	if ((r = audit_file(a, "policy", &s->u.bundle.manifest,
		 BUNDLE_MANIFEST_MAX, index, &text, e)) != 0)
		goto out;
	in.manifest = slice_of(text.p, text.n);
	if ((r = manifest_parse(in.manifest, &m, &why)) == ERR_NOMEM) {
		(void)err_nomem(e);
		goto out;
	}
	if (r != 0) {
		LEAF_FINDING(a, index, "policy", "%s", why.msg);
		r = 1;
		goto out;
	}
	if ((r = read_files(a, index, &m, &files, e)) != 0)
		goto out;
	in.files = &files;
	r = take(a, c, index, s, &in, e);
out:
	policy_files_clear(&files);
	manifest_clear(&m);
	str_clear(&text);
	return r;
}
