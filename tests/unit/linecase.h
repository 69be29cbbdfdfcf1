/* SPDX-License-Identifier: ISC */
/* What a line of a log was read as. */
#ifndef TESTS_UNIT_LINECASE_H
#define TESTS_UNIT_LINECASE_H

#include "lib/base/buf.h"

/* In the row of that name, this field must be want. */
void line_expect(const char *name, const char *what, struct slice got,
    const char *want);

#endif
