/* SPDX-License-Identifier: ISC */
/* This program's own file, and the programs that were installed with it. */
#ifndef LIB_PROC_SELF_H
#define LIB_PROC_SELF_H

#include "lib/base/err.h"

/* Where what is started by other programs alone is installed, from the
 * directory of those that people start. */
#define SELF_LIBEXEC "../libexec/writ"

/*
 * As the kernel names it; " (deleted)" is behind the name where a newer one has
 * taken its place.  The caller frees.  ERR_SYS, ERR_NOMEM.
 */
int self_path(char **out, struct err *e) MUST_CHECK;
/* The directory it is in.  ERR_NOTFOUND: it has none. */
int self_dir(char **out, struct err *e) MUST_CHECK;
/* Another program: beside this one, as they are built, or in SELF_LIBEXEC, as
 * installed.  ERR_NOTFOUND: in neither. */
int self_find(const char *name, char **out, struct err *e) MUST_CHECK;

#endif
