/* SPDX-License-Identifier: ISC */
/*
 * Writing a host's files: the driver's alone.
 *
 * A file is written in two steps, so that all files of a run are on the disk
 * before one of them is live: put (a temporary beside it, owner and mode first,
 * fsync) and commit (rename, fsync of the directory).  The temporary's name
 * follows from the file's, so whoever cleans up after a crash finds it.
 *
 * No symbolic link is followed but root's on the way (host.h), and what is
 * replaced is a regular file.  ERR_DENIED where it is something else or is
 * immutable, ERR_NOTFOUND where the directory is missing, ERR_SYS.
 */
#ifndef AGENT_STATES_HOST_WRITE_H
#define AGENT_STATES_HOST_WRITE_H

#include "agent/states/host.h"

#define HOST_XATTRS_MAX (64 * 1024)	/* bytes of a file's attributes */

struct host_xattr {
	char	*name;
	uint8_t *value;
	size_t	 n;
};
struct host_xattrs {		/* host_xattrs_clear */
	struct host_xattr *v;
	size_t		   n, cap;
};
void host_xattrs_clear(struct host_xattrs *x);

struct host_file {		/* what is to be */
	struct slice data;
	mode_t	     mode;	/* permission bits, exactly */
	uid_t	     uid;
	gid_t	     gid;
	int64_t	     mtime_ns;	/* 0: now */
	/* NULL: the label (security.*) of the file that is replaced stays, and
	   nothing else; else exactly these. */
	const struct host_xattrs *xattrs;
};

/* Could it be written or removed?  Regular file or nothing, nothing immutable,
 * nothing mounted read-only, room for n bytes more.  Says which it is not. */
int  host_writable(struct host *h, const char *path, uint64_t n, struct err *e)
     MUST_CHECK;
/* The extended attributes of a regular file, ACLs among them.  ERR_LIMIT. */
int  host_xattrs(struct host *h, const char *path, struct host_xattrs *out,
     struct err *e) MUST_CHECK;
int  host_put(struct host *h, const char *path, const struct host_file *f,
     struct err *e) MUST_CHECK;
/* What was there stays beside it, the same inode, until host_forget(): so that
 * host_revert() needs no room and brings back what no copy has. */
int  host_commit(struct host *h, const char *path, struct err *e) MUST_CHECK;
/* Back in place.  ERR_NOTFOUND: nothing was kept. */
int  host_revert(struct host *h, const char *path, struct err *e) MUST_CHECK;
/* Is a name in a directory one of these, kept or temporary? */
bool host_is_beside(const char *name);
/* What host_revert() would bring back, for reading; into out. */
void host_kept_path(const char *path, char out[HOST_PATH_MAX + 64]);
/* Away with the temporary, with what was kept, or with the file (which is kept
 * as host_commit() does); that there is none is no error. */
int  host_unput(struct host *h, const char *path, struct err *e) MUST_CHECK;
int  host_forget(struct host *h, const char *path, struct err *e) MUST_CHECK;
int  host_unlink(struct host *h, const char *path, struct err *e) MUST_CHECK;
/* One directory, root's, 0755.  ERR_EXISTS.  rmdir: that it is not there or not
 * empty is no error. */
int  host_mkdir(struct host *h, const char *path, struct err *e) MUST_CHECK;
int  host_rmdir(struct host *h, const char *path, struct err *e) MUST_CHECK;

#endif
