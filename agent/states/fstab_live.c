/* SPDX-License-Identifier: ISC */
/*
 * fstab: what is mounted now, changed and put back.
 *
 * A flag of a mount is set by mount_setattr(2), which reaches that mount alone;
 * an option of a file system by mount(8), which puts it to the options that are
 * there.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/states/fstab_impl.h"
#include "agent/states/words.h"

static const struct mount_want *
find(const struct fstab_params *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].path, path) == 0)
			return &p->v[i];
	return NULL;
}

static int
mount_option(struct host *h, const char *path, const char *option,
    struct err *e)
{
	const char *argv[] = {"mount", "-o", NULL, "--", path, NULL};
	char *arg;
	struct str s = STR_INIT;
	int r;

	str_addf(&s, "remount,%s", option);
	if ((r = str_take(&s, &arg)) != 0)
		return err_nomem(e);
	argv[2] = arg;
	r = host_run_ok(h, argv, (struct slice){0}, NULL, e);
	free(arg);
	return r;
}

/* With what is wanted; of one that is to be absent without, which flags alone
 * can be. */
static int
remount(struct host *h, const struct mount_want *w, struct err *e)
{
	uint64_t set = 0, clear = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->options.n; i++) {
		const struct mount_flag *f = mount_flag(w->options.v[i]);

		if (f == NULL)
			r = w->absent
			    ? 0
			    : mount_option(h, w->path, w->options.v[i], e);
		else if (f->on != w->absent)
			set |= f->attr;
		else
			clear |= f->attr;
	}
	if (r == 0 && (set | clear) != 0)
		r = host_remount(h, w->path, set, clear, e);
	return r;
}

int
fstab_apply(struct host *h, const struct state_env *env, const void *params,
    const struct change *c, struct err *e)
{
	const char *argv[] = {"mount", "--", c->arg, NULL};
	const struct mount_want *w = find(params, c->arg);

	(void)env;
	if (w == NULL)
		return err_set(e, ERR_NOTFOUND, "no state for %s", c->arg);
	if (strcmp(c->verb, "mount") == 0)
		return host_run_ok(h, argv, (struct slice){0}, NULL, e);
	return remount(h, w, e);
}

/* --- undo -------------------------------------------------------------- */

/*
 * A line for each mount point: "none PATH", or "flags ATTRS PATH" and then
 * "option NAME=VALUE PATH" for what mount(8) would change.
 */
static void
add_options(struct str *out, const struct mounted *m,
    const struct mount_want *w)
{
	for (size_t i = 0; i < w->options.n; i++) {
		const char *want = w->options.v[i];
		size_t n = strcspn(want, "=");
		struct slice rest = m->super, word;

		if (mount_flag(want) != NULL || want[n] != '=')
			continue;
		while (rest.n > 0) {
			const uint8_t *comma = memchr(rest.p, ',', rest.n);

			word.p = rest.p;
			word.n =
			    comma != NULL ? (size_t)(comma - rest.p) : rest.n;
			rest.p += word.n + (comma != NULL);
			rest.n -= word.n + (comma != NULL);
			if (word.n > n && memcmp(word.p, want, n + 1) == 0)
				str_addf(out, "option %.*s %s\n", (int)word.n,
				    (const char *)word.p, w->path);
		}
	}
}

int
fstab_snapshot(struct host *h, const void *params, struct str *out,
    struct err *e)
{
	const struct fstab_params *p = params;
	struct slice text;
	char *mounts;
	size_t n;
	int r;

	if ((r = host_read(h, MOUNTINFO_PATH, HOST_FILE_MAX, &mounts, &n, e)) !=
	    0)
		return r;
	text = (struct slice){(const uint8_t *)mounts, n};
	for (size_t i = 0; i < p->n; i++) {
		struct mounted m;

		if (!mountinfo_find(text, p->v[i].path, &m)) {
			if (!p->v[i].absent)
				str_addf(out, "none %s\n", p->v[i].path);
			continue;
		}
		str_addf(out, "flags %" PRIu64 " %s\n", mounted_attrs(&m),
		    p->v[i].path);
		add_options(out, &m, &p->v[i]);
	}
	free(mounts);
	return str_check(out) != 0 ? err_nomem(e) : 0;
}

/* What is mounted now where nothing was: away with it, as soon as nobody has a
 * file open there. */
static int
unmount(struct host *h, const char *path, const char *arg, struct err *e)
{
	const char *argv[] = {"umount", "-l", "--", path, NULL};

	(void)arg;
	return host_run_ok(h, argv, (struct slice){0}, NULL, e);
}

static int
put_flags(struct host *h, const char *path, const char *arg, struct err *e)
{
	static const char *const names[] = {
	    "ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"};
	uint64_t all = 0, was;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		all |= mount_flag(names[i])->attr;
	if (parse_u64(arg, 0, all, &was) != 0)
		return err_set(e, ERR_CORRUPT, "flags '%s' of %s", arg, path);
	return host_remount(h, path, was, all & ~was, e);
}

static int
put_option(struct host *h, const char *path, const char *arg, struct err *e)
{
	return mount_option(h, path, arg, e);
}

static const struct {
	const char *word;
	bool has_arg;
	bool when_mounted;
	int (*put)(struct host *h, const char *path, const char *arg,
	    struct err *e);
} lines[] = {
    {"none", false, true, unmount},
    {"flags", true, true, put_flags},
    {"option", true, true, put_option},
};

static int
put_line(struct host *h, struct slice mounts, struct slice line, struct err *e)
{
	struct slice word, arg = {0};
	struct mounted m;
	char *path = NULL, *text = NULL;
	int r = ERR_CORRUPT;

	if (!state_next_word(&line, &word))
		return 0;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (!slice_is(word, lines[i].word) ||
		    (lines[i].has_arg && !state_next_word(&line, &arg)) ||
		    line.n < 2)
			continue;
		path = str_dupn(line.p + 1, line.n - 1);
		text = str_dupn(arg.n > 0 ? arg.p : (const uint8_t *)"", arg.n);
		if (path == NULL || text == NULL)
			r = err_nomem(e);
		else if (!mountinfo_find(mounts, path, &m))
			r = 0; /* gone by itself */
		else
			r = lines[i].put(h, path, text, e);
		free(path);
		free(text);
		return r;
	}
	return err_set(e, r, "the record of mounts has an unknown line");
}

int
fstab_restore(struct host *h, struct slice snapshot, struct err *e)
{
	struct slice line;
	char *mounts;
	size_t n;
	int r;

	if ((r = host_read(h, MOUNTINFO_PATH, HOST_FILE_MAX, &mounts, &n, e)) !=
	    0)
		return r;
	while (r == 0 && state_next_line(&snapshot, &line))
		r = put_line(h, (struct slice){(const uint8_t *)mounts, n},
		    line, e);
	free(mounts);
	return r;
}
