/* SPDX-License-Identifier: ISC */
/*
 * A certificate's evidence, for somebody who does not have Writ: files that
 * stock tools read and check.
 *
 * What each is, and how to check it, stands in README; check.sh does that with
 * sha256sum, ssh-keygen and a shell:
 *
 *   NAME.message, NAME.PERSON.sig  each statement: request, decision-1, policy,
 *                        key-1 (of a signer whose key the policy lacks)
 *   allowed_signers      the keys of those who signed
 *   policy.signers       of these, the officers who signed the policy
 *   root-N.yaml, .message, .M.sig, .before.signers, .signers   where the root is
 *                        not version 1: each version from there on, with the
 *                        officers of the one before it and its own who signed it
 *   key-1.signers        older keys, which let that key in
 *   policy/...           MANIFEST, and of its files those that say whose these
 *                        keys are
 *   issue.leaf, certificate.leaf, *.tlog-proof  what the log has, and where
 *   checkpoint, log.vkey, log.pem  the head of the log, and its key
 *   SERIAL-cert.pub, SERIAL.json   the certificate and its record
 *   revoked-N.*, report.*  what took away something of it, and what a host
 *                        saw: message, sig.N, signers, leaf, tlog-proof, and
 *                        head and key of the log that has it, which may be
 *                        another one
 *   accept.*, token.*, rename-N.*  the same of what makes the key under the
 *                        report that of the host
 *   SHA256SUMS           of all others
 */
#ifndef CA_AUDIT_EVIDENCE_H
#define CA_AUDIT_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "ca/audit/audit.h"
#include "lib/base/err.h"
#include "lib/base/str.h"
#include "lib/statement/leaf.h"
#include "lib/trust/policy.h"

#define EVIDENCE_SAID_MAX  1024	/* statements about one certificate */
#define EVIDENCE_LATER_MAX 1024	/* of its keys, what became of them since */
#define EVIDENCE_FILES_MAX 40000

struct evidence_file {
	char  *name;		/* relative, with '/' */
	char  *text;
	size_t n;
};
struct evidence {		/* zero-initialise / evidence_clear */
	struct evidence_file *v;
	size_t		      n, cap;
};
void evidence_clear(struct evidence *v);
const struct evidence_file *evidence_find(const struct evidence *v,
    const char *name);

/* A statement about it that the certificate was not issued by. */
struct evidence_more {		/* evidence_more_take / evidence_more_clear */
	char		 name[40];	/* "revoked-1", "report" */
	struct statement s;		/* verified */
	char		*about;		/* what its message says of it */
	uint64_t	 index;
	struct str	 proof, note;
	char		*log, *origin;
	const struct pubkey *log_key;	/* borrowed from the policy */
};
/*
 * The leaf at index of log l, which is the statement of that hash (a revoke, a
 * report, or what evidence_links() names), about the certificate with this serial.  m is the caller's to clear,
 * also on failure.
 * ERR_NOTFOUND (another one is there), ERR_BADSIG, ERR_PARSE, ERR_CORRUPT,
 * ERR_NOMEM, and what blob_get() says.
 */
int evidence_more_take(struct audit_log *l, const struct policy *now,
    const char *name, uint64_t index, const struct hash *want,
    uint64_t serial, struct evidence_more *m, struct err *e) MUST_CHECK;
void evidence_more_clear(struct evidence_more *m);

/*
 * What makes the key under a report that of its host, in the log that has the
 * report: "accept", "token" where it is by one, "rename-1" and on.  v holds
 * EVIDENCE_LINKS_MAX.  ERR_NOTFOUND (nobody accepted that key, no such token),
 * ERR_LIMIT, ERR_PARSE, ERR_BADSIG, ERR_NOMEM, and what blob_get() says.
 */
#define EVIDENCE_LINKS_MAX 64
struct evidence_link {
	char	    name[24];
	uint64_t    index;
	struct hash hash;
};
int evidence_links(struct audit_log *l, const struct evidence_more *report,
    struct evidence_link *v, size_t *n, struct err *e) MUST_CHECK;

/*
 * Of the certificate with this serial, as log l has it; now is the policy that
 * names its keys, and more what else there is about it, which is borrowed.
 * Statements are verified, objects compared with what the leaves give.  out
 * must be empty, and on failure is the caller's to clear.
 *
 * ERR_NOTFOUND	no such certificate, its record or its policy is not there, it
 *		was never signed (each says which)
 * ERR_DENIED	a host's, which no person asked for
 * ERR_CORRUPT	what is there is not what the leaves give
 * ERR_BADSIG, ERR_PARSE, ERR_LIMIT, ERR_NOMEM, and what blob_get() says
 */
int audit_evidence(struct audit_log *l, const struct policy *now,
    uint64_t serial, const struct evidence_more *more, size_t n_more,
    struct evidence *out, struct err *e) MUST_CHECK;

/* --- its files, of what was gathered; pure ------------------------------- */

struct evidence_said {
	char		 name[40];	/* "decision-1" */
	struct statement s;		/* verified */
};
struct evidence_root {		/* evidence_root_clear */
	struct statement s;		/* verified; that of version 1 is not had */
	struct str	 file;		/* root.yaml */
	struct policy	*root;		/* what it says */
};
void evidence_root_clear(struct evidence_root *x);
struct evidence_later {		/* a key under a statement, which is over */
	char	*name;		/* of the statement: "decision-1" */
	char	*text;		/* "is by a key of olga@example.com that ..." */
};
struct evidence_case {		/* zero-initialise / evidence_case_clear */
	uint64_t	      serial;
	struct leaf	      issue, certificate;
	struct str	      issue_text, certificate_text;	/* as logged */
	uint64_t	      issue_index, certificate_index;
	struct str	      issue_proof, certificate_proof;
	struct evidence_said *said;	/* request, decisions, policy, keys */
	size_t		      n_said, cap_said, n_decisions;
	struct str	      manifest;
	struct policy_files   files;	/* that it names */
	struct policy	     *policy;	/* what they say */
	struct evidence_root *roots;	/* version 1 and on, to the policy's */
	size_t		      n_roots, cap_roots;
	struct evidence_later *later;
	size_t		      n_later, cap_later;
	/* Borrowed: */
	const char	     *ca;	/* the policy's name of its CA */
	const char	     *log, *origin;
	const struct pubkey  *log_key;	/* that signed the note */
	struct slice	      note;
	struct str	      record, line;	/* SERIAL.json, -cert.pub */
	const struct evidence_more *more;
	size_t		      n_more;
};
void evidence_case_init(struct evidence_case *c);
void evidence_case_clear(struct evidence_case *c);
/* Whose key was it, by the policy or by the key statements of c?  NULL:
 * nobody's, as far as they say. */
const char *evidence_who(const struct evidence_case *c, const struct pubkey *k);
/* All files.  ERR_PARSE (a signature), ERR_LIMIT, ERR_NOMEM. */
int evidence_write(const struct evidence_case *c, struct evidence *out,
    struct err *e) MUST_CHECK;

/* A file more, named so.  ERR_LIMIT, ERR_NOMEM. */
int evidence_add(struct evidence *out, struct slice text, const char *fmt, ...)
    PRINTF_LIKE(3, 4) MUST_CHECK;
/* What follows the message of a statement that was parsed, and the first signature of
 * that; rest goes on behind it.  Both borrowed of s.  ERR_PARSE, ERR_NOMEM. */
struct slice evidence_signatures(const struct statement *s);
int evidence_signature(struct slice *rest, struct slice *sig, struct err *e)
    MUST_CHECK;
/* A line of allowed_signers(5). */
void evidence_signer(struct str *out, const char *who, const char *namespaces,
    const struct pubkey *k);
/* PREFIXlog.vkey and PREFIXlog.pem.  ERR_NOMEM, ERR_LIMIT. */
int evidence_add_log_key(struct evidence *out, const char *prefix,
    const char *origin, const struct pubkey *k) MUST_CHECK;

/* evidence_more.c: the key that signed the head of l, borrowed from now
 * (ERR_BADSIG, ERR_NOMEM); files of c's more, and what README and check.sh say
 * of them. */
int  evidence_log_key(struct audit_log *l, const struct policy *now,
     const struct pubkey **out, struct err *e) MUST_CHECK;
int  evidence_more_files(const struct evidence_case *c, struct evidence *out,
     struct err *e) MUST_CHECK;
void evidence_more_readme(const struct evidence_case *c, struct str *out);
void evidence_more_check(const struct evidence_case *c, struct str *out);

/* evidence_host.c: what check.sh says of one of evidence_links(). */
void evidence_host_check(const struct evidence_case *c,
     const struct evidence_more *m, struct str *out);

/* evidence_older.c: of each key statement, who let the new key in: a file
 * key-N.signers (ERR_LIMIT, ERR_NOMEM), and what check.sh says of it. */
int  evidence_older_files(const struct evidence_case *c, struct evidence *out)
     MUST_CHECK;
void evidence_older_count(const struct evidence_case *c, struct str *out);
void evidence_older_check(const struct evidence_case *c, struct str *out);

/* evidence_roots.c: files of c's roots and of who signed the policy (ERR_PARSE,
 * ERR_LIMIT, ERR_NOMEM), and what README and check.sh say of them. */
int  evidence_root_files(const struct evidence_case *c, struct evidence *out,
     struct err *e) MUST_CHECK;
void evidence_root_readme(const struct evidence_case *c, struct str *out);
void evidence_root_check(const struct evidence_case *c, struct str *out);

/*
 * evidence_later.c: which keys under the statements of c are over by now, of which
 * the policy `now` lacks them or one of the key statements `said` (in the log's
 * order) took them back; appended to c's.  What README and check.sh say of it: it
 * was good then, and is no reason for a check to fail.  ERR_NOMEM, ERR_LIMIT.
 */
struct evidence_key_said {
	const struct statement *s;	/* a key statement */
	uint64_t	 index;
};
int  evidence_find_later(struct evidence_case *c, const struct policy *now,
     const struct evidence_key_said *said, size_t n) MUST_CHECK;
void evidence_later_readme(const struct evidence_case *c, struct str *out);
void evidence_later_check(const struct evidence_case *c, struct str *out);

/* evidence_check.c: what every check.sh begins with.  Appended. */
void evidence_check_begin(struct str *out);
/* evidence_text.c: README and check.sh of c, whose other files are so_far.
 * Appended. */
void evidence_readme(const struct evidence_case *c,
    const struct evidence *so_far, struct str *out);
void evidence_check(const struct evidence_case *c,
    const struct evidence *so_far, struct str *out);
#endif
