/* SPDX-License-Identifier: ISC */
/*
 * Memory that is about to be filled.
 *
 * The kernel gives memory a page at a time, when it is first touched, and under
 * a hypervisor each of these faults can cost as much as opening a file.  Large
 * pieces are asked for whole, for half of that; not to touch memory is better.
 */
#ifndef LIB_BASE_PAGES_H
#define LIB_BASE_PAGES_H

#include <stddef.h>

/* All of p .. p + n - 1 will be written soon.  Advice: never fails. */
void pages_expect(void *p, size_t n);
/* calloc() for an array all of which will be used; NULL: no memory. */
void *pages_calloc(size_t n, size_t size);
/*
 * For a process that does the same work again and again: what it frees stays
 * its own, up to 64 MB, and is used again, instead of being given back and
 * faulted in anew each time.  Advice: never fails.
 */
void pages_keep(void);
/*
 * For a process that will wait for long: gives back what it freed, and lets go of
 * the pages of programs and libraries that are as they lie in their files.  Most
 * of those served its start alone, and while one maps code, the kernel keeps it
 * when memory is short.  What is needed again is found in the page cache, or
 * read.  Advice: never fails.
 */
void pages_give_back(void);

#endif
