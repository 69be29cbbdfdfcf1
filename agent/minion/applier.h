/* SPDX-License-Identifier: ISC */
/*
 * The applier: root's part of the agent.  It is started when there is work,
 * verifies again whatever the link brought, does one of a closed list of things
 * (verbs.h), and ends.
 *
 *	applier.c	  requests and answers
 *	applier_open.c	  what this host holds, read and verified
 *	applier_look.c	  the same, told
 *	applier_take.c	  policy, acceptance, revocation list, certificate
 *	applier_rename.c  another id
 *	applier_token.c	  an acceptance by a token
 *	applier_job.c	  orders
 *	applier_run.c	  a run, and what is reported of it
 *	applier_confirm.c the run that waits
 *	applier_logins.c  what its log says of logins (login_log.h)
 *	reports.c	  what this host says
 *
 * In STATE, which is root's, besides what a host without a master has:
 *
 *	held bundle/	what was accepted (bundle_dir.h)
 *	accept krl certificate	the newest that were good
 *	rename.HASH	what gave the host the id it has, if it was renamed
 *	report reports/SEQ	the last report's number and name; those not taken
 *	diffs/HASH	texts that reports name
 *	pam/PID		certificates of logins, until their lines are read
 *	logins/HASH	how far the log was read (reports.h)
 *	pending		a run that waits to be confirmed, as a report's content
 *	alarms		which alarms were raised
 */
#ifndef AGENT_MINION_APPLIER_H
#define AGENT_MINION_APPLIER_H

#include <jansson.h>
#include <sys/types.h>

#include "agent/minion/reports.h"
#include "agent/minion/session.h"
#include "agent/minion/verbs.h"
#include "lib/base/json.h"
#include "lib/key/key.h"

struct applier {
	const char *config_path, *state_dir;
	char *spool;
	struct agent_config config;
	struct host *host;
	uid_t link_uid;
	gid_t link_gid;
	struct held held;
	struct trust trust;		/* of held.policy */
	struct statement accept;	/* of held.accept; u.accept */
	struct statement rename;	/* of held.renamed, if it is; u.rename */
	struct key *host_key;
	struct report_state reports;
	int64_t now;
	/* Of the request: */
	json_t *args;
	struct strs made;		/* reports */
	uint64_t first_made;		/* number of the first of them */
	struct str answer;		/* members of the answer's object */
	struct jw w;
};

/* Serve requests on fd until none has come for a while.  0, ERR_*. */
int  applier_serve(const char *config_path, const char *state_dir, int fd,
     struct err *e) MUST_CHECK;

/* What the host holds, anew.  ERR_CORRUPT, and as of the parts. */
int  applier_open(struct applier *a, struct err *e) MUST_CHECK;
void applier_close(struct applier *a);
int  applier_save(struct applier *a, struct err *e) MUST_CHECK; /* held */
/* STATE/name.  ERR_NOTFOUND and so on as file_read(). */
int  applier_read(const struct applier *a, const char *name, size_t max,
     char **out, size_t *n, struct err *e) MUST_CHECK;
int  applier_write(const struct applier *a, const char *name,
     struct slice text, struct err *e) MUST_CHECK;
/*
 * What `held` names by its hash lies in STATE/name, and is replaced in three steps:
 * name.next is written, `held` names it, it becomes name.  After a crash between
 * them whoever reads it finds the one that is named.
 */
int  applier_write_next(const struct applier *a, const char *name,
     struct slice text, struct err *e) MUST_CHECK;
void applier_take_next(const struct applier *a, const char *name);
/* As the link's user, who can make it read nothing that he could not read. */
void applier_as_link(const struct applier *a, bool on);
int  applier_read_spool(const struct applier *a, const char *name, size_t max,
     char **out, size_t *n, struct err *e) MUST_CHECK;
/* A verified statement of the spool; s is initialised. */
int  applier_read_statement(struct applier *a, const char *name,
     struct statement *s, struct err *e) MUST_CHECK;
/*
 * The revocation list that is held; NULL where none is.  The caller frees.
 * ERR_CORRUPT: another one lies there; as file_read().
 */
int  applier_read_krl(const struct applier *a, char **list, size_t *n,
     struct err *e) MUST_CHECK;
/* trust_unrevoked() by that list: of what a master brings that is new here. */
int  applier_unrevoked(const struct applier *a, const struct statement *s,
     const char *what, struct err *e) MUST_CHECK;
/* Sign s by k, at now; the text with its signature is appended to out. */
int  applier_sign(struct applier *a, struct key *k, struct statement *s,
     struct str *out, struct err *e) MUST_CHECK;
/* The id this host would like: agent.yaml's or its name, which is a person's (or a
 * token's) to give.  The caller frees. */
int  applier_wish(const struct applier *a, char **out, struct err *e)
     MUST_CHECK;
/* The host's public key; ERR_NOTFOUND where the key file cannot be had. */
const struct pubkey *applier_host_key(const struct applier *a);
/* The acceptance that is held, read.  ERR_CORRUPT, and as applier_read(). */
int  applier_read_accept(struct applier *a, struct err *e) MUST_CHECK;
/* What renamed this host, read.  ERR_CORRUPT, and as applier_read(). */
int  applier_read_rename(struct applier *a, struct err *e) MUST_CHECK;
/* Remove one that nothing names any more; one that stays is in nobody's way. */
void applier_drop_rename(const struct applier *a, const struct hash *h);
/* It holds an acceptance.  ERR_DENIED. */
int  applier_is_accepted(const struct applier *a, struct err *e) MUST_CHECK;

/*
 * Raise an alarm, once for each sentence about one thing (`of` of the request, its
 * hash): the second time nothing is done.  It is
 * logged, and reported where the host is accepted.  A failure is logged too, and
 * returned to whoever has nothing else to say.
 */
int applier_alarm(struct applier *a, const char *what, const struct err *why);

/* A report with this content (kind, job, message and so on), in the answer. */
int applier_say(struct applier *a, struct report_statement *r, struct err *e)
    MUST_CHECK;

/* The session of what is held, or of other files of a fleet (taken over). */
int applier_session(struct applier *a, struct policy_files *files,
    struct session *s, struct err *e) MUST_CHECK;
struct applier_run {
	bool enforce;
	bool first;		/* nothing was enforced before: name others */
	bool connected;
	enum report_kind kind;
	const struct hash *job;	/* NULL: none */
};
/*
 * A run and its report, or `pending`.  ERR_BUSY: not now, and nothing is
 * reported; ERR_SYS, ERR_NOMEM.
 */
int applier_run(struct applier *a, struct session *s,
    const struct applier_run *how, struct err *e) MUST_CHECK;
/* A run that did not come about, for that reason. */
int applier_refused(struct applier *a, const struct applier_run *how,
    const struct err *why, struct err *e) MUST_CHECK;
int applier_wait(struct applier *a, uint64_t number, int64_t within,
    const struct report_statement *r, struct err *e) MUST_CHECK;
/* Adds "waits" to a look.  *left: seconds; -1: none waits. */
int applier_waits(struct applier *a, uint64_t *number, int64_t *left,
    struct err *e) MUST_CHECK;

void applier_look(struct applier *a);

/* The verbs.  0 with members added to the answer, or ERR_*. */
typedef int verb_fn(struct applier *a, struct err *e);
verb_fn verb_enrol, verb_policy, verb_accept, verb_krl, verb_certificate,
    verb_renew, verb_job, verb_run, verb_confirm, verb_settle, verb_report,
    verb_unsent, verb_diff, verb_rename, verb_token, verb_logins;

#endif
