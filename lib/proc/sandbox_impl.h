/* SPDX-License-Identifier: ISC */
/* The halves of sandbox_enter(). */
#ifndef LIB_PROC_SANDBOX_IMPL_H
#define LIB_PROC_SANDBOX_IMPL_H

#include <stdbool.h>

#include "lib/proc/sandbox.h"

/*
 * Landlock: files below what s names, and unless tcp no TCP; no signals and no
 * abstract sockets to processes outside.  As much of it as the kernel knows, 0
 * also where that is nothing.  No new privileges must be set.  ERR_SYS.
 */
int landlock_enter(const struct sandbox *s, bool tcp, struct err *e) MUST_CHECK;

#endif
