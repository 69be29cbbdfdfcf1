/* SPDX-License-Identifier: ISC */
/* writ policy pull, writ policy push: the signed policy, from a CA and to it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/policy.h"
#include "ca/cli/remote.h"
#include "ca/client/sshconf.h"
#include "lib/base/file.h"
#include "lib/base/json.h"

/* --- pull ----------------------------------------------------------------- */

/* DIR/policy as the bundle has it, for officers to edit. */
static int
write_copy(const char *dir, const struct bundle_chain *c, struct err *e)
{
	static const char *const subs[] = {
	    "policy", "policy/people", "policy/authorities"};
	int r = 0;

	for (size_t i = 0; i < sizeof(subs) / sizeof(subs[0]) && r == 0; i++) {
		char *path = NULL;

		if (path_join(dir, subs[i], &path) != 0)
			return err_nomem(e);
		r = file_mkdirs(path, 0755, e);
		free(path);
	}
	for (size_t i = 0; i < c->files.n && r == 0; i++) {
		const struct policy_file *f = &c->files.v[i];
		char *path = NULL;

		if (path_joinf(&path, "%s/policy/%s", dir, f->path) != 0)
			return err_nomem(e);
		r = file_write(path, f->data, f->n, 0644, FILE_NEW, e);
		free(path);
	}
	return r;
}

static int
copy_to(const struct remote *r, const char *dir, struct err *e)
{
	struct bundle_chain *c;
	char *policy = NULL;
	int rc;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if (path_join(dir, "policy", &policy) != 0) {
		rc = err_nomem(e);
		goto out;
	}
	if ((rc = bundles_read(r->profile.dir, c, e)) != 0 ||
	    (rc = bundles_store(dir, c, e)) != 0)
		goto out;
	/* What an officer is at is his; writ policy diff shows how it lies. */
	if (file_exists(policy))
		printf("%s is left as it is; writ policy diff -C %s compares\n",
		    policy, dir);
	else if ((rc = write_copy(dir, c, e)) == 0)
		printf("%s: edit, then writ policy sign -C %s -i KEY\n", policy,
		    dir);
out:
	free(policy);
	bundle_chain_clear(c);
	free(c);
	return rc;
}

int
run_policy_pull(struct cli_args *a, struct err *e)
{
	const char *dir = cli_operand(a, 0);
	struct remote r;
	int rc;

	cli_remote_init(&r);
	if ((rc = cli_remote_open(&r, e)) == 0 &&
	    (rc = remote_pull_krl(&r, e)) == 0 &&
	    (rc = sshconf_write(&r.profile, r.trust.policy, e)) == 0) {
		printf("policy %llu, root %llu\n",
		    (unsigned long long)r.trust.policy->version,
		    (unsigned long long)r.trust.root_version);
		if (dir != NULL)
			rc = copy_to(&r, dir, e);
	}
	remote_clear(&r);
	return rc;
}

/* --- push ----------------------------------------------------------------- */

static int
put_file(struct remote *r, const struct policy_file *f, struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;
	int rc;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "put");
	jw_base64(&w, "data", f->data, f->n);
	jw_end(&w, '}');
	if ((rc = remote_call(r, &call, LINK_CALL_MS, NULL, NULL, e)) != 0)
		err_prefix(e, "%s", f->path);
	return rc;
}

static void
add_roots(struct jw *w, const struct bundle_chain *c, size_t from)
{
	jw_begin(w, "roots", '[');
	for (size_t i = from; i < c->n_roots; i++) {
		jw_begin(w, NULL, '{');
		jw_strn(w, "file", (const char *)c->root_files[i].p,
		    c->root_files[i].n);
		jw_strn(w, "statement", (const char *)c->root_statements[i].p,
		    c->root_statements[i].n);
		jw_end(w, '}');
	}
	jw_end(w, ']');
}

static int
call_push(struct remote *r, const struct bundle_chain *c, int *status,
    struct err *e)
{
	struct str call = STR_INIT;
	struct jw w;

	jw_init(&w, &call, false);
	jw_begin(&w, NULL, '{');
	jw_str(&w, "call", "push");
	add_roots(&w, c, (size_t)r->trust.root_version);
	jw_strn(&w, "statement", (const char *)c->statement.p, c->statement.n);
	jw_strn(&w, "manifest", (const char *)c->manifest.p, c->manifest.n);
	jw_end(&w, '}');
	return remote_call(r, &call, LINK_CALL_MS, status, NULL, e);
}

/* What the CA has in force already is no failure, and not sent again. */
static int
compare(const struct remote *r, const struct trust *own, const char *dir,
    struct err *e)
{
	uint64_t theirs = r->trust.policy->version, ours = own->policy->version;

	if (ours > theirs)
		return 0;
	if (ours < theirs)
		return err_set(e, ERR_ROLLBACK,
		    "the CA has policy %llu, %s has %llu; writ policy pull",
		    (unsigned long long)theirs, dir, (unsigned long long)ours);
	if (!hash_equal(&r->trust.policy->hash, &own->policy->hash))
		return err_set(e, ERR_EXISTS,
		    "the CA has another policy %llu; writ policy pull into a "
		    "new directory and sign there",
		    (unsigned long long)theirs);
	printf("the CA has policy %llu already\n", (unsigned long long)theirs);
	return 1;
}

static int
lacking(const char *dir, struct err *e)
{
	char *path = NULL;
	bool drafts;

	if (path_join(dir, "bundle/draft.policy", &path) != 0)
		return err_nomem(e);
	drafts = file_exists(path);
	free(path);
	if (!drafts)
		return 0;
	return err_set(e, ERR_WAIT,
	    "%s: the next policy lacks signatures; writ policy sign says whose",
	    dir);
}

static int
push(struct remote *r, const char *dir, struct err *e)
{
	struct bundle_chain *c;
	struct trust own;
	int status = 0, rc;

	trust_init(&own);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((rc = lacking(dir, e)) != 0 ||
	    (rc = bundles_load(dir, &r->profile.realm, 0, &own, e)) < 0 ||
	    (rc = bundles_read(dir, c, e)) != 0)
		goto out;
	if ((rc = compare(r, &own, dir, e)) != 0) {
		rc = rc == 1 ? 0 : rc;
		goto out;
	}
	for (size_t i = 0; i < c->files.n && rc == 0; i++)
		rc = put_file(r, &c->files.v[i], e);
	if (rc != 0 || (rc = call_push(r, c, &status, e)) != 0)
		goto out;
	if ((rc = status) == 0)
		printf("policy %llu is in force\n",
		    (unsigned long long)c->version);
out:
	bundle_chain_clear(c);
	free(c);
	trust_clear(&own);
	return rc;
}

int
run_policy_push(struct cli_args *a, struct err *e)
{
	struct remote r;
	int rc;

	cli_remote_init(&r);
	if ((rc = cli_remote_open(&r, e)) == 0)
		rc = push(&r, cli_dir(a), e);
	remote_clear(&r);
	return rc;
}
