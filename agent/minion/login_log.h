/* SPDX-License-Identifier: ISC */
/*
 * The lines of this host's log that may say who logged in, from where the last
 * reading ended: of the journal by journalctl(1), or of a file that syslog writes.
 *
 * Of the journal only what journald itself found out about a sender counts:
 *
 *	sshd	its user is root, its program sshd's, its unit one of sshd's
 *	sudo	its program is /usr/bin/sudo, and it has root's capabilities; the
 *		account is the one of its user, whatever the line says.  One that had
 *		ended before journald looked is told as that
 *	logind	its user is root, its unit logind's
 *
 * A file has none of that: whoever may write to syslog may forge a line.
 */
#ifndef AGENT_MINION_LOGIN_LOG_H
#define AGENT_MINION_LOGIN_LOG_H

#include "agent/logins/seen.h"
#include "lib/base/err.h"
#include "lib/proc/child.h"

#define LOGIN_LINE_MAX	   (1024 * 1024)	/* bytes; a longer one is lost */
#define LOGIN_REPEATED_MAX 1000	/* of one line's count; the rest is lost */

struct login_take {
	/* A line, and the place after it.  0: go on; LOGIN_ENOUGH: stop there;
	   ERR_*: the same, and it is returned. */
	int	 (*line)(void *arg, const struct seen_line *line,
		     const char *place, struct err *e);
	void	 *arg;
	int64_t	  now;
	uint64_t  lost;	/* lines that cannot be had, since it was last zeroed; the
			   next line is the first one after them */
	bool	  gone;	/* so is all that there was, and the place with it */
};
enum { LOGIN_ENOUGH = CHILD_ENOUGH };

/* Is there a journal on this host? */
bool login_has_journal(void);
/* The file that syslog writes such lines to; NULL: there is none. */
const char *login_file(void);

/*
 * What came after from->place (or since from->since, where that is NULL).  *end (the
 * caller frees) is the place where all was read, NULL where it was not, or where
 * there was nothing.  A place that is gone is one lost line.  ERR_NOTFOUND (no
 * journalctl), ERR_SYS, ERR_NET (it takes too long), ERR_NOMEM.
 */
int login_journal_read(const struct seen *from, struct login_take *take,
    char **end, struct err *e) MUST_CHECK;
/*
 * The same of a file, and of PATH.1 where it was put aside since; boot is this
 * one's, of which all its lines are taken to be.  Without a place nothing is taken:
 * what comes from now on counts.
 *
 * "message repeated N times: [ TEXT]", as rsyslog's $RepeatedMsgReduction writes
 * it, is TEXT N times more, each at the time of the last; what is in excess of
 * LOGIN_REPEATED_MAX is lost lines.
 */
int login_file_read(const char *path, const char *boot,
    const struct seen *from, struct login_take *take, char **end,
    struct err *e) MUST_CHECK;

#endif
