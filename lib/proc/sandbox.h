/* SPDX-License-Identifier: ISC */
/*
 * What a process can do once it is warm: seccomp (an allow-list), Landlock where
 * the kernel has it, no new privileges.  For no core dumps, and nobody tracing:
 * secmem_harden_process().
 *
 * In every profile: memory, threads and their futexes, clocks, random, read and
 * write on descriptors it has, accept, poll and epoll, signals to itself, exit.
 * What opens or names a file, starts a process, or makes or connects a socket
 * fails with EACCES where a profile does not have it, so that a library which
 * tries goes on without; anything else that is not listed kills the process, and
 * a build with SANDBOX_DEBUG defined names the call on standard error first.
 */
#ifndef LIB_PROC_SANDBOX_H
#define LIB_PROC_SANDBOX_H

#include <sys/types.h>

#include "lib/base/err.h"

enum sandbox_profile {
	SANDBOX_FRONT,	/* serves sockets it has; names no file, whatever is
			   given below, and connects to nobody */
	SANDBOX_DIALLER, /* connects local sockets; no file at all */
	SANDBOX_SIGNER,	/* files below the directories given: its journal; local
			   sockets, for an ssh-agent */
	SANDBOX_KEEPER,	/* files below the directories given; local sockets, and
			   S3's */
	SANDBOX_COURIER, /* reads files, makes outgoing sockets */
	SANDBOX_NOTIFY,	/* reads files, makes outgoing sockets, waits for
			   children; whatever starts programs was forked before */
};

struct sandbox {
	enum sandbox_profile profile;
	/*
	 * Where files may be written and read (Landlock), or read; directories,
	 * or files; NULL-terminated, NULL: none at all.  What may be read need
	 * not exist.  SIGNER: with both NULL no file can be opened at all.
	 */
	const char *const *write_below;
	const char *const *read_below;
};

/*
 * Seal this process, all its threads to come and its children, for good; call it
 * before threads are started, since Landlock does not reach those.  It opens the
 * socket of service_notify() first.  ERR_SYS: the kernel has no seccomp, or a
 * directory to write is not there: then the process must not go on.  Landlock's
 * absence alone is no failure.
 */
int sandbox_enter(const struct sandbox *s, struct err *e) MUST_CHECK;

/* Become that user (its primary group, no other groups), for good; only root
 * can, and nothing happens where we are that user already.  ERR_NOTFOUND: no
 * such user; ERR_SYS. */
int privileges_drop(const char *user, struct err *e) MUST_CHECK;

/* Lock all memory in use now and to come; ERR_SYS says which limit is too low. */
int memory_lock(struct err *e) MUST_CHECK;

#endif
