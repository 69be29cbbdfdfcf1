/* SPDX-License-Identifier: ISC */
/*
 * Run another program: an argument vector, never a shell.
 */
#ifndef LIB_PROC_CHILD_H
#define LIB_PROC_CHILD_H

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

struct child_run {
	const char *const *argv;	/* NULL-terminated; argv[0] found on PATH */
	const char *const *env;		/* NULL: the caller's; else whole */
	struct slice	   in;		/* fed to standard input, then closed */
	size_t		   out_max;	/* more on standard output: ERR_LIMIT */
	bool		   err_through;	/* standard error is the caller's; else
					   kept, the last 4 KiB */
	int		   timeout_ms;	/* 0: none; after it the child is killed */
	/* Called in the child last before exec, or NULL: 0, or the errno for
	   which the program is not started.  Nothing that allocates or locks. */
	int		 (*before_exec)(void *arg);
	void		  *before_exec_arg;
};

struct child_result {		/* child_result_clear */
	char  *out;		/* terminated */
	size_t out_len;
	char  *err_text;	/* terminated; "" when err_through */
	int    status;		/* exit status; 128 + signal when killed */
};

/*
 * Start, feed, collect, wait.  Descriptors other than 0 to 2 are not passed
 * on.  0 whatever the exit status.  ERR_NOTFOUND: no such program; ERR_LIMIT,
 * ERR_SYS, ERR_NOMEM, ERR_NET (timed out).
 */
int  child_run(const struct child_run *run, struct child_result *out,
     struct err *e) MUST_CHECK;
void child_result_clear(struct child_result *r);

/*
 * For child_run.env: the caller's environment and after it "NAME=VALUE", or NULL
 * for no more than the caller's.  free() the array alone: its strings are
 * borrowed, valid until the environment is changed.  ERR_NOMEM.
 */
int child_env_with(const char *more, const char ***out) MUST_CHECK;

/*
 * Start a program and take its lines as they come, of at most out_max bytes each.
 * take says 0 to go on, CHILD_ENOUGH (the program is killed), or an ERR_*, which
 * is returned.  `in` is empty and err_through is set.  *status: as above, -1 after
 * CHILD_ENOUGH; *too_long: lines that were passed over.  Errors as child_run(),
 * without ERR_LIMIT.
 */
enum { CHILD_ENOUGH = 3 };	/* none of lines.h's */
struct child_lines {
	int	 (*take)(void *arg, struct slice line, struct err *e);
	void	 *arg;
	int	  status;
	uint64_t  too_long;
};
int child_lines(const struct child_run *run, struct child_lines *lines,
    struct err *e) MUST_CHECK;

#endif
