/* SPDX-License-Identifier: ISC */
/* Inside the view of a host: its changes, and its mounts. */
#ifndef AGENT_STATES_HOST_VIEW_IMPL_H
#define AGENT_STATES_HOST_VIEW_IMPL_H

#include "agent/states/host_impl.h"
#include "agent/states/host_view.h"

struct view_file {
	char  *path;		/* without symbolic links */
	bool   absent;
	struct slice data;	/* borrowed */
	mode_t mode;
	uid_t  uid;
	gid_t  gid;
};

/* from over to, both absolute on this machine. */
struct view_mount {
	char *from, *to;
};

struct host_view {
	struct view_file *v;	/* sorted by path */
	size_t	     n, cap;
	char	    *dir;
	bool	     staged;
	struct view_mount *mounts; /* in the order in which they are made */
	size_t	     n_mounts, cap_mounts;
};

/* Lay the staging directory out and list the mounts.  The host is one of this
 * machine.  ERR_SYS, ERR_LIMIT, ERR_NOMEM. */
int  view_stage(struct host *v, struct err *e) MUST_CHECK;
/* Take the staging directory away, as far as there is one. */
void view_unstage(struct host_view *w);

#endif
