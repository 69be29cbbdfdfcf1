/* SPDX-License-Identifier: ISC */
/* What so many of a thing are called. */
#ifndef LIB_BASE_PLURAL_H
#define LIB_BASE_PLURAL_H

#include <stdint.h>

/* one where n is 1, else many: "leaf", "leaves"; also for a word after it:
 * "is", "are". */
static inline const char *
text_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

#endif
