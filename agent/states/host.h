/* SPDX-License-Identifier: ISC */
/*
 * The host that states act on: files, commands, mounts and the clock, and
 * nothing else.
 *
 * A module of agent/states reaches the machine only through this, so the same
 * code runs against the real host, against a directory and a table of recorded
 * commands (tests), and with faults put in.  Reading is a module's; writing
 * files is the driver's (agent/states/run.h), which backs up, stages, validates
 * and undoes.  What a module changes that is not a file (a mount's options, the
 * kernel's rules) goes through host_run() and host_remount().
 *
 * Paths are absolute, without "." or "..", at most HOST_PATH_MAX bytes.  No
 * symbolic link is followed in the last part, and none on the way that is not
 * owned by root or leads out of the root.  Not thread safe.
 */
#ifndef AGENT_STATES_HOST_H
#define AGENT_STATES_HOST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/proc/child.h"

#define HOST_PATH_MAX 1024
#define HOST_FILE_MAX (4 * 1024 * 1024)	/* bytes of a file that is read */
#define HOST_OUT_MAX  (4 * 1024 * 1024)	/* bytes that a command prints */
#define HOST_LIST_MAX 10000		/* names of a directory */
#define HOST_RUN_MS   30000		/* a command that is not back is killed */
#define HOST_RUN_MAX_MS (30 * 60 * 1000)
/* Where programs are: nothing that root alone does not own. */
#define HOST_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

struct host_stat {
	mode_t	 mode;		/* with the type: S_ISREG() and so on */
	uid_t	 uid;
	gid_t	 gid;
	uint64_t size, ino, dev;
	int64_t	 mtime_ns, ctime_ns;
};

struct host;			/* host_open_* / host_close */

struct host_ops {
	int (*run)(void *ctx, const struct child_run *run,
	    struct child_result *out, struct err *e);
	int (*remount)(void *ctx, const char *path, uint64_t set,
	    uint64_t clear, struct err *e);
	int64_t (*now)(void *ctx);	/* Unix seconds */
	/* Before each call on the host ("read", "run", ...); an error fails
	   the call.  NULL: nothing. */
	int (*before)(void *ctx, const char *call, const char *what,
	    struct err *e);
};

/* This machine. */
int  host_open(struct host **out, struct err *e) MUST_CHECK;
/* The tree below root, with commands, mounts and clock by ops: for tests.  Whose
 * the directory root is, is reported as uid and gid 0.  ops and ctx are
 * borrowed. */
int  host_open_at(const char *root, const struct host_ops *ops, void *ctx,
     struct host **out, struct err *e) MUST_CHECK;
void host_close(struct host *h);
/* "/", or what host_open_at() was given. */
const char *host_root(const struct host *h);

/*
 * The whole of a regular file, terminated; the caller frees.  ERR_NOTFOUND,
 * ERR_LIMIT (larger than max), ERR_DENIED (a symbolic link that is not to be
 * followed, not a regular file), ERR_SYS, ERR_NOMEM.
 */
int  host_read(struct host *h, const char *path, size_t max, char **out,
     size_t *n, struct err *e) MUST_CHECK;
/*
 * The same place without symbolic links on the way, into out: each that is
 * passed belongs to root.  follow_last: in the last part too.  What is not there
 * stays as it is written.  ERR_DENIED, ERR_SYS, ERR_USAGE.
 */
int  host_resolve(struct host *h, const char *path, bool follow_last,
     char out[HOST_PATH_MAX + 1], struct err *e) MUST_CHECK;
/* As lstat(2).  ERR_NOTFOUND, ERR_DENIED, ERR_SYS. */
int  host_stat(struct host *h, const char *path, struct host_stat *out,
     struct err *e) MUST_CHECK;
/* Is anything of that name there?  1, 0, or as host_stat() but ERR_NOTFOUND. */
int  host_exists(struct host *h, const char *path, struct err *e) MUST_CHECK;
/* Is systemd what runs this host (sd_booted(3))?  As host_exists(). */
int  host_has_systemd(struct host *h, struct err *e) MUST_CHECK;
/* Names in a directory, sorted, without "." and "..", appended to out.
 * ERR_NOTFOUND, ERR_DENIED (also what is no directory), ERR_LIMIT, ERR_SYS,
 * ERR_NOMEM. */
int  host_list(struct host *h, const char *dir, struct strs *out,
     struct err *e) MUST_CHECK;
/* Is there a program of that name (no slash) on HOST_PATH? */
bool host_has(struct host *h, const char *program);

/*
 * Run a program, never through a shell, with a clean environment (PATH, LANG=
 * C.UTF-8) and HOST_RUN_MS.  argv is NULL-terminated.  0 whatever its exit
 * status.  As child_run().
 */
int  host_run(struct host *h, const char *const *argv, struct slice in,
     struct child_result *out, struct err *e) MUST_CHECK;
/* As host_run(); an exit status other than 0 is ERR_DENIED with the last line
 * the program said.  out may be NULL. */
int  host_run_ok(struct host *h, const char *const *argv, struct slice in,
     struct child_result *out, struct err *e) MUST_CHECK;
/* As host_run(), for what may take long (packages): 1 to HOST_RUN_MAX_MS. */
int  host_run_for(struct host *h, int ms, const char *const *argv,
     struct slice in, struct child_result *out, struct err *e) MUST_CHECK;
/* Set and clear MOUNT_ATTR_* of one mount (mount_setattr(2)), no superblock
 * option.  ERR_SYS, ERR_NOTFOUND. */
int  host_remount(struct host *h, const char *path, uint64_t set,
     uint64_t clear, struct err *e) MUST_CHECK;
int64_t host_now(struct host *h);

/* How many programs this host was asked to run, with remounts. */
unsigned host_runs(const struct host *h);

#endif
