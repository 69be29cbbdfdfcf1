/* SPDX-License-Identifier: ISC */
/*
 * service: does it run, does it start at boot, and does it take changed files.
 *
 *	name: ssh		# or ssh.service, fail2ban, a .socket, a .timer
 *	running: yes
 *	enabled: yes		# no, masked
 *	on_watch: reload	# or restart: when what it watches changed
 *
 * Through systemctl where systemd runs; else through /etc/init.d and
 * service(8), which know no mask.  Nothing is written by us: a unit's links are
 * systemctl's to make.  Each change is one command; one that fails leaves those
 * before it done, and snapshot() knows how it was.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/carriers.h"
#include "agent/states/kinds.h"
#include "agent/states/service_impl.h"
#include "agent/states/words.h"

struct observed {
	bool systemd;
	bool found; /* there is such a unit, or such a script */
	bool running, enabled, masked;
	bool fixed; /* static, indirect, generated: not for us to enable */
	char *said; /* systemd's word for it */
};

static int
owns(const void *params, struct strs *out)
{
	const struct service_params *p = params;
	struct str s = STR_INIT;
	const char *dot = strrchr(p->name, '.');
	int r;

	str_addf(&s, "service:%s", p->name);
	if (dot != NULL && strcmp(dot, ".service") == 0)
		s.n -= strlen(dot);
	if ((r = str_check(&s)) == 0)
		r = strs_addn(out, s.p, s.n);
	str_clear(&s);
	return r;
}

/* --- observe ------------------------------------------------------------- */
static void
observed_clear(void *observed)
{
	struct observed *o = observed;

	free(o->said);
	*o = (struct observed){0};
}

/* "LoadState=loaded" and the like: the value of a key in show's output. */
static bool
says(const char *text, const char *line)
{
	size_t n = strlen(line);

	for (; *text != '\0'; text += *text == '\n') {
		size_t len = strcspn(text, "\n");

		if (len == n && strncmp(text, line, n) == 0)
			return true;
		text += len;
	}
	return false;
}

static int
file_state(const char *text, struct observed *o)
{
	static const char key[] = "UnitFileState=";
	const char *at = strstr(text, key);

	if (at == NULL)
		at = key;
	at += strlen(key);
	o->said = str_dupn(at, strcspn(at, "\n"));
	if (o->said == NULL)
		return ERR_NOMEM;
	o->enabled = strncmp(o->said, "enabled", 7) == 0;
	o->masked = strncmp(o->said, "masked", 6) == 0;
	/* "enabled-runtime" ends with the boot. */
	if (strcmp(o->said, "enabled-runtime") == 0)
		o->enabled = false;
	o->fixed = !o->enabled && !o->masked &&
	    strncmp(o->said, "disabled", 8) != 0 &&
	    strcmp(o->said, "enabled-runtime") != 0;
	return 0;
}

static int
observe_systemd(struct host *h, const struct service_params *p,
    struct observed *o, struct err *e)
{
	const char *const argv[] = {"systemctl", "show",
	    "--property=LoadState,ActiveState,UnitFileState", "--", p->name,
	    NULL};
	struct child_result got = {0};
	int r;

	if ((r = host_run_ok(h, argv, slice_str(""), &got, e)) != 0)
		return r;
	o->found = !says(got.out, "LoadState=not-found");
	o->running = says(got.out, "ActiveState=active") ||
	    says(got.out, "ActiveState=reloading") ||
	    says(got.out, "ActiveState=activating");
	if (file_state(got.out, o) != 0)
		r = err_nomem(e);
	child_result_clear(&got);
	return r;
}

/* A script of /etc/init.d: it runs when it says so, and starts at boot when a
 * runlevel of multi-user work has a link to it. */
static int
observe_script(struct host *h, const struct service_params *p,
    struct observed *o, struct err *e)
{
	const char *const argv[] = {"service", p->name, "status", NULL};
	struct child_result got = {0};
	struct strs links = {0};
	struct host_stat st;
	struct str path = STR_INIT;
	int r;

	str_addf(&path, "/etc/init.d/%s", p->name);
	if ((r = str_check(&path)) != 0)
		r = err_nomem(e);
	else if ((r = host_stat(h, path.p, &st, e)) == ERR_NOTFOUND)
		r = 0;
	else if (r == 0 &&
	    (r = host_run(h, argv, slice_str(""), &got, e)) == 0) {
		o->found = true;
		o->running = got.status == 0;
		if ((r = host_list(h, "/etc/rc2.d", &links, e)) == ERR_NOTFOUND)
			r = 0;
	}
	for (size_t i = 0; i < links.n; i++)
		if (links.v[i][0] == 'S' && strlen(links.v[i]) > 3 &&
		    strcmp(links.v[i] + 3, p->name) == 0)
			o->enabled = true;
	str_clear(&path);
	strs_clear(&links);
	child_result_clear(&got);
	return r;
}

static int
observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	struct observed *o = observed;
	int r;

	(void)env;
	if ((r = host_has_systemd(h, e)) < 0)
		return r;
	o->systemd = r == 1;
	return o->systemd ? observe_systemd(h, params, o, e)
			  : observe_script(h, params, o, e);
}

/* --- plan ---------------------------------------------------------------- */
static int
live(struct plan *out, const struct service_params *p, const char *verb,
    const char *what)
{
	bool way_in = carrier_way(p->name, strlen(p->name)) != NULL;

	return plan_live(out, verb, p->name, way_in, "%s: %s", p->name, what);
}

static int
plan_enabled(const struct service_params *p, const struct observed *o,
    struct plan *out)
{
	int r;

	if (p->enabled == MASKED)
		return o->masked ? 0 : live(out, p, "mask", "mask it");
	if (p->enabled == NO)
		return o->enabled ? live(out, p, "disable", "not at boot") : 0;
	if (p->enabled == UNSAID || o->enabled)
		return 0;
	if (o->fixed)
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "%s cannot be enabled: systemd calls it %s", p->name,
		    o->said[0] != '\0' ? o->said : "no unit file");
	if (o->masked && (r = live(out, p, "unmask", "unmask it")) != 0)
		return r;
	return live(out, p, "enable", "at each boot");
}

static int
plan_running(const struct service_params *p, const struct observed *o,
    struct plan *out)
{
	int r;

	if (p->running == NO)
		return o->running ? live(out, p, "stop", "stop it") : 0;
	if (p->running != YES || o->running)
		return 0;
	/* Where `enabled` is not said, nobody else unmasks it. */
	if (o->masked && p->enabled == UNSAID &&
	    (r = live(out, p, "unmask", "unmask it")) != 0)
		return r;
	if (o->masked && p->enabled == NO &&
	    (r = live(out, p, "unmask", "unmask it")) != 0)
		return r;
	return live(out, p, "start", "start it");
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct service_params *p = params;
	const struct observed *o = observed;
	int r;

	(void)env;
	/* What is not there neither runs nor starts. */
	if (!o->found && !o->masked && p->running != YES && p->enabled != YES &&
	    p->enabled != MASKED && p->on_watch == NOTHING)
		return 0;
	if (!o->systemd && p->enabled == MASKED)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "%s cannot be masked: systemd does not run on this host",
		    p->name);
	else if (!o->found && !o->masked && p->enabled != MASKED)
		r = o->systemd ? plan_note(out, PLAN_IMPOSSIBLE,
				     "%s is no unit of this host", p->name)
			       : plan_note(out, PLAN_IMPOSSIBLE,
				     "%s is no script of /etc/init.d, and "
				     "systemd does not "
				     "run on this host",
				     p->name);
	else if ((r = plan_enabled(p, o, out)) == 0)
		r = plan_running(p, o, out);
	return r == 0 ? 0 : err_nomem(e);
}

/* --- apply --------------------------------------------------------------- */
static int
run_systemctl(struct host *h, const char *verb, const char *name, struct err *e)
{
	const char *const argv[] = {"systemctl", verb, "--", name, NULL};

	return host_run_ok(h, argv, slice_str(""), NULL, e);
}

static int
run_script(struct host *h, const char *verb, const char *name, struct err *e)
{
	const char *const boot[] = {"update-rc.d", name, verb, NULL};
	const char *const now[] = {"service", name, verb, NULL};
	bool at_boot =
	    strcmp(verb, "enable") == 0 || strcmp(verb, "disable") == 0;

	return host_run_ok(h, at_boot ? boot : now, slice_str(""), NULL, e);
}

static int
act(struct host *h, const char *verb, const char *name, struct err *e)
{
	int r;

	if ((r = host_has_systemd(h, e)) < 0)
		return r;
	return r == 1 ? run_systemctl(h, verb, name, e)
		      : run_script(h, verb, name, e);
}

static int
apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	const struct service_params *p = params;

	(void)env;
	return act(h, c->verb, p->name, e);
}

/* A state that this one watches has changed.  What does not run has nothing to
 * take up. */
static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const struct service_params *p = params;
	struct observed o = {0};
	int r;

	if (p->on_watch == NOTHING)
		return 0;
	if ((r = observe(h, env, params, &o, e)) == 0 && o.running)
		r = act(h, p->on_watch == RELOAD ? "reload" : "restart",
		    p->name, e);
	observed_clear(&o);
	return r;
}

/* --- undo ---------------------------------------------------------------- */
/* "NAME running enabled masked", each 0 or 1. */
static int
snapshot(struct host *h, const void *params, struct str *out, struct err *e)
{
	const struct service_params *p = params;
	struct observed o = {0};
	int r;

	if ((r = observe(h, NULL, params, &o, e)) == 0) {
		str_addf(out, "%s %d %d %d", p->name, o.running, o.enabled,
		    o.masked);
		if (str_check(out) != 0)
			r = err_nomem(e);
	}
	observed_clear(&o);
	return r;
}

/* Put back what is different, the mask first off and last on. */
static int
put_back(struct host *h, const struct service_params *p,
    const struct observed *was, const struct observed *is, struct err *e)
{
	const struct {
		bool differs;
		const char *verb;
	} steps[] = {
	    {is->masked && !was->masked, "unmask"},
	    {is->enabled != was->enabled, was->enabled ? "enable" : "disable"},
	    {is->running != was->running, was->running ? "start" : "stop"},
	    {!is->masked && was->masked, "mask"},
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		if (steps[i].differs)
			r = act(h, steps[i].verb, p->name, e);
	return r;
}

static int
restore(struct host *h, struct slice snapshot, struct err *e)
{
	struct observed was = {0}, is = {0};
	struct service_params p = {0};
	struct slice rest = snapshot, word[4];
	int r;

	for (size_t i = 0; i < 4; i++)
		if (!state_next_word(&rest, &word[i]) ||
		    (i > 0 && (word[i].n != 1 || (word[i].p[0] & 0xfe) != '0')))
			return err_set(e, ERR_PARSE,
			    "the snapshot of a service is damaged");
	if ((p.name = str_dupn(word[0].p, word[0].n)) == NULL)
		return err_nomem(e);
	was.running = word[1].p[0] == '1';
	was.enabled = word[2].p[0] == '1';
	was.masked = word[3].p[0] == '1';
	if ((r = observe(h, NULL, &p, &is, e)) == 0)
		r = put_back(h, &p, &was, &is, e);
	observed_clear(&is);
	service_params_clear(&p);
	return r;
}

/* --- signs --------------------------------------------------------------- */
static bool
ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* systemd's own name for it. */
static int
unit_name(const char *name, struct str *out)
{
	static const char *const kinds[] = {
	    ".service", ".socket", ".timer", ".target", ".path", ".mount"};
	bool whole = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		whole = whole || ends_with(name, kinds[i]);
	str_addf(out, "%s%s", name, whole ? "" : ".service");
	return str_check(out);
}

/* Links that make units start: those of all targets, since which one it is, is
 * the unit's to say. */
static int
sign_wants(struct host *h, struct str *out, struct err *e)
{
	static const char dir[] = "/etc/systemd/system";
	struct strs names = {0};
	struct str path = STR_INIT;
	int r;

	if ((r = state_sign_path(h, dir, out, e)) == 0 &&
	    (r = host_list(h, dir, &names, e)) == ERR_NOTFOUND)
		r = 0;
	for (size_t i = 0; r == 0 && i < names.n; i++) {
		if (!ends_with(names.v[i], ".wants"))
			continue;
		str_reset(&path);
		str_addf(&path, "%s/%s", dir, names.v[i]);
		r = str_check(&path) == 0 ? state_sign_path(h, path.p, out, e)
					  : err_nomem(e);
	}
	strs_clear(&names);
	str_clear(&path);
	return r;
}

/*
 * systemd keeps a link for each unit that runs, with the invocation in it, and
 * takes it away when the unit stops or fails.  A script says nothing that could
 * be seen without starting it: then no fingerprint is like another.
 */
static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	const struct service_params *p = params;
	struct str unit = STR_INIT, path = STR_INIT;
	int r;

	(void)env;
	if ((r = host_has_systemd(h, e)) < 0)
		return r;
	if (r == 0) {
		str_addf(out, "at %lld %u\n", (long long)host_now(h),
		    host_runs(h));
		return str_check(out) == 0 ? 0 : err_nomem(e);
	}
	if (unit_name(p->name, &unit) != 0)
		r = err_nomem(e);
	else
		r = sign_wants(h, out, e);
	str_addf(&path, "/run/systemd/units/invocation:%s", unit.p);
	if (r == 0)
		r = str_check(&path) == 0 ? state_sign_path(h, path.p, out, e)
					  : err_nomem(e);
	str_reset(&path);
	str_addf(&path, "/etc/systemd/system/%s", unit.p);
	if (r == 0)
		r = str_check(&path) == 0 ? state_sign_path(h, path.p, out, e)
					  : err_nomem(e);
	str_clear(&unit);
	str_clear(&path);
	return r;
}

const struct state_ops state_service = {
    .name = "service",
    .summary = "whether a service runs, and starts at boot",
    .flags = STATE_EACH,
    .params_size = sizeof(struct service_params),
    .observed_size = sizeof(struct observed),
    .parse = service_parse,
    .owns = owns,
    .observe = observe,
    .plan = plan,
    .apply = apply,
    .activate = activate,
    .snapshot = snapshot,
    .restore = restore,
    .fingerprint = fingerprint,
    .params_clear = service_params_clear,
    .observed_clear = observed_clear,
};
