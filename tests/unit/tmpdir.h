/* SPDX-License-Identifier: ISC */
/* A directory that a test throws away. */
#ifndef TESTS_UNIT_TMPDIR_H
#define TESTS_UNIT_TMPDIR_H

/* With the NUL.  Short enough for a socket in it: their paths have 107. */
#define TMPDIR_MAX 80

/*
 * Make ${TMPDIR:-/tmp}/writ-NAME-XXXXXX, mode 0700; the caller removes it.
 * Ends the test with a message when it cannot, or the path is too long.
 */
void tmpdir_make(char out[TMPDIR_MAX], const char *name);
/* A directory with all that is in it, or a file; not 0 when some of it is left,
 * or there was none. */
int tmpdir_remove(const char *path);

#endif
