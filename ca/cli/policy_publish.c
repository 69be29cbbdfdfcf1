/* SPDX-License-Identifier: ISC */
/* A policy that has its signatures: into the log, then into DIR/bundle. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca/cli/policy_sign.h"
#include "lib/base/file.h"

static int
dup_slice(struct slice from, struct slice *to)
{
	uint8_t *p = malloc(from.n + 1);

	if (p == NULL)
		return ERR_NOMEM;
	memcpy(p, from.p, from.n);
	to->p = p;
	to->n = from.n;
	return 0;
}

/* The chain as it will be: what is published, and the drafts on top. */
static int
build_chain(struct policy_signing *s, struct bundle_chain *c, struct err *e)
{
	const struct policy_file *root;
	int r = 0;

	root = policy_files_find(&s->files, "root.yaml");
	for (size_t i = 0; i < s->old->n_roots && r == 0; i++) {
		r = dup_slice(s->old->root_files[i], &c->root_files[i]);
		if (r == 0)
			r = dup_slice(s->old->root_statements[i],
			    &c->root_statements[i]);
		c->n_roots++;
	}
	if (r == 0 && s->new_root && c->n_roots < BUNDLE_ROOTS_MAX) {
		r = dup_slice(slice_of(root->data, root->n),
		    &c->root_files[c->n_roots]);
		if (r == 0)
			r = dup_slice(statement_bytes(&s->root),
			    &c->root_statements[c->n_roots]);
		c->n_roots++;
	}
	for (size_t i = 0; i < s->files.n && r == 0; i++)
		r = policy_files_add(&c->files, s->files.v[i].path,
		    s->files.v[i].data, s->files.v[i].n);
	policy_files_sort(&c->files);
	if (r == 0)
		r = dup_slice(slice_of(s->manifest.p, s->manifest.n),
		    &c->manifest);
	if (r == 0)
		r = dup_slice(statement_bytes(&s->policy), &c->statement);
	c->version = s->policy.u.bundle.version;
	return r == 0 ? 0 : err_nomem(e);
}

static void
warn(void *ctx, const char *sentence)
{
	(void)ctx;
	cli_warn("%s", sentence);
}

static void
remove_drafts(const struct policy_signing *s)
{
	static const char *const names[] = {"root", "policy"};

	for (size_t i = 0; i < 2; i++) {
		char *path = NULL;

		if (policy_draft_path(s, names[i], &path) == 0)
			(void)unlink(path); /* void from now on anyway */
		free(path);
	}
}

/* The stick in the safe gets the policy while it is here. */
static void
store_emergency(const struct policy_signing *s, const struct bundle_chain *c)
{
	char *dir = NULL;
	struct err why = {0};

	if (path_join(s->dir, "emergency", &dir) != 0)
		return;
	if (!file_exists(dir))
		cli_warn("%s is not here: it keeps its older policy", dir);
	else if (bundles_store(dir, c, &why) != 0)
		cli_warn("%s keeps its older policy: %s", dir, why.msg);
	free(dir);
}

/* Else it is a copy that an officer works on, and a CA elsewhere has the log. */
static int
is_deployment(const char *dir, bool *yes, struct err *e)
{
	char *path = NULL;

	if (path_join(dir, "writ.yaml", &path) != 0)
		return err_nomem(e);
	*yes = file_exists(path);
	free(path);
	return 0;
}

void
policy_finish(struct policy_signing *s)
{
	bool here = false;

	if (!s->trust.have || s->policy.n_bytes == 0 ||
	    s->policy.type != ST_POLICY ||
	    s->policy.u.bundle.version > s->trust.policy->version)
		return;
	if (is_deployment(s->dir, &here, NULL) == 0 && here)
		store_emergency(s, s->old);
	remove_drafts(s);
	statement_clear(&s->root);
	statement_init(&s->root, ST_ROOT);
	statement_clear(&s->policy);
	statement_init(&s->policy, ST_POLICY);
}

int
policy_publish(struct policy_signing *s, struct err *e)
{
	struct local_options o = {.dir = s->dir,
	    .mode = LOCAL_LOG,
	    .pass = &cli_passphrase,
	    .warn = warn};
	struct bundle_chain *c;
	struct bundle_input in;
	struct local *l = NULL;
	char fp[FINGERPRINT_MAX];
	bool here = false;
	int r;

	if ((r = is_deployment(s->dir, &here, e)) != 0)
		return r;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = build_chain(s, c, e)) != 0)
		goto out;
	bundle_chain_input(c, &in);
	if (s->trust.have) {
		/* An update brings the roots that are new, not all. */
		in.root_files += s->old->n_roots;
		in.root_statements += s->old->n_roots;
		in.n_roots -= s->old->n_roots;
	}
	if ((r = trust_update(&s->trust, &in, NULL, s->now, e)) < 0)
		goto out;
	o.chain = c;
	/* Opening puts the policy into the log; then hosts may have it. */
	if ((here && (r = local_open(&o, &l, e)) != 0) ||
	    (r = bundles_store(s->dir, c, e)) != 0)
		goto out;
	if (here)
		store_emergency(s, c);
	remove_drafts(s);
	printf("policy %llu %s\n", (unsigned long long)c->version,
	    here ? "is published"
		 : "has its signatures; writ policy push sends it");
	if (c->version == 1) {
		hash_fingerprint(&s->realm, fp);
		printf("root of trust, to be told by another way: %s\n", fp);
	}
out:
	local_free(l);
	bundle_chain_clear(c);
	free(c);
	return r;
}
