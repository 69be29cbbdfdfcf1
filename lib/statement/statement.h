/* SPDX-License-Identifier: ISC */
/*
 * Statements: what people say, signed with the SSH keys they have.
 *
 * A statement is one line of JSON and its LF, the message, followed by one or
 * more SSH SIGNATURE blocks over that message.  Its name is the SHA-256 of the
 * message.  It is kept as it was received and never written anew.  At most
 * STATEMENT_MAX bytes with its signatures; unknown and duplicate keys, blanks
 * at the end and bytes after the last block are errors.  The namespace of the
 * signatures is TYPE@writ.
 *
 * This is about form and signatures; whose key it is, and what he may, is
 * lib/trust.  lib/statement/README.md lists every field.  Pure.
 */
#ifndef LIB_STATEMENT_STATEMENT_H
#define LIB_STATEMENT_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/crypto/hash.h"
#include "lib/ssh/cert.h"
#include "lib/ssh/pubkey.h"
#include "lib/ssh/sshsig.h"
#include "lib/statement/login_event.h"

#define STATEMENT_MAX	       61440	/* bytes, with signatures */
#define STATEMENT_SIGS_MAX     32
#define STATEMENT_NONCE_LEN    16
#define STATEMENT_REASON_MAX   1024	/* bytes */
#define STATEMENT_TICKET_MAX   128
#define STATEMENT_COMMENT_MAX  1024
#define STATEMENT_GRANT_MAX    64
#define DECISION_REQUESTS_MAX  200
#define REQUEST_PRINCIPALS_MAX 64
#define REQUEST_SOURCES_MAX    64
#define OUTCOME_SOURCES_MAX    256	/* a grant's, where none were asked */
#define REVOKE_SERIALS_MAX     1000
#define BUNDLE_ZONES_MAX       64
#define TARGETS_MAX	       (4 * 1024 * 1024)	/* bytes of TARGETS */
#define TARGETS_HOSTS_MAX      100000
#define ENROL_GRAINS_MAX       64
#define ENROL_GRAIN_NAME_MAX   64	/* bytes */
#define ENROL_GRAIN_MAX	       255
#define HOST_NAMES_MAX	       64	/* names in one host certificate */
#define HOST_CERT_NAME_MAX     255
#define HOST_ROLES_MAX	       64
#define HOST_ROLE_MAX	       64
#define TOKEN_COUNT_MAX	       100000	/* hosts one token lets in */
#define REPORT_CHANGES_MAX     128
#define REPORT_NAME_MAX	       64	/* of a state, of a kind of state */
#define BOOT_ID_LEN	       16

enum statement_type {
	ST_REQUEST = 1,
	ST_DECISION,
	ST_REVOKE,
	ST_KEY,
	ST_ROOT,
	ST_POLICY,
	ST_KRL,
	ST_FLEET,
	ST_JOB,
	ST_ENROL,
	ST_ACCEPT,
	ST_REJECT,
	ST_RENAME,
	ST_FORGET,
	ST_TOKEN,
	ST_RENEW,
	ST_REPORT,
};
#define ST_LAST ST_REPORT

/* A certificate asked for. */
struct request {
	enum cert_kind kind;
	char	      *grant;
	struct pubkey *subject;
	struct strs    principals;	/* 1.. */
	char	      *reason;
	char	      *ticket;		/* NULL: none */
	int64_t	       length;		/* seconds */
	int64_t	       not_before;	/* 0: now */
	struct strs    source;		/* empty: the grant's */
	char	      *force_command;	/* NULL: the grant's */
	bool	       has_extensions;	/* false: the grant's */
	struct strs    extensions;	/* may be empty when has_extensions */
};

/* What an officer was shown and answers for: nothing wider may be issued. */
struct outcome {
	enum cert_kind kind;
	struct strs    principals;
	int64_t	       length;		/* seconds */
	struct strs    source;		/* empty: no restriction */
	char	      *force_command;	/* NULL: none */
	struct strs    extensions;	/* sorted */
	struct hash   *requests;	/* 1.. */
	size_t	       n_requests;
};

struct decision {
	struct hash	policy;		/* of the bundle statement shown */
	bool		approve;	/* else deny */
	int64_t		length;		/* shorter than shown; 0: as shown */
	char	       *comment;	/* NULL: none */
	struct outcome *outcomes;
	size_t		n_outcomes;
	struct hash    *keys;		/* key statements decided on */
	size_t		n_keys;		/* n_outcomes + n_keys >= 1 */
};

/* Exactly one of the four. */
struct revoke {
	uint64_t      *serials;
	size_t	       n_serials;
	char	      *key_id;
	char	      *person;
	struct pubkey *key;
	char	      *reason;
};

struct key_change {
	bool	       add;		/* else retire */
	char	      *person;		/* whose; `by` is the same person */
	struct pubkey *key;
};

struct root_statement {
	uint64_t    version;
	struct hash file;		/* of root.yaml */
};

struct zone_rule {
	char *name;			/* "Europe/Vilnius" */
	char *rule;			/* "EET-2EEST,M3.5.0/3,M10.5.0/4" */
};

struct bundle_statement {
	uint64_t	  version;
	int64_t		  expires;
	struct hash	  manifest;
	uint64_t	  manifest_size;
	bool		  has_previous;
	struct hash	  previous;	/* bundle statement before it */
	struct zone_rule *zones;
	size_t		  n_zones;
};

struct krl_statement {
	uint64_t    version;
	struct hash file;
	uint64_t    size;
	int64_t	    next_update;
};

/* An order to a fleet: these hosts, this version. */
struct job_statement {
	uint64_t    version;	/* of the fleet's bundle */
	struct hash bundle;	/* its statement */
	struct hash targets;	/* of the file TARGETS */
	uint64_t    targets_size;
	uint64_t    hosts;	/* its lines */
	struct hash tree;	/* over them: lib/trust/fleet_place.h */
	bool	    enforce;	/* else test: say what would change */
	uint64_t    max_failures; /* hosts that may fail before it stops */
	int64_t	    expires;
};

/* What a host says of itself: a hint, never believed. */
struct enrol_grain {
	char *name, *value;
};

/* A host asks in; signed by both keys. */
struct enrol_statement {
	struct pubkey	   *host_key, *transport_key;
	char		   *hostname;
	struct enrol_grain *grains;
	size_t		    n_grains;
	uint8_t		    boot_id[BOOT_ID_LEN];
};

/* Who a host is, from an operator or a token. */
struct acceptance {
	char	      *host;		/* the id, from now on */
	struct hash    enrol;		/* the statement accepted */
	struct pubkey *host_key, *transport_key;
	struct strs    names;		/* 1.., of its host certificate */
	struct strs    roles;		/* empty: none */
	int64_t	       renew_until;
	bool	       has_replace;
	struct hash    replace;		/* the acceptance this one ends */
	bool	       has_token;
	struct hash    token;		/* the token statement it is by */
};

/* Exactly one of host and enrol. */
struct rejection {
	char	   *host;		/* one accepted; NULL: */
	struct hash enrol;		/* one that asks */
	char	   *reason;
};

struct rename_host {
	char	   *host, *to;
	struct strs names;		/* 1.., of its certificate, then */
};

struct forget_host {
	char *host;
	char *reason;
};

/* A key that may accept hosts, a number of times. */
struct token_statement {
	struct pubkey *key;
	char	      *hosts;		/* "web-*.example.com" */
	uint64_t       count;
	int64_t	       expires;
	struct strs    roles;		/* what it gives; empty: none */
};

/* A host asks for its certificate; signed by its host key. */
struct renewal {
	struct hash    accept;		/* the acceptance it stands on */
	struct pubkey *key;
};

#define REPORT_CLOCK_MAX INT64_C(4000000000) /* seconds; a century and more */
enum report_kind {
	REPORT_HEARTBEAT,
	REPORT_RUN,
	REPORT_DRIFT,
	REPORT_ALARM,
	REPORT_LOGINS,
};
enum run_outcome {
	RUN_UNCHANGED,
	RUN_CHANGED,		/* in test: would change */
	RUN_FAILED,		/* nothing is left half done */
	RUN_UNDONE,		/* changed, and taken back */
	RUN_REFUSED,		/* not begun */
};
enum change_result {
	CHANGE_DONE,		/* in test: would be done */
	CHANGE_FAILED,
	CHANGE_UNDONE,
	CHANGE_SKIPPED,		/* for what it requires failed */
};
struct report_change {
	char		  *state;	/* "sshd-baseline" */
	char		  *kind;	/* "sshd_config" */
	enum change_result result;
	bool		   has_diff;
	struct hash	   diff;	/* of what stays on the host */
};

/* What a host says; signed by its host key. */
struct report_statement {
	uint64_t	 seq;		/* from 1, without a gap */
	bool		 has_previous;
	struct hash	 previous;	/* the report before */
	enum report_kind kind;
	uint8_t		 boot_id[BOOT_ID_LEN];
	uint64_t	 root_version, policy_version, fleet_version,
			 krl_version;	/* 0: none held */
	uint64_t	 quiet;		/* runs since then without a change */
	bool		 has_clock;
	int64_t		 clock;		/* seconds that the host's clock was
					   ahead of a master's */
	bool		 has_job;
	struct hash	 job;		/* the job this is about */
	char		*message;	/* NULL: none */
	/* When kind is REPORT_RUN or REPORT_DRIFT: */
	bool		 enforce;	/* else test */
	enum run_outcome outcome;
	bool		 has_plan;
	struct hash	 plan;
	uint64_t	 states;	/* that were looked at */
	struct report_change *changes;
	size_t		 n_changes;
	uint64_t	 more;		/* changes that did not fit */
	/* When kind is REPORT_LOGINS: */
	struct login_event *events;	/* 1.., as they were seen */
	size_t		 n_events;
	uint64_t	 lost;		/* lines before them that are gone */
};

struct statement {		/* statement_init / statement_clear */
	enum statement_type type;
	struct hash	    realm;
	char		   *by;	/* a person's id; a log's name for krl; a host's
				   id, which enrol merely wishes for */
	int64_t		    at;
	uint8_t		    nonce[STATEMENT_NONCE_LEN];
	union {
		struct request		r;
		struct decision		d;
		struct revoke		v;
		struct key_change	k;
		struct root_statement	root;
		struct bundle_statement bundle;
		struct krl_statement	krl;
		struct job_statement	job;
		struct enrol_statement	enrol;
		struct acceptance	accept;
		struct rejection	reject;
		struct rename_host	rename;
		struct forget_host	forget;
		struct token_statement	token;
		struct renewal		renew;
		struct report_statement	report;
	} u;			/* fleet: bundle, without zones */

	/* From statement_parse(): */
	struct hash	hash;		/* the statement's name */
	uint8_t	       *bytes;		/* as received, signatures too */
	size_t		n_bytes;
	size_t		message_len;	/* the line with its LF */
	struct sshsig  *sigs;
	struct sk_flags *flags;		/* one a signature, by _verify */
	size_t		n_sigs;
	bool		verified;
};

void statement_init(struct statement *s, enum statement_type type);
void statement_clear(struct statement *s);

/* Is the pattern of a token one: an id in which * stands for any bytes, and
 * which is not for everybody? */
bool token_pattern_is_valid(const char *s);
/* "changed", "done": as the report spells them. */
const char *run_outcome_name(enum run_outcome o);
bool run_outcome_is_failure(enum run_outcome o); /* the last three */
const char *change_result_name(enum change_result r);
const char *report_kind_name(enum report_kind k);

/* "request"; "request@writ".  NULL for what is not a type. */
const char *statement_type_name(enum statement_type t);
const char *statement_namespace(enum statement_type t);

/*
 * Parse.  name is the file's or leaf's, for messages ("r1.req: ...").
 * Signatures are parsed and not yet verified.  With at most one exception each
 * block must be there: unsigned text is ERR_PARSE.  s is replaced on success.
 * ERR_PARSE, ERR_LIMIT, ERR_NOMEM.
 */
int statement_parse(const char *name, struct slice bytes, struct statement *s,
    struct err *e) MUST_CHECK;
/* As statement_parse, for a message that has no signature yet. */
int statement_parse_message(const char *name, struct slice bytes,
    struct statement *s, struct err *e) MUST_CHECK;

struct slice statement_message(const struct statement *s);
struct slice statement_bytes(const struct statement *s);

/*
 * Every block present must verify over the message under the type's namespace,
 * and no key may sign twice.  Sets flags[] and verified.  ERR_BADSIG.
 */
int statement_verify(struct statement *s, struct err *e) MUST_CHECK;

/* The message for the content of s (type, realm, by, at, nonce, u); checked
 * by parsing it again, so that nothing is written that would not be read. */
int statement_encode(const struct statement *s, struct str *out,
    struct err *e) MUST_CHECK;

/* Did this key sign (a verified block)?  The block's index, or -1. */
int statement_signed_by(const struct statement *s, const struct pubkey *k);

/* The enrol statement that an accept, or a reject of one that asks, is about;
 * NULL for any other.  Borrowed of s. */
const struct hash *statement_enrol_of(const struct statement *s);

/* In words, for people: several lines, or as an object of JSON, or as what is in
 * that object, for one that is open. */
struct jw;
void statement_describe(const struct statement *s, struct str *out);
void statement_json(const struct statement *s, struct jw *w);
void statement_json_members(const struct statement *s, struct jw *w);

/* Clears for those who build parts by hand. */
void outcome_clear(struct outcome *o);

#endif
