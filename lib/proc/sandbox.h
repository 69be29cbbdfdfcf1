/* SPDX-License-Identifier: ISC */
/*
 * What a process can do once it is warm: seccomp (an allow-list), Landlock where
 * the kernel has it, no new privileges, no core dumps.
 *
 * In every profile: memory, threads' futexes, clocks, random, read and write on
 * descriptors it has, poll and epoll, exit.  open and execve and socket fail
 * with EACCES where a profile does not have them, so that a library which tries
 * goes on without; anything else that is not listed kills the process, and a
 * build with SANDBOX_DEBUG defined names the call on standard error first.
 */
#ifndef LIB_PROC_SANDBOX_H
#define LIB_PROC_SANDBOX_H

#include <sys/types.h>

#include "lib/base/err.h"

enum sandbox_profile {
	SANDBOX_FRONT,	/* accepts and serves sockets it has; opens nothing */
	SANDBOX_SIGNER,	/* appends to files it has (fdatasync, ftruncate,
			   rename within its directory), one agent socket */
	SANDBOX_KEEPER,	/* files below the directories given, S3's sockets */
	SANDBOX_NOTIFY,	/* outgoing sockets, starts hooks */
};

struct sandbox {
	enum sandbox_profile profile;
	/* Where files may be written and read (Landlock); NULL-terminated, NULL:
	   none at all. */
	const char *const *write_below;
	const char *const *read_below;
};

/*
 * Seal this process, all its threads to come and its children.  For good.
 * ERR_SYS: the kernel has no seccomp: then the process must not go on.
 * Landlock's absence alone is no failure.
 */
int sandbox_enter(const struct sandbox *s, struct err *e) MUST_CHECK;

/* Become that user (its primary group, no other groups), for good; only root
 * can.  ERR_NOTFOUND: no such user; ERR_SYS. */
int privileges_drop(const char *user, struct err *e) MUST_CHECK;

/* Lock all memory now and to come; ERR_SYS says which limit is too low. */
int memory_lock(struct err *e) MUST_CHECK;

#endif
