/* SPDX-License-Identifier: ISC */
/*
 * All files that sshd reads its configuration from, as one list of lines in
 * sshd's order: who says what, where, and under which Match.
 *
 * What holds is asked of sshd itself (sshd_look.h); this says which line it is,
 * and which connections are worth asking about.
 */
#ifndef AGENT_STATES_SSHD_TREE_H
#define AGENT_STATES_SSHD_TREE_H

#include "agent/states/host.h"
#include "agent/states/sshd_lines.h"
#include "agent/states/sshd_words.h"

#define SSHD_MAIN	 "/etc/ssh/sshd_config"
#define SSHD_DIR	 "/etc/ssh/sshd_config.d"
#define SSHD_FILES_MAX	 512
#define SSHD_DEPTH_MAX	 16	/* as sshd */
#define SSHD_ENTRIES_MAX 50000
#define SSHD_MATCHES_MAX 1024

struct sshd_entry {
	const char *file;	/* the tree's */
	unsigned    line;
	const struct sshd_word *word; /* NULL: not one we know */
	char	   *name;	/* as it stands */
	struct strs args;
	char	   *rest;
	size_t	    match;	/* 0: for all, else matches[match - 1] */
};

struct sshd_match {
	const char *file;
	unsigned    line;
	struct strs when;	/* "Group", "sftponly", ... as it stands */
	size_t	    outer;	/* the Match that includes its file, or 0 */
};

struct sshd_tree {		/* zero-initialise; sshd_tree_clear */
	struct sshd_entry *v;
	size_t		   n, cap;
	struct sshd_match *matches;
	size_t		   n_matches, cap_matches;
	struct strs files;	/* that were read, each as often as included */
	struct strs linked;	/* where links among them lead */
	struct strs unread;	/* "PATH: why": sshd may read them, we do not */
	char	   *text;	/* of SSHD_MAIN */
	size_t	    text_n;
	size_t	    first;	/* offset in it of the first line that says
				   something, or text_n */
	bool	    absent;	/* there is no SSHD_MAIN */
	char	   *odd;	/* why SSHD_MAIN was not read, or NULL */
	/* The drop-in that is asked about, whether it is there or not yet. */
	size_t	    own_times;	/* how often it is read, outside any Match */
	size_t	    own_entries, own_matches; /* that come before it */
	size_t	    own_nested;	/* a Match whose block reads it, or 0 */
};

/*
 * own: a path; the tree says where it is, or would be, read.  A main file that
 * is missing is no error.  ERR_LIMIT, ERR_PARSE, ERR_SYS, ERR_NOMEM.
 */
int  sshd_tree_read(struct host *h, const char *own, struct sshd_tree *out,
     struct err *e) MUST_CHECK;
void sshd_tree_clear(struct sshd_tree *t);

#endif
