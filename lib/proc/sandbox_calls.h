/* SPDX-License-Identifier: ISC */
/*
 * Inside the sandbox: what each profile may call.  Tables alone; what makes a
 * filter of them, and has the rules that look at more than one value, is
 * sandbox_seccomp.c.
 */
#ifndef LIB_PROC_SANDBOX_CALLS_H
#define LIB_PROC_SANDBOX_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/proc/sandbox.h"

/* What a profile may do; a set of these. */
enum {
	SET_BASE = 1,
	SET_READ = 2,  /* look at files and open them for reading */
	SET_WRITE = 4, /* make, write and remove files too */
	SET_LOCAL = 8, /* sockets of this machine, to siblings and agents */
	SET_INET = 16, /* those of the internet, and libraries that come late */
	SET_WAIT = 32, /* for children there are */
	SET_SYNC = 64, /* all of a file system onto its disk, as a log does */
};

struct sandbox_call {
	int call;     /* SCMP_SYS() */
	unsigned has; /* sets */
};
struct sandbox_value {
	int call;
	unsigned arg;
	uint64_t value;
};

extern const struct sandbox_calls {
	/* Whatever the arguments, to profiles that have one of the sets; for the
	 * others it kills. */
	const struct sandbox_call *allowed;
	/* The same; EACCES for the others. */
	const struct sandbox_call *refused;
	/* One value, of one argument, that is allowed; others kill. */
	const struct sandbox_value *exactly;
	size_t n_allowed, n_refused, n_exactly;
} sandbox_calls;

/* Those of s's profile. */
unsigned sandbox_sets(const struct sandbox *s);

#endif
