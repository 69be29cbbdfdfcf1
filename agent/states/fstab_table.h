/* SPDX-License-Identifier: ISC */
/*
 * fstab(5) and /proc/PID/mountinfo (proc(5)): lines read, options merged.
 * A line is changed in its options alone: blanks, comments and order stay.
 * Pure.
 */
#ifndef AGENT_STATES_FSTAB_TABLE_H
#define AGENT_STATES_FSTAB_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define FSTAB_PATH_MAX	  1024	/* bytes of a mount point */
#define FSTAB_OPTIONS_MAX 4096	/* bytes of the options of one line */

/* An option that is a flag of one mount, and the word that undoes it. */
struct mount_flag {
	const char *name, *opposite;	/* "noexec", "exec" */
	uint64_t    attr;		/* MOUNT_ATTR_* of mount_setattr(2) */
	bool	    on;			/* name sets attr; else it clears it */
};
/* NULL: no such flag, so an option of the file system. */
const struct mount_flag *mount_flag(const char *name);

/* A line of fstab that mounts something. */
struct fstab_line {
	struct slice whole;	/* with neither LF nor what is before the line */
	struct slice source, path, type; /* as they stand there */
	struct slice options;	/* empty, and after type, where there are none */
	unsigned line;		/* from 1 */
};
/* The next such line; comments, blank lines and lines of less than three fields
 * are passed over. */
bool fstab_next(struct slice *text, unsigned *line, struct fstab_line *out);
/* Is that field this path?  \040 and its like are undone, and a slash more, or
 * one at the end, is none. */
bool fstab_path_is(struct slice field, const char *path);
/* A path as a field. */
void fstab_add_path(struct str *out, const char *path);

/*
 * Options of a line with those wanted put in: what is there stays, in its
 * order; what contradicts goes ("exec" for noexec, "size=1g" for size=2g); what
 * lacks is appended.  Appended to out.
 */
int fstab_merge(struct slice options, const struct strs *want,
    struct str *out) MUST_CHECK;
/* Two lists of mountinfo as one: those of a mount, then what its file system
 * says beyond rw and ro.  Into out, which is empty.  ERR_LIMIT, ERR_NOMEM. */
int fstab_join(struct slice have, struct slice more,
    struct str *out) MUST_CHECK;
/* Without those; "defaults" where none is left.  Appended to out. */
int fstab_take(struct slice options, const struct strs *away,
    struct str *out) MUST_CHECK;
/* Does the list have any of them? */
bool fstab_has_any(struct slice options, const struct strs *which);
/* Does the list have each of them, and nothing after it that undoes it? */
bool fstab_has_all(struct slice options, const struct strs *want);

/* What is mounted on a path: the last line of mountinfo for it. */
struct mounted {
	struct slice root;	/* what of the file system: "/", or "/srv/a" of
				   a bind mount, a subvolume */
	struct slice source, type;
	struct slice options;	/* of the mount: "rw,nosuid" */
	struct slice super;	/* of the file system: "rw,size=1024k" */
};
bool mountinfo_find(struct slice text, const char *path, struct mounted *out);
/* Is the option in force, by either list?  Of a flag by the first alone. */
bool mounted_has(const struct mounted *m, const char *option);
/* The MOUNT_ATTR_* of a list of a mount. */
uint64_t mounted_attrs(const struct mounted *m);

#endif
