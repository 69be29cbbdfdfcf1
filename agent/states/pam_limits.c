/* SPDX-License-Identifier: ISC */
/*
 * pam_limits: limits of who logs in, as limits.conf(5) has them.
 *
 * Promises that each (domain, item) of the state has that limit at the next
 * login.  Touches one file, /etc/security/limits.d/zzz-writ.conf, which is read
 * last, so that its lines win over those of the same domain.  Never touches
 * limits.conf or another's file; a line elsewhere that wins all the same (a
 * file that sorts later) is named, and one that is more exact (a user's beats a
 * group's) is told.  pam_limits passes over what it does not understand without
 * a word, so everything is typed here, and the effect is seen in a session of
 * one user of each domain, through the same module (runuser(1) has it).
 *
 * Some limits can refuse the next login, of its operator too: a run that sets or
 * lowers one has to be confirmed (limits_tight.c).
 *
 * `*` does not reach root, so its lines are written for root too, unless the
 * state has one for root.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/kinds.h"
#include "agent/states/limits_impl.h"
#include "agent/states/words.h"
#include "lib/base/plural.h"

static bool
is_absent(const void *params)
{
	return ((const struct params *)params)->absent;
}

static int
owns(const void *params, struct strs *out)
{
	(void)params;
	return strs_add(out, OWN);
}

static bool
read_kernel_value(struct slice word, uint64_t *out)
{
	char text[32];

	if (slice_is(word, "unlimited")) {
		*out = LIMIT_UNLIMITED;
		return true;
	}
	if (word.n == 0 || word.n >= sizeof(text))
		return false;
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	return parse_u64(text, 0, UINT64_MAX, out) == 0;
}

/* The soft and hard limit of a resource in what prlimit printed. */
static bool
find_resource(const char *values, const char *name, uint64_t *soft,
    uint64_t *hard)
{
	struct slice text = {(const uint8_t *)values, strlen(values)}, line;

	while (state_next_line(&text, &line)) {
		struct slice word;

		if (state_next_word(&line, &word) && slice_is(word, name))
			return state_next_word(&line, &word) &&
			    read_kernel_value(word, soft) &&
			    state_next_word(&line, &word) &&
			    read_kernel_value(word, hard);
	}
	return false;
}

/* One limit against what a session had: a proof, or why it does not hold. */
static int
compare(const struct limit *l, const struct seen *s, struct plan *out)
{
	const uint64_t want = limit_in_kernel(l->item, l->value);
	uint64_t soft, hard;
	struct str text = STR_INIT;
	char *proof;
	int r;

	if (s->user == NULL || s->values == NULL ||
	    !find_resource(s->values, l->item->resource, &soft, &hard))
		return 0;
	/* A soft limit above the hard one is cut down to it. */
	if (((l->type & LIMIT_HARD) == 0 || hard == want) &&
	    ((l->type & LIMIT_SOFT) == 0 || soft == want ||
		(want > hard && soft == hard))) {
		str_addf(&text, "%s %s ", limits_type_word(l->type),
		    l->item->name);
		limits_add_value(&text, l->value);
		str_addf(&text, " for %s (a session of %s)", l->domain,
		    s->user);
		if ((r = str_take(&text, &proof)) == 0)
			r = strs_add(&out->proofs, proof);
		free(proof);
		return r;
	}
	str_clear(&text);
	return plan_note(out, PLAN_IMPOSSIBLE,
	    "a session of %s has %s %" PRIu64 "/%" PRIu64
	    " (soft/hard, kernel units), expected %s %" PRIu64,
	    s->user, l->item->name, soft, hard, limits_type_word(l->type),
	    want);
}

static int
plan_absence(const struct params *p, const struct observed *o, struct plan *out)
{
	if (o->text == NULL)
		return 0;
	return plan_absent(out, OWN, limits_are_tighter(p, o), "remove " OWN);
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct params *p = params;
	const struct observed *o = observed;
	struct str want = STR_INIT;
	int r;

	(void)env;
	if (p->absent)
		return plan_absence(p, o, out);
	if ((r = limits_text(p, &want)) != 0)
		goto out;
	if (o->text == NULL || strcmp(o->text, want.p) != 0 ||
	    !state_is_roots(&o->st))
		r = plan_file(out, OWN, 0644, 0, 0,
		    (struct slice){(const uint8_t *)want.p, want.n},
		    limits_are_tighter(p, o), "%s " OWN ", %zu %s",
		    o->text == NULL ? "write" : "change", p->n,
		    text_plural(p->n, "limit", "limits"));
	if (r == 0 && o->later != NULL)
		r = plan_note(out, PLAN_IMPOSSIBLE, "%s", o->later);
	for (size_t i = 0; r == 0 && i < o->n_seen; i++)
		r = compare(&p->v[i], &o->seen[i], out);
	for (size_t i = 0; r == 0 && i < o->notes.n; i++)
		r = strs_add(&out->proofs, o->notes.v[i]);
out:
	str_clear(&want);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

/* --- the rest ---------------------------------------------------------- */

static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	static const char *const others[] = {DIR_PATH, PAM_PATH, "/etc/passwd",
	    "/etc/group", "/usr/sbin/runuser"};
	struct strs files = {0};
	int r;

	(void)env;
	(void)params;
	r = limits_files(h, &files, e);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = state_sign_path(h, files.v[i], out, e);
	for (size_t i = 0; r == 0 && i < sizeof(others) / sizeof(others[0]);
	     i++)
		r = state_sign_path(h, others[i], out, e);
	strs_clear(&files);
	return r;
}

static int
show_file(struct host *h, const char *path, bool *any, struct str *out,
    struct err *e)
{
	struct limit_line line;
	struct slice rest;
	unsigned at = 0;
	char *text;
	size_t n;
	int r;

	if ((r = state_read(h, path, &text, &n, e)) != 0)
		return r;
	rest = (struct slice){(const uint8_t *)text, n};
	while (limit_next(&rest, &at, &line)) {
		if (!*any)
			str_add(out, "pam_limits:\n  limits:\n");
		*any = true;
		str_addf(out,
		    "    - {domain: \"%.*s\", type: %s, item: %.*s, "
		    "value: %.*s}\n",
		    (int)line.domain.n, (const char *)line.domain.p,
		    line.type == LIMIT_BOTH ? "both"
					    : limits_type_word(line.type),
		    (int)line.item.n, (const char *)line.item.p,
		    (int)line.value.n, (const char *)line.value.p);
	}
	free(text);
	return str_check(out);
}

static int
show(struct host *h, struct str *out, struct err *e)
{
	struct strs files = {0};
	bool any = false;
	int r;

	r = limits_files(h, &files, e);
	for (size_t i = 0; r == 0 && i < files.n; i++)
		r = show_file(h, files.v[i], &any, out, e);
	strs_clear(&files);
	return r;
}

const struct state_ops state_pam_limits = {
    .name = "pam_limits",
    .summary = "limits of who logs in (limits.conf)",
    .flags = STATE_WAY_IN,
    .params_size = sizeof(struct params),
    .observed_size = sizeof(struct observed),
    .parse = limits_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = limits_observe,
    .plan = plan,
    .fingerprint = fingerprint,
    .show = show,
    .params_clear = limits_params_clear,
    .observed_clear = limits_observed_clear,
};
