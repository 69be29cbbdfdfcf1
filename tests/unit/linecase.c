/* SPDX-License-Identifier: ISC */
#include "tests/unit/linecase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void
line_expect(const char *name, const char *what, struct slice got,
    const char *want)
{
	if (!slice_is(got, want))
		fail_msg("%s: %s is '%.*s', not '%s'", name, what, (int)got.n,
		    (const char *)got.p, want);
}
