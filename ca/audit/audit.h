/* SPDX-License-Identifier: ISC */
/*
 * The auditor: is a log whole, and does everything in it follow from what
 * people signed?
 *
 * audit_verify() needs read access to the log's home and the realm, and
 * believes nothing else: the chain of policies is rebuilt from the log's own
 * root and policy leaves, the log's key is taken from them, trees are
 * recomputed, ca/issue is run again for every certificate.  It changes nothing
 * and reads no journal.  What is wrong is a finding that names a leaf or an
 * object; what a reader should merely know is a notice.
 *
 * audit_log_...() read a log for lists, samples and proofs.
 */
#ifndef CA_AUDIT_AUDIT_H
#define CA_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/blob/blob.h"
#include "lib/crypto/hash.h"
#include "lib/statement/leaf.h"
#include "lib/tlog/checkpoint.h"
#include "lib/trust/policy.h"

#define AUDIT_FINDINGS_MAX 10000     /* kept; more are counted alone */
#define AUDIT_NO_INDEX	   UINT64_MAX
#define AUDIT_TICK_LATE	   900	     /* seconds without a tick: silence */
#define AUDIT_LEAVES_MAX   (UINT64_C(1) << 40)

struct audit_finding {
	const char *kind;	/* static: "tile", "leaf", "record", ... */
	bool	    notice;	/* does not make the audit fail */
	unsigned    stage;	/* order of the report */
	char	   *object;	/* key, or "" */
	uint64_t    index;	/* of the leaf, or AUDIT_NO_INDEX */
	char	   *text;
};

/* What was looked at in one log. */
struct audit_counts {
	uint64_t leaves, certificates, signatures, records, objects;
	uint64_t acceptances, reports, logins;	/* of hosts */
};
struct audit_part {
	char		   *name;	/* authority: "ca_log"; "" unknown */
	char		   *label;	/* "" or "logs/NAME/" */
	struct checkpoint   head;	/* size 0: none could be found */
	struct audit_counts counts;
	uint64_t	    since;	/* where judging began */
	uint64_t	    fresh;	/* certificates from there on */
	uint64_t	    old_leaves;	/* of counts, judged by an earlier */
	uint64_t	    old_certificates; /* audit and not by this one */
};

/* What an audit leaves to the next one, to be written there. */
struct audit_left {
	char	*path;
	uint8_t *bytes;
	size_t	 n;
};

struct audit_report {		/* zero-initialise; audit_report_clear */
	struct audit_part    *parts;	/* the log, then merged ones */
	size_t		      n_parts, cap_parts;
	struct audit_counts   counts;	/* of all */
	uint64_t	      old_leaves, old_certificates;
	struct audit_left    *left;
	size_t		      n_left, cap_left;
	struct audit_finding *v;
	size_t		      n, cap;
	uint64_t	      n_findings, n_notices; /* kept or not */
	bool		      failed;	/* memory ran out on the way */
};
void audit_report_clear(struct audit_report *r);
/*
 * Write the states that were asked for, where nothing was found in any log; else
 * the next audit begins where this one did, and finds it again.  0600, for whoever
 * may write them can hide a leaf of before.  ERR_SYS, ERR_NOMEM.
 */
int  audit_report_keep(const struct audit_report *r, struct err *e) MUST_CHECK;

/* The log of a master; read with the blob_config of the CA's. */
struct audit_fleet {
	const char  *url;
	struct slice since_note;	/* as below, or empty */
	const char  *state;		/* as below, or NULL */
};
struct audit_config {		/* all borrowed */
	const char		 *url;	/* the log's home */
	const struct blob_config *blob;	/* NULL: defaults */
	struct hash		  realm;
	/*
	 * Judge leaves from here on alone.  Earlier ones are read and hashed,
	 * and those that make policy and standing are verified, but their
	 * signatures, decisions and records are not gone through again.
	 */
	uint64_t		  since;
	struct slice		  since_note;	/* or empty: the note of an
						   earlier checkpoint, whose
						   size is taken for since and
						   which this log must extend */
	bool			  all;	/* judge those before since too */
	/*
	 * A file with what an earlier audit left (audit_report_keep()), or where
	 * nothing is yet; NULL: no such file.  Leaves that it has seen are not
	 * read again, but those that later ones refer to: ca/audit/past.h.  Not
	 * with since, since_note or all.
	 */
	const char		 *state;
	int64_t			  now;	/* for the age of ticks; 0: not asked */
	/*
	 * How long to wait, in milliseconds, for the checkpoint of what lies
	 * there and is beyond it: the writer of a log that goes on puts that
	 * first.  What has no checkpoint then is a finding.
	 */
	int64_t			  patience;
	const char		 *name;	/* demand this log; NULL: any */
	/*
	 * Logs of the fleet, gone through as well and compared with this one:
	 * certificates that hosts saw used were issued, and to that key; what
	 * host certificates stand on is in one of them; a version of the policy
	 * is the same everywhere.
	 */
	const struct audit_fleet *fleets;
	size_t			  n_fleets;
};

/*
 * 0 when the log could be gone through, whatever was found; r is added to.
 * ERR_NOTFOUND (no log there), ERR_NET (a bucket that refuses too), ERR_SYS, ERR_PARSE
 * (since_note; a state of another log), ERR_CORRUPT (a state), ERR_LIMIT,
 * ERR_NOMEM: nothing can be said.
 */
int audit_verify(const struct audit_config *c, struct audit_report *r,
    struct err *e) MUST_CHECK;

/* "tile/entries/000: leaf 17: text" and so on, a line each, notices after
 * findings; then "N leaves, ... N findings". */
void audit_report_text(const struct audit_report *r, struct str *out);
void audit_report_json(const struct audit_report *r, struct str *out);

/* --- reading a log ------------------------------------------------------- */

struct audit_log; /* opaque */

/*
 * Open a log whose checkpoint one of the log keys of policy signed.  Bundles
 * and tiles are read as they are asked for and not verified.
 * ERR_NOTFOUND, ERR_CORRUPT (its checkpoint is malformed, or signed by none of
 * them), ERR_NET, and what blob_open() says.
 */
int  audit_log_open(const char *url, const struct blob_config *blob,
     const struct hash *realm, const struct policy *policy,
     struct audit_log **out, struct err *e) MUST_CHECK;
void audit_log_close(struct audit_log *l);
const struct checkpoint *audit_log_head(const struct audit_log *l);
const char *audit_log_name(const struct audit_log *l);
/* Is it the log of one of the masters that this policy names? */
bool audit_log_is_master(const struct audit_log *l, const struct policy *p);

/* One certificate of a log and all that was said about it.  Borrowed. */
struct audit_certificate {
	uint64_t		index;		/* of its leaf */
	const struct issue_leaf *leaf;
	const struct cert      *cert;
	const struct statement *request;
	const struct statement *const *decisions; /* those counted */
	size_t			n_decisions;
	uint64_t		request_index;	/* of their leaves */
	const uint64_t	       *decision_indexes;
};
/*
 * Which of them: those with one of these serials, in ascending order, and those
 * whose time begins at since or later (INT64_MAX: no others).  The statements
 * of the rest are not parsed, and nothing is said of them, not even that they
 * are unsound.
 */
struct revocations;
struct audit_select {
	const uint64_t	   *serials;
	size_t		    n_serials;
	int64_t		    since;
	struct revocations *revoked;	/* gets all of the log; NULL */
};
/*
 * Every certificate (of NULL), or those of it, in the order of the log; each()
 * non-zero ends it and is returned.  ERR_CORRUPT: a leaf does not parse, or
 * names what is not there.
 */
int audit_log_select(struct audit_log *l, const struct audit_select *of,
    int (*each)(void *ctx, const struct audit_certificate *c), void *ctx,
    struct err *e) MUST_CHECK;
/* All of them. */
int audit_log_each(struct audit_log *l,
    int (*each)(void *ctx, const struct audit_certificate *c), void *ctx,
    struct err *e) MUST_CHECK;
/* Is that object in the log's home?  1: it is not.  What blob_exists() says. */
int audit_log_has(struct audit_log *l, const char *key, struct err *e)
    MUST_CHECK;
/* The leaf of a serial's certificate.  ERR_NOTFOUND. */
int audit_log_find(struct audit_log *l, uint64_t serial, uint64_t *index,
    struct err *e) MUST_CHECK;
/*
 * Append a c2sp.org/tlog-proof@v1 of a leaf under the log's checkpoint, which
 * was checked as a reader will.  ERR_CORRUPT: the tiles do not prove it.
 */
int audit_log_prove(struct audit_log *l, uint64_t index, struct str *out,
    struct err *e) MUST_CHECK;

/* --- merging ------------------------------------------------------------- */

struct audit_merge {
	const char		 *from;	     /* home of the log to take in */
	const struct blob_config *from_blob;
	const char		 *to;	     /* home of the log that takes it */
	const struct blob_config *to_blob;
	struct hash		  realm;
	const char		 *own_name;  /* of the log that takes it */
};
struct audit_merged {
	char	 name[ID_MAX + 1];
	uint64_t leaves, certificates;	/* in all */
	uint64_t new_leaves, new_certificates;
	uint64_t objects;		/* copied, or there already */
	uint64_t foreign;		/* had other bytes, which are kept */
};
/*
 * Copy another log of the realm to logs/NAME/ of this one's home, after
 * verifying all of it.  May be repeated, and catches up.  report gets what
 * verifying found.
 * ERR_DENIED	findings, or the log is this one
 * ERR_ROLLBACK	what was merged before is not a beginning of it
 */
int audit_merge(const struct audit_merge *m, struct audit_report *report,
    struct audit_merged *out, struct err *e) MUST_CHECK;

#endif
