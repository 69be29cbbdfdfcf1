/* SPDX-License-Identifier: ISC */
/*
 * The policy of a deployment, read: who the officers are (root.yaml), who
 * people are, what they may be granted, which keys hosts trust (ca.yaml,
 * people/PERSON.yaml, authorities/NAME.pub).  writ-policy(5) is the language.
 *
 * A policy is immutable after policy_parse(), and what it hands out is
 * borrowed from it.  Pure: files come in as bytes.
 */
#ifndef LIB_TRUST_POLICY_H
#define LIB_TRUST_POLICY_H

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/conf/diag.h"
#include "lib/crypto/hash.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/pubkey.h"

#define POLICY_FILE_MAX	  (1024 * 1024)	/* bytes of one file */
#define POLICY_FILES_MAX  10000
#define POLICY_PEOPLE_MAX 100000
#define POLICY_GRANTS_MAX 1000
#define POLICY_KEYS_MAX	  32		/* of one person */
#define POLICY_TERMS_MAX  8
#define POLICY_APPROVALS_MAX 16		/* of one term */
#define POLICY_GROUPS_MAX 64		/* of one person */
#define POLICY_LIST_MAX	  256		/* entries of one list of a grant */
#define POLICY_NAME_MAX	  64		/* of a group, grant, authority */
#define POLICY_REASON_MAX 1024		/* characters, as statements */
#define POLICY_TICKET_MAX 256		/* bytes of a pattern */
#define POLICY_ZONES_MAX  64		/* distinct time zones */
#define POLICY_LOG_KEYS_MAX 16		/* of one log */

struct person_key {
	struct pubkey *key;
	char	      *comment;
	bool	       of_root;	/* from root.yaml: changes only with it */
	struct conf_pos pos;
};

struct person {
	char		  *id;
	struct person_key *keys;
	size_t		   n_keys, cap_keys;
	struct strs	   groups;
	bool		   officer, operator;
	struct conf_pos	   pos;
};

struct thresholds {
	unsigned root, policy, fleet;
};

/* One line of `approve:`: n distinct members of a group. */
struct term {
	char	*group;
	unsigned n;
};

struct hours {
	bool		set;
	unsigned	days;		/* bit 0 Sunday .. bit 6 Saturday */
	int		from_min, to_min; /* minutes of the day; to may be 1440;
					     to <= from: past midnight */
	char	       *zone;
	struct conf_pos zone_pos;
	bool		has_rule;	/* from the signed bundle */
	struct tz_rule	rule;
};

struct grant {
	char	       *name;
	enum cert_kind	kind;
	struct strs	to;		/* groups or persons; never empty */
	struct strs	principals;	/* user: exact; host: patterns */
	int64_t		max;		/* seconds */
	int64_t		wait;		/* seconds a request may wait; 12 h */
	int64_t		ahead;		/* not_before at most; 24 h */
	struct hours	hours;
	struct strs	source;		/* CIDR; empty: anywhere */
	struct strs	extensions;	/* sorted; default permit-pty */
	char	       *force_command;	/* NULL: as asked */
	bool		verify_required; /* critical option, sk-* subjects */
	unsigned	reason_min, reason_max; /* characters; 1 and 512 */
	char	       *ticket;		/* pattern, NULL: not needed */
	regex_t	       *ticket_re;	/* compiled, NULL with ticket */
	bool		touch, pin;	/* of asker and approver signatures */
	bool		break_glass;
	bool		accepted_hosts;
	struct term	approve[POLICY_TERMS_MAX];
	size_t		n_approve;	/* 0: `approve: none` was said */
	struct conf_pos pos;
};

struct authority {
	char	      *name;
	struct pubkey *key;
	bool	       user, host, log, master; /* lists that name it */
	struct conf_pos pos;	/* where a list names it first */
};

/* Logins known to be without a certificate of the log (audit.yaml). */
struct known_exception {
	char	       *account;
	char	       *key;	/* fingerprint of the key, or NULL: */
	char	       *ca;	/* of a CA that is not ours, or signed before
				   it was */
	struct strs	hosts;	/* ids, or globs over ids; never empty */
	char	       *reason;
	char	       *owner;	/* a person */
	int64_t		expires;
	struct conf_pos pos;
};

struct policy {			/* policy_new / policy_free; read-only */
	/* root.yaml */
	uint64_t	  root_version;
	int64_t		  root_expires;
	int64_t		  grace;	/* seconds; 14 d */
	struct thresholds thresholds;
	struct hash	  root_hash;	/* of the file */
	struct conf_pos	  expires_pos, thresholds_pos;

	struct person	 *people;	/* sorted by id; officers, operators too */
	size_t		  n_people, cap_people;
	struct strs	  groups;	/* every group that has a member; sorted */
	struct strs	  self_keys;	/* groups whose members add keys alone */
	struct grant	 *grants;	/* in the file's order */
	size_t		  n_grants, cap_grants;
	struct authority *authorities;	/* sorted by name */
	size_t		  n_authorities, cap_authorities;
	/* Lists in the order of ca.yaml; names; the first signs. */
	struct strs	  user_cas, host_cas, logs, masters;
	unsigned	  quota;	/* requests a person a day; 2000 */
	struct known_exception *exceptions;
	size_t		  n_exceptions, cap_exceptions;

	/* From the signed bundle; zero before. */
	struct hash	  hash;		/* of the bundle statement */
	uint64_t	  version;
	int64_t		  expires;

	/* Inside: lookup tables. */
	struct policy_index *index;
};

/* A file of the policy: path below policy/ ("people/bob.yaml"). */
struct policy_file {
	char	*path;
	uint8_t *data;
	size_t	 n;
};
struct policy_files {		/* policy_files_clear */
	struct policy_file *v;	/* sorted by path */
	size_t		    n, cap;
};
int  policy_files_add(struct policy_files *f, const char *path,
     const void *p, size_t n) MUST_CHECK;
void policy_files_sort(struct policy_files *f);
const struct policy_file *policy_files_find(const struct policy_files *f,
    const char *path);
void policy_files_clear(struct policy_files *f);

/*
 * Parse the files.  Every fault goes to diags with its position; when there is
 * an error among them the result is ERR_PARSE (or ERR_NOMEM) and *out is
 * untouched.  Checked here: what is wrong in itself and between files (unknown
 * keys, types, one key of two persons, thresholds above the number of persons,
 * an authority without its file, bad patterns).  Expiry is policy_check()'s.
 */
int  policy_parse(const struct policy_files *files, struct policy **out,
     struct conf_diags *diags) MUST_CHECK;
/*
 * root.yaml alone: officers, operators and thresholds; people are those it
 * names, and there are no grants and no authorities.  As policy_parse().
 */
int  policy_parse_root(struct slice root_yaml, struct policy **out,
     struct conf_diags *diags) MUST_CHECK;
void policy_free(struct policy *p);

/* Put in the rules that the signed bundle holds.  ERR_PARSE: a zone the policy
 * names is missing or bad; p is unchanged then. */
struct zone_rule;
int policy_set_zones(struct policy *p, const struct zone_rule *zones,
    size_t n, struct err *e) MUST_CHECK;
/* The zones that grants name, sorted, each once. */
int policy_zones(const struct policy *p, struct strs *out) MUST_CHECK;

/* Lookups: NULL where there is none. */
const struct person *policy_person(const struct policy *p, const char *id);
const struct person *policy_person_of_key(const struct policy *p,
    const struct pubkey *k);
const struct grant *policy_grant(const struct policy *p, const char *name);
const struct authority *policy_authority(const struct policy *p,
    const char *name);
const struct authority *policy_authority_of_key(const struct policy *p,
    const struct pubkey *k);
/*
 * The keys of a log, oldest first; out NULL: how many there are, 0: no such log.
 * A log goes on under another key: NAME.2, NAME.3 and so on, in the list of logs,
 * are further keys of log NAME and no logs of their own.  NAME itself may be gone
 * from the list.
 */
size_t policy_log_keys(const struct policy *p, const char *log,
    const struct authority *out[POLICY_LOG_KEYS_MAX]);
bool policy_is_log_key(const struct policy *p, const char *log,
    const struct pubkey *k);
/* Is a krl statement signed by a key of the log that it is by? */
struct statement;
bool policy_signed_by_log(const struct policy *p, const struct statement *s);
/* Which log the key of that name is of: the name without its number. */
void policy_log_of_key(const char *name, char out[POLICY_NAME_MAX + 1]);
bool person_in_group(const struct person *person, const char *group);
/* Is it one of those that root.yaml gives him?  They alone sign policy and fleet,
 * and speak for an officer or an operator. */
bool person_has_root_key(const struct person *person, const struct pubkey *k);
/* Is he named by `to:`, himself or through a group? */
bool grant_allows_person(const struct grant *g, const struct person *person);
/*
 * Does the grant give this principal?  User: one of principals, or P@HOST with
 * P one of them and HOST a host id.  Host: a pattern matches, `*` within one
 * label alone.
 */
bool grant_covers_principal(const struct grant *g, const char *principal);

/*
 * Does it work?  Adds warnings and errors: expiry past at now, a grant nobody
 * can obtain, a term a single absent person blocks, the weakest way to each
 * principal, officer keys without touch, one officer alone, unknown zones
 * (zone_known may be NULL: not asked).  ERR_DENIED when it added an error.
 */
int policy_check(const struct policy *p, int64_t now,
    bool (*zone_known)(void *ctx, const char *zone), void *ctx,
    struct conf_diags *diags) MUST_CHECK;

#endif
