/* SPDX-License-Identifier: ISC */
/* An input that is several files, each after a line "==> PATH". */
#ifndef TESTS_FUZZ_FILES_H
#define TESTS_FUZZ_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "lib/trust/policy.h"

/* Into f, in the input's order; a path that is too long is passed over, and one
 * that f does not take ends it.  policy_files_clear(). */
void files_split(const uint8_t *input, size_t size, struct policy_files *f);

#endif
