/* SPDX-License-Identifier: ISC */
/*
 * What the link may ask of the applier, and nothing else: frames of lib/proc
 * between the two, one request at a time, a JSON object each way.
 *
 *	request		type: a verb, payload: its arguments
 *	answer		VERB_ANSWER, what the verb answers, and always
 *			  "held"	what this host holds (applier_look.c)
 *			  "reports"	[{"seq","text"}] made meanwhile
 *			  "error", "code"  where it failed
 *	VERB_DIED	no answer will come: the applier ended without one
 *
 * Each request may say "clock": how many seconds this host's is ahead of a master's.
 * It goes into reports as what it is, the link's word.
 *
 * A request may name what it is about by "of", a hash, so that an alarm is one
 * for each thing.  What is large lies in the spool (spool.h), which the link
 * writes: the applier believes nothing of it.
 */
#ifndef AGENT_MINION_VERBS_H
#define AGENT_MINION_VERBS_H

/* name, number, and what it is; arguments in () */
#define VERB_LIST(X)                                                          \
	X(LOOK, 1, "look")		/* what is held */                    \
	X(ENROL, 2, "enrol")		/* (transport_key) -> statement */    \
	X(POLICY, 3, "policy")		/* a newer policy is in the spool */  \
	X(ACCEPT, 4, "accept")		/* an acceptance is there */          \
	X(KRL, 5, "krl")		/* a revocation list is there */      \
	X(CERTIFICATE, 6, "certificate") /* a host certificate is there */    \
	X(RENEW, 7, "renew")		/* -> statement, or at: when */       \
	X(JOB, 8, "job")		/* an order is there: test, apply */  \
	X(RUN, 9, "run")		/* (connected) what is held, again */ \
	X(CONFIRM, 10, "confirm")	/* (dial) the run that waits */       \
	X(SETTLE, 11, "settle")		/* what became of it? */              \
	X(REPORT, 12, "report")		/* a heartbeat, or (alarm) */         \
	X(UNSENT, 13, "unsent")		/* (acked) -> reports after it */     \
	X(DIFF, 14, "diff")		/* (diff) -> text */                  \
	X(RENAME, 15, "rename")		/* another name is there */           \
	X(TOKEN, 16, "token")		/* -> accept, of what lies in enrol */ \
	X(LOGINS, 17, "logins")		/* what the log says -> more */

enum verb {
#define X(name, value, text) VERB_##name = (value),
	VERB_LIST(X)
#undef X
};
#define VERB_ANSWER 100
#define VERB_DIED   101

#define VERB_ARGS_MAX	65536		  /* bytes of a request */
#define VERB_ANSWER_MAX (4 * 1024 * 1024) /* of an answer */
#define VERB_TEXT_MAX	(900 * 1024)	  /* of a diff: it goes into a call */

/* The socket to the applier, in the link and in the applier. */
#define VERB_FD 0

#endif
