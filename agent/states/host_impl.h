/* SPDX-License-Identifier: ISC */
/*
 * Inside agent/states: what the driver may do to files and modules may not, and
 * how a host resolves a path.
 *
 * Whoever owns the root directory is the host's root: on this machine uid 0; in
 * a tree that a test made, whoever runs the test, who then is reported as uid
 * and gid 0 and is who 0 is given to.
 */
#ifndef AGENT_STATES_HOST_IMPL_H
#define AGENT_STATES_HOST_IMPL_H

#include "agent/states/host.h"

struct host_view;		/* staged files; host_view.h */

struct host {
	char  *root;
	int    root_fd;
	uid_t  uid;		/* of the root directory: reported as 0 */
	gid_t  gid;
	const struct host_ops *ops; /* NULL: this machine */
	void  *ctx;
	unsigned runs;
	struct host_view *view;	/* NULL: the files as they are */
};

/* Before each call: lets a test count and fail them. */
int  host_begin(struct host *h, const char *call, const char *what,
     struct err *e) MUST_CHECK;

/* Absolute, clean, not too long.  ERR_USAGE. */
int  host_path_check(const char *path, struct err *e) MUST_CHECK;
/* openat2(2) below the root, through no symbolic link that is not root's; the
 * descriptor is close-on-exec.  ERR_NOTFOUND, ERR_DENIED, ERR_SYS. */
int  host_openat(struct host *h, const char *path, int flags, mode_t mode,
     int *fd, struct err *e) MUST_CHECK;

/* Of files as reported, and as they are on disk. */
uid_t host_uid_out(const struct host *h, uid_t uid);
gid_t host_gid_out(const struct host *h, gid_t gid);
uid_t host_uid_in(const struct host *h, uid_t uid);
gid_t host_gid_in(const struct host *h, gid_t gid);

#endif
