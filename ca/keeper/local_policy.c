/* SPDX-License-Identifier: ISC */
/* The signed policy into the log, and a newer one in the place of the old. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"

/* --- policy --------------------------------------------------------------- */

static int
put_file(struct local *l, struct slice s, struct err *e)
{
	char hex[HASH_HEX], key[sizeof("policy/") + HASH_HEX];
	struct hash h;
	int r;

	hash_sha256(s.p, s.n, &h);
	hash_hex(&h, hex);
	snprintf(key, sizeof(key), "policy/%s", hex);
	r = ledger_put_object(l->ledger, key, s, e);
	return r < 0 ? r : 0;
}

static int
add_parsed(struct local *l, struct slice text, enum statement_type type,
    struct statement *s, struct keeper_leaves *leaves, struct err *e)
{
	int r;

	statement_init(s, type);
	if ((r = statement_parse("policy", text, s, e)) != 0)
		return r;
	return keeper_add_statement(l->keeper, s, leaves, e);
}

static int
log_chain(struct local *l, const struct bundle_chain *c, struct err *e)
{
	struct ledger_receipt *receipts = NULL;
	struct keeper_leaves leaves = {0};
	struct statement *s = NULL;
	size_t n = 0;
	int r = 0;

	s = calloc(c->n_roots + 1, sizeof(*s));
	receipts = calloc(c->n_roots + 1, sizeof(*receipts));
	if (s == NULL || receipts == NULL) {
		r = err_nomem(e);
		goto out;
	}
	for (size_t i = 0; i < c->n_roots && r == 0; i++)
		r = put_file(l, c->root_files[i], e);
	for (size_t i = 0; i < c->files.n && r == 0; i++)
		r = put_file(l, slice_of(c->files.v[i].data, c->files.v[i].n),
		    e);
	if (r == 0)
		r = put_file(l, c->manifest, e);
	for (; n < c->n_roots && r == 0; n++)
		r = add_parsed(l, c->root_statements[n], ST_ROOT, &s[n],
		    &leaves, e);
	if (r == 0)
		r = add_parsed(l, c->statement, ST_POLICY, &s[n++], &leaves, e);
	if (r == 0)
		r = local_commit(l, &leaves, receipts, e);
out:
	keeper_leaves_clear(&leaves);
	for (size_t i = 0; s != NULL && i < n; i++)
		statement_clear(&s[i]);
	free(s);
	free(receipts);
	return r;
}

/* The log knows one policy of each version, whatever DIR/bundle has lost. */
static int
check_twin(struct local *l, const struct policy *p, struct err *e)
{
	const uint64_t *at;
	size_t n;
	int r = ledger_listed(l->ledger, LTAG_POLICY, &at, &n, e);

	for (; r == 0 && n > 0; n--) {
		struct leaf leaf;
		uint8_t *bytes = NULL;
		size_t len;

		leaf_init(&leaf);
		if ((r = ledger_read(l->ledger, at[n - 1], &bytes, &len, e)) ==
			0 &&
		    (r = leaf_parse("policy", slice_of(bytes, len), &leaf,
			 e)) == 0 &&
		    leaf.u.s.u.bundle.version >= p->version)
			r = err_set(e, ERR_ROLLBACK,
			    "the log has another policy %llu already",
			    (unsigned long long)leaf.u.s.u.bundle.version);
		leaf_clear(&leaf);
		free(bytes);
	}
	return r;
}

static int
log_policy(struct local *l, const struct policy *p,
    const struct bundle_chain *chain, struct err *e)
{
	struct bundle_chain *own = NULL;
	uint64_t index;
	int r;

	r = ledger_find(l->ledger, LTAG_POLICY, &p->hash, &index, e);
	if (r != 1)
		return r;
	if ((r = check_twin(l, p, e)) != 0)
		return r;
	if (chain != NULL)
		return log_chain(l, chain, e);
	if ((own = calloc(1, sizeof(*own))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(l->config.dir, own, e)) == 0) {
		r = log_chain(l, own, e);
		bundle_chain_clear(own);
	}
	free(own);
	return r;
}

int
local_log_policy(struct local *l, const struct bundle_chain *chain,
    struct err *e)
{
	return log_policy(l, l->trust.policy, chain, e);
}

/* --- a newer one ---------------------------------------------------------- */

/* What is held, as a trust of its own that can be moved on and thrown away. */
static int
copy_trust(struct local *l, struct trust *out, struct err *e)
{
	struct bundle_chain *c;
	int r;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	r = bundles_read_past(l->config.dir, &l->trust.policy->hash, c, e);
	if (r == 0) {
		r = bundle_chain_accept(c, out, &l->trust.realm, 0, e);
		bundle_chain_clear(c);
	}
	free(c);
	return r;
}

/*
 * Stored before it is logged: a crash in between leaves a verified policy that
 * the next start logs, and never a log that names a policy nobody has.  A signer
 * that is away hears of it when it is back.
 */
static int
adopt(struct local *l, struct trust *next, const struct bundle_chain *c,
    struct err *e)
{
	const struct signatory *s = &l->signing;
	struct trust old = l->trust;
	int r;

	if ((r = bundles_store(l->config.dir, c, e)) != 0 ||
	    (r = log_policy(l, next->policy, c, e)) != 0)
		return r;
	if ((r = s->ops->policy(s->ctx, c, e)) != 0 && r != ERR_NET)
		return r;
	l->trust = *next;
	*next = old;
	return 0;
}

/*
 * What the key that signs here would sign under a policy without it is no head
 * of the log to anybody, and nobody could tell from outside that it goes on.
 * Taking a key away is thus two steps: another signs, then the policy drops it.
 */
static int
check_log_key(const struct local *l, const struct policy *next, struct err *e)
{
	const struct authority *keys[POLICY_LOG_KEYS_MAX];
	size_t n = policy_log_keys(next, l->config.log_name, keys);

	for (size_t i = 0; i < n; i++)
		if (memcmp(pubkey_ed25519(keys[i]->key), l->log_pk,
			sizeof(l->log_pk)) == 0)
			return 0;
	(void)err_set(e, ERR_PARSE,
	    "policy %llu takes away log key '%s', which signs here, expected "
	    "it among 'authorities: log'",
	    (unsigned long long)next->version, config_log_key(&l->config));
	err_hint(e,
	    "let another key of the log sign first: writ ca use NAME, then a "
	    "restart");
	return ERR_PARSE;
}

static int
reload(struct local *l, const struct bundle_chain *c, struct err *e)
{
	struct trust next;
	int answer, r;

	local_set_now(l);
	trust_init(&next);
	if ((r = copy_trust(l, &next, e)) < 0)
		goto out;
	answer = r = bundle_chain_accept(c, &next, &l->trust.realm, l->now, e);
	if (r < 0)
		goto out;
	if (!hash_equal(&next.policy->hash, &l->trust.policy->hash) &&
	    (r = check_log_key(l, next.policy, e)) == 0)
		r = adopt(l, &next, c, e);
	if (r >= 0)
		r = answer;
out:
	trust_clear(&next);
	return r;
}

int
local_reload(struct local *l, const struct bundle_chain *chain, struct err *e)
{
	struct bundle_chain *own = NULL;
	int r;

	if (chain != NULL)
		return reload(l, chain, e);
	if ((own = calloc(1, sizeof(*own))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(l->config.dir, own, e)) == 0) {
		r = reload(l, own, e);
		bundle_chain_clear(own);
	}
	free(own);
	return r;
}
