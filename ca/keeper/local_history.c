/* SPDX-License-Identifier: ISC */
/* A signer elsewhere, and what it must be told before it can judge. */
#include <stdlib.h>
#include <string.h>

#include "ca/keeper/local_impl.h"
#include "ca/signer/signer_link.h"

/* The policies and acts of the log, on their way. */
struct telling {
	struct local *l;
	struct signer_link *k;
	struct hash told; /* bundle that judges now */
	bool any;
	bool in_force;
};

static int
tell_policy(struct telling *t, const struct hash *bundle, struct err *e)
{
	const struct hash *now = &t->l->trust.policy->hash;
	bool past = !hash_equal(bundle, now);
	struct bundle_chain *c;
	int r;

	if (t->any && hash_equal(&t->told, bundle))
		return 0;
	if (t->in_force)
		return err_set(e, ERR_CORRUPT,
		    "the log has another policy after the one in force");
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read_past(t->l->config.dir, bundle, c, e)) == 0) {
		r = signer_link_policy(t->k, c, past, e);
		bundle_chain_clear(c);
	}
	free(c);
	t->told = *bundle;
	t->any = true;
	t->in_force = !past;
	return r;
}

static int
tell_act(void *ctx, const struct hash *bundle, const struct statement *s,
    struct err *e)
{
	struct telling *t = ctx;
	int r;

	r = tell_policy(t, bundle != NULL ? bundle : &t->l->trust.policy->hash,
	    e);
	return r != 0 ? r : signer_link_act(t->k, s, e);
}

static int
history(void *ctx, struct signer_link *k, struct err *e)
{
	struct telling t = {.l = ctx, .k = k};
	int r;

	if ((r = keeper_each_act(t.l->ledger, tell_act, &t, e)) != 0)
		return r;
	return tell_policy(&t, &t.l->trust.policy->hash, e);
}

static const char *
owner(void *ctx, uint64_t serial)
{
	struct local *l = ctx;

	return keeper_owner(l->keeper, serial);
}

/* It signs with the key that the policy gives to this log, or it is another. */
static int
check_key(struct local *l, struct err *e)
{
	const char *name = config_log_key(&l->config);
	const struct authority *a = policy_authority(l->trust.policy, name);

	if (a != NULL &&
	    slice_equal(pubkey_blob(a->key), signer_link_log_key(&l->signing)))
		return 0;
	return err_set(e, ERR_DENIED,
	    "the signer signs with another key than that of %s in the signed "
	    "policy",
	    name);
}

int
local_open_link(struct local *l, const char *socket, struct err *e)
{
	struct signer_link_config c = {.path = socket,
	    .origin = l->origin,
	    .log_pk = l->log_pk,
	    .history = history,
	    .owner = owner,
	    .ctx = l};
	int r;

	if ((r = signer_link_open(&c, &l->signing, e)) != 0)
		return r;
	return check_key(l, e);
}
