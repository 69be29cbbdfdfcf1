/* SPDX-License-Identifier: ISC */
/*
 * What sshd would do, asked of sshd itself: `sshd -T -C` for a set of
 * connections that has one in each Match block.
 *
 * The classes are: everybody (an account that nothing is said of), root, the
 * operator where he is known, one for each Match block of the state and one for
 * each of the host.  A class that no connection of this host can be in (a group
 * without accounts) is not asked about, and says so.
 */
#ifndef AGENT_STATES_SSHD_LOOK_H
#define AGENT_STATES_SSHD_LOOK_H

#include "agent/states/sshd_tree.h"
#include "agent/states/state.h"

#define SSHD_CLASSES_MAX 128
#define SSHD_PROGRAM	 "/usr/sbin/sshd"
#define SSHD_DEFAULTS	 "/etc/default/ssh"
#define SSHD_OPTIONS_MAX 64	/* words of SSHD_OPTS there */

struct sshd_dump_line {
	char	   *key;	/* lower case */
	struct strs values;	/* what follows it, a line each */
};
struct sshd_dump {		/* of `sshd -T`; sorted */
	struct sshd_dump_line *v;
	size_t		       n, cap;
};

struct sshd_class {
	char	   *name;	/* "everybody", "Group sftponly" */
	char	   *user, *host, *address, *local_address, *local_port;
	struct strs groups;	/* the account's */
	char	   *not_asked;	/* why; NULL: dump is sshd's answer */
	struct sshd_dump dump;
};

struct sshd_seen {		/* zero-initialise; sshd_seen_clear */
	bool	 installed;
	unsigned version;	/* 902; 0: it does not say */
	char	*version_text;
	struct sshd_tree tree;
	struct host_stat main_st; /* of SSHD_MAIN, unless tree.absent */
	struct strs options;	/* it is started with: sshd_options() */
	struct strs unknown;	/* what this sshd does not know of what is
				   wanted, a sentence each (sshd_want.h) */
	struct sshd_class *classes;
	size_t	 n_classes, cap_classes;
	char	*broken;	/* what sshd says of a configuration that it
				   does not take; then no class was asked */
};

/* Further Match blocks to make classes for: "Group", "sftponly", ... each. */
struct sshd_whens {
	const struct strs *const *v;
	size_t n;
};

/* sshd's own directory, which its unit makes at each start: without it sshd does
 * not even look at its configuration.  As host_run_ok(). */
int sshd_make_run(struct host *h, struct err *e) MUST_CHECK;

/*
 * Look.  own is the drop-in's path.  Programs run: sshd, getent, id, and mkdir
 * where /run/sshd is missing, without which sshd answers nothing.
 * Errors: as host_run() and sshd_tree_read(); ERR_LIMIT: too many classes.
 */
int  sshd_look(struct host *h, const struct state_env *env, const char *own,
     struct sshd_whens whens, struct sshd_seen *out, struct err *e) MUST_CHECK;
void sshd_seen_clear(struct sshd_seen *s);

/*
 * The words of SSHD_OPTS in SSHD_DEFAULTS, with which Debian's unit starts sshd:
 * they go before what its files say.  Empty where there are none.  As host_read(),
 * but ERR_NOTFOUND; ERR_LIMIT: more than SSHD_OPTIONS_MAX.
 */
int sshd_options(struct host *h, struct strs *out, struct err *e) MUST_CHECK;
/* sshd -T with those options: for -C spec, as host_run(); without it where that is
 * NULL, as host_run_ok(). */
int sshd_run(struct host *h, const char *spec, struct child_result *out,
    struct err *e) MUST_CHECK;

/* sshd -T for one connection, into c->dump; 1: sshd refuses its configuration,
 * and *said (the caller frees) is why. */
int sshd_ask(struct host *h, struct sshd_class *c, char **said, struct err *e)
    MUST_CHECK;
/* Values of a keyword of a dump; an empty list where it is not there. */
const struct strs *sshd_dump_get(const struct sshd_dump *d, const char *key);
/* The first value, or dflt. */
const char *sshd_dump_one(const struct sshd_dump *d, const char *key,
    const char *dflt);
/* Is it "yes"?  Where it is not there it is not. */
bool sshd_dump_yes(const struct sshd_dump *d, const char *key);
int  sshd_dump_parse(const char *text, struct sshd_dump *out) MUST_CHECK;
void sshd_dump_clear(struct sshd_dump *d);
void sshd_class_clear(struct sshd_class *c);

/* Is a connection of that class within these criteria? */
bool sshd_when_holds(const struct strs *when, const struct sshd_class *c);
/* In that Match of the tree (0: true), and those that include it? */
bool sshd_match_holds(const struct sshd_tree *t, size_t match,
    const struct sshd_class *c);
/* Fill in a class for these criteria.  not_asked is set where none can be. */
int sshd_class_for(struct host *h, const struct strs *when,
    struct sshd_class *out, struct err *e) MUST_CHECK;
/* The connection of one account, from address (NULL: some). */
int sshd_class_of(struct host *h, const char *name, const char *user,
    const char *address, struct sshd_class *out, struct err *e) MUST_CHECK;

#endif
