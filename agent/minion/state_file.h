/* SPDX-License-Identifier: ISC */
/* A file of STATE that holds one JSON object: what a host must not forget. */
#ifndef AGENT_MINION_STATE_FILE_H
#define AGENT_MINION_STATE_FILE_H

#include "lib/base/err.h"
#include "lib/base/json.h"

/*
 * Read STATE/NAME by parse into out, which is of no use after a failure.  0
 * where there is no such file, with out as it was.  ERR_CORRUPT: there is one,
 * and it is not what was written, which is no reason to begin anew; ERR_SYS,
 * ERR_NOMEM.
 */
int state_file_read(const char *state_dir, const char *name, size_t max,
    int (*parse)(const json_t *o, void *out, struct err *e), void *out,
    struct err *e) MUST_CHECK;

/* Write a line, mode 0600, in the place of an older one, durably.  A text that
 * failed is ERR_NOMEM; else those of file_write(). */
int state_file_write(const char *state_dir, const char *name, struct str *text,
    struct err *e) MUST_CHECK;

#endif
