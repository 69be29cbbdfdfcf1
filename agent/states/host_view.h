/* SPDX-License-Identifier: ISC */
/*
 * A host as it would be: the files of another one with changes put over them,
 * for checkers and proofs before anything is live.
 *
 * Reads of the view see the changes.  What it runs sees them too: on this
 * machine the program is started in a mount namespace of its own, in which
 * changed files are bound over the real ones from a staging directory, and a
 * directory that gets or loses names is made anew of bind mounts.  Nothing of
 * it is seen outside, and nothing that did not change is copied: secrets stay
 * where they are.  Needs root on this machine; a tree with commands of its own
 * (host_open_at) runs those.
 */
#ifndef AGENT_STATES_HOST_VIEW_H
#define AGENT_STATES_HOST_VIEW_H

#include "agent/states/host.h"

struct host_view;		/* of a host; opaque */

#define HOST_VIEW_MAX 4096	/* changed files */

/*
 * A view of base, which must outlive it, without changes yet; host_close() ends
 * it.  dir is where staged files go, on this machine; it is made 0700 when the
 * first program runs and taken away with the view, and its parent must be
 * root's alone.  dir is copied.
 */
int  host_view_open(struct host *base, const char *dir, struct host **out,
     struct err *e) MUST_CHECK;
/* As it would be: written, or gone.  data is borrowed until the view is closed.
 * ERR_USAGE, ERR_DENIED (through a symbolic link of somebody), ERR_LIMIT,
 * ERR_SYS, ERR_NOMEM. */
int  host_view_put(struct host *v, const char *path, struct slice data,
     mode_t mode, uid_t uid, gid_t gid, struct err *e) MUST_CHECK;
int  host_view_remove(struct host *v, const char *path, struct err *e)
     MUST_CHECK;

/* For host*.c: 0 or ERR_* when the view has the answer, else 1. */
int  host_view_read(struct host *v, const char *path, size_t max, char **out,
     size_t *n, struct err *e) MUST_CHECK;
int  host_view_stat(struct host *v, const char *path, struct host_stat *out,
     struct err *e) MUST_CHECK;
/* r is what listing the real directory said, its names out->v[start...]. */
int  host_view_list(struct host *v, const char *path, int r, struct strs *out,
     size_t start, struct err *e) MUST_CHECK;
int  host_view_run(struct host *v, const struct child_run *run,
     struct child_result *out, struct err *e) MUST_CHECK;
void host_view_free(struct host_view *view);	/* NULL allowed */

#endif
