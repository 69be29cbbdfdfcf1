/* SPDX-License-Identifier: ISC */
#include "agent/states/fstab_table.h"

#include <string.h>
#include <sys/mount.h>

#include "agent/states/words.h"

/* <linux/mount.h> and <sys/mount.h> cannot both be had on Debian 12. */
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV  0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
#endif
#ifndef MOUNT_ATTR_NODIRATIME
#define MOUNT_ATTR_NODIRATIME 0x00000080
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif

static const struct mount_flag flags[] = {
    {"dev", "nodev", MOUNT_ATTR_NODEV, false},
    {"diratime", "nodiratime", MOUNT_ATTR_NODIRATIME, false},
    {"exec", "noexec", MOUNT_ATTR_NOEXEC, false},
    {"nodev", "dev", MOUNT_ATTR_NODEV, true},
    {"nodiratime", "diratime", MOUNT_ATTR_NODIRATIME, true},
    {"noexec", "exec", MOUNT_ATTR_NOEXEC, true},
    {"nosuid", "suid", MOUNT_ATTR_NOSUID, true},
    {"nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW, true},
    {"ro", "rw", MOUNT_ATTR_RDONLY, true},
    {"rw", "ro", MOUNT_ATTR_RDONLY, false},
    {"suid", "nosuid", MOUNT_ATTR_NOSUID, false},
    {"symfollow", "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, false},
};
#define N_FLAGS (sizeof(flags) / sizeof(flags[0]))

const struct mount_flag *
mount_flag(const char *name)
{
	for (size_t i = 0; i < N_FLAGS; i++)
		if (strcmp(flags[i].name, name) == 0)
			return &flags[i];
	return NULL;
}

bool
fstab_next(struct slice *text, unsigned *line, struct fstab_line *out)
{
	struct slice l;

	while (state_next_line(text, &l)) {
		(*line)++;
		out->whole = l;
		out->line = *line;
		if (!state_next_word(&l, &out->source) ||
		    out->source.p[0] == '#' ||
		    !state_next_word(&l, &out->path) ||
		    !state_next_word(&l, &out->type))
			continue;
		if (!state_next_word(&l, &out->options))
			out->options =
			    (struct slice){out->type.p + out->type.n, 0};
		return true;
	}
	return false;
}

static bool
is_octal(const uint8_t *p)
{
	return p[0] >= '0' && p[0] <= '3' && p[1] >= '0' && p[1] <= '7' &&
	    p[2] >= '0' && p[2] <= '7';
}

/* The next byte of a field, with \NNN undone. */
static uint8_t
unescape(struct slice *field)
{
	uint8_t c = field->p[0];
	size_t used = 1;

	if (c == '\\' && field->n >= 4 && is_octal(field->p + 1)) {
		c = (uint8_t)((field->p[1] - '0') << 6 |
		    (field->p[2] - '0') << 3 | (field->p[3] - '0'));
		used = 4;
	}
	field->p += used;
	field->n -= used;
	return c;
}

bool
fstab_path_is(struct slice field, const char *path)
{
	size_t i = 0;

	while (field.n > 0) {
		const uint8_t c = unescape(&field);

		/* mount(8) and systemd take "/tmp/" and "//tmp" for it too. */
		if (c == '/' && i > 0 &&
		    (path[i - 1] == '/' || path[i] == '\0'))
			continue;
		if (path[i] == '\0' || c != (uint8_t)path[i])
			return false;
		i++;
	}
	return path[i] == '\0';
}

void
fstab_add_path(struct str *out, const char *path)
{
	for (; *path != '\0'; path++)
		if (*path == ' ' || *path == '\t' || *path == '\\' ||
		    *path == '#')
			str_addf(out, "\\%03o", (unsigned)(uint8_t)*path);
		else
			str_addc(out, *path);
}

/* --- options ----------------------------------------------------------- */

static bool
next_option(struct slice *list, struct slice *out)
{
	const uint8_t *comma;

	if (list->n == 0)
		return false;
	comma = memchr(list->p, ',', list->n);
	out->p = list->p;
	out->n = comma != NULL ? (size_t)(comma - list->p) : list->n;
	list->p += out->n + (comma != NULL);
	list->n -= out->n + (comma != NULL);
	return true;
}

/* "size" of "size=1g"; all of it where there is no value. */
static size_t
name_len(const void *p, size_t n)
{
	const char *eq = memchr(p, '=', n);

	return eq != NULL ? (size_t)(eq - (const char *)p) : n;
}

/* Does have undo want: its opposite, or the same name with another value? */
static bool
contradicts(struct slice have, const char *want)
{
	const struct mount_flag *f = mount_flag(want);
	size_t n = name_len(want, strlen(want));

	if (f != NULL)
		return slice_is(have, f->opposite);
	return !slice_is(have, want) && want[n] == '=' &&
	    name_len(have.p, have.n) == n && have.n > n &&
	    memcmp(have.p, want, n) == 0;
}

static bool
list_has(struct slice list, const char *want)
{
	struct slice option;
	bool has = false;

	while (next_option(&list, &option)) {
		if (slice_is(option, want))
			has = true;
		else if (contradicts(option, want))
			has = false;
	}
	return has;
}

bool
fstab_has_all(struct slice options, const struct strs *want)
{
	for (size_t i = 0; i < want->n; i++)
		if (!list_has(options, want->v[i]))
			return false;
	return true;
}

int
fstab_merge(struct slice options, const struct strs *want, struct str *out)
{
	struct slice rest = options, option;
	const size_t start = out->n;

	if (options.n > FSTAB_OPTIONS_MAX)
		return ERR_LIMIT;
	while (next_option(&rest, &option)) {
		bool keep = option.n > 0;

		for (size_t i = 0; keep && i < want->n; i++)
			keep = !contradicts(option, want->v[i]);
		if (keep)
			str_addf(out, "%s%.*s", out->n > start ? "," : "",
			    (int)option.n, (const char *)option.p);
	}
	/* Text that failed is no longer there to be looked at. */
	for (size_t i = 0; i < want->n && !out->failed; i++)
		if (!list_has((struct slice){(const uint8_t *)out->p + start,
				  out->n - start},
			want->v[i]))
			str_addf(out, "%s%s", out->n > start ? "," : "",
			    want->v[i]);
	return str_check(out);
}

int
fstab_join(struct slice have, struct slice more, struct str *out)
{
	struct slice option;

	if (have.n > FSTAB_OPTIONS_MAX || more.n > FSTAB_OPTIONS_MAX)
		return ERR_LIMIT;
	str_addn(out, (const char *)have.p, have.n);
	while (next_option(&more, &option)) {
		/* Whether it may be written is said of the mount, above. */
		if (option.n == 0 || slice_is(option, "rw") ||
		    slice_is(option, "ro"))
			continue;
		str_addf(out, "%s%.*s", out->n > 0 ? "," : "", (int)option.n,
		    (const char *)option.p);
	}
	return str_check(out);
}

static bool
is_one_of(struct slice option, const struct strs *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (slice_is(option, l->v[i]))
			return true;
	return false;
}

int
fstab_take(struct slice options, const struct strs *away, struct str *out)
{
	struct slice option;
	bool any = false;

	if (options.n > FSTAB_OPTIONS_MAX)
		return ERR_LIMIT;
	while (next_option(&options, &option)) {
		if (option.n == 0 || is_one_of(option, away))
			continue;
		str_addf(out, "%s%.*s", any ? "," : "", (int)option.n,
		    (const char *)option.p);
		any = true;
	}
	if (!any)
		str_add(out, "defaults");
	return str_check(out);
}

bool
fstab_has_any(struct slice options, const struct strs *which)
{
	struct slice option;

	while (next_option(&options, &option))
		if (is_one_of(option, which))
			return true;
	return false;
}

/* --- mountinfo --------------------------------------------------------- */

/* 36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/root rw */
static bool
read_mount(struct slice line, struct slice *path, struct mounted *out)
{
	struct slice word;

	for (int i = 0; i < 3; i++)
		if (!state_next_word(&line, &word))
			return false;
	if (!state_next_word(&line, &out->root) ||
	    !state_next_word(&line, path) ||
	    !state_next_word(&line, &out->options))
		return false;
	do {
		if (!state_next_word(&line, &word))
			return false;
	} while (!slice_is(word, "-"));
	return state_next_word(&line, &out->type) &&
	    state_next_word(&line, &out->source) &&
	    state_next_word(&line, &out->super);
}

bool
mountinfo_find(struct slice text, const char *path, struct mounted *out)
{
	struct slice line, where;
	struct mounted m;
	bool found = false;

	while (state_next_line(&text, &line))
		if (read_mount(line, &where, &m) &&
		    fstab_path_is(where, path)) {
			*out = m;
			found = true;
		}
	return found;
}

/* The kernel lists exceptions alone: what is not said nodev has devices. */
bool
mounted_has(const struct mounted *m, const char *option)
{
	const struct mount_flag *f = mount_flag(option);

	if (f != NULL && !f->on && f->attr != MOUNT_ATTR_RDONLY)
		return !list_has(m->options, f->opposite);
	if (f != NULL)
		return list_has(m->options, option);
	return list_has(m->super, option) || list_has(m->options, option);
}

uint64_t
mounted_attrs(const struct mounted *m)
{
	uint64_t attrs = 0;

	for (size_t i = 0; i < N_FLAGS; i++)
		if (flags[i].on && list_has(m->options, flags[i].name))
			attrs |= flags[i].attr;
	return attrs;
}
