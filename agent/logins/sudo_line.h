/* SPDX-License-Identifier: ISC */
/*
 * One line of sudo's:
 *
 *	deploy : TTY=pts/0 ; PWD=/srv ; USER=root ; COMMAND=/usr/bin/id
 *	deploy : command not allowed ; TTY=... ; PWD=... ; USER=... ; COMMAND=...
 *
 * The directory and the command are the user's to choose and may look like the
 * rest.  A line that can be read in two ways is read as neither: its command is
 * all from the directory on, and it names no account that it ran as.  Pure.
 */
#ifndef AGENT_LOGINS_SUDO_LINE_H
#define AGENT_LOGINS_SUDO_LINE_H

#include <stdbool.h>

#include "lib/base/buf.h"

struct sudo_line {		/* slices of the line */
	bool is_more;		/* of the command of the line before */
	struct slice user;
	struct slice as;	/* n 0: not told */
	struct slice command;
	struct slice why;	/* it was not run; n 0: it was */
};

/* false: the line says of no command. */
bool sudo_line_parse(struct slice text, struct sudo_line *out);

#endif
