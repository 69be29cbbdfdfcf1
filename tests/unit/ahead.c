/* SPDX-License-Identifier: ISC */
#include "tests/unit/ahead.h"

#include <stdatomic.h>

static _Atomic int64_t seconds_ahead;

/* The linker gives these names to what it found, and ours to the callers. */
int64_t __real_clock_now(void);
int64_t __wrap_clock_now(void);

void
ahead(int64_t seconds)
{
	seconds_ahead += seconds;
}

int64_t
__wrap_clock_now(void)
{
	return __real_clock_now() + seconds_ahead;
}
