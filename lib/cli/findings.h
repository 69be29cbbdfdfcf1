/* SPDX-License-Identifier: ISC */
/*
 * What a `check` of a service finds: a line for each thing that it looked at.  A
 * check never ends the others: what it cannot find out it says.
 */
#ifndef LIB_CLI_FINDINGS_H
#define LIB_CLI_FINDINGS_H

#include <stdarg.h>
#include <stdbool.h>

#include "lib/base/err.h"
#include "lib/cli/table.h"
#include "lib/trust/bundle.h"

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

struct findings {		/* findings_init / findings_clear */
	struct table table;	/* result, what, detail */
	bool	     failed;	/* something did */
};
void findings_init(struct findings *f);
void findings_clear(struct findings *f);

void findings_add(struct findings *f, enum finding how, const char *what,
    const char *fmt, ...) PRINTF_LIKE(4, 5);
void findings_vadd(struct findings *f, enum finding how, const char *what,
    const char *fmt, va_list ap) PRINTF_LIKE(4, 0);
/* A failure's sentence and hint. */
void findings_err(struct findings *f, enum finding how, const char *what,
    const struct err *e);
/* Of what was loaded (t->have): its version, and how far its end is. */
void findings_policy(struct findings *f, const struct trust *t, int64_t now);

/* On standard output.  0 or EXIT_REFUSED, where something failed; ERR_NOMEM,
 * ERR_SYS. */
int findings_print(const struct findings *f, bool json, struct err *e)
    MUST_CHECK;

#endif
