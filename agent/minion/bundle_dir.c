/* SPDX-License-Identifier: ISC */
#include "agent/minion/bundle_dir.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/bundle/bundles.h"
#include "lib/bundle/fleets.h"

#define AHEAD 300 /* seconds the clock of who signs may be ahead */

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
 * A chain is judged from root 1 on, whose officers may be those whose keys a later
 * root threw out: the root that is held has to be one of the chain's.
 */
static int
same_roots(const struct held *h, const struct bundle_chain *c,
    const struct trust *t, struct err *e)
{
	const struct slice *file;
	struct hash root;

	if (!h->have || h->root_version == 0)
		return 0;
	if (t->root_version < h->root_version)
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 " is of root version %" PRIu64
		    ", but this host has held %" PRIu64,
		    t->policy->version, t->root_version, h->root_version);
	file = &c->root_files[h->root_version - 1];
	hash_sha256(file->p, file->n, &root);
	if (!hash_equal(&root, &h->root))
		return err_set(e, ERR_ROLLBACK,
		    "policy version %" PRIu64 " has another root version "
		    "%" PRIu64 " than the one this host has held",
		    t->policy->version, h->root_version);
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

int
agent_policy_accept(const struct bundle_chain *c, const struct hash *pin,
    int64_t now, struct held *held, struct trust *t, struct err *e)
{
	int r;

	if (pin == NULL && !held->have)
		return err_set(e, ERR_USAGE,
		    "nothing is trusted yet, expected the root's fingerprint "
		    "(--root SHA256:...)");
	if (pin != NULL && held->have && !hash_equal(pin, &held->realm))
		return err_set(e, ERR_DENIED,
		    "this host belongs to another realm");
	r = bundle_chain_accept(c, t, pin != NULL ? pin : &held->realm,
	    unless_held(now, held->have, c->version, held->policy_version), e);
	if (r < 0 || (r = not_older(held, t, e)) != 0 ||
	    (r = same_roots(held, c, t, e)) != 0)
		return r;
	held->have = true;
	held->realm = t->realm;
	held->policy_version = t->policy->version;
	held->policy = t->policy->hash;
	held->root_version = t->root_version;
	held->root = t->root->root_hash;
	return 0;
}

int
agent_policy_load(const char *dir, const struct hash *pin, int64_t now,
    struct held *held, struct trust *t, struct err *e)
{
	struct bundle_chain *c;
	int r;

	/* Too large for a stack. */
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return err_nomem(e);
	if ((r = bundles_read(dir, c, e)) == 0)
		r = agent_policy_accept(c, pin, now, held, t, e);
	else if (r == ERR_NOTFOUND)
		err_hint(e, "copy the directory bundle of the deployment to %s",
		    dir);
	bundle_chain_clear(c);
	free(c);
	return r;
}

/*
 * Nobody has signed in the future, so this host's clock is behind: no expiry would
 * be seen, and no new revocation list taken.
 */
static int
look_at_clock(struct slice fleet, int64_t now, struct str *warning,
    struct err *e)
{
	char is[CLOCK_TEXT], signed_at[CLOCK_TEXT];
	struct statement s;
	int r;

	statement_init(&s, ST_FLEET);
	if ((r = statement_parse("fleet bundle", fleet, &s, e)) == 0 &&
	    s.at > now + AHEAD) {
		clock_format(now, is);
		clock_format(s.at, signed_at);
		str_addf(warning,
		    "the clock of this host says %s, but the fleet was signed "
		    "at %s: set it\n",
		    is, signed_at);
	}
	statement_clear(&s);
	return r;
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
	if (r >= 0)
		r = look_at_clock(in.statement, now, &out->warning, e);
	if (r == 0) {
		out->fleet = c.files;
		c.files = (struct policy_files){0};
		out->fleet_version = c.version;
	}
	fleet_chain_clear(&c);
	return r;
}

int
agent_bundles_load(const char *dir, const struct hash *pin, int64_t now,
    struct held *held, struct agent_bundles *out, struct err *e)
{
	struct agent_bundles b = {.warning = STR_INIT};
	struct held h = *held;
	struct err why = {0};
	int r;

	trust_init(&b.trust);
	if (!held->have && pin == NULL)
		r = err_set(e, ERR_USAGE,
		    "nothing is trusted yet, expected the root's fingerprint "
		    "(--root SHA256:...)");
	else if ((r = agent_policy_load(dir, pin, now, &h, &b.trust, e)) == 0)
		r = load_fleet(dir, now, &h, &b, e);
	if (r != 0) {
		agent_bundles_clear(&b);
		return r;
	}
	if (trust_expiry(&b.trust, now, &b.warning, &why) < 0)
		str_addf(&b.warning, "%s; it stays in force\n", why.msg);
	if (fleet_expiry(&h.fleet, &b.trust, now, &b.warning, &why) < 0)
		str_addf(&b.warning, "%s; it stays in force\n", why.msg);
	*held = h;
	*out = b;
	return 0;
}
