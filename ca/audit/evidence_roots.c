/* SPDX-License-Identifier: ISC */
/*
 * The way from the realm, which is the hash of root.yaml's version 1, to the root
 * under the policy: each later version has the statement that made it one, signed
 * by as many officers as the one before it asks for, and as it asks for itself.
 */
#include <stdio.h>

#include "ca/audit/evidence.h"
#include "lib/base/clock.h"

void
evidence_root_clear(struct evidence_root *x)
{
	statement_clear(&x->s);
	str_clear(&x->file);
	policy_free(x->root);
	*x = (struct evidence_root){.file = STR_INIT};
}

/* Whose it is among the officers of root.yaml, by what that file alone has. */
static const char *
officer(const struct policy *root, const struct pubkey *k)
{
	const struct person *who = policy_person_of_key(root, k);

	return who != NULL && who->officer && person_has_root_key(who, k)
	    ? who->id
	    : NULL;
}

/* Those of root who signed s, a line a key. */
static int
add_signers(const struct policy *root, const struct statement *s,
    const char *name, struct evidence *out)
{
	struct str lines = STR_INIT;
	int r;

	for (size_t i = 0; i < s->n_sigs; i++) {
		const char *who = officer(root, s->sigs[i].key);

		if (who != NULL)
			evidence_signer(&lines, who,
			    statement_namespace(s->type), s->sigs[i].key);
	}
	if ((r = str_check(&lines)) == 0)
		r = evidence_add(out, slice_of(lines.p, lines.n), "%s", name);
	str_clear(&lines);
	return r;
}

static int
add_signatures(const struct statement *s, unsigned version,
    struct evidence *out, struct err *e)
{
	struct slice rest = evidence_signatures(s), sig;
	int r = 0;

	for (size_t i = 0; i < s->n_sigs && r == 0; i++)
		if ((r = evidence_signature(&rest, &sig, e)) == 0)
			r = evidence_add(out, sig, "root-%u.%zu.sig", version,
			    i + 1);
	return r;
}

static int
add_root(const struct evidence_case *c, size_t i, struct evidence *out,
    struct err *e)
{
	const struct evidence_root *x = &c->roots[i];
	unsigned version = (unsigned)i + 1;
	char name[40];
	int r;

	r = evidence_add(out, slice_of(x->file.p, x->file.n), "root-%u.yaml",
	    version);
	/* The first one is what it is by its hash. */
	if (r != 0 || i == 0)
		return r;
	if ((r = evidence_add(out, statement_message(&x->s), "root-%u.message",
		 version)) != 0 ||
	    (r = add_signatures(&x->s, version, out, e)) != 0)
		return r;
	(void)snprintf(name, sizeof(name), "root-%u.before.signers", version);
	if ((r = add_signers(c->roots[i - 1].root, &x->s, name, out)) != 0)
		return r;
	(void)snprintf(name, sizeof(name), "root-%u.signers", version);
	return add_signers(x->root, &x->s, name, out);
}

static const struct statement *
policy_of(const struct evidence_case *c)
{
	for (size_t i = 0; i < c->n_said; i++)
		if (c->said[i].s.type == ST_POLICY)
			return &c->said[i].s;
	return NULL;
}

int
evidence_root_files(const struct evidence_case *c, struct evidence *out,
    struct err *e)
{
	const struct statement *policy = policy_of(c);
	int r = 0;

	/* A first one that is the last is policy/root.yaml. */
	for (size_t i = 0; c->n_roots > 1 && i < c->n_roots && r == 0; i++)
		r = add_root(c, i, out, e);
	return r != 0 || policy == NULL
	    ? r
	    : add_signers(c->policy, policy, "policy.signers", out);
}

void
evidence_root_readme(const struct evidence_case *c, struct str *out)
{
	for (size_t i = 1; i < c->n_roots; i++) {
		const struct statement *s = &c->roots[i].s;
		char hex[HASH_HEX], at[CLOCK_TEXT], name[32];

		(void)snprintf(name, sizeof(name), "root-%zu", i + 1);
		hash_hex(&s->hash, hex);
		clock_format(s->at, at);
		str_addf(out, "  %-14s by %s, %s\n  %-14s sha256 %s\n", name,
		    s->by, at, "", hex);
	}
	if (c->n_roots > 1)
		str_addf(out,
		    "\nroot-1.yaml is the root of trust, whose hash is the "
		    "realm.  Each later one has the\nstatement that made it "
		    "the root; root-%zu.yaml is the policy's root.yaml.\n",
		    c->n_roots);
}

void
evidence_root_check(const struct evidence_case *c, struct str *out)
{
	if (c->n_roots > 1)
		str_add(out,
		    "sum root-1.yaml\n"
		    "realm=$h\n"
		    "says issue.leaf \"\\\"realm\\\":\\\"$h\\\"\" \\\n"
		    "	\"root-1.yaml is the root of trust, $h\"\n");
	else
		str_add(out,
		    "sum policy/root.yaml\n"
		    "says issue.leaf \"\\\"realm\\\":\\\"$h\\\"\" \\\n"
		    "	\"root.yaml is the root of trust, $h\"\n");
	for (size_t i = 1; i < c->n_roots; i++)
		str_addf(out, "root %zu %zu %u %u\n", i + 1, i,
		    c->roots[i - 1].root->thresholds.root,
		    c->roots[i].root->thresholds.root);
	if (c->n_roots > 1)
		str_addf(out,
		    "sum root-%zu.yaml\n"
		    "last=$h\n"
		    "sum policy/root.yaml\n"
		    "[ \"$h\" = \"$last\" ] ||\n"
		    "	bad 'policy/root.yaml is another one than "
		    "root-%zu.yaml'\n"
		    "ok 'policy/root.yaml is root-%zu.yaml'\n",
		    c->n_roots, c->n_roots, c->n_roots);
	str_addf(out,
	    "quorum policy policy policy.signers policy/root.yaml policy %u\n",
	    c->policy->thresholds.policy);
}
