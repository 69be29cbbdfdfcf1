/* SPDX-License-Identifier: ISC */
#include "lib/base/pages.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Less is not worth a call. */
#define PAGES_WORTH 8

#define KEEP_FREE  (64 * 1024 * 1024) /* at the end of the heap */
#define KEEP_PIECE (32 * 1024 * 1024) /* pieces below come from the heap */

void
pages_expect(void *p, size_t n)
{
#ifdef MADV_POPULATE_WRITE
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)p + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)p + n) / page * page;

	/* Linux before 5.14 does not know it, and faults them in as ever. */
	if (p != NULL && to > from && to - from >= PAGES_WORTH * page)
		(void)madvise((uint8_t *)p + (from - (uintptr_t)p), to - from,
		    MADV_POPULATE_WRITE);
#else
	(void)p;
	(void)n;
#endif
}

void *
pages_calloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (p != NULL)
		pages_expect(p, n * size);
	return p;
}

void
pages_keep(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, KEEP_PIECE);
	(void)mallopt(M_TRIM_THRESHOLD, KEEP_FREE);
}
