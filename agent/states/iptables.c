/* SPDX-License-Identifier: ISC */
/*
 * iptables: the firewall of a host, IPv4 and IPv6.
 *
 * Promises that input, forward and output, as far as the state names them, are
 * what it says, now and from before the network is up after a boot.  Touches
 * chains named WRIT-... of the table filter and the one jump to each, which
 * stands last in its chain; and four files: the rules for the boot, the unit
 * that loads them, and what pulls that unit in.  Never flushes, never touches a
 * foreign chain or rule, never sets the policy of a chain of the kernel's: the
 * default is the last rule of ours.
 *
 * Each family changes in one transaction of iptables-restore: a run that fails
 * half way leaves one family old and one new, and is undone.  The rules are
 * loaded into a network namespace of their own first, since `--test` accepts
 * what a real load refuses.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/fw_host.h"
#include "agent/states/fw_parse.h"
#include "agent/states/fw_rules.h"
#include "agent/states/host_nft.h"
#include "agent/states/kinds.h"
#include "agent/states/words.h"
#include "lib/base/plural.h"

#define UNIT "/etc/systemd/system/writ-firewall.service"
#define PULL "/etc/systemd/system/sysinit.target.d/writ-firewall.conf"

/* A failure is one of the unit; for IPv6 where the kernel has it, as without there
 * is nothing to guard.  What is loaded again, or was put back by an undo at boot,
 * has its jumps already, which must not stand there twice. */
#define UNIT_TEXT(v6)                                                        \
	STATE_MARK                                                           \
	"[Unit]\n"                                                           \
	"Description=Firewall of writ-agent\n"                               \
	"DefaultDependencies=no\n"                                           \
	"Wants=network-pre.target\n"                                         \
	"Before=network-pre.target shutdown.target\n"                        \
	"After=writ-agent-undo.service\n"                                    \
	"Conflicts=shutdown.target\n"                                        \
	"\n"                                                                 \
	"[Service]\n"                                                        \
	"Type=oneshot\n"                                                     \
	"RemainAfterExit=yes\n"                                              \
	"ExecStartPre=-/usr/sbin/iptables -w -D INPUT -j WRIT-INPUT\n"       \
	"ExecStartPre=-/usr/sbin/iptables -w -D FORWARD -j WRIT-FORWARD\n"   \
	"ExecStartPre=-/usr/sbin/iptables -w -D OUTPUT -j WRIT-OUTPUT\n"     \
	"ExecStartPre=-/usr/sbin/ip6tables -w -D INPUT -j WRIT-INPUT\n"      \
	"ExecStartPre=-/usr/sbin/ip6tables -w -D FORWARD -j WRIT-FORWARD\n"  \
	"ExecStartPre=-/usr/sbin/ip6tables -w -D OUTPUT -j WRIT-OUTPUT\n"    \
	"ExecStart=/usr/sbin/iptables-restore --noflush " FW_RULES_V4 "\n"   \
	"ExecStart=" v6 "/usr/sbin/ip6tables-restore --noflush " FW_RULES_V6 \
	"\n"

static const char unit_text[] = UNIT_TEXT("");
static const char unit_text_v4[] = UNIT_TEXT("-");

static const char pull_text[] =
    STATE_MARK "[Unit]\nWants=writ-firewall.service\n";

struct own {        /* a file of ours */
	char *text; /* NULL: not there */
	struct host_stat st;
};

struct family {
	bool there;
	struct fw_live live;
	bool legacy; /* rules in the other tables too */
	struct own boot;
};

struct observed {
	struct family v[FW_FAMILIES];
	bool systemd;
	struct own unit, pull;
	bool missing; /* the package iptables is not installed */
};

static bool
is_absent(const void *params)
{
	return ((const struct fw_params *)params)->absent;
}

static int
owns(const void *params, struct strs *out)
{
	const struct fw_params *p = params;
	int r = 0;

	for (int h = 0; r == 0 && h < FW_HOOKS; h++) {
		struct str s = STR_INIT;
		char *name;

		if (p->hooks[h].policy == FW_NONE && !p->absent)
			continue;
		str_addf(&s, "iptables:%s", fw_hook_name((enum fw_hook)h));
		if ((r = str_take(&s, &name)) == 0)
			r = strs_add(out, name);
		free(name);
	}
	return r;
}

/* --- observe ----------------------------------------------------------- */

static int
look(struct host *h, const char *path, struct own *out, struct err *e)
{
	size_t n;
	int r;

	if ((r = state_read(h, path, &out->text, &n, e)) != 0)
		return r;
	return out->text != NULL ? host_stat(h, path, &out->st, e) : 0;
}

static int
observe_family(struct host *h, enum fw_family family, struct family *f,
    struct err *e)
{
	int r;

	if ((r = fw_has_family(h, family, e)) < 0)
		return r;
	f->there = r == 1;
	if ((r = look(h, fw_families[family].rules, &f->boot, e)) != 0)
		return r;
	return f->there ? fw_read_live(h, family, &f->live, &f->legacy, e) : 0;
}

static int
observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	struct observed *o = observed;
	int r;

	(void)env;
	(void)params;
	if (!host_has(h, "iptables-restore")) {
		o->missing = true;
		return 0;
	}
	if ((r = host_has_systemd(h, e)) < 0)
		return r;
	o->systemd = r == 1;
	if ((r = look(h, UNIT, &o->unit, e)) != 0 ||
	    (r = look(h, PULL, &o->pull, e)) != 0)
		return r;
	for (int f = 0; r == 0 && f < FW_FAMILIES; f++)
		r = observe_family(h, (enum fw_family)f, &o->v[f], e);
	return r;
}

static void
observed_clear(void *observed)
{
	struct observed *o = observed;

	for (int f = 0; f < FW_FAMILIES; f++) {
		fw_live_clear(&o->v[f].live);
		free(o->v[f].boot.text);
	}
	free(o->unit.text);
	free(o->pull.text);
	*o = (struct observed){0};
}

/* --- plan -------------------------------------------------------------- */

static int
wanted(const struct fw_params *p, const struct state_env *env,
    enum fw_family family, struct strs *out)
{
	return p->absent ? 0
			 : fw_compile(p, family, env->master_addresses, out);
}

/* What the boot loads: the way from no chain of ours at all. */
static int
boot_text(const struct strs *rules, struct str *out)
{
	static const struct fw_live none;

	str_add(out, STATE_MARK);
	return fw_transaction(&none, rules, out);
}

static int
plan_text(const char *path, const struct own *have, const char *want,
    bool way_in, struct plan *out)
{
	if (want == NULL)
		return have->text == NULL
		    ? 0
		    : plan_absent(out, path, way_in, "remove %s", path);
	if (have->text != NULL && strcmp(have->text, want) == 0 &&
	    state_is_roots(&have->st))
		return 0;
	return plan_file(out, path, 0644, 0, 0,
	    (struct slice){(const uint8_t *)want, strlen(want)}, way_in,
	    "%s %s", have->text == NULL ? "write" : "change", path);
}

static int
plan_family(const struct fw_params *p, const struct state_env *env,
    enum fw_family family, const struct family *f, struct plan *out)
{
	const char *name = family == FW_V4 ? "IPv4" : "IPv6";
	struct strs rules = {0};
	struct str boot = STR_INIT;
	int r;

	if ((r = wanted(p, env, family, &rules)) != 0 ||
	    (r = boot_text(&rules, &boot)) != 0 ||
	    (r = plan_text(fw_families[family].rules, &f->boot,
		 p->absent ? NULL : boot.p, true, out)) != 0)
		goto out;
	if (f->there && !fw_same(&f->live, &rules))
		r = plan_live(out, "load", family == FW_V4 ? "4" : "6", true,
		    "load %zu %s for %s (%zu of ours %s there)", rules.n,
		    text_plural(rules.n, "rule", "rules"), name,
		    f->live.rules.n, text_plural(f->live.rules.n, "is", "are"));
	if (r == 0 && f->legacy)
		r = plan_note(out, PLAN_IMPOSSIBLE,
		    "the legacy tables of %s hold rules too, expected all in "
		    "one place",
		    name);
	if (r == 0 && f->live.before.n > 0 && !p->absent) {
		struct str s = STR_INIT;
		char *text;

		str_addf(&s,
		    "%s: %zu foreign rules accept before ours, the "
		    "first %s",
		    name, f->live.before.n, f->live.before.v[0]);
		if ((r = str_take(&s, &text)) == 0)
			r = strs_add(&out->proofs, text);
		free(text);
	}
out:
	strs_clear(&rules);
	str_clear(&boot);
	return r;
}

static int
plan(const struct state_env *env, const void *params, const void *observed,
    struct plan *out, struct err *e)
{
	const struct fw_params *p = params;
	const struct observed *o = observed;
	int r = 0;

	if (o->missing)
		return plan_note(out, PLAN_IMPOSSIBLE,
		    "iptables-restore is missing, expected the package "
		    "iptables");
	for (int f = 0; r == 0 && f < FW_FAMILIES; f++)
		r = plan_family(p, env, (enum fw_family)f, &o->v[f], out);
	if (r == 0 && (o->systemd || p->absent)) {
		const char *unit = o->v[FW_V6].there ? unit_text : unit_text_v4;

		r = plan_text(UNIT, &o->unit, p->absent ? NULL : unit, true,
		    out);
		if (r == 0)
			r = plan_text(PULL, &o->pull,
			    p->absent ? NULL : pull_text, true, out);
	}
	if (r == 0 && !o->systemd && !p->absent &&
	    (r = strs_add(&out->proofs,
		 "not loaded at boot: there is no systemd to do so")) != 0)
		return err_nomem(e);
	if (r == ERR_LIMIT)
		return err_set(e, r, "iptables: more than %d rules",
		    FW_RULES_MAX);
	return r == ERR_NOMEM ? err_nomem(e) : r;
}

static int
apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	const enum fw_family family = c->arg[0] == '4' ? FW_V4 : FW_V6;
	struct strs rules = {0};
	int r = wanted(params, env, family, &rules);

	r = r == 0 ? fw_load(h, family, &rules, e) : err_nomem(e);
	strs_clear(&rules);
	return r;
}

/* --- checks ------------------------------------------------------------ */

static int
validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	int r = 0;

	for (int f = 0; r == 0 && f < FW_FAMILIES; f++) {
		const char *argv[] = {"unshare", "--net", "--",
		    fw_families[f].restore, "--noflush", NULL};
		struct strs rules = {0};
		struct str text = STR_INIT;

		if ((r = fw_has_family(h, (enum fw_family)f, e)) != 1)
			continue;
		if (wanted(params, env, (enum fw_family)f, &rules) != 0 ||
		    boot_text(&rules, &text) != 0)
			r = err_nomem(e);
		else if ((r = host_run_ok(h, argv,
			      (struct slice){(const uint8_t *)text.p, text.n},
			      NULL, e)) != 0)
			err_prefix(e, "the kernel does not take the rules");
		strs_clear(&rules);
		str_clear(&text);
	}
	return r;
}

static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	(void)params;
	return state_daemon_reload(h, e);
}

/* 1: a legacy table of either family is in use. */
static int
uses_legacy(struct host *h, struct err *e)
{
	static const char *const names[] = {
	    "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		char *text = NULL;
		size_t n;

		if ((r = state_read(h, names[i], &text, &n, e)) == 0)
			r = n > 0 ? 1 : 0;
		free(text);
	}
	return r;
}

/* A family that comes later is not guarded yet. */
static int
sign_families(struct host *h, struct str *out, struct err *e)
{
	int r = 0;

	for (int f = 0; r >= 0 && f < FW_FAMILIES; f++)
		if ((r = fw_has_family(h, (enum fw_family)f, e)) >= 0)
			str_addf(out, "family %d %d\n", f, r);
	return r < 0 ? r : 0;
}

/*
 * The rules are as old as their generation, in this namespace and this boot.
 * The legacy tables have none: where they are in use nothing is known.
 */
static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	static const char *const files[] = {
	    FW_RULES_V4, FW_RULES_V6, UNIT, PULL, "/usr/sbin/iptables-restore"};
	struct host_nft nft;
	char *text;
	size_t n;
	int r;

	(void)env;
	(void)params;
	if ((r = uses_legacy(h, e)) != 0)
		return r == 1 ? 0 : r;
	r = host_nft_generation(h, &nft, e);
	if (r == ERR_NOTFOUND)
		return 0;
	if (r != 0 ||
	    (r = state_read(h, "/proc/sys/kernel/random/boot_id", &text, &n,
		 e)) != 0)
		return r;
	str_addf(out, "nft %" PRIu32 " %" PRIu64 " %" PRIu64 " %s\n",
	    nft.generation, nft.ns_dev, nft.ns_ino, text != NULL ? text : "");
	free(text);
	r = sign_families(h, out, e);
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = state_sign_path(h, files[i], out, e);
	return r;
}

const struct state_ops state_iptables = {
    .name = "iptables",
    .summary = "the firewall, IPv4 and IPv6, in chains of its own",
    .flags = STATE_WAY_IN,
    .params_size = sizeof(struct fw_params),
    .observed_size = sizeof(struct observed),
    .parse = fw_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = observe,
    .plan = plan,
    .apply = apply,
    .validate = validate,
    .proof = fw_proof,
    .activate = activate,
    .snapshot = fw_snapshot,
    .restore = fw_restore,
    .fingerprint = fingerprint,
    .params_clear = fw_params_clear,
    .observed_clear = observed_clear,
};
