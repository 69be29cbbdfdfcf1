/* SPDX-License-Identifier: ISC */
#include "lib/base/pages.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
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

/* Code that was relocated is no longer the file's. */
static bool
has_text_relocations(const struct dl_phdr_info *object)
{
	const ElfW(Dyn) * d;

	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_DYNAMIC)
			continue;
		/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address */
		d = (const void *)(object->dlpi_addr + segment->p_vaddr);
		for (; d->d_tag != DT_NULL; d++)
			if (d->d_tag == DT_TEXTREL ||
			    (d->d_tag == DT_FLAGS &&
				(d->d_un.d_val & DF_TEXTREL) != 0))
				return true;
	}
	return false;
}

static int
let_go(struct dl_phdr_info *object, size_t size, void *ctx)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size;
	(void)ctx;
	if (has_text_relocations(object))
		return 0;
	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + segment->p_vaddr;
		uintptr_t to = from + segment->p_memsz;

		from = from / page * page;
		if (segment->p_type == PT_LOAD &&
		    (segment->p_flags & PF_W) == 0)
			/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
			(void)madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
pages_give_back(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(let_go, NULL);
}
