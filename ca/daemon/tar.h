/* SPDX-License-Identifier: ISC */
/*
 * ustar archives (POSIX.1-2017, pax, "ustar Interchange Format") of regular
 * files: what a backup is.  Written here in a hundred lines, since what reads a
 * backup with root's rights must know nothing of links, devices and owners.
 * Pure.
 */
#ifndef CA_DAEMON_TAR_H
#define CA_DAEMON_TAR_H

#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

#define TAR_PATH_MAX 255

struct tar_entry {
	char path[TAR_PATH_MAX + 1];
	unsigned mode;	    /* permission bits */
	struct slice data;  /* of a view: borrowed */
};

/* Append a file.  ERR_PARSE: a path that tar_next() would refuse; ERR_LIMIT: it
 * does not fit a header, or b is full; ERR_NOMEM. */
int tar_add(struct buf *b, const char *path, unsigned mode, int64_t mtime,
    struct slice data) MUST_CHECK;
/* The two empty blocks that end an archive. */
int tar_end(struct buf *b) MUST_CHECK;

/*
 * The next file.  0; TAR_END: the archive ended, with nothing after it but
 * zeros; ERR_PARSE: no ustar header, a wrong checksum, cut short, anything but
 * a regular file, or a path that is absolute, empty, has an empty, "." or ".."
 * part, or bytes other than printable ASCII without blanks.
 */
#define TAR_END 1
int tar_next(struct view *v, struct tar_entry *out, struct err *e) MUST_CHECK;

#endif
