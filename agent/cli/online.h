/* SPDX-License-Identifier: ISC */
/*
 * What the subcommands share that ask a master: the policy of DIR/bundle, the
 * masters it leads to, and a connection to one of them; and how a statement is
 * shown, signed, and sent or kept.
 */
#ifndef AGENT_CLI_ONLINE_H
#define AGENT_CLI_ONLINE_H

#include "agent/cli/signer.h"
#include "agent/client/hosts.h"
#include "agent/client/master.h"
#include "lib/cli/cli.h"
#include "lib/cli/table.h"

struct online {			/* zero-initialise; online_clear */
	struct fleet_signer by;	/* without a key where nothing is signed */
	struct fleet_held held;	/* of the fleet that is published here */
	struct fleet_chain chain;
	struct fleet *fleet;	/* NULL: none is */
	struct master_places places;
	struct master master;
	bool	json;		/* JSON is printed: notes go to standard error */
};

/*
 * What is here.  ONLINE_SIGNS: -i names an operator's key.  ONLINE_FAR: where
 * the masters are is looked up too.  As fleet_signer_open(), fleets_load() and
 * master_places().
 */
enum { ONLINE_SIGNS = 1, ONLINE_FAR = 2 };
int  online_open(const struct cli_args *a, unsigned flags, struct online *out,
     struct err *e) MUST_CHECK;
/* To the first master that answers; what could not be sent before is sent.  As
 * master_connect_any(). */
int  online_connect(struct online *o, struct err *e) MUST_CHECK;
void online_clear(struct online *o);

/* Both, for who only asks. */
int  online_ask(const struct cli_args *a, struct online *out, struct err *e)
     MUST_CHECK;
/* {"call":name} */
int  online_call(struct online *o, const char *name, json_t **body,
     struct err *e) MUST_CHECK;
/* Hosts, those that ask, tokens. */
int  online_keys(struct online *o, struct host_keys *out, struct err *e)
     MUST_CHECK;

/* Print a table and clear it. */
int  online_print(struct table *t, enum table_format f, struct err *e)
     MUST_CHECK;

/* A statement that is to be signed: shown, signed, and sent or kept. */
struct saying {
	struct statement *s;
	const char *targets;	/* of a job; NULL */
	const char *question;	/* NULL: it was asked already */
	const char *done;	/* "web-1 is accepted"; NULL: nothing is said */
	bool	    yes;
	const char *out;	/* -o: keep it there; NULL: send it */
	struct hash name;	/* set: its hash, once it is signed */
};
/*
 * ERR_DENIED: no was said, or the master's refusal; ERR_NET: it is kept in
 * DIR/unsent, and the hint says so.
 */
int  online_say(struct online *o, struct saying *y, struct err *e) MUST_CHECK;
/* Send signed text: as above. */
int  online_send(struct online *o, struct slice text, const char *targets,
     const char *done, struct err *e) MUST_CHECK;

/* Text for people, beside what is asked for. */
int  online_note(const struct online *o, struct str *text, struct err *e)
     MUST_CHECK;

/* "2026-11-29T10:00:00Z", or "-" for 0. */
void online_add_time(struct table *t, int64_t when, enum table_format f);

/* Options that these share. */
#define ONLINE_MASTER {0, "master", "ADDRESS", "the master that is asked (one of fleet.yaml)"}
#define ONLINE_KEY {'i', NULL, "KEY", "your key, to sign and to be known by"}
#define ONLINE_OUT {'o', NULL, "FILE", "keep the statement there, do not send it"}

#endif
