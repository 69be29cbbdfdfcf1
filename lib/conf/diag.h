/* SPDX-License-Identifier: ISC */
/*
 * Where something stands in a file, and the list of what is wrong there.
 */
#ifndef LIB_CONF_DIAG_H
#define LIB_CONF_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"

#define CONF_DIAGS_MAX 1000	/* further ones are counted, not kept */

struct conf_pos {
	const char *file;	/* borrowed from the document or its name */
	unsigned    line, col;	/* from 1; 0: the file as a whole */
};

struct conf_diag {
	bool	 warning;	/* else an error */
	char	*text;		/* "file:line:col: what, expected what" */
};

struct conf_diags {		/* zero-initialise; conf_diags_clear */
	struct conf_diag *v;
	size_t		  n, cap;
	size_t		  n_errors, n_warnings; /* all, kept or not */
	bool		  failed; /* memory ran out: the list is not whole */
};

void conf_error(struct conf_diags *d, struct conf_pos pos, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
void conf_warning(struct conf_diags *d, struct conf_pos pos, const char *fmt,
    ...) PRINTF_LIKE(3, 4);
void conf_diags_clear(struct conf_diags *d);
/* The first error as a struct err, with "(and N more)"; returns its code.  For
 * ERR_NOMEM, which no error of a file is, the words of that alone. */
int conf_diags_err(const struct conf_diags *d, int code, struct err *e);

#endif
