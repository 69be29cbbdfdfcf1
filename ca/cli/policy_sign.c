/* SPDX-License-Identifier: ISC */
/*
 * writ policy sign: one officer's signatures at a time, over root.yaml where it
 * is new and over the bundle; published when both thresholds hold.
 *
 * Statements that still lack signatures lie in DIR/bundle as draft.root and
 * draft.policy.  A draft is worth nothing once what it signs has changed; then
 * a new one is begun, and says so.
 */
#include "ca/cli/policy_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/key/person.h"

#define BUNDLE_LIFE (180 * INT64_C(86400))
/* Signing an unchanged policy again makes a new version only this close to the
 * end of the old one. */
#define RENEW_BEFORE (30 * INT64_C(86400))

/* --- gathering ------------------------------------------------------------ */

static const struct person *
officer_of(const struct policy *p, const struct pubkey *key)
{
	const struct person *who;

	if (p == NULL)
		return NULL;
	who = policy_person_of_key(p, key);
	return who != NULL && who->officer && person_has_root_key(who, key)
	    ? who
	    : NULL;
}

static int
find_signer(struct policy_signing *s, struct err *e)
{
	const struct person *who;
	char fp[FINGERPRINT_MAX];
	int r;

	if (s->key_path == NULL)
		return err_set(e, ERR_USAGE, "who signs? expected -i KEY");
	if ((r = person_pubkey(s->key_path, &s->key, e)) != 0)
		return r;
	who = officer_of(s->draft, s->key);
	s->stays = who != NULL;
	if (who == NULL)
		who = officer_of(s->trust.root, s->key);
	if (who != NULL) {
		s->person = who->id;
		return 0;
	}
	pubkey_fingerprint(s->key, fp);
	who = policy_person_of_key(s->draft, s->key);
	if (who != NULL && who->officer)
		return err_set(e, ERR_DENIED,
		    "%s: key %s of %s is not in root.yaml, expected one that "
		    "is",
		    s->key_path, fp, who->id);
	return err_set(e, ERR_DENIED,
	    "%s: key %s is no officer's, expected one of root.yaml",
	    s->key_path, fp);
}

static int
load_published(struct policy_signing *s, struct err *e)
{
	struct bundle_input in;
	struct err why = {0};
	int r;

	if ((s->old = calloc(1, sizeof(*s->old))) == NULL)
		return err_nomem(e);
	r = bundles_read(s->dir, s->old, &why);
	if (r == ERR_NOTFOUND && s->old->version == 0)
		return 0;
	if (r != 0) {
		if (e != NULL)
			*e = why;
		return r;
	}
	bundle_chain_input(s->old, &in);
	r = trust_update(&s->trust, &in, NULL, 0, e);
	return r < 0 ? r : 0;
}

static int
load_draft(struct policy_signing *s, struct err *e)
{
	const struct policy_file *root;
	int r;

	if ((r = policy_read_draft(s->dir, &s->files, &s->draft, e)) != 0)
		return r;
	root = policy_files_find(&s->files, "root.yaml");
	hash_sha256(root->data, root->n, &s->root_hash);
	if ((r = manifest_of(&s->files, &s->manifest)) != 0)
		return err_set(e, r, "MANIFEST: %s", err_text(r));
	s->realm = s->trust.have ? s->trust.realm : s->root_hash;
	s->new_root = !s->trust.have ||
	    !hash_equal(&s->root_hash, &s->trust.root->root_hash);
	if (s->new_root &&
	    s->draft->root_version != s->trust.root_version + 1) {
		return err_set(e, ERR_DENIED,
		    "policy/root.yaml: version is %llu, expected %llu, since "
		    "the file has changed",
		    (unsigned long long)s->draft->root_version,
		    (unsigned long long)s->trust.root_version + 1);
	}
	return 0;
}

/* --- drafts --------------------------------------------------------------- */

static int
add_zones(const struct policy_signing *s, struct bundle_statement *b,
    struct err *e)
{
	struct strs zones = {0};
	int r = 0;

	if (policy_zones(s->draft, &zones) != 0)
		return err_nomem(e);
	if (zones.n > 0 &&
	    (b->zones = calloc(zones.n, sizeof(*b->zones))) == NULL)
		r = err_nomem(e);
	for (size_t i = 0; i < zones.n && r == 0; i++) {
		b->zones[i].name = str_dup(zones.v[i]);
		b->n_zones++;
		if (b->zones[i].name == NULL)
			r = err_nomem(e);
		else
			r = policy_zone_rule(zones.v[i], &b->zones[i].rule, e);
	}
	strs_clear(&zones);
	return r;
}

static int
begin_root(struct policy_signing *s, struct statement *out, struct err *e)
{
	int r = cli_new_statement(out, ST_ROOT, &s->realm, s->person, e);

	out->u.root.version = s->draft->root_version;
	out->u.root.file = s->root_hash;
	return r;
}

static int
begin_policy(struct policy_signing *s, struct statement *out, struct err *e)
{
	struct bundle_statement *b = &out->u.bundle;
	int r = cli_new_statement(out, ST_POLICY, &s->realm, s->person, e);

	b->version = policy_next_version(s);
	b->expires = s->expires;
	b->manifest_size = s->manifest.n;
	hash_sha256(s->manifest.p, s->manifest.n, &b->manifest);
	if (s->trust.have) {
		b->has_previous = true;
		b->previous = s->trust.policy->hash;
	}
	return r != 0 ? r : add_zones(s, b, e);
}

/* Put the officer's signature under d, unless it is there, and keep it. */
static int
add_signature(struct policy_signing *s, const char *name, struct statement *d,
    struct err *e)
{
	char *path = NULL;
	int r;

	if (policy_draft_path(s, name, &path) != 0)
		return err_nomem(e);
	r = cli_draft_sign(path, s->key_path, s->key, d, e);
	free(path);
	return r;
}

static int
sign_draft(struct policy_signing *s, const char *name, struct statement *d,
    bool fits,
    int (*begin)(struct policy_signing *, struct statement *, struct err *),
    struct err *e)
{
	struct statement fresh;
	struct str text = STR_INIT;
	enum statement_type type = d->type;
	int r = 0;

	if (fits)
		return add_signature(s, name, d, e);
	if (d->n_bytes > 0)
		cli_warn("what others signed has changed: their signatures "
			 "are void");
	statement_init(&fresh, type);
	if ((r = begin(s, &fresh, e)) == 0 &&
	    (r = statement_encode(&fresh, &text, e)) == 0 &&
	    (r = statement_parse_message(name, slice_of(text.p, text.n), d,
		 e)) == 0)
		r = add_signature(s, name, d, e);
	statement_clear(&fresh);
	str_clear(&text);
	return r;
}

/* --- thresholds ----------------------------------------------------------- */

static int
count_signers(const struct policy *root, const struct statement *d,
    struct strs *who, struct err *e)
{
	strs_clear(who);
	if (trust_signers(root, d, who) != 0)
		return err_nomem(e);
	return 0;
}

static bool
is_officer(const struct person *p)
{
	return p->officer;
}

static int
one_threshold(const struct policy *root, const struct statement *d,
    const char *what, unsigned need, bool *holds, struct err *e)
{
	struct strs who = {0};
	int r = count_signers(root, d, &who, e);

	if (r == 0 && who.n < need) {
		cli_say_missing(root, &who, what, need, is_officer);
		*holds = false;
	}
	strs_clear(&who);
	return r;
}

static int
thresholds_hold(struct policy_signing *s, bool *holds, struct err *e)
{
	char what[64];
	int r = 0;

	*holds = true;
	if (s->new_root) {
		snprintf(what, sizeof(what), "root.yaml %llu",
		    (unsigned long long)s->draft->root_version);
		r = one_threshold(s->draft, &s->root, what,
		    s->draft->thresholds.root, holds, e);
		if (r == 0 && s->trust.have && *holds) {
			snprintf(what, sizeof(what),
			    "root.yaml %llu (by those of version %llu)",
			    (unsigned long long)s->draft->root_version,
			    (unsigned long long)s->trust.root_version);
			r = one_threshold(s->trust.root, &s->root, what,
			    s->trust.root->thresholds.root, holds, e);
		}
	}
	if (r == 0) {
		snprintf(what, sizeof(what), "policy %llu",
		    (unsigned long long)policy_next_version(s));
		r = one_threshold(s->draft, &s->policy, what,
		    s->draft->thresholds.policy, holds, e);
	}
	return r;
}

/* --- the command ---------------------------------------------------------- */

static void
signing_init(struct policy_signing *s)
{
	memset(s, 0, sizeof(*s));
	str_init(&s->manifest);
	trust_init(&s->trust);
	statement_init(&s->root, ST_ROOT);
	statement_init(&s->policy, ST_POLICY);
	s->now = clock_now();
	s->expires = s->now + BUNDLE_LIFE;
}

static void
signing_clear(struct policy_signing *s)
{
	pubkey_free(s->key);
	policy_files_clear(&s->files);
	policy_free(s->draft);
	str_clear(&s->manifest);
	if (s->old != NULL)
		bundle_chain_clear(s->old);
	free(s->old);
	trust_clear(&s->trust);
	statement_clear(&s->root);
	statement_clear(&s->policy);
}

/* Nothing has changed, and the version in force is far from its end. */
static bool
nothing_to_sign(const struct policy_signing *s)
{
	struct slice manifest = slice_of(s->manifest.p, s->manifest.n);

	return s->trust.have && !s->expires_given && s->policy.n_bytes == 0 &&
	    slice_equal(manifest, s->old->manifest) &&
	    s->trust.policy->expires - s->now > RENEW_BEFORE;
}

/* An officer whom the new root lets go has a say in the root alone: a policy that
 * he began would be one by nobody who counts, and never be good. */
static int
sign_policy(struct policy_signing *s, struct err *e)
{
	bool fits = policy_fits(s);

	if (s->stays)
		return sign_draft(s, "policy", &s->policy, fits, begin_policy,
		    e);
	if (!fits) {
		statement_clear(&s->policy);
		statement_init(&s->policy, ST_POLICY);
	}
	return 0;
}

static int
sign_both(struct policy_signing *s, bool yes, struct err *e)
{
	bool holds;
	int r;

	if (nothing_to_sign(s)) {
		printf("policy %llu is published, and nothing has changed\n",
		    (unsigned long long)s->trust.policy->version);
		return 0;
	}
	if ((r = policy_print_diff(s->dir, &s->files, e)) != 0 ||
	    (s->stays && (r = policy_say_terms(s, e)) != 0))
		return r;
	if (!yes && !cli_confirm("Sign this policy?"))
		return err_set(e, ERR_DENIED, "not signed");
	if (s->new_root &&
	    (r = sign_draft(s, "root", &s->root, policy_root_fits(s),
		 begin_root, e)) != 0)
		return r;
	if ((r = sign_policy(s, e)) != 0 ||
	    (r = thresholds_hold(s, &holds, e)) != 0)
		return r;
	return holds ? policy_publish(s, e) : 0;
}

static int
make_bundle_dir(const char *dir, int *lock, struct err *e)
{
	char *path = NULL;
	int r;

	if (path_join(dir, "bundle", &path) != 0)
		return err_nomem(e);
	r = file_mkdirs(path, 0755, e);
	free(path);
	if (r != 0)
		return r;
	if (path_join(dir, "bundle/lock", &path) != 0)
		return err_nomem(e);
	r = file_lock(path, lock, e);
	free(path);
	return r;
}

int
run_policy_sign(struct cli_args *a, struct err *e)
{
	const char *expires = cli_get(a, "expires");
	struct policy_signing s;
	int lock = -1, r;

	signing_init(&s);
	s.dir = cli_dir(a);
	s.key_path = cli_get(a, "i");
	if (expires != NULL) {
		s.expires_given = true;
		if ((r = cli_end("--expires", expires, s.now, &s.expires, e)) !=
		    0)
			goto out;
	}
	if ((r = load_published(&s, e)) != 0 || (r = load_draft(&s, e)) != 0 ||
	    (r = find_signer(&s, e)) != 0 ||
	    (r = make_bundle_dir(s.dir, &lock, e)) != 0 ||
	    (r = policy_draft_load(&s, "root", &s.root, e)) != 0 ||
	    (r = policy_draft_load(&s, "policy", &s.policy, e)) != 0)
		goto out;
	policy_finish(&s);
	r = sign_both(&s, cli_flag(a, "y"), e);
out:
	if (lock != -1)
		(void)close(lock);
	signing_clear(&s);
	return r;
}
