/* SPDX-License-Identifier: ISC */
/* What the files of a table share; for them alone. */
#ifndef LIB_CLI_TABLE_IMPL_H
#define LIB_CLI_TABLE_IMPL_H

#include "lib/cli/table.h"

/* Of row and column, from 0. */
const char *table_cell(const struct table *t, size_t row, size_t col);
/* ERR_NOMEM. */
int table_print_text(const struct table *t, struct str *out) MUST_CHECK;

#endif
