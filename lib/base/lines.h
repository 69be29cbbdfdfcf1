/* SPDX-License-Identifier: ISC */
/*
 * The lines of a descriptor, one after the other: a file that is being written to,
 * a pipe.  A line ends with LF; what comes after the last one is none yet.  One
 * that is too long is counted and passed over.
 */
#ifndef LIB_BASE_LINES_H
#define LIB_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* Neither is an error: nothing more is there; nothing more is there yet. */
enum { LINES_END = 1, LINES_WAIT = 2 };

struct lines {
	int	 fd;		/* the caller's to close */
	size_t	 max;		/* bytes of a line, without its LF */
	uint8_t	*buf;
	size_t	 have, at;	/* bytes in buf; where the next line begins */
	bool	 skipping;
	uint64_t too_long;	/* lines that were passed over */
	uint64_t consumed;	/* bytes of all lines so far, with their LF */
};

/* ERR_NOMEM. */
int lines_init(struct lines *l, int fd, size_t max, struct err *e) MUST_CHECK;
/* *out without its LF, valid until the next call.  LINES_END, LINES_WAIT (where
 * the descriptor does not block); ERR_SYS. */
int lines_next(struct lines *l, struct slice *out, struct err *e) MUST_CHECK;
void lines_clear(struct lines *l);

#endif
