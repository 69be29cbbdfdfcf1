/* SPDX-License-Identifier: ISC */
/*
 * fstab: options of mounts, now and after a reboot.
 *
 * Promises that each mount point of the state has the options it names, in the
 * kernel and in /etc/fstab.  A line of fstab is changed in its options alone:
 * those that are there stay unless they contradict, other lines, blanks and
 * comments are kept.  What is mounted without a line (by a unit of systemd, or
 * by the init) gets one, with all its options; but for a part of another file
 * system (a bind mount), or what is mounted when it is asked for, of which
 * mountinfo does not tell what a line would have to say: there it is refused.
 * So it is where a unit of the administrator's is stronger than fstab and says
 * otherwise.  A path that is no mount of its own cannot be made one
 * under a running host, so it is reported not applicable, unless the state says
 * `tmpfs: SIZE`.  Nothing is unmounted.  `ensure: absent` of a path leaves both
 * as they are: options that were not asked for are not known any more.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/kinds.h"
#include "agent/states/words.h"

static bool
is_absent(const void *params)
{
	const struct fstab_params *p = params;

	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i].absent)
			return false;
	return true;
}

static int
owns(const void *params, struct strs *out)
{
	const struct fstab_params *p = params;
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct str s = STR_INIT;
		char *name;

		str_addf(&s, "fstab:%s", p->v[i].path);
		if ((r = str_take(&s, &name)) == 0)
			r = strs_add(out, name);
		free(name);
	}
	return r;
}

static int
observe_boot(struct host *h, const struct fstab_params *p,
    struct fstab_observed *o, struct err *e)
{
	int r;

	if ((r = host_has_systemd(h, e)) != 1)
		return r;
	if ((o->boot = calloc(p->n + 1, sizeof(*o->boot))) == NULL)
		return err_nomem(e);
	o->n_boot = p->n;
	r = 0;
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (!p->v[i].absent)
			r = fstab_boot_look(h, p->v[i].path, &o->boot[i], e);
	return r;
}

static int
observe(struct host *h, const struct state_env *env, const void *params,
    void *observed, struct err *e)
{
	struct fstab_observed *o = observed;
	int r;

	(void)env;
	if ((r = state_read(h, FSTAB_PATH, &o->table, &o->n_table, e)) != 0 ||
	    (o->table != NULL &&
		(r = host_stat(h, FSTAB_PATH, &o->st, e)) != 0) ||
	    (r = observe_boot(h, params, o, e)) != 0)
		return r;
	return host_read(h, MOUNTINFO_PATH, HOST_FILE_MAX, &o->mounts,
	    &o->n_mounts, e);
}

static void
observed_clear(void *observed)
{
	struct fstab_observed *o = observed;

	for (size_t i = 0; i < o->n_boot; i++)
		fstab_boot_clear(&o->boot[i]);
	free(o->boot);
	free(o->table);
	free(o->mounts);
	*o = (struct fstab_observed){0};
}

/* --- the rest ---------------------------------------------------------- */

/* findmnt says "PATH", and below it "   [E] what is wrong". */
static bool
blames_us(const struct fstab_params *p, const char *text, struct slice *why)
{
	struct slice rest = {(const uint8_t *)text, strlen(text)}, line;
	bool ours = false;

	while (state_next_line(&rest, &line)) {
		struct slice word, l = line;

		if (line.n > 0 && line.p[0] == '/') {
			ours = false;
			for (size_t i = 0; i < p->n; i++)
				if (fstab_path_is(line, p->v[i].path))
					ours = true;
		} else if (ours && state_next_word(&l, &word) &&
		    slice_is(word, "[E]")) {
			*why = l;
			return true;
		}
	}
	return false;
}

static int
validate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	const char *argv[] = {"findmnt", "--verify", NULL};
	struct child_result res = {0};
	struct slice why;
	int r;

	(void)env;
	if (!host_has(h, "findmnt"))
		return err_set(e, ERR_DENIED,
		    "findmnt is missing, expected the package mount");
	if ((r = host_run(h, argv, (struct slice){0}, &res, e)) != 0)
		return r;
	/* What is wrong with the lines of others was so before. */
	if (res.status != 0 && blames_us(params, res.out, &why))
		r = err_set(e, ERR_DENIED, FSTAB_PATH ": %.*s", (int)why.n,
		    (const char *)why.p);
	child_result_clear(&res);
	return r;
}

/* systemd has units of the old table until it is told. */
static int
activate(struct host *h, const struct state_env *env, const void *params,
    struct err *e)
{
	(void)env;
	(void)params;
	return state_daemon_reload(h, e);
}

/* No program: the table by stat, the mounts by their own lines. */
static int
fingerprint(struct host *h, const struct state_env *env, const void *params,
    struct str *out, struct err *e)
{
	const struct fstab_params *p = params;
	char *mounts;
	size_t n;
	int r;

	(void)env;
	if ((r = state_sign_path(h, FSTAB_PATH, out, e)) != 0 ||
	    (r = host_read(h, MOUNTINFO_PATH, HOST_FILE_MAX, &mounts, &n, e)) !=
		0)
		return r;
	for (size_t i = 0; r == 0 && i < p->n; i++) {
		struct slice text = {(const uint8_t *)mounts, n};
		struct mounted m;

		r = fstab_boot_sign(h, p->v[i].path, out, e);
		str_add(out, p->v[i].path);
		if (mountinfo_find(text, p->v[i].path, &m))
			str_addf(out, " %.*s %.*s %.*s", (int)m.options.n,
			    (const char *)m.options.p, (int)m.super.n,
			    (const char *)m.super.p, (int)m.source.n,
			    (const char *)m.source.p);
		str_addc(out, '\n');
	}
	free(mounts);
	return r;
}

static int
show(struct host *h, struct str *out, struct err *e)
{
	struct fstab_line l;
	struct slice text;
	unsigned line = 0;
	bool any = false;
	char *table;
	size_t n;
	int r;

	if ((r = state_read(h, FSTAB_PATH, &table, &n, e)) != 0)
		return r;
	text = (struct slice){(const uint8_t *)table, n};
	while (fstab_next(&text, &line, &l)) {
		if (l.path.p[0] != '/' || l.options.n == 0 ||
		    slice_is(l.options, "defaults"))
			continue;
		str_addf(out, "%s    %.*s: {options: [%.*s]}\n",
		    any ? "" : "fstab:\n  mounts:\n", (int)l.path.n,
		    (const char *)l.path.p, (int)l.options.n,
		    (const char *)l.options.p);
		any = true;
	}
	free(table);
	return str_check(out);
}

const struct state_ops state_fstab = {
    .name = "fstab",
    .summary = "mount options, now and after a reboot",
    .flags = STATE_EACH,
    .params_size = sizeof(struct fstab_params),
    .observed_size = sizeof(struct fstab_observed),
    .parse = fstab_parse,
    .owns = owns,
    .is_absent = is_absent,
    .observe = observe,
    .plan = fstab_plan,
    .apply = fstab_apply,
    .validate = validate,
    .activate = activate,
    .snapshot = fstab_snapshot,
    .restore = fstab_restore,
    .fingerprint = fingerprint,
    .show = show,
    .params_clear = fstab_params_clear,
    .observed_clear = observed_clear,
};
