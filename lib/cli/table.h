/* SPDX-License-Identifier: ISC */
/*
 * A table, printed for a terminal, as JSON (an array of objects) or as CSV
 * (RFC 4180; a cell that a spreadsheet would take for a formula is quoted with
 * a leading apostrophe).
 */
#ifndef LIB_CLI_TABLE_H
#define LIB_CLI_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/str.h"
#include "lib/crypto/hash.h"

enum table_format { TABLE_TEXT, TABLE_JSON, TABLE_CSV };

struct table {			/* table_init / table_clear */
	const char *const *columns; /* "person", "valid_before"; borrowed */
	size_t		   n_columns;
	struct strs	   cells;   /* row after row */
	size_t		   width;   /* as text: of a line; 0: what it takes */
	const char	  *whole;   /* of columns: see below; NULL: none */
	bool		   failed;
};

void table_init(struct table *t, const char *const *columns, size_t n);
void table_clear(struct table *t);
/* The next cell of the row; NULL is an empty one. */
void table_add(struct table *t, const char *text);
void table_addf(struct table *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* An empty cell where there is none. */
void table_add_number(struct table *t, bool has, uint64_t v);
void table_add_fingerprint(struct table *t, bool has, const struct hash *h);
/* "a,b,c" */
void table_add_list(struct table *t, const struct strs *l);
size_t table_rows(const struct table *t);
/*
 * As text, where width is given and too small, the widest columns are narrowed,
 * down to TABLE_NARROWEST, and their cells go on in the lines below: nothing is
 * cut off.  Words of the column called whole are not divided: people copy them.
 * ERR_NOMEM, also when an add failed.
 */
#define TABLE_NARROWEST 8
int  table_print(const struct table *t, enum table_format f, struct str *out)
     MUST_CHECK;

/* What --json and --csv ask for, which are not given both. */
struct cli_args;
enum table_format cli_format(const struct cli_args *a);
/* To standard output, in the width of the terminal if that is one.  ERR_SYS,
 * ERR_NOMEM. */
int cli_print_table(struct table *t, enum table_format f, struct err *e)
    MUST_CHECK;

#endif
