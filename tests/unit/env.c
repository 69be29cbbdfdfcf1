/* SPDX-License-Identifier: ISC */
#include "tests/unit/env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

char *
env_copy(const char *name)
{
	const char *value = getenv(name);
	char *copy = strdup(value != NULL ? value : "");

	assert_non_null(copy);
	return copy;
}
