/* SPDX-License-Identifier: ISC */
/*
 * What changes in a file, for people: a unified diff.  Pure.
 */
#ifndef AGENT_STATES_DIFF_H
#define AGENT_STATES_DIFF_H

#include "lib/base/buf.h"
#include "lib/base/str.h"

#define DIFF_MAX (256 * 1024)	/* bytes of one file's diff */

/*
 * Append the difference of two files' contents, a missing one of which has p
 * NULL.  Where the two differ in too many lines (about 700 by 700) they are
 * shown as all gone and all new.  What is not text is named by its hashes, as
 * is what holds a private key; what of text is not clean becomes \xNN.  Past
 * DIFF_MAX the rest is left out, and it says so.  ERR_NOMEM.
 */
int diff_unified(const char *path, struct slice from, struct slice to,
    struct str *out) MUST_CHECK;

#endif
