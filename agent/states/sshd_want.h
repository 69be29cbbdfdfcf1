/* SPDX-License-Identifier: ISC */
/*
 * What sshd is to do, and the drop-in that makes it so.
 *
 * Of a keyword the first line counts, and of Match blocks the first that holds
 * counts before what is said for all.  So our file is read before every other,
 * holds the state's own Match blocks, and ends with `Match all`, which says for
 * every connection what the state says for all: nobody's Match block further
 * down can loosen it.  Lists of who may (AllowUsers) add up over files, and the
 * same block makes them ours alone.
 *
 * What adds up and cannot stand in a Match block (Port, HostKey, Subsystem) is
 * left out where another file says it already, and is impossible where another
 * says something else: whose line that is, is said.
 */
#ifndef AGENT_STATES_SSHD_WANT_H
#define AGENT_STATES_SSHD_WANT_H

#include "agent/states/sshd_look.h"

#define SSHD_BLOCKS_MAX 64
/* Ours: both are covered by one Include, and sort before all others. */
#define SSHD_OURS_CONFIG SSHD_DIR "/00-writ.conf"
#define SSHD_OURS_CA	 SSHD_DIR "/00-writ-ca.conf"
#define SSHD_OURS	 SSHD_DIR "/00-writ*.conf"

struct sshd_setting {
	const struct sshd_word *word;
	struct strs values;	/* one, unless the word has several */
	struct conf_pos pos;
};
struct sshd_block {
	struct strs when;	/* "Group", "sftponly", ...; none: for all */
	struct sshd_setting *v;
	size_t n, cap;
};
struct sshd_want {		/* zero-initialise; sshd_want_clear */
	struct sshd_block all;
	struct sshd_block *match;
	size_t n_match, cap_match;
};
void sshd_block_clear(struct sshd_block *b);
void sshd_want_clear(struct sshd_want *w);
/* Add a setting with one value more.  word must be known. */
int  sshd_want_add(struct sshd_want *w, const char *word, const char *value)
     MUST_CHECK;
const struct sshd_setting *sshd_block_find(const struct sshd_block *b,
    const struct sshd_word *word);

/* The text of the drop-in, appended to out. */
int  sshd_want_render(const struct sshd_want *w, const struct sshd_tree *t,
     struct str *out) MUST_CHECK;
/* sshd_look() with the classes of w. */
int  sshd_want_look(struct host *h, const struct state_env *env,
     const char *own, const struct sshd_want *w, struct sshd_seen *out,
     struct err *e) MUST_CHECK;
/*
 * Where sshd would do something else, a line each: "MaxAuthTries 6 -> 4
 * (/etc/ssh/sshd_config:33)", with the class where it is not everybody's.
 */
int  sshd_want_differences(const struct sshd_want *w,
     const struct sshd_seen *s, struct strs *out) MUST_CHECK;
/* Each value that was proved: "MaxAuthTries 4 (all 4 classes)". */
int  sshd_want_proofs(const struct sshd_want *w, const struct sshd_seen *s,
     struct strs *out) MUST_CHECK;

/* A file as it is, for a plan; text NULL: it is not there. */
struct sshd_file {		/* sshd_file_clear */
	char  *text;
	size_t n;
	struct host_stat st;
	char  *odd;		/* why it could not be read */
};
int  sshd_file_look(struct host *h, const char *path, struct sshd_file *out,
     struct err *e) MUST_CHECK;
void sshd_file_clear(struct sshd_file *f);
/* Is it exactly that, root's, of that mode? */
bool sshd_file_is(const struct sshd_file *f, struct slice text, mode_t mode);

/*
 * The changes that make it so: the drop-in, and the Include of the main file
 * where it lacks or comes too late.  Verdict and note where it cannot be.
 */
int  sshd_want_plan(const struct sshd_want *w, const struct sshd_seen *s,
     const char *own, const struct sshd_file *have, struct plan *out,
     struct err *e) MUST_CHECK;
/* The changes that take it away again. */
int  sshd_want_unplan(const struct sshd_seen *s, const char *own,
     const struct sshd_file *have, bool other_there, struct plan *out,
     struct err *e) MUST_CHECK;
/* `sshd -t`, and sshd_want_differences(): ERR_DENIED when there are some. */
int  sshd_want_validate(struct host *h, const struct state_env *env,
     const char *own, const struct sshd_want *w, struct err *e) MUST_CHECK;

/* Which line of the tree says what a keyword is for a connection, or NULL. */
const struct sshd_entry *sshd_winner(const struct sshd_tree *t,
    const struct sshd_word *word, const struct sshd_class *c);
/* Is that file one of ours? */
bool sshd_is_ours(const char *file);

/* For fingerprint(): all that sshd_look() depends on, by stat alone.  1: nothing is
 * known, and nothing appended, since sshd reads what we do not. */
int  sshd_sign(struct host *h, const char *own, struct str *out,
     struct err *e) MUST_CHECK;

/* Make the running sshd read its configuration, and start the one that failed;
 * where there is none, nothing is done.  ERR_DENIED, as host_run(). */
int  sshd_reload(struct host *h, struct err *e) MUST_CHECK;

#endif
