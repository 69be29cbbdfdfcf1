/* SPDX-License-Identifier: ISC */
/*
 * One login as a story: what was asked, decided and issued before it, what the
 * host saw of it, and where the proof of each stands.  Pure.
 */
#ifndef CA_AUDIT_STORY_H
#define CA_AUDIT_STORY_H

#include <stdint.h>

#include "ca/audit/audit.h"
#include "ca/audit/uses.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"

#define STORY_MAX 100000	/* parts: one may be logged in for long */

/* In the order in which things of one second are told. */
enum story_event {
	STORY_REQUEST,
	STORY_DECISION,
	STORY_CERTIFICATE,
	STORY_LOGIN,
	STORY_UNEXPLAINED,	/* what is wrong with the login */
	STORY_SUDO,
	STORY_END,
	STORY_REVOKED,
	STORY_MISSING,	/* an object that the log's home lacks */
};
const char *story_event_name(enum story_event v); /* "request" */

struct story_part {
	int64_t	    at;
	enum story_event event;
	size_t	    nth;	/* as added: of two such, the first is first */
	char	   *who;	/* a person, a CA's fingerprint, a host */
	char	   *text;
	char	   *hash;	/* of the statement, hex; NULL: not one */
	char	   *log;	/* its name; NULL: the fleet's */
	uint64_t    index;	/* of its leaf there */
	char	   *object;	/* records/...; NULL */
	int64_t	    clock;	/* seconds that the host's was ahead; 0 */
};
struct story {			/* zero-initialise / story_clear */
	struct story_part *v;
	size_t		   n, cap;
};
void story_clear(struct story *s);

/* Request, decisions, certificate; log is the name of the log that has them.
 * ERR_LIMIT, ERR_NOMEM. */
int story_add_certificate(struct story *s, const struct audit_certificate *c,
    const char *log) MUST_CHECK;
/* The object that its last part names is not in the home of the log. */
int story_add_missing(struct story *s) MUST_CHECK;
/* A login, sudo or end, as a host saw it; other events add nothing. */
int story_add_use(struct story *s, const struct use *u) MUST_CHECK;
/* What is wrong with the login u, by uses_judge(): its kind and why. */
int story_add_unexplained(struct story *s, const struct use *u,
    enum use_kind kind, const char *why) MUST_CHECK;
/* What of its certificate was taken away, before it or later. */
int story_add_revocation(struct story *s, const struct revocation *v,
    const char *what) MUST_CHECK;
/* In the order of time. */
void story_sort(struct story *s);

/* The host of the events with this session, among those of wanted (NULL: all):
 * one and the same, else ERR_NOTFOUND, or ERR_USAGE, which says which have it.
 * ERR_NOMEM. */
int story_host(const struct uses *u, const char *session, const char *wanted,
    const char **host, struct err *e) MUST_CHECK;
/* Its first login there, borrowed; NULL: none was seen. */
const struct use *story_login(const struct uses *u, const char *session,
    const char *host);

#endif
