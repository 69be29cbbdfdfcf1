/* SPDX-License-Identifier: ISC */
/*
 * What a master tells of hosts and of those that ask in: the answer to `keys`
 * (agent/master/calls.md), checked field by field, so that what is printed of
 * it is clean text.
 *
 * An enrol statement is checked itself: form, realm, and the signatures of both
 * keys it names.  Whatever is said of hosts that were accepted is the master's
 * word.
 */
#ifndef AGENT_CLIENT_HOSTS_H
#define AGENT_CLIENT_HOSTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/statement.h"

struct host_asks {		/* one that asks */
	struct statement enrol;	/* verified */
	char	   *from;	/* the address it came from; NULL: not told */
	char	   *of;		/* the host that has one of its keys; NULL */
	int64_t	    since;
};
struct host_refused {		/* one that was rejected when it asked */
	struct hash enrol;
	char	   *fingerprint, *hostname, *reason; /* NULL: not told */
};
struct host_known {		/* one that was accepted */
	char	   *id;
	struct hash accept;	/* the acceptance that holds */
	char	   *fingerprint; /* of its host key; NULL: not told */
	struct strs names, roles;
	int64_t	    since, renew_until;	/* 0: not told */
	bool	    rejected;
	char	   *reason;
};
struct host_token {
	struct hash token;	/* its statement */
	char	   *hosts;	/* the pattern */
	char	   *by;		/* NULL: not told */
	struct strs roles;
	uint64_t    count, left;
	int64_t	    expires;
};
struct host_keys {		/* zero-initialise; host_keys_clear */
	struct host_known *hosts;
	struct host_asks *waiting;
	struct host_refused *refused;
	struct host_token *tokens;
	size_t n_hosts, n_waiting, n_refused, n_tokens;
};

/*
 * A master tells some at a time: *next (NULL allowed) is what to ask for after this
 * answer, 0: nothing; what it says is added to out.
 *
 * ERR_PARSE, ERR_LIMIT: which field of which list, or a page of nothing that others
 * follow; ERR_BADSIG, ERR_DENIED: an enrol statement that is none; ERR_NOMEM.  After
 * a failure out is good for host_keys_clear() alone.
 */
int  host_keys_parse(const json_t *answer, const struct hash *realm,
     struct host_keys *out, uint64_t *next, struct err *e) MUST_CHECK;
void host_keys_clear(struct host_keys *k);

/* Is s a verified enrol of this realm, signed by both its keys?  ERR_PARSE,
 * ERR_BADSIG, ERR_DENIED, ERR_NOMEM. */
int  host_enrol_check(struct statement *s, const struct hash *realm,
     struct err *e) MUST_CHECK;

const struct host_known *host_known_find(const struct host_keys *k,
    const char *id);
/*
 * Among those that wait, the one that is meant: by the hash of its enrol, or its
 * first 8 digits and more; by the id it would like; by its hostname.
 * ERR_NOTFOUND: none waits; ERR_USAGE: several are (it says which).
 */
int  host_asks_find(const struct host_keys *k, const char *what,
     const struct host_asks **out, struct err *e) MUST_CHECK;

/* Everything an operator has to see before he accepts it: several lines. */
void host_asks_describe(const struct host_asks *a, struct str *out);

#endif
