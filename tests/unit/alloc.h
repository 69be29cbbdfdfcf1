/* SPDX-License-Identifier: ISC */
/*
 * Memory that runs out when a test wants it to.
 *
 * Test programs are linked with --wrap for malloc, calloc, realloc,
 * reallocarray, strdup, strndup, asprintf and vasprintf, so the allocations of
 * libwrit.a and of the test itself are counted here; jansson's too, by its own
 * hook.  Those of other shared libraries are not.  (With _FORTIFY_SOURCE the
 * compiler calls __asprintf_chk, which nobody wraps: use struct str.)
 */
#ifndef TESTS_UNIT_ALLOC_H
#define TESTS_UNIT_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Fail the nth allocation from now, and only that; 0: fail none. */
void alloc_fail_nth(size_t n);
/* Allocations tried since the last alloc_fail_nth(), the failed one too. */
size_t alloc_count(void);
/* Whether the allocation that was to fail has done so. */
bool alloc_failed(void);

/* While it is on, allocations neither fail nor count: for what stands for
 * another program inside the test. */
void alloc_hold(bool on);

/*
 * Call run(arg) with its 1st allocation failing, then its 2nd, and so on until
 * it needs no more.  It must return ERR_NOMEM each time, 0 the last time, and
 * free what it made each time (the sanitizer build looks).  Returns how many
 * allocations were failed, for the test to say that there were any.
 */
size_t alloc_each(int (*run)(void *arg), void *arg);

#endif
