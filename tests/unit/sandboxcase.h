/* SPDX-License-Identifier: ISC */
/*
 * A place for processes that are sealed, and what becomes of what they try.
 */
#ifndef TESTS_UNIT_SANDBOXCASE_H
#define TESTS_UNIT_SANDBOXCASE_H

#include <stdbool.h>

#include "lib/proc/sandbox.h"
#include "tests/unit/tmpdir.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define N_SB_PROFILES 6
extern const enum sandbox_profile sb_profiles[N_SB_PROFILES];
extern const char *const sb_profile_names[N_SB_PROFILES];

/* dir/in may be written, dir/out not; both hold a file "f". */
extern char sb_dir[TMPDIR_MAX], sb_in[TMPDIR_MAX + 8], sb_out[TMPDIR_MAX + 8];
/* A socket in dir, and who listens there. */
extern char sb_listening[TMPDIR_MAX + 16];
extern int sb_listener;
extern bool sb_has_landlock; /* of this kernel */

/* Of a group. */
int sb_setup(void **state);
int sb_teardown(void **state);

/* This process, with what one of that kind is given. */
int sb_seal(enum sandbox_profile p);

/* What becomes of an attempt: 0, an errno, or this. */
#define KILLED 1000
#define ODD    1001 /* something else that must not be */
/* In a child that is sealed as p: what becomes of try; *sig: what ended it. */
int sb_attempt(enum sandbox_profile p, int (*try)(void), int *sig);

#endif
