/* SPDX-License-Identifier: ISC */
/*
 * The text of an sshd_config file, line by line, as sshd splits it: keyword,
 * blanks or one `=`, words in quotes or not, `#` to the end.
 *
 * What a line means is sshd's to say; here it is found who says what where.
 * Pure.
 */
#ifndef AGENT_STATES_SSHD_LINES_H
#define AGENT_STATES_SSHD_LINES_H

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"

#define SSHD_LINES_MAX	   20000	/* lines of one file */
#define SSHD_LINE_MAX	   65536	/* bytes of one line */
#define SSHD_LINE_WORDS_MAX 1024

struct sshd_config_line {
	unsigned    line;	/* from 1 */
	size_t	    offset;	/* of the line in the text */
	char	   *word;	/* the keyword as it stands */
	struct strs args;
	char	   *rest;	/* all after the keyword, as it stands */
};
struct sshd_lines {		/* zero-initialise; sshd_lines_clear */
	struct sshd_config_line *v;
	size_t		  n, cap;
};

/*
 * Lines with a keyword, in order.  A quote that is not closed ends at the end
 * of the line, as nobody can run such a file: `sshd -t` says so.
 *
 * ERR_PARSE (a NUL byte), ERR_LIMIT, ERR_NOMEM.  file is for messages.
 */
int  sshd_lines_parse(const char *file, struct slice text,
     struct sshd_lines *out, struct err *e) MUST_CHECK;
void sshd_lines_clear(struct sshd_lines *l);

#endif
