/* SPDX-License-Identifier: ISC */
/*
 * fail2ban: jails, and who is never banned.
 *
 * Promises that each jail of the state is up (or not, with `enabled: no`) with
 * the values it names, in the configuration and in the server that runs.
 * Touches one file, jail.d/zzz-writ.local, which fail2ban reads last of all.
 * The networks of `ignore` and loopback are never banned, in no jail of ours.
 *
 * The oracle is `fail2ban-client -d`: it says what all files together come to,
 * where -t passes over wrong values.  A change of the file reloads the server,
 * which keeps its bans; a server that does not run is started, and stopped by
 * an undo.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/f2b_dump.h"
#include "agent/states/f2b_impl.h"
#include "agent/states/kinds.h"
#include "agent/states/words.h"
#include "lib/base/plural.h"

static bool
is_absent(const void *params)
{
	return ((const struct f2b_params *)params)->absent;
}

static int
owns(const void *params, struct strs *out)
{
	(void)params;
	return strs_add(out, F2B_OWN);
}

/* --- plan -------------------------------------------------------------- */

static bool
is_span(struct slice text, int64_t want)
{
	int64_t got;

	while (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	return f2b_span(text, &got) == 0 && got == want;
}

static int64_t
want_maxretry(const struct f2b_jail *j)
{
	return (int64_t)j->maxretry;
}

static int64_t
want_findtime(const struct f2b_jail *j)
{
	return j->findtime;
}

static int64_t
want_bantime(const struct f2b_jail *j)
{
	return j->bantime;
}

static const char *
live_maxretry(const struct f2b_live *l)
{
	return l->maxretry;
}

static const char *
live_findtime(const struct f2b_live *l)
{
	return l->findtime;
}

static const char *
live_bantime(const struct f2b_live *l)
{
	return l->bantime;
}

/* The numbers of a jail, in the configuration and in the server. */
static const struct {
	const char *key;
	int64_t (*want)(const struct f2b_jail *j);
	const char *(*live)(const struct f2b_live *l);
} numbers[3] = {
    {"maxretry", want_maxretry, live_maxretry},
    {"findtime", want_findtime, live_findtime},
    {"bantime", want_bantime, live_bantime},
};

/* Why the configuration does not say what the state does: somebody's file is
 * read later or is stronger.  Empty: it does. */
static void
compare_dump(const struct f2b_params *p, const struct f2b_jail *j,
    const char *dump, struct str *why)
{
	struct slice value;

	if (f2b_has_jail(dump, j->name, &value) != j->enabled) {
		str_addf(why, "the jail %s is %s", j->name,
		    j->enabled ? "not on" : "on");
		return;
	}
	if (!j->enabled)
		return;
	if (j->backend != NULL && !slice_is(value, j->backend))
		str_addf(why, "backend of %s is %.*s", j->name, (int)value.n,
		    (const char *)value.p);
	for (size_t i = 0; i < 3; i++) {
		const int64_t want = numbers[i].want(j);

		if (want == 0 ||
		    (f2b_value(dump, j->name, numbers[i].key, &value) &&
			is_span(value, want)))
			continue;
		str_addf(why, "%s of %s is not %" PRId64, numbers[i].key,
		    j->name, want);
	}
	for (size_t i = 0; i < p->ignore.n; i++)
		if (!f2b_has_word(dump, j->name, "addignoreip", p->ignore.v[i]))
			str_addf(why, "%s may ban %s", j->name, p->ignore.v[i]);
}

/* Does the server have what the configuration says? */
static bool
server_is_late(const struct f2b_observed *o, const struct f2b_jail *j, size_t i)
{
	if (f2b_is_up(o->status, j->name) != j->enabled)
		return true;
	for (size_t k = 0; j->enabled && k < 3; k++) {
		const char *has = numbers[k].live(&o->live[i]);

		if (numbers[k].want(j) != 0 && has != NULL &&
		    !is_span((struct slice){(const uint8_t *)has, strlen(has)},
			numbers[k].want(j)))
			return true;
	}
	return false;
}

static int
prove(const struct f2b_jail *j, struct plan *out)
{
	struct str s = STR_INIT;
	char *text;
	int r;

	str_addf(&s, "jail %s is %s", j->name, j->enabled ? "up" : "off");
	for (size_t i = 0; j->enabled && i < 3; i++)
		if (numbers[i].want(j) != 0)
			str_addf(&s, ", %s %" PRId64, numbers[i].key,
			    numbers[i].want(j));
	if ((r = str_take(&s, &text)) == 0)
		r = strs_add(&out->proofs, text);
	free(text);
	return r;
}

/* With our file in its place: what is left to do. */
static int
plan_effect(const struct f2b_params *p, const struct f2b_observed *o,
    struct plan *out)
{
	bool late = false;
	int r = 0;

	if (o->dump == NULL)
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "fail2ban refuses its configuration: %s",
		    o->dump_error != NULL ? o->dump_error : "it says nothing");
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct str why = STR_INIT;

		compare_dump(p, &p->v[i], o->dump, &why);
		if ((r = str_check(&why)) == 0 && why.n > 0)
			r = plan_note(out, PLAN_IMPOSSIBLE,
			    "%s, whatever " F2B_OWN " says", why.p);
		else if (r == 0 && o->running && server_is_late(o, &p->v[i], i))
			late = true;
		else if (r == 0 && o->running)
			r = prove(&p->v[i], out);
		str_clear(&why);
	}
	if (r != 0 || out->verdict != PLAN_OK)
		return r;
	if (!o->running)
		return plan_live(out, "start", NULL, false, "start fail2ban");
	return late ? plan_live(out, "reload", NULL, false,
			  "have fail2ban read its configuration")
		    : 0;
}

static bool
wants_journal(const struct f2b_params *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].enabled && p->v[i].backend != NULL &&
		    strcmp(p->v[i].backend, "systemd") == 0)
			return true;
	return false;
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct f2b_params *p = params;
	const struct f2b_observed *o = observed;
	struct str want = STR_INIT;
	int r = 0;

	(void)env;
	if (p->absent) {
		if (o->text != NULL)
			r = plan_absent(out, F2B_OWN, false, "remove " F2B_OWN);
		goto out;
	}
	if (o->missing || (o->no_journal && wants_journal(p))) {
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "%s is missing, expected the package %s",
		    o->missing ? "fail2ban-client"
			       : "its reader of the journal",
		    o->missing ? "fail2ban" : "python3-systemd");
		goto out;
	}
	if ((r = f2b_text(p, &want)) != 0)
		goto out;
	if (o->text == NULL || strcmp(o->text, want.p) != 0 ||
	    !state_is_roots(&o->st))
		r = plan_file(out, F2B_OWN, 0644, 0, 0,
		    (struct slice){(const uint8_t *)want.p, want.n}, false,
		    "%s " F2B_OWN ", %zu %s",
		    o->text == NULL ? "write" : "change", p->n,
		    text_plural(p->n, "jail", "jails"));
	else
		r = plan_effect(p, o, out);
out:
	str_clear(&want);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

/* --- change ------------------------------------------------------------ */

static int
apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	(void)env;
	(void)params;
	return strcmp(c->verb, "start") == 0 ? f2b_start(h, e)
					     : f2b_reload(h, true, e);
}

/* Does our file stand as the state wants it?  After an undo it does not. */
static int
stands(struct host *h, const struct f2b_params *p, bool *out, struct err *e)
{
	struct str want = STR_INIT;
	char *text = NULL;
	size_t n;
	int r;

	*out = false;
	if (p->absent)
		return 0;
	if (f2b_text(p, &want) != 0)
		r = err_nomem(e);
	else if ((r = state_read(h, F2B_OWN, &text, &n, e)) == 0)
		*out = text != NULL && strcmp(text, want.p) == 0;
	free(text);
	str_clear(&want);
	return r;
}

/* A server is started for jails that are wanted: after an undo it is f2b_restore()
 * that knows whether there was one. */
static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	bool wanted;
	int r;

	(void)env;
	if (!host_has(h, "fail2ban-client"))
		return 0;
	r = stands(h, params, &wanted, e);
	return r == 0 ? f2b_reload(h, wanted, e) : r;
}

static int
validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const char *test[] = {"fail2ban-client", "-t", NULL};
	const char *dump[] = {"fail2ban-client", "-d", NULL};
	const struct f2b_params *p = params;
	struct str why = STR_INIT;
	char *text = NULL;
	int r;

	(void)env;
	if (!host_has(h, "fail2ban-client"))
		return 0;
	if ((r = host_run_ok(h, test, (struct slice){0}, NULL, e)) != 0 ||
	    (r = f2b_client(h, dump, &text, NULL, e)) != 0 || p->absent)
		goto out;
	if (text == NULL) {
		r = err_set(e, ERR_DENIED, "fail2ban-client -d fails");
		goto out;
	}
	for (size_t i = 0; i < p->n && why.n == 0; i++)
		compare_dump(p, &p->v[i], text, &why);
	if (why.n > 0)
		r = err_set(e, ERR_DENIED, "%s, whatever " F2B_OWN " says",
		    why.p);
	else if (str_check(&why) != 0)
		r = err_nomem(e);
out:
	free(text);
	str_clear(&why);
	return r;
}

/* A value that somebody sets in the running server by hand leaves no sign; a
 * full observation finds it. */
static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	static const char *const paths[] = {"/etc/fail2ban/fail2ban.conf",
	    "/etc/fail2ban/fail2ban.local", "/etc/fail2ban/jail.conf",
	    "/etc/fail2ban/jail.local", F2B_JAIL_D, "/etc/fail2ban/filter.d",
	    "/etc/fail2ban/action.d", "/usr/bin/fail2ban-client",
	    "/run/fail2ban/fail2ban.pid", "/run/fail2ban/fail2ban.sock"};
	struct strs names = {0};
	int r;

	(void)env;
	(void)params;
	r = host_list(h, F2B_JAIL_D, &names, e);
	if (r == ERR_NOTFOUND)
		r = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		struct str s = STR_INIT;
		char *path = NULL;

		str_addf(&s, F2B_JAIL_D "/%s", names.v[i]);
		if ((r = str_take(&s, &path)) == 0)
			r = state_sign_path(h, path, out, e);
		free(path);
	}
	for (size_t i = 0; r == 0 && i < sizeof(paths) / sizeof(paths[0]); i++)
		r = state_sign_path(h, paths[i], out, e);
	strs_clear(&names);
	return r;
}

const struct state_ops state_fail2ban = {
    .name = "fail2ban",
    .summary = "jails, and who is never banned",
    .params_size = sizeof(struct f2b_params),
    .observed_size = sizeof(struct f2b_observed),
    .parse = f2b_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = f2b_observe,
    .plan = plan,
    .apply = apply,
    .validate = validate,
    .activate = activate,
    .snapshot = f2b_snapshot,
    .restore = f2b_restore,
    .fingerprint = fingerprint,
    .params_clear = f2b_params_clear,
    .observed_clear = f2b_observed_clear,
};
