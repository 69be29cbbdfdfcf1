/* SPDX-License-Identifier: ISC */
/* writ policy log: every published version, and who signed it then. */
#include <stdlib.h>
#include <string.h>

#include "ca/cli/policy.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"

struct history {
	const char *dir;
	struct bundle_chain *chain; /* verified: its roots are all there were */
	struct policy *root;        /* of the version before, or NULL */
	struct hash before;         /* name of the version before */
};

/* The officers of a version are those of the root that it was signed under. */
static int
find_root(struct history *h, const struct statement *s, struct err *e)
{
	struct conf_diags diags = {0};
	struct hash want, got;
	int r;

	if ((r = bundles_root_of(h->dir, &s->u.bundle, &want, e)) != 0)
		return r;
	if (h->root != NULL && hash_equal(&h->root->root_hash, &want))
		return 0;
	for (size_t i = 0; i < h->chain->n_roots; i++) {
		const struct slice *file = &h->chain->root_files[i];

		hash_sha256(file->p, file->n, &got);
		if (!hash_equal(&got, &want))
			continue;
		policy_free(h->root);
		h->root = NULL;
		if ((r = policy_parse_root(*file, &h->root, &diags)) != 0)
			r = conf_diags_err(&diags, r, e);
		conf_diags_clear(&diags);
		return r;
	}
	return err_set(e, ERR_CORRUPT,
	    "policy version %llu is of a root.yaml that no root was",
	    (unsigned long long)s->u.bundle.version);
}

/* Each names the one before, and the last is the one in force. */
static int
read_version(struct history *h, uint64_t v, struct statement *s, struct err *e)
{
	const struct bundle_statement *b = &s->u.bundle;
	char *path = NULL;
	int r;

	if (path_joinf(&path, "%s/bundle/policy.%llu", h->dir,
		(unsigned long long)v) != 0)
		return err_nomem(e);
	if ((r = cli_read_statement(path, s, e)) == 0 &&
	    (r = statement_verify(s, e)) == 0 &&
	    (s->type != ST_POLICY || b->version != v ||
		(v > 1 && !hash_equal(&b->previous, &h->before))))
		r = err_set(e, ERR_CORRUPT,
		    "%s is not policy version %llu, expected the one that the "
		    "published versions go on from",
		    path, (unsigned long long)v);
	free(path);
	if (r == 0)
		h->before = s->hash;
	return r;
}

static int
add_version(struct history *h, uint64_t v, struct table *t, struct err *e)
{
	char when[CLOCK_TEXT], hex[HASH_HEX];
	struct strs signers = {0};
	struct str who = STR_INIT;
	struct statement s;
	int r;

	statement_init(&s, ST_POLICY);
	if ((r = read_version(h, v, &s, e)) != 0 ||
	    (r = find_root(h, &s, e)) != 0)
		goto out;
	if (trust_signers(h->root, &s, &signers) != 0) {
		r = err_nomem(e);
		goto out;
	}
	strs_join(&signers, " ", &who);
	table_addf(t, "%llu", (unsigned long long)v);
	clock_format(s.at, when);
	table_add(t, when);
	clock_format(s.u.bundle.expires, when);
	table_add(t, when);
	table_add(t, who.p);
	hash_hex(&s.hash, hex);
	table_add(t, hex);
out:
	str_clear(&who);
	strs_clear(&signers);
	statement_clear(&s);
	return r;
}

int
run_policy_log(struct cli_args *a, struct err *e)
{
	static const char *const columns[] = {
	    "version", "signed_at", "expires", "signed_by", "hash"};
	struct history h = {.dir = cli_dir(a)};
	struct table t;
	struct trust trust;
	int r;

	table_init(&t, columns, 5);
	trust_init(&trust);
	if ((h.chain = calloc(1, sizeof(*h.chain))) == NULL)
		r = err_nomem(e);
	else if ((r = cli_trust(a, &trust, e)) == 0)
		r = bundles_read(h.dir, h.chain, e);
	for (uint64_t v = 1; r == 0 && v <= trust.policy->version; v++)
		r = add_version(&h, v, &t, e);
	if (r == 0)
		r = cli_print_table(&t, cli_format(a), e);
	if (h.chain != NULL)
		bundle_chain_clear(h.chain);
	free(h.chain);
	policy_free(h.root);
	trust_clear(&trust);
	table_clear(&t);
	return r;
}
