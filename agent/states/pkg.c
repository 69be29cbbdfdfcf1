/* SPDX-License-Identifier: ISC */
/*
 * pkg: packages of Debian that are there, are not, or stay at their version.
 *
 * Promises that each package of `present` is installed, each of `absent` is
 * removed (its configuration stays), each of `held` is on hold.  Changes through
 * apt-get alone, which asks nothing and keeps configuration files that somebody
 * changed.  What apt would do is asked for first: an installation that removes
 * something, or a removal that takes along what the state does not name, is
 * refused with its names.  Versions are the archive's: this is no upgrade.
 *
 * Undo installs or removes again; a version that the archive has no more cannot
 * come back, and that is said.  What carries a way in (carriers.h) is fetched
 * before it is removed, and to remove it has to be confirmed.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/carriers.h"
#include "agent/states/kinds.h"
#include "agent/states/pkg_impl.h"
#include "agent/states/words.h"

/* "pkg:NAME" and what is true of it, for each of a list. */
static int
name_all(const struct strs *l, const char *what, struct strs *out)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++) {
		struct str s = STR_INIT;
		char *name;

		str_addf(&s, "pkg:%s%s", l->v[i], what);
		if ((r = str_take(&s, &name)) == 0)
			r = strs_add(out, name);
		free(name);
	}
	return r;
}

/* Two states may both need a package; not one need and one forbid. */
static int
owns(const void *params, struct strs *out)
{
	const struct pkg_params *p = params;

	return name_all(&p->absent, "", out);
}

static int
leaves(const void *params, struct strs *out)
{
	const struct pkg_params *p = params;
	int r;

	if ((r = name_all(&p->present, " installed", out)) == 0 &&
	    (r = name_all(&p->absent, " removed", out)) == 0)
		r = name_all(&p->held, " held", out);
	return r;
}

/* May that shut a way in?  What is taken away may be one; what comes may bring a
 * firewall or a network of its own. */
static bool
is_way_in(const char *verb, const char *name)
{
	const char *way = carrier_way(name, strlen(name));

	if (way == NULL || strcmp(verb, "hold") == 0)
		return false;
	return strcmp(verb, "remove") == 0 || strcmp(way, "firewall") == 0 ||
	    strcmp(way, "network") == 0;
}

/* One change for all packages of a list that are not as they should be. */
static int
plan_list(const struct strs *l, const struct pkg_observed *o,
    bool (*wrong)(const struct pkg_seen *s), const char *verb, struct plan *out)
{
	struct strs names = {0};
	struct str arg = STR_INIT;
	bool way_in = false;
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n; i++)
		if (wrong(pkg_find(o, slice_str(l->v[i])))) {
			way_in = way_in || is_way_in(verb, l->v[i]);
			r = strs_add(&names, l->v[i]);
		}
	if (r == 0 && names.n > 0) {
		strs_join(&names, " ", &arg);
		if ((r = str_check(&arg)) == 0)
			r = plan_live(out, verb, arg.p, way_in, "%s %s", verb,
			    arg.p);
	}
	str_clear(&arg);
	strs_clear(&names);
	return r;
}

static bool
lacks(const struct pkg_seen *s)
{
	return !s->installed;
}

static bool
has(const struct pkg_seen *s)
{
	return s->installed;
}

/* What is not there cannot be held; apt says so too. */
static bool
floats(const struct pkg_seen *s)
{
	return s->installed && !s->held;
}

static int
refuse(const struct pkg_observed *o, struct plan *out)
{
	struct str names = STR_INIT;
	int r;

	if (o->refused != NULL)
		return plan_note(out, PLAN_IMPOSSIBLE, "%s", o->refused);
	strs_join(&o->also_out, ", ", &names);
	if ((r = str_check(&names)) == 0)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "that would also remove %s, which the state does not name",
		    names.p);
	str_clear(&names);
	return r;
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct pkg_params *p = params;
	const struct pkg_observed *o = observed;
	struct str more = STR_INIT;
	int r;

	(void)env;
	if (o->missing)
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "apt-get or dpkg-query is missing, expected Debian");
	if (o->refused != NULL || o->also_out.n > 0)
		r = refuse(o, out);
	else if ((r = plan_list(&p->present, o, lacks, "install", out)) == 0 &&
	    (r = plan_list(&p->absent, o, has, "remove", out)) == 0)
		r = plan_list(&p->held, o, floats, "hold", out);
	if (r == 0 && o->also_in.n > 0) {
		str_add(&more, "that brings along ");
		strs_join(&o->also_in, ", ", &more);
		if ((r = str_check(&more)) == 0)
			r = strs_add(&out->proofs, more.p);
	}
	str_clear(&more);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	struct slice rest = {(const uint8_t *)c->arg, strlen(c->arg)}, word;
	struct strs names = {0};
	int r = 0;

	(void)env;
	(void)params;
	while (r == 0 && state_next_word(&rest, &word))
		r = strs_addn(&names, word.p, word.n);
	r = r == 0 ? pkg_change(h, c->verb, &names, e) : err_nomem(e);
	strs_clear(&names);
	return r;
}

static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	(void)env;
	(void)params;
	return state_sign_path(h, "/var/lib/dpkg/status", out, e);
}

const struct state_ops state_pkg = {
    .name = "pkg",
    .summary = "packages: present, absent, held",
    .flags = STATE_FIRST | STATE_EACH,
    .params_size = sizeof(struct pkg_params),
    .observed_size = sizeof(struct pkg_observed),
    .parse = pkg_parse,
    .owns = owns,
    .leaves = leaves,
    .observe = pkg_observe,
    .plan = plan,
    .apply = apply,
    .snapshot = pkg_snapshot,
    .restore = pkg_restore,
    .fingerprint = fingerprint,
    .params_clear = pkg_params_clear,
    .observed_clear = pkg_observed_clear,
};
