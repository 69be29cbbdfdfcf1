/* SPDX-License-Identifier: ISC */
#include "agent/minion/bundle_dir.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/bundle/bundles.h"
#include "lib/bundle/fleets.h"

void
agent_bundles_clear(struct agent_bundles *b)
{
	trust_clear(&b->trust);
	policy_files_clear(&b->fleet);
	str_clear(&b->warning);
}

/* What was held before is never lost to something older. */
static int
not_older(const struct held *h, const struct trust *t, struct err *e)
{
	const struct policy *p = t->policy;

	if (!h->have)
		return 0;
	if (p->version < h->policy_version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 ", but this host has held "
		    "%" PRIu64,
		    p->version, h->policy_version);
	if (p->version == h->policy_version &&
	    !hash_equal(&p->hash, &h->policy))
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 " is another than the one this "
		    "host has held",
		    p->version);
	return 0;
}

/*
 * What is held already is enforced past its time: that is said by a warning, and
 * not a reason to leave a host as it may be.  So expiry is asked of what is new.
 */
static int64_t
unless_held(int64_t now, bool have, uint64_t version, uint64_t held)
{
	return have && version == held ? 0 : now;
}

static int
load_policy(const char *dir, const struct hash *pin, int64_t now,
    const struct held *h, struct agent_bundles *out, struct err *e)
{
	struct bundle_chain *c;
	int r;

	/* Too large for a stack. */
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(dir, c, e)) == 0)
		r = bundle_chain_accept(c, &out->trust, pin,
		    unless_held(now, h->have, c->version, h->policy_version),
		    e);
	else if (r == ERR_NOTFOUND)
		err_hint(e, "copy the directory bundle of the deployment to %s",
		    dir);
	bundle_chain_clear(c);
	free(c);
	return r < 0 ? r : not_older(h, &out->trust, e);
}

static int
load_fleet(const char *dir, int64_t now, struct held *h,
    struct agent_bundles *out, struct err *e)
{
	struct fleet_chain c = {.some_pillar = true};
	struct fleet_input in;
	int r;

	if ((r = fleets_read(dir, h->fleet.have ? h->fleet.version : 0, &c,
		 e)) != 0) {
		if (r == ERR_NOTFOUND)
			err_hint(e,
			    "copy the directory bundle of the deployment to "
			    "%s once more",
			    dir);
		return r;
	}
	fleet_chain_input(&c, &in);
	r = fleet_accept(&h->fleet, &out->trust, &in,
	    unless_held(now, h->fleet.have, c.version, h->fleet.version), e);
	if (r >= 0) {
		out->fleet = c.files;
		c.files = (struct policy_files){0};
		out->fleet_version = c.version;
	}
	fleet_chain_clear(&c);
	return r < 0 ? r : 0;
}

int
agent_bundles_load(const char *dir, const struct hash *pin, int64_t now,
    struct held *held, struct agent_bundles *out, struct err *e)
{
	struct agent_bundles b = {.warning = STR_INIT};
	struct held h = *held;
	int r;

	if (pin == NULL && !held->have)
		return err_set(e, ERR_USAGE,
		    "nothing is trusted yet, expected the root's fingerprint "
		    "(--root SHA256:...)");
	trust_init(&b.trust);
	if (pin != NULL && held->have && !hash_equal(pin, &held->realm))
		r = err_set(e, ERR_DENIED,
		    "this host belongs to another realm");
	else if ((r = load_policy(dir, pin != NULL ? pin : &held->realm, now,
		      held, &b, e)) == 0)
		r = load_fleet(dir, now, &h, &b, e);
	if (r != 0) {
		agent_bundles_clear(&b);
		return r;
	}
	(void)trust_expiry(&b.trust, now, &b.warning, NULL);
	(void)fleet_expiry(&h.fleet, &b.trust, now, &b.warning, NULL);
	h.have = true;
	h.realm = b.trust.realm;
	h.policy_version = b.trust.policy->version;
	h.policy = b.trust.policy->hash;
	*held = h;
	*out = b;
	return 0;
}
