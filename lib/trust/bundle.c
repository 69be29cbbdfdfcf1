/* SPDX-License-Identifier: ISC */
/*
 * Signed policy.  The rules are those of The Update Framework (its client
 * workflow, section 5): roots one version at a time, each signed by the old
 * threshold and the new one; hash and size before parse; signatures before
 * content; expiry last, so that an expired root can still be replaced; a
 * failed update changes nothing.
 */
#include "lib/trust/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/trust/signers.h"

void
trust_init(struct trust *t)
{
	memset(t, 0, sizeof(*t));
}

void
trust_clear(struct trust *t)
{
	policy_free(t->root);
	policy_free(t->policy);
	trust_init(t);
}

static int
parse_root(const char *what, struct slice file, struct policy **out,
    struct err *e)
{
	struct conf_diags diags = {0};
	int r;

	if (file.n > POLICY_FILE_MAX)
		return err_set(e, ERR_LIMIT,
		    "%s: root.yaml of %zu bytes, expected at most %d", what,
		    file.n, POLICY_FILE_MAX);
	if ((r = policy_parse_root(file, out, &diags)) != 0) {
		r = conf_diags_err(&diags, r, e);
		err_prefix(e, "%s", what);
	}
	conf_diags_clear(&diags);
	return r;
}

/* --- the chain of roots --- */

/* What an update is about to become; parts not taken stay t's. */
struct next {
	const struct trust *t;
	struct hash realm;
	struct policy *root; /* NULL: t's is the last */
	struct policy *policy;
};

static const struct policy *
last_root(const struct next *n)
{
	return n->root != NULL ? n->root : n->t->root;
}

/* Is this file the root that is held already?  Bringing it again is fine. */
static bool
is_held(const struct next *n, struct slice file)
{
	const struct policy *last = last_root(n);
	struct hash h;

	hash_sha256(file.p, file.n, &h);
	return last != NULL && hash_equal(&h, &last->root_hash);
}

/* Version of the new root, then its signatures under the old and itself. */
static int
check_root(const struct next *n, const struct policy *root,
    const struct statement *s, const char *what, struct err *e)
{
	const struct policy *last = last_root(n);
	uint64_t want = last != NULL ? last->root_version + 1 : 1;
	int r;

	if (root->root_version != s->u.root.version)
		return err_set(e, ERR_PARSE,
		    "%s: file says version %llu, its statement %llu", what,
		    (unsigned long long)root->root_version,
		    (unsigned long long)s->u.root.version);
	if (root->root_version != want)
		return err_set(e, ERR_ROLLBACK,
		    "%s: version %llu, expected %llu, the next one", what,
		    (unsigned long long)root->root_version,
		    (unsigned long long)want);
	if (!hash_equal(&root->root_hash, &s->u.root.file))
		return err_set(e, ERR_PARSE,
		    "%s: file differs from what its statement names", what);
	if (last != NULL &&
	    (r = signers_enough(last, SIGN_OFFICER, s, last->thresholds.root,
		 what, e)) != 0)
		return r;
	if ((r = signers_enough(root, SIGN_OFFICER, s, root->thresholds.root,
		 what, e)) != 0)
		return r;
	return signers_author(root, last, SIGN_OFFICER, s, what, e);
}

static int
take_root(struct next *n, struct slice file, struct slice text, size_t at,
    struct err *e)
{
	struct policy *root = NULL;
	struct statement s;
	char what[40];
	int r;

	(void)snprintf(what, sizeof(what), "new root %zu", at + 1);
	statement_init(&s, ST_ROOT);
	if ((r = signers_read(what, text, ST_ROOT, &n->realm, &s, e)) != 0 ||
	    (r = parse_root(what, file, &root, e)) != 0 ||
	    (r = check_root(n, root, &s, what, e)) != 0)
		goto out;
	policy_free(n->root);
	n->root = root;
	root = NULL;
out:
	policy_free(root);
	statement_clear(&s);
	return r;
}

/* The realm: what is held, else the hash of root 1; and what must come out. */
static int
find_realm(struct next *n, const struct bundle_input *in,
    const struct hash *pin, struct err *e)
{
	char want[FINGERPRINT_MAX], got[FINGERPRINT_MAX];

	if (n->t->have)
		n->realm = n->t->realm;
	else if (in->n_roots > 0)
		hash_sha256(in->root_files[0].p, in->root_files[0].n,
		    &n->realm);
	else
		return err_set(e, ERR_PARSE,
		    "no root, expected root.yaml from version 1");
	if (pin == NULL || hash_equal(pin, &n->realm))
		return 0;
	hash_fingerprint(pin, want);
	hash_fingerprint(&n->realm, got);
	return err_set(e, ERR_DENIED, "policy of another realm %s, expected %s",
	    got, want);
}

static int
take_roots(struct next *n, const struct bundle_input *in, struct err *e)
{
	int r;

	if (in->n_roots > BUNDLE_ROOTS_MAX)
		return err_set(e, ERR_LIMIT,
		    "%zu new roots, expected at most %d", in->n_roots,
		    BUNDLE_ROOTS_MAX);
	for (size_t i = 0; i < in->n_roots; i++) {
		if (i == 0 && is_held(n, in->root_files[0]))
			continue;
		r = take_root(n, in->root_files[i], in->root_statements[i], i,
		    e);
		if (r != 0)
			return r;
	}
	return 0;
}

/* --- the bundle --- */

static int
check_version(const struct policy *held, const struct statement *s,
    struct err *e)
{
	const struct bundle_statement *b = &s->u.bundle;

	if (held == NULL || hash_equal(&held->hash, &s->hash))
		return 0;
	if (b->version < held->version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %llu is older than version %llu, which is "
		    "held",
		    (unsigned long long)b->version,
		    (unsigned long long)held->version);
	if (b->version == held->version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %llu again, with other content than what "
		    "is held",
		    (unsigned long long)b->version);
	if (b->version - 1 != held->version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %llu does not follow version %llu, which "
		    "is held, expected %llu",
		    (unsigned long long)b->version,
		    (unsigned long long)held->version,
		    (unsigned long long)held->version + 1);
	if (!b->has_previous || !hash_equal(&b->previous, &held->hash))
		return err_set(e, ERR_ROLLBACK,
		    "policy version %llu follows another version %llu than "
		    "the one held",
		    (unsigned long long)b->version,
		    (unsigned long long)held->version);
	return 0;
}

/* MANIFEST is the one signed, and files are the ones it names, no more. */
static int
check_files(const struct bundle_input *in, const struct bundle_statement *b,
    struct err *e)
{
	struct manifest m = {0};
	struct hash h;
	int r = 0;

	hash_sha256(in->manifest.p, in->manifest.n, &h);
	if (in->manifest.n != b->manifest_size || !hash_equal(&h, &b->manifest))
		return err_set(e, ERR_PARSE,
		    "MANIFEST differs from what the bundle names");
	if ((r = manifest_parse(in->manifest, &m, e)) != 0)
		return r;
	/* Both are sorted, so the first difference is found side by side. */
	for (size_t i = 0; i < m.n || i < in->files->n; i++) {
		const struct policy_file *f = &in->files->v[i];
		const struct manifest_entry *x = &m.v[i];
		int c = i >= m.n        ? -1
		    : i >= in->files->n ? 1
					: strcmp(f->path, x->path);

		if (c < 0)
			r = err_set(e, ERR_PARSE, "file %s is not in MANIFEST",
			    f->path);
		else if (c > 0)
			r = err_set(e, ERR_PARSE,
			    "file %s of MANIFEST is missing", x->path);
		else if (!manifest_fits(x, f))
			r = err_set(e, ERR_PARSE,
			    "file %s differs from what MANIFEST names",
			    f->path);
		if (r != 0)
			break;
	}
	manifest_clear(&m);
	return r;
}

/* The root.yaml among the files is the last of the chain. */
static int
check_last_root(const struct policy *root, const struct policy_files *files,
    struct err *e)
{
	const struct policy_file *f = policy_files_find(files, "root.yaml");
	struct hash h;

	if (f == NULL)
		return err_set(e, ERR_PARSE,
		    "bundle has no root.yaml, expected that of root %llu",
		    (unsigned long long)root->root_version);
	hash_sha256(f->data, f->n, &h);
	if (!hash_equal(&h, &root->root_hash))
		return err_set(e, ERR_ROLLBACK,
		    "bundle holds another root.yaml than root %llu, the last "
		    "one",
		    (unsigned long long)root->root_version);
	return 0;
}

/* The files as a policy, with what the statement says of them. */
static int
read_policy(struct next *n, const struct bundle_input *in,
    const struct statement *s, struct err *e)
{
	const struct bundle_statement *b = &s->u.bundle;
	struct conf_diags diags = {0};
	struct policy *p = NULL;
	int r;

	if ((r = check_last_root(last_root(n), in->files, e)) != 0)
		return r;
	if ((r = policy_parse(in->files, &p, &diags)) != 0) {
		r = conf_diags_err(&diags, r, e);
		goto out;
	}
	if ((r = policy_set_zones(p, b->zones, b->n_zones, e)) != 0)
		goto out;
	p->hash = s->hash;
	p->version = b->version;
	p->expires = b->expires;
	n->policy = p;
	p = NULL;
out:
	conf_diags_clear(&diags);
	policy_free(p);
	return r;
}

static int
take_bundle(struct next *n, const struct bundle_input *in, struct err *e)
{
	const struct policy *root = last_root(n);
	struct statement s;
	char what[48];
	int r;

	statement_init(&s, ST_POLICY);
	r = signers_read("policy bundle", in->statement, ST_POLICY, &n->realm,
	    &s, e);
	if (r != 0)
		goto out;
	(void)snprintf(what, sizeof(what), "policy version %llu",
	    (unsigned long long)s.u.bundle.version);
	if ((r = signers_enough(root, SIGN_OFFICER, &s, root->thresholds.policy,
		 what, e)) != 0 ||
	    (r = signers_author(root, NULL, SIGN_OFFICER, &s, what, e)) != 0 ||
	    (r = check_version(n->t->policy, &s, e)) != 0 ||
	    (r = check_files(in, &s.u.bundle, e)) != 0)
		goto out;
	r = read_policy(n, in, &s, e);
out:
	statement_clear(&s);
	return r;
}

/* --- all of it --- */

int
trust_update(struct trust *t, const struct bundle_input *in,
    const struct hash *pin, int64_t now, struct err *e)
{
	struct next n = {.t = t};
	struct trust after = {.have = true};
	int answer = 0, r;

	if ((r = find_realm(&n, in, pin, e)) != 0 ||
	    (r = take_roots(&n, in, e)) != 0 ||
	    (r = take_bundle(&n, in, e)) != 0)
		goto out;
	if (now != 0) {
		after.root = n.root != NULL ? n.root : t->root;
		after.policy = n.policy;
		answer = trust_expiry(&after, now, NULL, e);
		if ((r = answer) < 0)
			goto out;
	}
	if (n.root != NULL) {
		policy_free(t->root);
		t->root = n.root;
		n.root = NULL;
	}
	policy_free(t->policy);
	t->policy = n.policy;
	n.policy = NULL;
	t->have = true;
	t->realm = n.realm;
	t->root_version = t->root->root_version;
	r = answer;
out:
	policy_free(n.root);
	policy_free(n.policy);
	return r;
}
