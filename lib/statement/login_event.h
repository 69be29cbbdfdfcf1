/* SPDX-License-Identifier: ISC */
/*
 * One thing a host saw of those who log in to it: a login, a refusal, an end, a
 * sudo, or a sum of refusals.  Reports of kind logins are lists of them.
 *
 * Which fields go with which `what` is a table in fields_login.c; the others stay
 * zero.  All texts are printable ASCII: what a host saw otherwise, it writes as
 * \xHH.  Pure.
 */
#ifndef LIB_STATEMENT_LOGIN_EVENT_H
#define LIB_STATEMENT_LOGIN_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/json.h"
#include "lib/crypto/hash.h"

#define LOGIN_EVENTS_MAX   200	/* in one report */
#define LOGIN_SESSION_MAX  80	/* bytes, as all below */
#define LOGIN_ACCOUNT_MAX  255
#define LOGIN_FROM_MAX	   64
#define LOGIN_METHOD_MAX   64
#define LOGIN_KEY_ID_MAX   1024
#define LOGIN_COMMAND_MAX  2048
#define LOGIN_WHY_MAX	   512

enum login_what {
	LOGIN_IN,		/* "login" */
	LOGIN_REFUSED,		/* "refused": a certificate, or its key */
	LOGIN_OUT,		/* "end" */
	LOGIN_SUDO,		/* "sudo" */
	LOGIN_FAILED,		/* "failed": a sum of refusals without one */
};
enum login_source {
	LOGIN_FROM_JOURNAL,	/* "journal" */
	LOGIN_FROM_FILE,	/* "file" */
};

struct login_event {		/* zero-initialise / login_event_clear */
	enum login_what	  what;
	int64_t		  at;	/* failed: of the first */
	int64_t		  until;	/* failed: of the last */
	uint64_t	  count;	/* failed: how many */
	enum login_source source;
	char		 *session;	/* joins a login, its sudos and its end on
					   this host; NULL: not known */
	char		 *account;	/* NULL in failed, and in a refusal that does
					   not name it */
	char		 *from;		/* address; NULL */
	uint16_t	  port;		/* 0: none */
	char		 *method;	/* "publickey", "password"; NULL */
	bool		  has_key;
	struct hash	  key;		/* of the plain key */
	bool		  has_cert;	/* then all three: */
	struct hash	  ca;		/* of the CA's key */
	uint64_t	  serial;
	char		 *key_id;	/* may be empty */
	bool		  has_tbs;	/* where the host had all of it: */
	struct hash	  tbs;		/* of the certificate without its signature,
					   as an issue leaf has it */
	uint64_t	  signatures;	/* made by a security key; 0: not said */
	char		 *command;	/* sudo */
	char		 *as;		/* sudo: the account it ran as; NULL */
	char		 *why;		/* refused; sudo: why it did not run it, or
					   LOGIN_PERHAPS and why nobody knows whether
					   it was sudo's word */
};
#define LOGIN_PERHAPS "perhaps: "

/* Of a sudo: it did not run the command. */
bool login_event_denied(const struct login_event *ev);

/* "login", "journal"; NULL for what is none. */
const char *login_what_name(enum login_what w);
const char *login_source_name(enum login_source s);
/* ERR_PARSE. */
int login_what_parse(const char *name, enum login_what *out) MUST_CHECK;

/* The fields of an event, in their order, for json_known(). */
#define LOGIN_EVENT_KEYS 19
extern const char *const login_event_keys[LOGIN_EVENT_KEYS];

/*
 * The fields of one in o, which may have others besides (json_known says whether
 * it has).  ev is zero; what it got is the caller's to clear, also on failure.
 * ERR_PARSE, ERR_LIMIT, ERR_NOMEM, naming the field.
 */
int login_event_read(const json_t *o, struct login_event *ev, struct err *e)
    MUST_CHECK;
/* Into an object that the caller has begun and will end. */
void login_event_write(const struct login_event *ev, struct jw *w);
/* Is there what login_event_write() follows without asking? */
bool login_event_whole(const struct login_event *ev);

/* "deploy from 10.0.0.7 by publickey, ..." for people; appended. */
struct str;
void login_event_describe(const struct login_event *ev, struct str *out);

/* "its clock is 3h ahead", by so many seconds (below 0: behind), near
 * enough; appended. */
void login_clock_describe(int64_t clock, struct str *out);

/* As it was before anything was put in. */
void login_event_clear(struct login_event *ev);

#endif
