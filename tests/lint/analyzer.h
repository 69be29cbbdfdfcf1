/* SPDX-License-Identifier: ISC */
/*
 * What an analyzer that reads one file at a time cannot see: that err_set()
 * returns the code it was given and its kin never 0, so that `return
 * err_set(...)` is a failure to whoever called.  Without this it follows paths
 * in which a failed function has succeeded.  Included before all else by
 * tests/lint/run; not for lib/base/err.c, which defines these.
 */
#ifndef TESTS_LINT_ANALYZER_H
#define TESTS_LINT_ANALYZER_H

#include "lib/base/err.h"

static inline int
analyzer_code(int said, int code)
{
	(void)said;
	return code;
}

#define err_set(e, code, ...) \
	analyzer_code((err_set)((e), (code), __VA_ARGS__), (code))
#define err_sys(e, ...) analyzer_code((err_sys)((e), __VA_ARGS__), ERR_SYS)
#define err_nomem(e)    analyzer_code((err_nomem)(e), ERR_NOMEM)

#endif
