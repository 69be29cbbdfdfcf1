/* SPDX-License-Identifier: ISC */
/* A policy that others have begun to sign: is it this one, and what does it say? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/cli/policy_sign.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"

int
policy_draft_path(const struct policy_signing *s, const char *name, char **out)
{
	return path_joinf(out, "%s/bundle/draft.%s", s->dir, name);
}

int
policy_draft_load(const struct policy_signing *s, const char *name,
    struct statement *out, struct err *e)
{
	char *path = NULL;
	int r;

	if (policy_draft_path(s, name, &path) != 0)
		return err_nomem(e);
	r = cli_draft_read(path, out, e);
	free(path);
	return r;
}

bool
policy_root_fits(const struct policy_signing *s)
{
	const struct statement *d = &s->root;

	return d->n_bytes > 0 && d->type == ST_ROOT &&
	    hash_equal(&d->realm, &s->realm) &&
	    d->u.root.version == s->draft->root_version &&
	    hash_equal(&d->u.root.file, &s->root_hash);
}

uint64_t
policy_next_version(const struct policy_signing *s)
{
	return s->trust.have ? s->trust.policy->version + 1 : 1;
}

bool
policy_fits(const struct policy_signing *s)
{
	const struct bundle_statement *b = &s->policy.u.bundle;
	const struct person *by;
	struct hash manifest;

	if (s->policy.n_bytes == 0 || s->policy.type != ST_POLICY ||
	    !hash_equal(&s->policy.realm, &s->realm))
		return false;
	/* It has to be by one of those who sign it. */
	by = policy_person(s->draft, s->policy.by);
	if (by == NULL || !by->officer)
		return false;
	hash_sha256(s->manifest.p, s->manifest.n, &manifest);
	return b->version == policy_next_version(s) &&
	    hash_equal(&b->manifest, &manifest) &&
	    b->has_previous == s->trust.have &&
	    (!b->has_previous ||
		hash_equal(&b->previous, &s->trust.policy->hash)) &&
	    (!s->expires_given || b->expires == s->expires) &&
	    b->expires > s->now;
}

/*
 * A rule decides when grants may be used, and the files that an officer was shown
 * have none of it: what another put into the draft has to be what begin_policy()
 * would put there on this machine.
 */
static int
check_zones(const struct policy_signing *s, struct err *e)
{
	const struct bundle_statement *b = &s->policy.u.bundle;
	int r = 0;

	for (size_t i = 0; i < b->n_zones && r == 0; i++) {
		const struct zone_rule *z = &b->zones[i];
		char *rule = NULL;

		if ((r = policy_zone_rule(z->name, &rule, e)) == 0 &&
		    strcmp(rule, z->rule) != 0) {
			r = err_set(e, ERR_DENIED,
			    "the draft by %s: time zone %s has the rule %s, "
			    "expected %s, as this machine has it",
			    s->policy.by, z->name, z->rule, rule);
			err_hint(e,
			    "update tzdata where it is old, or remove "
			    "%s/bundle/draft.policy to begin anew",
			    s->dir);
		}
		free(rule);
	}
	return r;
}

int
policy_say_terms(const struct policy_signing *s, struct err *e)
{
	bool begun = policy_fits(s);
	char when[CLOCK_TEXT];
	int r = 0;

	if (begun && (r = check_zones(s, e)) != 0)
		return r;
	clock_format(begun ? s->policy.u.bundle.expires : s->expires, when);
	printf("policy %llu counts until %s%s%s\n",
	    (unsigned long long)policy_next_version(s), when,
	    begun ? ", as begun by " : "", begun ? s->policy.by : "");
	return 0;
}
